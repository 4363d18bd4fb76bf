//! Google's Wycheproof vectors through the wrappers of this module. Unit tests, because the public
//! API neither takes a session key nor a nonce.

use aes_gcm::aead::{Aead as _, Payload};
use wycheproof::TestResult;
use wycheproof::{aead, rsa_oaep};

use super::item::cipher;
use super::private_key::PrivateKey;

#[test]
fn rsa_oaep_with_sha256_and_labels() {
    use rsa_oaep::TestName as Name;
    let mut seen = 0;
    let sets = [
        Name::Rsa2048Sha256Mgf1Sha256,
        Name::Rsa3072Sha256Mgf1Sha256,
        Name::Rsa4096Sha256Mgf1Sha256,
    ];
    for name in sets {
        let set = rsa_oaep::TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let key = PrivateKey::from_pkcs8(&group.pkcs8).unwrap();
            for test in &group.tests {
                let opened = key.decrypt(&test.ct, &test.label);
                match test.result {
                    TestResult::Valid => {
                        assert_eq!(
                            opened.as_ref().map(|opened| opened.as_slice()),
                            Some(test.pt.as_slice()),
                            "{name:?} {}",
                            test.tc_id
                        );
                    }
                    TestResult::Invalid => assert!(opened.is_none(), "{name:?} {}", test.tc_id),
                    TestResult::Acceptable => {}
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "only {seen} vectors");
}

#[test]
fn aes_256_gcm() {
    let mut seen = 0;
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let groups = set.test_groups.iter();
    for group in groups.filter(|g| (g.key_size, g.nonce_size, g.tag_size) == (256, 96, 128)) {
        for test in &group.tests {
            let key: &[u8; 32] = test.key.as_slice().try_into().unwrap();
            let nonce: [u8; 12] = test.nonce.as_slice().try_into().unwrap();
            let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let payload = |msg| Payload {
                msg,
                aad: &test.aad,
            };
            let opened = cipher(key).decrypt(&nonce.into(), payload(&sealed));
            match test.result {
                TestResult::Valid => {
                    assert_eq!(opened.as_deref(), Ok(test.pt.as_slice()), "{}", test.tc_id);
                    let again = cipher(key).encrypt(&nonce.into(), payload(&test.pt));
                    assert_eq!(again, Ok(sealed), "{}", test.tc_id);
                }
                TestResult::Invalid => assert!(opened.is_err(), "{}", test.tc_id),
                TestResult::Acceptable => {}
            }
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen} vectors");
}
