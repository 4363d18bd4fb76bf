//! Envelopes with the canary in them, in keys and in names.

use std::io::{Read as _, Write as _};

use narae_secrets::envelope::{
    Context, Decryptor, Encryptor, Envelope, EnvelopeError, Header, KeyId, LocalKey,
};

use super::canary::{CANARY, Shown};
use crate::material::secret;

fn key() -> LocalKey {
    LocalKey::new(CANARY.repeat(3).as_bytes()[..32].try_into().unwrap())
}

pub(super) fn everything(shown: &mut Shown) {
    let context = Context::new("a", "b", "c");
    shown.silent(&context);
    shown.silent(&key());
    let envelope = Envelope::seal(&secret(CANARY), &key(), &context).unwrap();
    shown.silent(&envelope);
    shown.silent_shown(envelope.key_id());
    let bytes = envelope.to_bytes();
    let header = Header::read(&*bytes).unwrap();
    shown.silent(&header);
    shown.silent_shown(&header.payload());

    let mut encryptor = Encryptor::new(Vec::new(), &key(), &context).unwrap();
    encryptor.write_all(CANARY.as_bytes()).unwrap();
    shown.silent(&encryptor);
    let stream = encryptor.finish().unwrap();
    let mut decryptor = Decryptor::new(&*stream, &[&key()], &context).unwrap();
    decryptor.read_exact(&mut [0]).unwrap();
    shown.silent(&decryptor);

    let elsewhere = Context::new("", "", "");
    shown.silent_error(&envelope.open(&[&key()], &elsewhere).unwrap_err());
    shown.silent_error(&envelope.open(&[], &context).unwrap_err());
    shown.silent_error(&Envelope::from_bytes(CANARY.as_bytes()).unwrap_err());
    shown.silent_error(&LocalKey::from_pem(CANARY.as_bytes()).unwrap_err());
    shown.silent_error::<EnvelopeError>(&EnvelopeError::Refused);
    shown.silent_error(&"\n".parse::<KeyId>().unwrap_err());
}
