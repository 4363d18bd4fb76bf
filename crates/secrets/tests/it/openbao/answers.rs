//! Whatever a server answers, reading it does not panic, and no error shows a value of the body.

use narae_secrets::store::openbao::Health;
use narae_secrets::store::openbao::answer::{Answer, Asked};
use proptest::prelude::*;

const CANARY: &str = "c4n4ry-c4n4ry";

/// Pieces of real answers in any order, so that more than the first byte is read.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just(format!("\"{CANARY}\"")),
        Just(CANARY.to_owned()),
        prop_oneof![
            Just("data"),
            Just("metadata"),
            Just("errors"),
            Just("keys"),
            Just("auth"),
            Just("client_token"),
            Just("wrap_info"),
            Just("token"),
            Just("version"),
            Just("deletion_time"),
            Just("batch_results"),
            Just("lease_id"),
        ]
        .prop_map(|name| format!("\"{name}\":")),
        any::<u64>().prop_map(|number| number.to_string()),
        ".{0,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn no_answer_panics_or_is_repeated(status in 100_u16..600, body in body()) {
        let answer = Answer::new(status, body);
        let said = format!(
            "{answer:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            answer.check(&Asked::default()).err(),
            answer.versioned_secret().err(),
            answer.plain_secret().err(),
            answer.metadata().err(),
            answer.written_version(),
            answer.keys().err(),
            answer.login(),
            answer.leased().err(),
            answer.lease().err(),
            answer.wrapped().err(),
            Health::of(&answer).err(),
        );
        let transit = format!(
            "{:?} {:?} {:?}",
            answer.plaintexts(1),
            answer.verdicts(2),
            answer.data_key().err(),
        );
        prop_assert!(!transit.contains(CANARY), "{}", transit);
        prop_assert!(!said.contains(CANARY), "{}", said);
    }
}
