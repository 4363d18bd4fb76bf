//! A reference that parses prints canonically, without white space, reads back equal, and cannot leave its mount.
#![no_main]
use libfuzzer_sys::fuzz_target;
use narae_secrets::reference::Reference;

fuzz_target!(|text: &str| {
    let text = format!("ref+vault://{text}");
    assert!(Reference::is_reference(&text));
    let Ok(reference) = text.parse::<Reference>() else {
        return;
    };
    let printed = reference.to_string();
    assert!(!printed.contains(char::is_whitespace), "{printed:?}");
    assert_eq!(
        printed.parse::<Reference>().as_ref(),
        Ok(&reference),
        "{printed:?}"
    );
    assert!(
        reference
            .path()
            .segments()
            .all(|segment| !matches!(segment, "" | "." | ".."))
    );
});
