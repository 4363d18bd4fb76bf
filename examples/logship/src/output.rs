//! An event as a line of JSON; the README documents its members.

use narae_logparse::Event;
use narae_logparse::encode::Object;
use narae_logparse::line::Part;

/// Writes one line, newline included, to the end of `out`.
pub(crate) fn write(file: &str, event: &Event<'_>, out: &mut Vec<u8>) {
    let object = Object::begin(out);
    let object = match event {
        Event::Record(record) => {
            let object = object
                .text("@file", file.as_bytes())
                .number("@offset", record.spans().start());
            let object = object.text("@format", record.format().name().as_bytes());
            part(object, record.part()).record(record)
        }
        Event::Raw(raw) => {
            let (line, error) = (raw.line(), raw.error());
            let object = object
                .text("file", file.as_bytes())
                .number("line", line.number());
            let object = object
                .number("offset", line.offset())
                .number("at", error.offset() as u64);
            let object = object
                .text("reason", error.reason().code().as_bytes())
                .text("field", error.field().as_bytes());
            part(object, line.part()).text("raw", line.bytes())
        }
    };
    object.end();
    out.push(b'\n');
}

fn part(object: Object<'_>, part: Part) -> Object<'_> {
    match part {
        Part::Whole => object,
        _ => object.text("@part", part.name().as_bytes()),
    }
}
