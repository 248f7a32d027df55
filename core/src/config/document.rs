//! The policy document: one schema for every language, as plain values.

use super::option_names::OPTION_NAMES;
use crate::origin::regex_dialect::RegexDialect;
use crate::problem::{ProblemCode, Problems};

/// A value of the policy document, as any language or format can give it.
///
/// ```
/// use crossgate::{Document, Policy, OptionValue};
/// let mut document = Document::new();
/// document.push("allow_origins", OptionValue::Bool(true));
/// let error = Policy::from_document(&document).unwrap_err();
/// assert_eq!(error.problems()[0].message, "expected a list of strings or \"*\", found a boolean");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OptionValue {
    /// JSON `null`, Python `None`, JavaScript `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Str(String),
    /// A regex in the dialect of its author, in a list of `allow_origin_regexes`. (A string there
    /// is one in the dialect of documents.)
    Regex {
        /// Its text, without flags.
        source: String,
        /// The letters of its flags, as its language has them.
        flags: String,
        /// Whose rules it follows.
        dialect: RegexDialect,
    },
    /// A list.
    List(Vec<OptionValue>),
    /// A value that no option takes; the name of its type in its language.
    Other(String),
}

impl OptionValue {
    /// The name of the type, for messages.
    pub fn type_name(&self) -> &str {
        match self {
            OptionValue::Null => "null",
            OptionValue::Bool(_) => "boolean",
            OptionValue::Int(_) | OptionValue::Float(_) => "number",
            OptionValue::Str(_) => "string",
            OptionValue::Regex { .. } => "regex",
            OptionValue::List(_) => "list",
            OptionValue::Other(name) => name,
        }
    }

    /// The value as it is shown in a problem.
    pub(crate) fn shown(&self) -> String {
        match self {
            // Each language spells it otherwise; the message says that there is none.
            OptionValue::Null => String::new(),
            OptionValue::Bool(b) => b.to_string(),
            OptionValue::Int(n) => n.to_string(),
            OptionValue::Float(n) => n.to_string(),
            OptionValue::Str(s) => s.clone(),
            OptionValue::Regex { source, .. } => source.clone(),
            OptionValue::List(items) => {
                let items: Vec<_> = items.iter().take(8).map(OptionValue::shown).collect();
                format!("[{}]", items.join(", "))
            }
            OptionValue::Other(name) => name.clone(),
        }
    }
}

impl From<&str> for OptionValue {
    fn from(text: &str) -> Self {
        OptionValue::Str(text.to_owned())
    }
}

/// A policy document: option names and values in their order.
///
/// ```
/// use crossgate::{Document, Policy, OptionValue};
/// let mut document = Document::new();
/// document.push("allow_origins", OptionValue::List(vec!["https://a.example".into()]));
/// document.push("max_age", OptionValue::Int(600));
/// assert!(Policy::from_document(&document).is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    pub(super) entries: Vec<(String, OptionValue)>,
}

impl<N: Into<String>> FromIterator<(N, OptionValue)> for Document {
    fn from_iter<I: IntoIterator<Item = (N, OptionValue)>>(entries: I) -> Self {
        let mut document = Document::new();
        entries
            .into_iter()
            .for_each(|(name, value)| document.push(name, value));
        document
    }
}

impl Document {
    /// An empty document.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an option. A name that stands twice is reported when the policy is built.
    pub fn push(&mut self, name: impl Into<String>, value: OptionValue) {
        self.entries.push((name.into(), value));
    }

    /// The options in their order.
    pub fn entries(&self) -> &[(String, OptionValue)] {
        &self.entries
    }

    /// The value of an option.
    pub fn get(&self, name: &str) -> Option<&OptionValue> {
        self.entries.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// The same document with camelCase names written as snake_case (`allowOrigins` ->
    /// `allow_origins`), for languages whose options are written so. Other names stay as they are.
    ///
    /// ```
    /// let mut document = crossgate::Document::new();
    /// document.push("allowOrigins", crossgate::OptionValue::Str("*".into()));
    /// assert!(document.snake_case().get("allow_origins").is_some());
    /// ```
    #[must_use]
    pub fn snake_case(&self) -> Self {
        let rename = |name: &str| -> String {
            let snake = name.chars().fold(String::new(), |mut out, c| {
                if c.is_ascii_uppercase() {
                    out.push('_');
                }
                out.push(c.to_ascii_lowercase());
                out
            });
            if OPTION_NAMES.contains(&snake.as_str()) {
                snake
            } else {
                name.to_owned()
            }
        };
        Document {
            entries: self
                .entries
                .iter()
                .map(|(n, v)| (rename(n), v.clone()))
                .collect(),
        }
    }
}

/// What is wrong with a text that does not parse.
#[cfg_attr(not(feature = "config"), allow(dead_code))]
pub(crate) fn invalid(
    problems: &mut Problems,
    format: &str,
    position: Option<(usize, usize)>,
    message: &str,
) {
    let place = position.map_or(String::new(), |(line, column)| {
        format!(" at line {line}, column {column}")
    });
    problems.error(
        ProblemCode::DocumentInvalid,
        "",
        "",
        format!("this is not a policy document in {format}{place}: {message}"),
        None,
    );
}

/// Line and column of a byte offset, both from 1.
#[cfg(feature = "config")]
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}
