//! How types of this crate are written by serde: those with a text form as that text; a value that
//! may be missing as itself, `null` included.

/// Implements `Serialize` and `Deserialize` by `Display` and `FromStr`.
macro_rules! text_form {
    ($($type:ty),+ $(,)?) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

text_form!(
    crate::edit::Locator,
    crate::edit::Selector,
    crate::repository::CommitId,
    crate::repository::TreePath,
    crate::image::TagOrder,
);

/// For an `Option<Value>` field: missing is `None`, `null` is a value.
pub(crate) mod present {
    use narae_yaml::Value;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Value>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(out)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Value>, D::Error> {
        Value::deserialize(from).map(Some)
    }
}
