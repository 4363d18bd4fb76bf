//! Loki's push API in JSON: streams of lines, each stream a set of labels.
//!
//! Labels are few, because each set is a stream with an index of its own: `job`, the file and, of the origin's fields, namespace, pod,
//! container and workload, dots written as underscores. The line is the event as a JSON object, as `_bulk` has it; so Loki's `json`
//! stage reads it. The time is the event's, in nanoseconds. Loki stores two equal lines of one time in one stream once, which makes sending
//! again harmless: the line has the offset in it.

use std::collections::BTreeMap;

use super::{Item, Object, Origin, bulk};
use crate::reader::Event;

const LABELS: &[&str] = &[
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
];

/// Encodes an event; `job` is the label of that name.
pub fn item(event: &Event<'_>, origin: &Origin<'_>, job: &str) -> Item {
    let mut group = Vec::new();
    let mut labels = Object::begin(&mut group)
        .text("job", job.as_bytes())
        .text("filename", origin.path().as_bytes());
    let known = origin
        .resource()
        .iter()
        .filter(|field| LABELS.contains(&field.name()));
    for field in known {
        if let Some(value) = field.value().to_str() {
            labels = labels.text(&field.name().replace('.', "_"), value.as_bytes());
        }
    }
    labels.end();
    let mut line = Vec::with_capacity(512);
    bulk::write_document(event, origin, &mut line);
    let mut body = Vec::with_capacity(line.len() + 64);
    body.extend_from_slice(b"[\"");
    let nanoseconds = origin.time(event).unix_nanoseconds().max(0);
    super::display(&nanoseconds, &mut body);
    body.extend_from_slice(b"\",");
    super::write_str(&String::from_utf8_lossy(&line), &mut body);
    body.push(b']');
    Item {
        id: origin.id(event),
        group,
        body,
    }
}

/// One request for all of them: items of one stream together, in their order.
pub(crate) fn request<'i>(items: impl Iterator<Item = &'i Item>) -> Vec<u8> {
    let mut streams: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    for item in items {
        streams.entry(&item.group).or_default().push(&item.body);
    }
    let mut out = b"{\"streams\":[".to_vec();
    for (number, (labels, values)) in streams.into_iter().enumerate() {
        out.extend_from_slice(if number > 0 { b"," } else { b"" });
        out.extend_from_slice(b"{\"stream\":");
        out.extend_from_slice(labels);
        out.extend_from_slice(b",\"values\":[");
        out.extend_from_slice(&values.join(&b','));
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(b"]}");
    out
}
