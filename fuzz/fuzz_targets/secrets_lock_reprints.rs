//! A lock file that reads is written with one line for each path, and reads the same again.
#![no_main]
use libfuzzer_sys::fuzz_target;
use narae_secrets::lock::Lock;

fuzz_target!(|text: &str| {
    let text = format!("# narae-secrets lock 1\n{text}");
    let Ok(lock) = Lock::read("x", &text) else {
        return;
    };
    let printed = lock.to_string();
    assert_eq!(printed.lines().count(), lock.len() + 1, "{printed:?}");
    assert_eq!(Lock::read("x", &printed).as_ref(), Ok(&lock), "{printed:?}");
});
