//! The policy document as JSON and TOML text.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;

use super::compile::compile_document;
use super::document::{self, Document, OptionValue};
use crate::policy::Policy;
use crate::problem::{PolicyError, ProblemCode, Problems};

impl Policy {
    /// Builds a policy from JSON text.
    ///
    /// # Errors
    /// Every problem of the text or the document.
    ///
    /// ```
    /// let policy = crossgate::Policy::from_json(
    ///     r#"{"allow_origins": ["https://a.example"], "max_age": 600}"#,
    /// )?;
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Policy, PolicyError> {
        Self::from_document(&Document::from_json(text)?)
    }

    /// Builds a policy from TOML text.
    ///
    /// # Errors
    /// Every problem of the text or the document.
    ///
    /// ```
    /// let text = "allow_origins = ['https://a.example']\nmax_age = 600";
    /// let policy = crossgate::Policy::from_toml(text)?;
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<Policy, PolicyError> {
        let (document, problems) = Document::read_toml(text)?;
        compile_document(&document, problems)
    }
}

impl Document {
    /// Reads JSON text: one object, the options at its top level.
    ///
    /// # Errors
    /// `document_invalid` with line and column. A name that stands twice is kept twice, and
    /// reported by the build.
    pub fn from_json(text: &str) -> Result<Self, PolicyError> {
        // Windows editors put a byte-order mark first.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        serde_json::from_str(text).map_err(|error| {
            let position = (error.line() > 0).then(|| (error.line(), error.column().max(1)));
            let message = error.to_string();
            // The place is said in our own words; if serde_json says it otherwise, it stands twice.
            let place = format!(" at line {} column {}", error.line(), error.column());
            syntax_error("JSON", position, message.trim_end_matches(&place))
        })
    }

    /// Reads TOML text: the options at the top level.
    ///
    /// # Errors
    /// `document_invalid` with line and column, `duplicate_option` for a name that stands twice.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let (document, problems) = Self::read_toml(text)?;
        if problems.error_count() == 0 {
            Ok(document)
        } else {
            Err(PolicyError::new(problems))
        }
    }

    /// The same, but a name that stands twice leaves a document that can be judged: its first value
    /// counts.
    pub(super) fn read_toml(text: &str) -> Result<(Self, Problems), PolicyError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let invalid = |error: &toml::de::Error| {
            syntax_error(
                "TOML",
                error
                    .span()
                    .map(|span| document::line_and_column(text, span.start)),
                error.message(),
            )
        };
        let (table, errors) = toml::de::DeTable::parse_recoverable(text);
        let mut problems = Problems::default();
        // The errors come in the order of the text, so each line is counted from the one before.
        let (mut line, mut from) = (1, 0);
        for error in &errors {
            let Some(name) = repeated_key(text, table.get_ref(), error) else {
                return Err(invalid(error));
            };
            let at = error.span().map_or(from, |span| span.start).max(from);
            line += text.get(from..at).unwrap_or_default().matches('\n').count();
            from = at;
            let message = format!("this option stands twice (line {line}); keep one");
            problems.error(ProblemCode::DuplicateOption, name, "", message, None);
        }
        let document = Document::deserialize(toml::Deserializer::from(table))
            .map_err(|error| invalid(&error))?;
        Ok((document, problems))
    }

    /// The document as JSON text, one option a line.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The document as TOML text. TOML has no null, so an option that is `null` is left out (it
    /// means absent).
    pub fn to_toml(&self) -> String {
        let entries = self
            .entries()
            .iter()
            .filter(|(_, value)| *value != OptionValue::Null)
            .cloned()
            .collect();
        toml::to_string(&Document { entries }).unwrap_or_default()
    }
}

/// The key that an error of the TOML parser is about, if it stands at the start of a line and is
/// the name of an option that the table has from another place. (The parser's message says so too,
/// but another version may say it in other words.)
fn repeated_key<'t>(
    text: &'t str,
    table: &toml::de::DeTable<'_>,
    error: &toml::de::Error,
) -> Option<&'t str> {
    let span = error.span()?;
    let key = text.get(span.clone())?;
    let before = text[..span.start].rsplit('\n').next().unwrap_or_default();
    let name = key.trim().trim_matches(['"', '\'']);
    let (known, _) = table.get_key_value(name)?;
    let elsewhere = known.span().start != span.start;
    (elsewhere && before.trim().is_empty()).then_some(name)
}

fn syntax_error(format: &str, position: Option<(usize, usize)>, message: &str) -> PolicyError {
    let mut problems = Problems::default();
    document::invalid(&mut problems, format, position, message);
    PolicyError::new(problems)
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Document;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the policy's options")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut document = Document::new();
                while let Some((name, value)) = map.next_entry::<String, OptionValue>()? {
                    document.push(name, value);
                }
                Ok(document)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl<'de> Deserialize<'de> for OptionValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = OptionValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<OptionValue, E> {
                Ok(OptionValue::Null)
            }
            fn visit_bool<E>(self, v: bool) -> Result<OptionValue, E> {
                Ok(OptionValue::Bool(v))
            }
            fn visit_i64<E>(self, v: i64) -> Result<OptionValue, E> {
                Ok(OptionValue::Int(v))
            }
            fn visit_u64<E>(self, v: u64) -> Result<OptionValue, E> {
                Ok(i64::try_from(v).map_or(OptionValue::Float(v as f64), OptionValue::Int))
            }
            fn visit_f64<E>(self, v: f64) -> Result<OptionValue, E> {
                Ok(OptionValue::Float(v))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<OptionValue, E> {
                Ok(OptionValue::Str(v.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OptionValue, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(OptionValue::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OptionValue, A::Error> {
                while map
                    .next_entry::<de::IgnoredAny, de::IgnoredAny>()?
                    .is_some()
                {}
                Ok(OptionValue::Other("object".into()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries().len()))?;
        for (name, value) in self.entries() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for OptionValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            OptionValue::Null | OptionValue::Other(_) => serializer.serialize_unit(),
            OptionValue::Bool(v) => serializer.serialize_bool(*v),
            OptionValue::Int(v) => serializer.serialize_i64(*v),
            OptionValue::Float(v) => serializer.serialize_f64(*v),
            OptionValue::Str(v) => serializer.serialize_str(v),
            OptionValue::List(v) => v.serialize(serializer),
            // Its text would mean something else there.
            OptionValue::Regex { .. } => Err(serde::ser::Error::custom(
                "a regex in the dialect of another language; the built policy's document has it",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_syntax_error_has_its_place() {
        let error = Document::from_json("{\n  \"allow_origins\": [,]\n}").unwrap_err();
        assert_eq!(error.problems()[0].code, ProblemCode::DocumentInvalid);
        assert!(
            error.problems()[0].message.contains("line 2, column 21"),
            "{error}"
        );
    }

    #[test]
    fn a_toml_syntax_error_has_its_place() {
        let error = Document::from_toml("max_age = 5\nallow_origins = [").unwrap_err();
        assert!(error.problems()[0].message.contains("line 2"), "{error}");
    }

    #[test]
    fn toml_reports_a_double_key_as_such() {
        let error = Document::from_toml("max_age = 5\nmax_age = 6\n").unwrap_err();
        assert_eq!(
            (error.problems()[0].code, error.problems()[0].path.as_str()),
            (ProblemCode::DuplicateOption, "max_age")
        );
    }

    #[test]
    fn toml_tells_a_double_key_from_other_errors() {
        for (text, code) in [
            (
                "max_age = 5\n \"max_age\" = 6\n",
                ProblemCode::DuplicateOption,
            ),
            ("max_age = 5\n'max_age' = 6\n", ProblemCode::DuplicateOption),
            (
                "max_age = 5\nupstream = max_age\n",
                ProblemCode::DocumentInvalid,
            ),
            ("max_age = 5\nmax_age\n", ProblemCode::DocumentInvalid),
            ("max_age = 5 max_age = 6\n", ProblemCode::DocumentInvalid),
        ] {
            let error = Document::from_toml(text).unwrap_err();
            assert_eq!(error.problems()[0].code, code, "{text} {error}");
        }
    }

    #[test]
    fn the_place_of_a_json_error_is_said_once() {
        let error = Document::from_json("[1,\n]").unwrap_err();
        assert_eq!(
            error.problems()[0].message.matches("line").count(),
            1,
            "{error}"
        );
    }

    #[test]
    fn json_keeps_a_double_key_for_the_build_to_report() {
        let document = Document::from_json(r#"{"max_age":1,"max_age":2}"#).unwrap();
        assert_eq!(document.entries().len(), 2);
    }

    #[test]
    fn text_round_trips() {
        let mut document = Document::new();
        document.push(
            "allow_origins",
            OptionValue::List(vec!["https://a.example".into()]),
        );
        document.push("allow_credentials", OptionValue::Bool(true));
        document.push("max_age", OptionValue::Null);
        assert_eq!(Document::from_json(&document.to_json()).unwrap(), document);
        let toml = Document::from_toml(&document.to_toml()).unwrap();
        assert_eq!(toml.entries(), &document.entries()[..2]);
    }
}
