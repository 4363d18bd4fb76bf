//! Whatever is read is written so that it reads back the same; nothing panics on anything else.
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
    let written = narae_yaml::write_all(&values);
    assert_eq!(
        narae_yaml::read(&written).as_ref(),
        Ok(&values),
        "{written}"
    );
});
