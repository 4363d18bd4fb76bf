//! Who and when, as git can write it.

use narae_gitops::repository::{Signature, SignatureError, Timestamp};

#[test]
fn what_git_would_drop_is_dropped_and_what_it_would_misread_is_refused() {
    let time = Timestamp::new(0, 0).unwrap();
    for name in ["", " .,", "a<b", "a>b", "a\nb", "a\0b"] {
        assert_eq!(
            Signature::new(name, "a@b", time),
            Err(SignatureError::Name),
            "{name:?}"
        );
    }
    for email in ["a b", "a<@b", "a@\nb"] {
        assert_eq!(
            Signature::new("a", email, time),
            Err(SignatureError::Email),
            "{email:?}"
        );
    }
    let stripped = Signature::new(" \"A. B. Jr.\"\n", "<a@b>", time).unwrap();
    assert_eq!(stripped.to_string(), "A. B. Jr <a@b> 0 +0000");
    assert!(Signature::new("나래", "", time).is_ok());
}

#[test]
fn times_are_written_as_git_writes_them() {
    for (seconds, offset, text) in [
        (0, 0, "0 +0000"),
        (1, -330, "1 -0530"),
        (1_795_000_000, 540, "1795000000 +0900"),
        (2, -5, "2 -0005"),
    ] {
        assert_eq!(Timestamp::new(seconds, offset).unwrap().to_string(), text);
    }
    for (seconds, offset) in [
        (-1, 0),
        (Timestamp::MAX_SECONDS + 1, 0),
        (0, 1440),
        (0, i16::MIN),
    ] {
        assert_eq!(Timestamp::new(seconds, offset), Err(SignatureError::Time));
    }
}
