//! What parses as a sealed item prints canonically, reads back equal, and accounts for every byte.
#![no_main]
use libfuzzer_sys::fuzz_target;
use narae_secrets::sealed::SealedItem;

fuzz_target!(|text: &str| {
    let Ok(item) = SealedItem::from_base64(text) else {
        return;
    };
    let printed = item.to_base64();
    assert_eq!(
        SealedItem::from_canonical_base64(&printed),
        Ok(item.clone())
    );
    assert_eq!(
        SealedItem::from_bytes(item.as_bytes().to_vec()),
        Ok(item.clone())
    );
    assert_eq!(
        2 + item.wrapped_key_bytes() + item.value_bytes() + 16,
        item.as_bytes().len()
    );
    assert_eq!(
        SealedItem::from_canonical_base64(text).is_ok(),
        printed == text
    );
});
