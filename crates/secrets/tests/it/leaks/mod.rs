//! A planted secret must not appear in anything a public type prints, in any error, nor in a line that a
//! dependency traces. A public type that nobody looked at fails the test.

mod canary;
#[cfg(feature = "envelope")]
mod envelope;
mod sealed;
mod store;
#[cfg(any(feature = "kube", feature = "vault"))]
mod trace;
mod traits;

use narae_secrets::sealed::{PrivateKey, PrivateKeys};

use self::canary::Shown;
use crate::material::{data, secret};

#[test]
fn no_public_type_shows_a_secret() {
    let mut shown = Shown::default();
    store::values_and_stores(&mut shown);
    store::references(&mut shown);
    store::guard(&mut shown);
    store::errors(&mut shown);
    #[cfg(feature = "file")]
    store::file(&mut shown);
    #[cfg(feature = "vault")]
    {
        store::openbao(&mut shown);
        store::answers(&mut shown);
    }
    #[cfg(feature = "envelope")]
    envelope::everything(&mut shown);
    sealed::secrets(&mut shown);
    sealed::files(&mut shown);
    sealed::errors(&mut shown);
    sealed::names(&mut shown);
    sealed::provisions(&mut shown);
    #[cfg(feature = "folder")]
    sealed::folder(&mut shown);
    #[cfg(feature = "generate")]
    sealed::generate(&mut shown);
    #[cfg(feature = "kube")]
    {
        sealed::controller(&mut shown);
        store::kubernetes(&mut shown);
    }
    let missing = shown.missing();
    assert!(missing.is_empty(), "print these here, too: {missing:?}");
}

#[test]
fn keys_print_their_fingerprint_only() {
    let mut shown = Shown::default();
    for file in ["keys/2048.key.pem", "keys/2048.pkcs1.pem"] {
        let pem = std::fs::read_to_string(data(file)).unwrap();
        let printed = format!(
            "{:?} {:?}",
            PrivateKey::from_pem(pem.as_bytes()),
            PrivateKeys::from_pem(pem.as_bytes())
        );
        for line in pem.lines().filter(|line| !line.starts_with('-')) {
            assert!(!printed.contains(line));
        }
        assert!(printed.len() < 400, "{printed}");
        let broken = pem.replacen("MII", "MIX", 1);
        shown.silent_error(&PrivateKey::from_pem(broken.as_bytes()).unwrap_err());
        assert!(!format!("{:?}", PrivateKey::from_pem(broken.as_bytes())).contains("MIX"));
    }
}

#[test]
fn equality_looks_at_everything() {
    assert_eq!(secret("same"), secret("same"));
    for other in ["", "sam", "samE", "Same", "same ", "same\0"] {
        assert_ne!(secret("same"), secret(other), "{other:?}");
    }
    assert!(secret("").is_empty());
}
