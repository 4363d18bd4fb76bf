//! Streams of small segments, so that everything that can happen at their borders is tried. Unit tests, because the public API
//! has one size.

use std::io::{self, Read as _, Write as _};

use proptest::prelude::*;

use super::{HEADER_BYTES, Sizes};
use crate::envelope::data_key::random;
use crate::envelope::{Context, Decryptor, Encryptor, EnvelopeError, Header, LocalKey, rewrap};

const SMALL: Sizes = Sizes {
    segment_bytes: 100,
    max_segments: 5,
};
/// Plaintext in the first segment, and in each further one.
const FIRST: usize = 44;
const FURTHER: usize = 84;
/// As much as the segments hold.
const MOST: usize = FIRST + 4 * FURTHER;

fn key() -> LocalKey {
    LocalKey::new(&[7; 32])
}

fn context() -> Context {
    Context::new("test", "stream", "")
}

/// Encrypts what is written piece by piece.
fn encrypted(plaintext: &[u8], piece: usize) -> Result<Vec<u8>, EnvelopeError> {
    let mut out = Encryptor::sized(SMALL, &mut random, Vec::new(), &key(), &context())?;
    for piece in plaintext.chunks(piece) {
        out.write_all(piece).map_err(EnvelopeError::Io)?;
    }
    out.finish()
}

/// Decrypts; also what was read before an error.
fn decrypted(stream: &[u8], context: &Context) -> (Vec<u8>, Result<(), io::Error>) {
    let mut read = Vec::new();
    match Decryptor::sized(SMALL, stream, &[&key()], context) {
        Ok(mut decryptor) => {
            let result = decryptor.read_to_end(&mut read).map(drop);
            (read, result)
        }
        Err(error) => (read, Err(error.into())),
    }
}

fn plaintext(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// The segments of a stream, and what is before them.
fn parts(stream: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let at = Header::read(stream).unwrap().payload_at() + HEADER_BYTES;
    let (before, segments) = stream.split_at(at);
    let (first, rest) = segments.split_at(segments.len().min(100 - HEADER_BYTES));
    let rest = rest.chunks(100);
    (before, std::iter::once(first).chain(rest).collect())
}

#[test]
fn every_length_comes_back_and_no_truncation_opens() {
    for length in 0..=MOST {
        let stream = encrypted(&plaintext(length), 1000).unwrap();
        let (read, result) = decrypted(&stream, &context());
        assert_eq!(read, plaintext(length));
        result.unwrap();
        let (_, segments) = parts(&stream);
        let further = length.saturating_sub(FIRST).div_ceil(FURTHER);
        assert_eq!(segments.len(), 1 + further, "{length}");
    }
    let stream = encrypted(&plaintext(FIRST + 2 * FURTHER), 7).unwrap();
    for length in 0..stream.len() {
        let (read, result) = decrypted(&stream[..length], &context());
        assert!(result.is_err(), "cut to {length}");
        assert!(plaintext(MOST).starts_with(&read));
    }
}

#[test]
fn more_than_the_limit_is_refused() {
    assert!(encrypted(&plaintext(MOST), 10).is_ok());
    let error = encrypted(&plaintext(MOST + 1), 10).unwrap_err();
    assert!(error.to_string().contains("more than the"), "{error}");
    // By the reader as well.
    let sizes = Sizes {
        max_segments: 6,
        ..SMALL
    };
    let mut out = Encryptor::sized(sizes, &mut random, Vec::new(), &key(), &context()).unwrap();
    out.write_all(&plaintext(MOST + 1)).unwrap();
    let (read, result) = decrypted(&out.finish().unwrap(), &context());
    assert_eq!(read, plaintext(MOST));
    assert!(result.is_err());
}

#[test]
fn segments_have_one_order_and_one_end() {
    let stream = encrypted(&plaintext(FIRST + 3 * FURTHER), 1000).unwrap();
    let (before, segments) = parts(&stream);
    let refused = |segments: &[&[u8]]| {
        let changed = [before, &segments.concat()].concat();
        let (read, result) = decrypted(&changed, &context());
        assert!(result.is_err());
        assert!(plaintext(MOST).starts_with(&read));
    };
    let [a, b, c, d] = segments[..] else {
        panic!("four segments")
    };
    refused(&[a, c, b, d]);
    refused(&[a, b, d]);
    refused(&[a, b, b, c, d]);
    refused(&[a, b, c]);
    refused(&[a, b, c, d, d]);
    refused(&[a, b, c, d, &d[..16]]);
    refused(&[b, c, d]);
    refused(&[d]);
    refused(&[]);
    refused(&[a, b, c, d, b"x"]);
    // Of another stream under the same wrapping key.
    let other = encrypted(&plaintext(FIRST + 3 * FURTHER), 1000).unwrap();
    let (_, others) = parts(&other);
    refused(&[a, others[1], c, d]);
}

#[test]
fn an_unfinished_stream_does_not_open_and_a_failed_one_goes_no_further() {
    struct Full(Vec<u8>);
    impl io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let left = 300 - self.0.len();
            self.0.extend_from_slice(&bytes[..left.min(bytes.len())]);
            Ok(left.min(bytes.len()))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let full = Full(Vec::new());
    let mut out = Encryptor::sized(SMALL, &mut random, full, &key(), &context()).unwrap();
    let error = out.write_all(&plaintext(MOST)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    assert!(out.write_all(b"x").is_err());
    assert!(matches!(out.finish().err(), Some(EnvelopeError::Failed)));

    let mut file = Vec::new();
    let mut out = Encryptor::sized(SMALL, &mut random, &mut file, &key(), &context()).unwrap();
    out.write_all(&plaintext(200)).unwrap();
    drop(out);
    let mut input = Decryptor::sized(SMALL, &*file, &[&key()], &context()).unwrap();
    let mut buffer = [0; 1000];
    let results: Vec<_> = (0..4).map(|_| input.read(&mut buffer).ok()).collect();
    assert_eq!(results, [Some(FIRST), None, None, None]);
}

proptest! {
    #[test]
    fn any_bit_flipped_is_refused(length in 0..MOST, at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut stream = encrypted(&plaintext(length), 1000).unwrap();
        let at = at.index(stream.len());
        stream[at] ^= 1 << bit;
        let (read, result) = decrypted(&stream, &context());
        prop_assert!(result.is_err(), "{at} {bit}");
        prop_assert!(plaintext(length).starts_with(&read));
    }

    #[test]
    fn pieces_make_no_difference(bytes in prop::collection::vec(any::<u8>(), 0..MOST), piece in 1..200usize) {
        let stream = encrypted(&bytes, piece).unwrap();
        let (read, result) = decrypted(&stream, &context());
        prop_assert!(result.is_ok());
        prop_assert_eq!(read, bytes);
    }

    #[test]
    fn rewrapped_the_payload_is_the_same(length in 0..MOST) {
        let stream = encrypted(&plaintext(length), 1000).unwrap();
        let (new, mut again) = (LocalKey::new(&[8; 32]), Vec::new());
        rewrap(&*stream, &mut again, &[&key()], &new, &context()).unwrap();
        prop_assert_eq!(parts(&stream).1, parts(&again).1);
        prop_assert!(decrypted(&again, &context()).1.is_err());
        let mut read = Vec::new();
        Decryptor::sized(SMALL, &*again, &[&key(), &new], &context()).unwrap().read_to_end(&mut read).unwrap();
        prop_assert_eq!(read, plaintext(length));
    }

    #[test]
    fn another_context_is_refused(text in "[a-z]{0,8}") {
        let stream = encrypted(b"x", 1).unwrap();
        let (read, result) = decrypted(&stream, &Context::new("test", "stream", &text));
        prop_assert_eq!(result.is_ok(), text.is_empty());
        prop_assert_eq!(read.is_empty(), !text.is_empty());
    }
}
