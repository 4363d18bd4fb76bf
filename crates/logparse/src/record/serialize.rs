//! Records for any serde format: a map of the fields under `fields`, beside where they came from.
//!
//! Numbers that fit 64 bits are integers; those with up to 15 digits, which a
//! float gives back, are floats; others are given as their literal text, because serde has no exact number. Text
//! that is not UTF-8 is given as bytes. JSON arrays are given as their text. Repeated names are given as often as they occur.

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use super::{Field, Number, Record, Value};

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut record = serializer.serialize_struct("Record", 5)?;
        record.serialize_field("format", self.format().name())?;
        record.serialize_field("time", &self.time())?;
        record.serialize_field("part", self.part().name())?;
        record.serialize_field("offset", &self.spans().start())?;
        record.serialize_field("fields", &Fields(self.fields()))?;
        record.end()
    }
}

struct Fields<'r, 'a>(&'r [Field<'a>]);

impl Serialize for Fields<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for field in self.0 {
            map.serialize_entry(field.name(), field.value())?;
        }
        map.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => match text.to_str() {
                Ok(text) => serializer.serialize_str(&text),
                Err(_) => serializer.serialize_bytes(&text.decode()),
            },
            Self::Time(time) => time.serialize(serializer),
            Self::List(values) => values.serialize(serializer),
            Self::Json(json) => serializer.serialize_str(json),
        }
    }
}

impl Serialize for Number<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(value) = self.as_integer::<u64>() {
            serializer.serialize_u64(value)
        } else if let Some(value) = self.as_integer::<i64>() {
            serializer.serialize_i64(value)
        } else if fits_a_float(&self.literal()) {
            serializer.serialize_f64(self.as_f64())
        } else {
            serializer.serialize_str(&self.literal())
        }
    }
}

/// Whether a decimal survives the way through an `f64`: 15 significant digits always do, within its range.
fn fits_a_float(literal: &str) -> bool {
    let mantissa = literal.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa
        .bytes()
        .filter(u8::is_ascii_digit)
        .skip_while(|digit| *digit == b'0')
        .count();
    let value: f64 = literal.parse().unwrap_or(f64::NAN);
    digits <= f64::DIGITS as usize && (digits == 0 || value.is_normal())
}
