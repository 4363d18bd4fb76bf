//! A path that is read is written as the same path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_yaml::Path;

fuzz_target!(|text: &str| {
    if let Ok(path) = text.parse::<Path>() {
        assert_eq!(path.to_string().parse::<Path>().as_ref(), Ok(&path));
    }
});
