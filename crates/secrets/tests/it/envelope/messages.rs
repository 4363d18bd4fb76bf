//! Messages: what comes back, and everything that does not.

use narae_secrets::SecretBytes;
use narae_secrets::envelope::{
    Context, Envelope, EnvelopeError as E, Header, LocalKey, MAX_KEY_ID_BYTES, MAX_MESSAGE_BYTES,
    Payload, UnwrapKey, rewrap,
};
use proptest::prelude::*;

use super::{context, key};
use crate::material::secret;

fn sealed(text: &str) -> Vec<u8> {
    let envelope = Envelope::seal(&secret(text), &key(7), &context());
    envelope.unwrap().to_bytes()
}

fn open(bytes: &[u8], context: &Context) -> Result<SecretBytes, E> {
    Envelope::from_bytes(bytes)?.open(&[&key(7)], context)
}

#[test]
fn a_message_opens_by_its_key_in_its_context() {
    let bytes = sealed("pa55");
    assert_eq!(open(&bytes, &context()).unwrap(), secret("pa55"));
    assert_ne!(bytes, sealed("pa55"), "a data key of its own each time");
    let header = Header::read(&*bytes).unwrap();
    assert_eq!(header.payload(), Payload::Message);
    assert_eq!(header.key_id(), &UnwrapKey::id(&key(7)));
    assert!(bytes.starts_with(&header.to_bytes()));

    let envelope = Envelope::from_bytes(&bytes).unwrap();
    // Among others, whichever is named.
    let (a, b, c) = (key(1), key(7), key(3));
    assert!(envelope.open(&[&a, &b, &c], &context()).is_ok());
    let error = envelope.open(&[&a, &c], &context()).unwrap_err();
    assert!(
        error.to_string().contains(envelope.key_id().as_str()),
        "{error}"
    );
    assert!(matches!(error, E::NoKey { .. }));
    assert!(matches!(
        envelope.open(&[], &context()),
        Err(E::NoKey { .. })
    ));
}

/// A key that claims another's name.
struct Impostor(LocalKey);

impl UnwrapKey for Impostor {
    fn id(&self) -> narae_secrets::envelope::KeyId {
        UnwrapKey::id(&key(7))
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<SecretBytes, E> {
        self.0.unwrap(wrapped)
    }
}

#[test]
fn what_does_not_open_says_the_same_whatever_the_cause() {
    let bytes = sealed("pa55");
    let header = Header::read(&*bytes).unwrap().to_bytes().len();
    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        open(&bytes, &context()).unwrap_err()
    };
    let id = 12..12 + Header::read(&*bytes).unwrap().key_id().as_str().len();
    let envelope = Envelope::from_bytes(&bytes).unwrap();
    let errors = [
        open(&bytes, &Context::new("backup", "shop/db", "user")).unwrap_err(),
        open(&bytes, &Context::from_associated_data(b"")).unwrap_err(),
        envelope.open(&[&Impostor(key(8))], &context()).unwrap_err(),
        flipped(id.end),
        flipped(header - 1),
        flipped(header),
        flipped(bytes.len() - 1),
    ];
    for error in errors {
        assert!(matches!(error, E::Refused), "{error}");
        assert_eq!(error.to_string(), E::Refused.to_string());
        assert!(std::error::Error::source(&error).is_none());
    }
}

#[test]
fn the_name_of_the_key_is_authenticated() {
    let bytes = sealed("pa55");
    let at = 12;
    let end = at + Header::read(&*bytes).unwrap().key_id().as_str().len();
    struct Named(String);
    impl UnwrapKey for Named {
        fn id(&self) -> narae_secrets::envelope::KeyId {
            self.0.parse().unwrap()
        }
        fn unwrap(&self, wrapped: &[u8]) -> Result<SecretBytes, E> {
            key(7).unwrap(wrapped)
        }
    }
    let mut renamed = bytes.clone();
    renamed[at..end].fill(b'x');
    let named = Named("x".repeat(end - at));
    let opened = Envelope::from_bytes(&renamed)
        .unwrap()
        .open(&[&named], &context());
    assert!(matches!(opened, Err(E::Refused)));
    // As it was, the same key opens it.
    let named = Named(UnwrapKey::id(&key(7)).to_string());
    let opened = Envelope::from_bytes(&bytes)
        .unwrap()
        .open(&[&named], &context());
    assert_eq!(opened.unwrap(), secret("pa55"));
}

#[test]
fn what_is_no_envelope_is_said_with_its_place() {
    let bytes = sealed("pa55");
    let with = |at: usize, new: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        Envelope::from_bytes(&bytes).unwrap_err().to_string()
    };
    let id = Header::read(&*bytes).unwrap().key_id().as_str().len();
    let length = 12 + id + 32;
    let place = |at: usize| format!("at byte {at}");
    assert!(with(0, b"X").ends_with(&place(0)));
    assert!(with(8, &[2]).contains("format version 2"));
    assert!(with(9, &[0]).ends_with(&place(9)));
    assert!(with(9, &[2]).contains("holds a stream, expected a message"));
    assert!(with(10, &[0, 0]).ends_with(&place(12)));
    assert!(with(10, &[0xff, 0xff]).ends_with(&place(10)));
    assert!(with(12, &[0xff]).ends_with(&place(12)));
    assert!(with(12, b"\n").ends_with(&place(12)));
    for wrong in [[0; 4], [0, 0, 0x10, 1], [0xff; 4]] {
        assert!(with(length, &wrong).ends_with(&place(length)));
    }
    for kept in 0..bytes.len() {
        assert!(open(&bytes[..kept], &context()).is_err(), "cut to {kept}");
    }
    let longer = [&*bytes, b"x"].concat();
    assert!(matches!(open(&longer, &context()), Err(E::Refused)));
    for name in ["", "a\nb", &"x".repeat(MAX_KEY_ID_BYTES + 1)] {
        let error = name.parse::<narae_secrets::envelope::KeyId>();
        assert!(error.is_err(), "{name:?}");
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let large = SecretBytes::new(vec![0; MAX_MESSAGE_BYTES + 1]);
    let error = Envelope::seal(&large, &key(7), &context()).unwrap_err();
    assert!(matches!(error, E::TooLarge { .. }), "{error}");
    let header = Header::read(&*sealed("")).unwrap().to_bytes();
    let bytes = [header, vec![0; MAX_MESSAGE_BYTES + 100]].concat();
    let error = Envelope::from_bytes(&bytes).unwrap_err();
    assert!(matches!(error, E::TooLarge { .. }), "{error}");
}

#[test]
fn a_tink_frame_is_what_follows_the_tag() {
    let bytes = sealed("pa55");
    let envelope = Envelope::from_bytes(&bytes).unwrap();
    let frame = envelope.to_tink();
    let id = envelope.key_id().as_str().len();
    assert_eq!(frame, bytes[12 + id + 32..]);
    let again = Envelope::from_tink(&frame, &key(7), &context()).unwrap();
    assert_eq!(again, envelope);
    for kept in 0..frame.len() {
        assert!(Envelope::from_tink(&frame[..kept], &key(7), &context()).is_err());
    }
    let refused = Envelope::from_tink(&frame, &key(7), &Context::new("", "", ""));
    assert!(matches!(refused, Err(E::Refused)));
    let refused = Envelope::from_tink(&frame, &key(8), &context());
    assert!(matches!(refused, Err(E::Refused)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..2000), data in any::<Vec<u8>>()) {
        let (plaintext, context) = (SecretBytes::new(bytes), Context::from_associated_data(&data));
        let envelope = Envelope::seal(&plaintext, &key(7), &context).unwrap();
        let stored = envelope.to_bytes();
        prop_assert_eq!(open(&stored, &context).unwrap(), plaintext);
        prop_assert_eq!(Envelope::from_bytes(&stored).unwrap(), envelope);
    }

    #[test]
    fn any_bit_flipped_is_refused(length in 0..100usize, at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut bytes = sealed(&"x".repeat(length));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(open(&bytes, &context()).is_err());
    }

    #[test]
    fn contexts_are_told_apart(a in any::<[String; 3]>(), b in any::<[String; 3]>()) {
        let of = |texts: &[String; 3]| Context::new(&texts[0], &texts[1], &texts[2]);
        prop_assert_eq!(of(&a) == of(&b), a == b);
        let moved = Context::new(&format!("{}x", a[0]), &a[1], &a[2]);
        let there = Context::new(&a[0], &format!("x{}", a[1]), &a[2]);
        prop_assert_ne!(moved, there);
    }

    #[test]
    fn rewrapped_the_payload_is_the_same(text in ".{0,50}") {
        let bytes = sealed(&text);
        let payload = |bytes: &[u8]| {
            let header = Header::read(bytes).unwrap().to_bytes();
            bytes[header.len()..].to_vec()
        };
        let mut again = Vec::new();
        rewrap(&*bytes, &mut again, &[&key(7)], &key(8), &context()).unwrap();
        prop_assert_eq!(payload(&bytes), payload(&again));
        let other = open(&again, &context());
        prop_assert!(matches!(other, Err(E::NoKey { .. })), "{:?}", other);
        let envelope = Envelope::from_bytes(&again).unwrap();
        prop_assert_eq!(envelope.open(&[&key(8)], &context()).unwrap(), secret(&text));
        // Whoever does not know the context does not rewrap.
        let elsewhere = Context::new("", "", "");
        let mut none = Vec::new();
        let refused = rewrap(&*bytes, &mut none, &[&key(7)], &key(8), &elsewhere);
        prop_assert!(matches!(refused, Err(E::Refused)), "{:?}", refused);
        prop_assert!(none.is_empty());
    }

    #[test]
    fn arbitrary_bytes_do_not_open(bytes in any::<Vec<u8>>()) {
        prop_assert!(open(&bytes, &context()).is_err());
        prop_assert!(Envelope::from_tink(&bytes, &key(7), &context()).is_err());
    }
}
