//! Whatever a server answers: no refusal is taken for success, nothing comes out that was not in the body, and there is one
//! outcome for each item of a batch.
#![no_main]
use libfuzzer_sys::fuzz_target;
use narae_secrets::SecretBytes;
use narae_secrets::store::openbao::Health;
use narae_secrets::store::openbao::answer::{Answer, Asked};

fuzz_target!(|input: (u16, u8, &[u8])| {
    let (status, items, body) = input;
    let items = usize::from(items % 8);
    let answer = Answer::new(status, body.to_vec());
    assert_eq!(
        answer.check(&Asked::default()).is_ok(),
        (200..=208).contains(&status)
    );
    for data in [
        answer.versioned_secret().ok().map(|secret| secret.data),
        answer.plain_secret().ok(),
        answer.leased().ok().map(|leased| leased.data),
    ] {
        let values = data.iter().flatten().map(|(_, value)| value.len());
        assert!(values.sum::<usize>() <= body.len());
    }
    if let Ok(metadata) = answer.metadata() {
        assert!(metadata.versions.is_sorted_by_key(|(version, _)| *version));
    }
    if let Ok(login) = answer.login() {
        assert!(login.token.expose().iter().all(u8::is_ascii_graphic));
    }
    let lengths = |found: Vec<Result<SecretBytes, _>>| {
        let found: usize = found.into_iter().flatten().map(|text| text.len()).sum();
        assert!(found <= body.len());
    };
    answer.plaintexts(items).into_iter().for_each(lengths);
    for found in [
        answer.ciphertexts(items),
        answer.signatures(items),
        answer.hmacs(items),
    ] {
        assert!(found.is_none_or(|found| found.len() == items));
    }
    let _ = (answer.verdicts(items), answer.data_key(), answer.lease());
    let _ = (answer.keys(), answer.wrapped(), answer.written_version());
    let _ = Health::of(&answer);
});
