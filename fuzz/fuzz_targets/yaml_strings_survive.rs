//! Any string, as a key and as a value, survives writing and reading.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_yaml::{Mapping, Schema, Value};

fuzz_target!(|texts: Vec<String>| {
    let mapping: Mapping = texts
        .iter()
        .map(|text| (text.clone(), vec![text.clone()]))
        .collect();
    let value = Value::from(vec![Value::from(mapping), Value::from(texts)]);
    let written = narae_yaml::write(&value);
    for schema in [Schema::Kubernetes, Schema::Core] {
        let read = narae_yaml::Reader::new()
            .with_schema(schema)
            .read_one(&written)
            .expect(&written);
        assert_eq!(read.to_value(), value, "{written}");
    }
});
