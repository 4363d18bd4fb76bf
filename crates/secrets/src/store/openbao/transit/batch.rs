//! A batch of one operation: its items as they are sent, cut to what a server takes in one request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use zeroize::Zeroizing;

use super::TransitKey;
use crate::store::StoreErrorKind;
use crate::store::openbao::answer::{Answer, Outcomes};
use crate::store::openbao::request::{MAX_REQUEST_BYTES, Request};

/// Items sent at a time. OpenBao refuses more than 1,000 strings in one request; an item has up to six.
const MAX_BATCH_ITEMS: usize = 150;
/// Bytes sent at a time.
const MAX_BATCH_BYTES: usize = MAX_REQUEST_BYTES / 4;

/// How the results of a batch are read, of so many items.
pub(super) type ReadResults<T> = fn(&Answer, usize) -> Option<Outcomes<T>>;

#[derive(Serialize, Default)]
pub(super) struct Item<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plaintext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ciphertext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) associated_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hmac: Option<&'a str>,
}

#[derive(Serialize)]
struct Batch<'a> {
    batch_input: &'a [Item<'a>],
}

impl TransitKey {
    /// One outcome for each item.
    pub(super) fn batch<T>(
        &self,
        operation: &str,
        items: &[Item<'_>],
        read: ReadResults<T>,
    ) -> Result<Outcomes<T>, StoreErrorKind> {
        let mut results = Vec::with_capacity(items.len());
        let mut rest = items;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(batch_of(rest));
            let parts = [self.mount.as_str(), operation, &self.name];
            let request = Request::post(&parts, &Batch { batch_input: now })?.repeatable();
            let answer = self.bao.try_send(&request)?;
            match read(&answer, now.len()) {
                Some(outcomes) => results.extend(outcomes),
                None => {
                    self.bao.check(self.mount.as_str(), &request, &answer)?;
                    let reason = "not as many results as items";
                    return Err(StoreErrorKind::UnexpectedAnswer { reason });
                }
            }
            rest = later;
        }
        Ok(results)
    }
}

/// How many items go into one request, at least one.
fn batch_of(items: &[Item<'_>]) -> usize {
    let mut bytes = 0;
    let fits = |item: &&Item<'_>| {
        let texts = [
            item.plaintext,
            item.ciphertext,
            item.associated_data,
            item.input,
        ];
        bytes += texts.into_iter().flatten().map(str::len).sum::<usize>();
        bytes <= MAX_BATCH_BYTES
    };
    items
        .iter()
        .take(MAX_BATCH_ITEMS)
        .take_while(fits)
        .count()
        .max(1)
}

pub(super) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(bytes))
}

pub(super) fn encoded_data(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| STANDARD.encode(bytes))
}
