//! OTLP in protobuf, written by hand: the five messages of a log request need no generated code. Field numbers are those of
//! `opentelemetry/proto/{logs,common,resource}/v1`.

use super::{Any, LogRecord};

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const BYTES: u8 = 2;

pub(super) fn request(resources: &[(&[u8], Vec<&[u8]>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (resource, records) in resources {
        let mut scope_logs = Vec::new();
        let mut scope = Vec::new();
        bytes(1, b"narae-logparse", &mut scope);
        bytes(1, &scope, &mut scope_logs);
        records
            .iter()
            .for_each(|record| bytes(2, record, &mut scope_logs));
        let mut resource_logs = Vec::new();
        bytes(1, resource, &mut resource_logs);
        bytes(2, &scope_logs, &mut resource_logs);
        bytes(1, &resource_logs, &mut out);
    }
    out
}

/// Attributes as the field of this number.
pub(super) fn attributes(field: u8, attributes: &[(String, Any)], out: &mut Vec<u8>) {
    for (name, value) in attributes {
        let mut pair = Vec::new();
        bytes(1, name.as_bytes(), &mut pair);
        bytes(2, &any(value), &mut pair);
        bytes(field, &pair, out);
    }
}

pub(super) fn record(record: &LogRecord, out: &mut Vec<u8>) {
    fixed64(1, record.time, out);
    if record.severity > 0 {
        key(2, VARINT, out);
        varint(u64::from(record.severity), out);
    }
    if let Some(text) = &record.severity_text {
        bytes(3, text.as_bytes(), out);
    }
    if let Some(body) = &record.body {
        bytes(5, &any(body), out);
    }
    attributes(6, &record.attributes, out);
    for (field, id) in [(9, &record.trace_id), (10, &record.span_id)] {
        if let Some(id) = id {
            bytes(field, id, out);
        }
    }
    fixed64(11, record.observed, out);
}

fn any(value: &Any) -> Vec<u8> {
    let mut out = Vec::new();
    match value {
        Any::Text(text) => bytes(1, text.as_bytes(), &mut out),
        Any::Bool(value) => {
            key(2, VARINT, &mut out);
            varint(u64::from(*value), &mut out);
        }
        Any::Int(value) => {
            key(3, VARINT, &mut out);
            varint(value.cast_unsigned(), &mut out);
        }
        Any::Double(value) => fixed64(4, value.to_bits(), &mut out),
        Any::Array(values) => {
            let mut array = Vec::new();
            values
                .iter()
                .for_each(|value| bytes(1, &any(value), &mut array));
            bytes(5, &array, &mut out);
        }
        Any::Bytes(value) => bytes(7, value, &mut out),
        Any::Empty => {}
    }
    out
}

fn key(field: u8, kind: u8, out: &mut Vec<u8>) {
    out.push(field << 3 | kind);
}

fn bytes(field: u8, value: &[u8], out: &mut Vec<u8>) {
    key(field, BYTES, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

fn fixed64(field: u8, value: u64, out: &mut Vec<u8>) {
    key(field, FIXED64, out);
    out.extend_from_slice(&value.to_le_bytes());
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}
