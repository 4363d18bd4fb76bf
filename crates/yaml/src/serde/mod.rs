//! Callers' own types, in and out.
//!
//! Reading goes from nodes rather than values, so that an error has the place of what did not fit.
//! Enums are written as serde's own data model has it and JSON shows it: a unit variant is its
//! name, any other a mapping of one entry from the name to its content. Bytes are a sequence of numbers.

mod de;
mod ser;
mod value;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Node, Reader, Value};

/// Reads one document into a type.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Image { repository: String, tag: String }
///
/// let image: Image = narae_yaml::from_str("repository: nginx\ntag: '1.29'\n")?;
/// assert_eq!(image.tag, "1.29");
///
/// let error = narae_yaml::from_str::<Image>("repository: nginx\ntag: 1.29\n").err();
/// assert_eq!(error.map(|e| e.to_string()).as_deref(), Some("2:6: invalid type: number, expected a string"));
/// # Ok::<(), narae_yaml::Error>(())
/// ```
///
/// # Errors
///
/// As [`Reader::read_one`], and at the value that does not fit `T`.
pub fn from_str<T: DeserializeOwned>(source: &str) -> Result<T, Error> {
    Reader::new().read_into(source)
}

/// Makes a type of a node.
///
/// # Errors
///
/// At the node that does not fit `T`.
pub fn from_node<T: DeserializeOwned>(node: Node) -> Result<T, Error> {
    T::deserialize(de::Deserializer(node))
}

/// Makes a type of a value.
///
/// # Errors
///
/// When the value does not fit `T`; without a place, since a value has none.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(de::Deserializer(value))
}

/// Makes a value of anything that serializes.
///
/// # Errors
///
/// When `T` refuses to serialize, or has a mapping key that is not a string, boolean or integer.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    value.serialize(ser::Serializer)
}

/// Writes anything that serializes as one document.
///
/// # Errors
///
/// As [`to_value`].
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    to_value(value).map(|value| crate::write(&value))
}

impl Reader {
    /// Reads `source` as one document into a type.
    ///
    /// # Errors
    ///
    /// As [`Reader::read_one`], and at the value that does not fit `T`.
    pub fn read_into<T: DeserializeOwned>(&self, source: &str) -> Result<T, Error> {
        let document = self.read_one(source)?;
        from_node(document.root).map_err(|error| error.in_source(self.source_name()))
    }
}
