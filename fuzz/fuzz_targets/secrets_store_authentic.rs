//! No bytes open as a store unless they were sealed with its key; and what opens has one encoding.
#![no_main]
use libfuzzer_sys::fuzz_target;
use narae_secrets::SecretBytes;
use narae_secrets::store::Cas;
use narae_secrets::store::contents::Contents;
use narae_secrets::store::file::frame::{self, StoreKey};

fuzz_target!(
    |input: (Vec<u8>, Vec<(String, String, Vec<u8>)>, usize, u8)| {
        let (bytes, writes, at, flip) = input;
        let key = StoreKey::new(&[7; 32]);
        assert!(frame::open(&bytes, &key).is_err());
        let mut contents = Contents::new();
        for (path, name, value) in writes {
            let Ok(path) = path.parse() else { continue };
            // A refused write changes nothing.
            let _ = contents.write(&path, &[(name, SecretBytes::new(value))].into(), Cas::Any);
        }
        let mut frame = frame::seal(&contents, &key, [1; 32]).expect("small contents fit");
        assert_eq!(frame::open(&frame, &key), Ok(contents));
        let at = at % frame.len();
        frame[at] ^= flip;
        assert_eq!(frame::open(&frame, &key).is_ok(), flip == 0);
    }
);
