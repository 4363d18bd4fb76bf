//! What the compiler can show: secret types lack the traits that would leak them, and types are what threads need.

use std::fmt::Display;

use narae_secrets::SecretBytes;
use narae_secrets::guard::{Guard, GuardedWriter, KnownValues, Scanner};
use narae_secrets::reference::{Reference, ReferenceError};
use narae_secrets::resolve::{ResolveError, Resolved, ResolvedValue};
use narae_secrets::sealed::{
    Backup, BackupKey, Certificate, CertificateError, DigestKey, Item, OpenError, PrivateKey,
    PrivateKeyError, PrivateKeys, Resealed, SealError, SealRequest, SealedFile, SealedItem,
    SealedSecret, UnsealedSecret, Validator,
};
use narae_secrets::store::contents::Contents;
use narae_secrets::store::memory::MemoryStore;
use narae_secrets::store::{Secret, Store, StoreError};

/// That a type lacks a trait, shown by the compiler: with it, `item` below could mean two things.
macro_rules! lacks {
    ($type:ty: $($lacking:path),+) => {$({
        trait Ambiguous<A> {
            fn item() {}
        }
        impl<T: ?Sized> Ambiguous<()> for T {}
        struct Has;
        impl<T: ?Sized + $lacking> Ambiguous<Has> for T {}
        let _: fn() = <$type as Ambiguous<_>>::item;
    })+};
}

/// If one of these had one of the traits, this would not compile, and the error would name both.
#[test]
fn secret_types_cannot_be_printed_serialised_or_copied() {
    lacks!(SecretBytes: Display, serde::Serialize, Clone, AsRef<[u8]>, std::ops::Deref);
    lacks!(Item: Display, serde::Serialize, Clone);
    lacks!(UnsealedSecret: Display, serde::Serialize, Clone);
    lacks!(PrivateKey: Display, serde::Serialize, Clone);
    lacks!(PrivateKeys: Display, serde::Serialize, Clone);
    lacks!(Backup: Display, serde::Serialize, Clone);
    lacks!(BackupKey: Display, serde::Serialize, Clone);
    lacks!(DigestKey: Display, serde::Serialize, Clone);
    lacks!(SealRequest<'static>: Display, serde::Serialize, Clone);
    lacks!(Secret: Display, serde::Serialize, Clone);
    lacks!(Resolved: Display, serde::Serialize, Clone);
    lacks!(ResolvedValue: Display, serde::Serialize, Clone);
    lacks!(Contents: Display, serde::Serialize, Clone);
    lacks!(MemoryStore: Display, serde::Serialize, Clone);
    lacks!(KnownValues: Display, serde::Serialize, Clone);
    lacks!(Guard: Display, serde::Serialize, Clone);
    lacks!(Scanner<'static>: Display, serde::Serialize, Clone);
    lacks!(GuardedWriter<'static, Vec<u8>>: Display, serde::Serialize, Clone);
    #[cfg(feature = "envelope")]
    {
        use narae_secrets::envelope::{Decryptor, Encryptor, LocalKey};
        lacks!(LocalKey: Display, serde::Serialize, Clone);
        lacks!(Encryptor<Vec<u8>>: Display, serde::Serialize, Clone);
        lacks!(Decryptor<&'static [u8]>: Display, serde::Serialize, Clone);
    }
    #[cfg(feature = "generate")]
    lacks!(narae_secrets::sealed::Generated: Display, serde::Serialize, Clone);
    #[cfg(feature = "file")]
    {
        use narae_secrets::store::file::{FileStore, KeyFile, frame::StoreKey};
        lacks!(StoreKey: Display, serde::Serialize, Clone);
        lacks!(KeyFile: Display, serde::Serialize, Clone);
        lacks!(FileStore: Display, serde::Serialize, Clone);
    }
    #[cfg(feature = "kube")]
    {
        use narae_secrets::store::kubernetes::answer::Answer;
        lacks!(Answer: Display, serde::Serialize, Clone);
    }
    #[cfg(feature = "vault")]
    {
        use narae_secrets::store::openbao::answer::{Answer, Login};
        use narae_secrets::store::openbao::{
            Auth, DataKey, Environment, Leased, OpenBao, Options, Wrapped,
        };
        lacks!(Answer: Display, serde::Serialize, Clone);
        lacks!(Auth: Display, serde::Serialize, Clone);
        lacks!(DataKey: Display, serde::Serialize, Clone);
        lacks!(Leased: Display, serde::Serialize, Clone);
        lacks!(Login: Display, serde::Serialize, Clone);
        lacks!(Wrapped: Display, serde::Serialize, Clone);
        lacks!(Options: Display, serde::Serialize, Clone);
        lacks!(Environment: Display, serde::Serialize, Clone);
        lacks!(OpenBao: Display, serde::Serialize);
    }
}

#[test]
fn types_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<SecretBytes>();
    shared::<Reference>();
    shared::<ReferenceError>();
    shared::<Resolved>();
    shared::<ResolveError>();
    shared::<Certificate>();
    shared::<CertificateError>();
    shared::<PrivateKeys>();
    shared::<PrivateKeyError>();
    shared::<Backup>();
    shared::<DigestKey>();
    shared::<SealedFile>();
    shared::<Resealed>();
    shared::<UnsealedSecret>();
    shared::<Validator<'static>>();
    #[cfg(feature = "envelope")]
    {
        use narae_secrets::envelope::{Decryptor, Encryptor, Envelope, EnvelopeError, LocalKey};
        shared::<Envelope>();
        shared::<EnvelopeError>();
        shared::<LocalKey>();
        shared::<Encryptor<Vec<u8>>>();
        shared::<Decryptor<&'static [u8]>>();
    }
    #[cfg(feature = "folder")]
    shared::<narae_secrets::sealed::folder::FileReport>();
    #[cfg(feature = "kube")]
    shared::<narae_secrets::sealed::Controller>();
    shared::<SealedItem>();
    shared::<OpenError>();
    shared::<SealedSecret>();
    shared::<SealError>();
    shared::<Secret>();
    shared::<StoreError>();
    shared::<MemoryStore>();
    shared::<Box<dyn Store>>();
    #[cfg(feature = "file")]
    shared::<narae_secrets::store::file::FileStore>();
    #[cfg(feature = "vault")]
    shared::<narae_secrets::store::openbao::OpenBao>();
}
