//! A text with references in it prints as what reads back equal; what is refused is not taken for a literal unless it has none.
#![no_main]
use libfuzzer_sys::fuzz_target;
use narae_secrets::reference::{Interpolation, InterpolationErrorKind};

fuzz_target!(|text: &str| {
    match text.parse::<Interpolation>() {
        Ok(read) => {
            assert!(Interpolation::is_one(text), "{text:?}");
            assert!(read.references().next().is_some());
            let printed = read.to_string();
            assert_eq!(
                printed.parse::<Interpolation>().as_ref(),
                Ok(&read),
                "{printed:?}"
            );
        }
        Err(error) => {
            let has_none = error.kind == InterpolationErrorKind::NoReference
                || error.kind == InterpolationErrorKind::TooLong;
            assert!(has_none || Interpolation::is_one(text), "{text:?}: {error}");
            assert!(error.column <= text.chars().count() + 1);
        }
    }
});
