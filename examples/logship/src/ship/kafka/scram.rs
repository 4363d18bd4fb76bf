//! The client's half of SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and neither says it. Without channel
//! binding, as Kafka has none. Pure: messages in, messages out.

use std::num::NonZeroU32;

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// RFC 7677 asks for as many at least; and a server shall not keep us busy for ever.
const ITERATIONS: std::ops::RangeInclusive<u32> = 4096..=1_000_000;

/// The hash of a mechanism.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn hmac(self, key: &[u8], message: &[u8]) -> hmac::Tag {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), message)
    }

    fn digest(self, bytes: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes)
    }

    fn salted(self, password: &str, salt: &[u8], iterations: NonZeroU32) -> Zeroizing<Vec<u8>> {
        let (algorithm, length) = match self {
            Self::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
            Self::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
        };
        let mut salted = Zeroizing::new(vec![0; length]);
        pbkdf2::derive(
            algorithm,
            iterations,
            salt,
            password.as_bytes(),
            &mut salted,
        );
        salted
    }
}

/// A conversation, from its first message on.
pub(super) struct Scram {
    hash: Hash,
    nonce: String,
    first: String,
}

impl Scram {
    /// `nonce` is of this conversation only, nobody could guess it, and it has no comma.
    pub(super) fn new(hash: Hash, user: &str, nonce: String) -> Self {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let first = format!("n={user},r={nonce}");
        Self { hash, nonce, first }
    }

    /// What is said first.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.first)
    }

    /// What is said to the server's first message, and what it must say then. Errors quote nothing of a message.
    pub(super) fn answer(
        &self,
        server: &str,
        password: &str,
    ) -> anyhow::Result<(String, ServerProof)> {
        let mut parts = server.split(',');
        let mut part = |name: &str| parts.next().and_then(|part| part.strip_prefix(name));
        let parts = (part("r="), part("s="), part("i="));
        let (Some(nonce), Some(salt), Some(iterations)) = parts else {
            bail!("its challenge is not SCRAM's");
        };
        ensure!(
            nonce.len() > self.nonce.len() && nonce.starts_with(&self.nonce),
            "its challenge answers somebody else"
        );
        let salt = STANDARD.decode(salt).context("its salt is not Base64")?;
        let iterations = iterations.parse().ok().filter(|n| ITERATIONS.contains(n));
        let iterations = iterations.and_then(NonZeroU32::new);
        let iterations = iterations
            .with_context(|| format!("it asks for iterations that are not in {ITERATIONS:?}"))?;

        let salted = self.hash.salted(password, &salt, iterations);
        let client_key = self.hash.hmac(&salted, b"Client Key");
        let stored_key = self.hash.digest(client_key.as_ref());
        let last = format!("c=biws,r={nonce}");
        let exchange = format!("{},{server},{last}", self.first);
        let signature = self.hash.hmac(stored_key.as_ref(), exchange.as_bytes());
        let keys = client_key.as_ref().iter().zip(signature.as_ref());
        let proof: Vec<u8> = keys.map(|(key, signature)| key ^ signature).collect();
        let server_key = self.hash.hmac(&salted, b"Server Key");
        let server = self.hash.hmac(server_key.as_ref(), exchange.as_bytes());
        let last = format!("{last},p={}", STANDARD.encode(proof));
        Ok((last, ServerProof(server)))
    }
}

/// What a server says that knows the password, too.
pub(super) struct ServerProof(hmac::Tag);

impl ServerProof {
    pub(super) fn check(&self, server: &str) -> anyhow::Result<()> {
        let said = server.split(',').next().unwrap_or_default();
        let said = said.strip_prefix("v=");
        let said = said.and_then(|said| STANDARD.decode(said).ok());
        let proves = said.is_some_and(|said| {
            constant_time::verify_slices_are_equal(&said, self.0.as_ref()).is_ok()
        });
        ensure!(proves, "it does not prove that it knows the password");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Hash, Scram};

    const SERVER: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn example() -> Scram {
        Scram::new(Hash::Sha256, "user", "rOprNGfwEbeRWgbNEkqO".to_owned())
    }

    #[test]
    fn the_example_of_rfc_7677_is_spoken_word_by_word() -> anyhow::Result<()> {
        let scram = example();
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let (last, proof) = scram.answer(SERVER, "pencil")?;
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(last, expected);
        proof.check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")?;
        for wrong in [
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=",
            "v=",
            "e=other-error",
            "",
        ] {
            assert!(proof.check(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn names_are_escaped_and_wrong_challenges_refused() {
        let scram = Scram::new(Hash::Sha512, "a=b,c", "x".to_owned());
        assert_eq!(scram.first(), "n,,n=a=3Db=2Cc,r=x");
        for wrong in [
            "",
            "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            &SERVER.replace("4096", "4095"),
            &SERVER.replace("4096", "4000000000"),
            &SERVER.replace("W22Z", "!!!!"),
            &SERVER.replace("s=", "m=x,s="),
        ] {
            assert!(example().answer(wrong, "pencil").is_err(), "{wrong}");
        }
    }
}
