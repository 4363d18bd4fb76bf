//! Dates and times that are given; there is no clock here.

use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::temporal::Pieces;
use narae_yaml::Value;

use super::{text, wrong_count};

/// Characters of a format; the text it makes is at most some times as long.
const MAX_FORMAT_CHARS: usize = 256;

/// An RFC 3339 date or time in a `strftime` format, with the offset it was written with.
pub(super) fn date(arguments: &[&Value]) -> Result<Value, String> {
    let [time, format] = arguments else {
        return Err(wrong_count(arguments));
    };
    let (time, format) = (text(time)?, text(format)?);
    if format.len() > MAX_FORMAT_CHARS {
        return Err(format!(
            "takes a format of {MAX_FORMAT_CHARS} bytes at most"
        ));
    }
    let parts = broken_down(&time)
        .ok_or("takes a time such as `2026-11-21T07:59:46Z`, found another text")?;
    parts
        .to_string(&format)
        .map(Value::String)
        .map_err(|_| format!("cannot write such a time in the format `{format}`"))
}

fn broken_down(time: &str) -> Option<BrokenDownTime> {
    let pieces = Pieces::parse(time).ok()?;
    let time = pieces.date().to_datetime(pieces.time().unwrap_or_default());
    match pieces.to_numeric_offset() {
        Some(offset) => {
            let zoned = time.to_zoned(offset.to_time_zone()).ok()?;
            Some(BrokenDownTime::from(&zoned))
        }
        None => Some(BrokenDownTime::from(time)),
    }
}
