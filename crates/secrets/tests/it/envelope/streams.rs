//! Streams by the public API, at its one size of segments; what happens at their borders is tried by the crate's own unit tests.

use std::io::{self, Read as _, Write as _};

use narae_secrets::envelope::{
    Context, Decryptor, Encryptor, Envelope, EnvelopeError as E, Header, rewrap,
};

use super::{context, key};
use crate::material::{certificate, private_key, secret};

const MIB: usize = 1024 * 1024;

fn encrypted(plaintext: &[u8]) -> Vec<u8> {
    let mut out = Encryptor::new(Vec::new(), &key(7), &context()).unwrap();
    out.write_all(plaintext).unwrap();
    out.finish().unwrap()
}

#[test]
fn a_stream_is_opened_and_rewrapped() {
    let plaintext = vec![7; MIB + 10];
    let stream = encrypted(&plaintext);
    let header = Header::read(&*stream).unwrap().to_bytes().len();
    assert_eq!(stream.len(), header + 40 + plaintext.len() + 2 * 16);
    let mut again = Vec::new();
    rewrap(
        &*stream,
        &mut again,
        &[&key(7)],
        &certificate(2048),
        &context(),
    )
    .unwrap();
    let payload = &stream[header..];
    assert!(
        again.ends_with(payload),
        "not a byte of the payload changes"
    );
    let mut read = Vec::new();
    let private = private_key(2048);
    let mut decryptor = Decryptor::new(&*again, &[&private], &context()).unwrap();
    decryptor.read_to_end(&mut read).unwrap();
    assert!(read == plaintext);
}

#[test]
fn errors_come_through_as_sources() {
    let mut stream = encrypted(b"x");
    let last = stream.len() - 1;
    stream[last] ^= 1;
    let mut decryptor = Decryptor::new(&*stream, &[&key(7)], &context()).unwrap();
    let error = decryptor.read(&mut [0; 10]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let inner = error.get_ref().unwrap().downcast_ref::<E>();
    assert!(matches!(inner, Some(E::Refused)));

    let elsewhere = Decryptor::new(&*stream, &[&key(7)], &Context::new("", "", ""));
    assert!(matches!(elsewhere, Err(E::Refused)));
    let other = Decryptor::new(&*stream, &[&key(8)], &context());
    assert!(matches!(other, Err(E::NoKey { .. })));
    let message = Envelope::seal(&secret("x"), &key(7), &context());
    let message = message.unwrap().to_bytes();
    let other = Decryptor::new(&*message, &[&key(7)], &context());
    assert!(matches!(other, Err(E::OtherPayload { .. })));
}

/// Memory does not grow with the stream: neither side ever asks for or gives more than a segment.
#[test]
fn a_stream_is_worked_on_by_segments() {
    struct Counting {
        largest: usize,
        total: usize,
    }
    impl io::Write for Counting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.largest = self.largest.max(bytes.len());
            self.total += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (largest, total) = (0, 0);
    let sink = Counting { largest, total };
    let mut out = Encryptor::new(sink, &key(7), &context()).unwrap();
    let piece = vec![1; 300_000];
    for _ in 0..10 {
        out.write_all(&piece).unwrap();
    }
    let sink = out.finish().unwrap();
    assert_eq!(sink.largest, MIB);
    assert!(sink.total > 3_000_000);
}
