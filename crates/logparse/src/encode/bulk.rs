//! OpenSearch's and Elasticsearch's `_bulk`: an action and a document for each event.
//!
//! The action is always `create` with an id ([`Origin::id`](super::Origin::id)): it is the only one that data streams take, and what is sent a second time
//! is answered 409 instead of stored twice. A document has `@timestamp`, `@file`, `@offset`, `@format` and `@part` (if it is not whole), the fields
//! of its origin and its own. A field of the record that is called `@timestamp` is left out if it says the same, and
//! else is called `timestamp`: a data stream refuses two values. Dots in the names of labels and annotations become underscores, as
//! `app` and `app.kubernetes.io/name` cannot both be fields there.

use super::{Item, Object, Origin, origin};
use crate::line::Part;
use crate::reader::Event;
use crate::record::Field;
use crate::time::Timestamp;

/// The most bytes of an id.
const MAX_ID_BYTES: usize = 512;

/// Encodes an event for this index or data stream.
///
/// ```
/// use narae_logparse::{Format, Reader, Timestamp};
/// use narae_logparse::encode::{Origin, bulk};
///
/// let mut reader = Reader::new(Format::Json);
/// reader.push(b"{\"time\":\"2026-11-21T04:44:44Z\",\"msg\":\"up\"}\n");
/// let event = reader.next_event().ok_or("no event")?;
/// let origin = Origin::new("disk-1", "/var/log/a.log", Timestamp::from_unix_seconds(0));
/// let item = bulk::item(&event, &origin, "logs-shop");
/// let (action, document) = item.text()?.split_once('\n').ok_or("two lines")?;
/// assert_eq!(action, format!("{{\"create\":{{\"_index\":\"logs-shop\",\"_id\":\"{}\"}}}}", item.id()));
/// assert!(document.starts_with("{\"@timestamp\":\"2026-11-21T04:44:44Z\",\"@file\":\"/var/log/a.log\",\"@offset\":0,\"@format\":\"json\","));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn item(event: &Event<'_>, origin: &Origin<'_>, index: &str) -> Item {
    let mut id = origin.id(event);
    id.truncate(MAX_ID_BYTES);
    let mut body = Vec::with_capacity(512);
    body.extend_from_slice(b"{\"create\":");
    Object::begin(&mut body)
        .text("_index", index.as_bytes())
        .text("_id", id.as_bytes())
        .end();
    body.extend_from_slice(b"}\n");
    write_document(event, origin, &mut body);
    body.push(b'\n');
    Item {
        id,
        group: Vec::new(),
        body,
    }
}

/// The document alone, without an end of line, for who keeps it elsewhere. The group is the origin's source.
pub fn document(event: &Event<'_>, origin: &Origin<'_>) -> Item {
    let mut body = Vec::with_capacity(512);
    write_document(event, origin, &mut body);
    Item {
        id: origin.id(event),
        group: origin.source().as_bytes().to_vec(),
        body,
    }
}

pub(super) fn write_document<'e>(event: &Event<'e>, origin: &Origin<'_>, out: &mut Vec<u8>) {
    let time = origin.time(event);
    let record = origin::record(event);
    let mut object = Object::begin(out)
        .text("@timestamp", time.to_string().as_bytes())
        .text("@file", origin.path().as_bytes())
        .number("@offset", event.offset())
        .text("@format", record.format().name().as_bytes());
    if record.part() != Part::Whole {
        object = object.text("@part", record.part().name().as_bytes());
    }
    let resource = origin.resource().iter().cloned();
    let resource = resource.map(|field| -> Field<'e> { without_dots(field) });
    let own = record.into_fields().into_iter();
    let own = own.filter_map(|field| own_timestamp(field, time));
    let fields: Vec<Field<'e>> = resource.chain(own).collect();
    object.fields(&fields).end();
}

fn own_timestamp(field: Field<'_>, time: Timestamp) -> Option<Field<'_>> {
    if field.name() != "@timestamp" {
        return Some(field);
    }
    let same = field.value().as_time() == Some(time);
    (!same).then(|| Field::new("timestamp", field.value().clone()))
}

fn without_dots(field: Field<'static>) -> Field<'static> {
    for prefix in ["k8s.pod.label.", "k8s.pod.annotation."] {
        if let Some(name) = field.name().strip_prefix(prefix) {
            let name = format!("{prefix}{}", name.replace('.', "_"));
            return Field::new(name, field.value().clone());
        }
    }
    field
}
