//! Any text is a quantity or an error; a quantity reads back from its canonical form as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_manifest::Quantity;

fuzz_target!(|text: &str| {
    let Ok(quantity) = text.parse::<Quantity>() else {
        return;
    };
    let written = quantity.to_string();
    let read: Quantity = written.parse().expect("what is written is a quantity");
    assert_eq!(read, quantity, "{text:?} is written {written:?}");
    assert_eq!(read.to_string(), written);
    if let Some(sum) = quantity.checked_add(quantity) {
        assert_eq!(Some(sum), quantity.checked_mul(2));
    }
});
