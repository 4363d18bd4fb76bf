//! Whatever is read is written so that it reads back the same, is the same without places and through
//! serde; nothing panics on anything else.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(documents) = narae_yaml::Reader::new().read_bytes(bytes) else {
        return;
    };
    let text = std::str::from_utf8(bytes).expect("it was read");
    let values: Vec<_> = documents
        .iter()
        .map(|document| document.to_value())
        .collect();
    for node in documents
        .iter()
        .filter_map(|document| document.root.as_mapping())
        .flatten()
    {
        assert!(
            text.get(node.key.span.range()).is_some(),
            "a span outside the source"
        );
    }
    assert_eq!(narae_yaml::read(text).as_ref(), Ok(&values));
    let written = narae_yaml::write_all(&values);
    assert_eq!(
        narae_yaml::read(&written).as_ref(),
        Ok(&values),
        "{written}"
    );
    for (document, value) in documents.into_iter().zip(&values) {
        let through_serde: narae_yaml::Value =
            narae_yaml::from_node(document.root).expect("any value");
        assert_eq!(&through_serde, value);
    }
});
