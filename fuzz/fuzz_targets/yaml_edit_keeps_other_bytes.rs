//! An edit either sets exactly what it was asked to, changing one stretch, or is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_yaml::{Path, Segment, Value};

fuzz_target!(|input: (String, Vec<u8>, String)| {
    let (source, steps, new) = input;
    let Ok(documents) = narae_yaml::Reader::new().read(&source) else {
        return;
    };
    let Some(mut value) = documents.first().map(|document| document.to_value()) else {
        return;
    };
    let mut path = Path::root();
    for step in steps {
        let here = value.at(&path).expect("it was found");
        let mapping = here
            .as_mapping()
            .and_then(|m| m.keys().nth(usize::from(step)).map(Segment::from));
        let sequence = here
            .get_index(step.into())
            .map(|_| Segment::Index(step.into()));
        let Some(segment) = mapping.or(sequence) else {
            break;
        };
        path.push(segment);
    }
    let new = Value::from(new);
    let Ok(edited) = narae_yaml::edit::replace(&source, 0, &path, &new) else {
        return;
    };
    let after = narae_yaml::read(&edited).expect("it was checked");
    *value.at_mut(&path).expect("it was found") = new;
    assert!(
        source.contains('*') || after.first() == Some(&value),
        "{source:?} -> {edited:?}"
    );
});
