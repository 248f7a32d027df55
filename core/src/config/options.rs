//! The options with their types: what a document or a builder says, before its values are judged.

use foldhash::fast::RandomState;
use std::collections::HashSet;

use super::document::{Document, OptionValue};
use super::option_names::nearest;
use crate::origin::regex_dialect::RegexDialect;
use crate::policy::settings::{DeniedActual, ListSeparator, SingleOrigin, UpstreamHeaders};
use crate::problem::{ProblemCode, Problems};
use crate::text::escape::escape;
use crate::text::list::split_list;

/// One text of a list option and its place there.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) index: usize,
    pub(crate) text: String,
}

/// One regex, as it was written.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "regex"),
    expect(dead_code, reason = "none can be read without the feature")
)]
pub(crate) struct RegexItem {
    pub(crate) index: usize,
    pub(crate) text: String,
    pub(crate) flags: String,
    pub(crate) dialect: RegexDialect,
}

/// The typed options. Lists hold `*` as an item; statuses and ages are still unjudged numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) allow_origins: Vec<Item>,
    pub(crate) allow_origin_regexes: Vec<RegexItem>,
    pub(crate) allow_null_origin: bool,
    pub(crate) origin_predicate: bool,
    pub(crate) allow_methods: Vec<Item>,
    pub(crate) allow_headers: Vec<Item>,
    pub(crate) expose_headers: Vec<Item>,
    pub(crate) allow_credentials: bool,
    pub(crate) max_age: Option<OptionValue>,
    pub(crate) preflight_status: Option<OptionValue>,
    pub(crate) denied_preflight_status: Option<OptionValue>,
    pub(crate) denied_actual: DeniedActual,
    pub(crate) own_origins: Vec<Item>,
    pub(crate) single_origin: SingleOrigin,
    pub(crate) upstream: UpstreamHeaders,
    pub(crate) allow_private_network: bool,
    pub(crate) dangerously_allow: Vec<Item>,
    /// No key of the document: only the builder sets it.
    pub(crate) list_separator: ListSeparator,
}

/// Texts as list items.
pub(crate) fn items<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Vec<Item> {
    texts
        .into_iter()
        .enumerate()
        .map(|(index, text)| Item {
            index,
            text: text.into(),
        })
        .collect()
}

/// Regexes in the dialect of documents.
pub(crate) fn regex_items<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Vec<RegexItem> {
    items(texts).into_iter().map(RegexItem::from).collect()
}

impl From<Item> for RegexItem {
    fn from(Item { index, text }: Item) -> Self {
        RegexItem {
            index,
            text,
            flags: String::new(),
            dialect: RegexDialect::Rust,
        }
    }
}

impl Options {
    /// Types a document. Everything wrong with names and types is reported; values are judged
    /// later.
    pub(crate) fn read(document: &Document, problems: &mut Problems) -> Options {
        let mut options = Options::default();
        let mut names: HashSet<_, RandomState> = HashSet::default();
        for (name, value) in document.entries() {
            if !names.insert(name) {
                problems.error(
                    ProblemCode::DuplicateOption,
                    name,
                    &value.shown(),
                    "this option stands twice; keep one",
                    None,
                );
                continue;
            }
            options.set(name, value, problems);
        }
        options
    }

    fn set(&mut self, name: &str, value: &OptionValue, problems: &mut Problems) {
        match name {
            "allow_origins" => self.allow_origins = list(name, value, true, problems),
            "allow_origin_regexes" => {
                self.allow_origin_regexes = regexes(name, value, problems);
            }
            "allow_null_origin" => self.allow_null_origin = boolean(name, value, problems),
            "origin_predicate" => self.origin_predicate = boolean(name, value, problems),
            "allow_methods" => self.allow_methods = list(name, value, true, problems),
            "allow_headers" => self.allow_headers = list(name, value, true, problems),
            "expose_headers" => self.expose_headers = list(name, value, true, problems),
            "allow_credentials" => self.allow_credentials = boolean(name, value, problems),
            // `null` means absent here, and only here.
            "max_age" => self.max_age = (*value != OptionValue::Null).then(|| value.clone()),
            "preflight_status" => self.preflight_status = number(name, value, problems),
            "denied_preflight_status" => {
                self.denied_preflight_status = number(name, value, problems)
            }
            "denied_actual" => {
                self.denied_actual =
                    choice(name, value, DeniedActual::NAMED, problems).unwrap_or_default()
            }
            "own_origins" => self.own_origins = list(name, value, false, problems),
            "single_origin" => {
                self.single_origin =
                    choice(name, value, SingleOrigin::NAMED, problems).unwrap_or_default()
            }
            "upstream" => {
                self.upstream =
                    choice(name, value, UpstreamHeaders::NAMED, problems).unwrap_or_default()
            }
            "allow_private_network" => self.allow_private_network = boolean(name, value, problems),
            "dangerously_allow" => self.dangerously_allow = list(name, value, false, problems),
            _ => problems.error(
                ProblemCode::UnknownOption,
                name,
                &value.shown(),
                format!("there is no option {:?}", escape(name)),
                (!problems.is_full()).then(|| nearest(name)).flatten(),
            ),
        }
    }
}

fn wrong_type(
    name: &str,
    expected: &str,
    value: &OptionValue,
    hint: Option<String>,
    problems: &mut Problems,
) {
    // The languages have names of their own for their types, and for null.
    let found = match value {
        OptionValue::Null => "no value".to_owned(),
        OptionValue::Other(name) if name == "object" => "an object".to_owned(),
        OptionValue::Other(name) => format!("a value of type {name}"),
        known => format!("a {}", known.type_name()),
    };
    problems.error(
        ProblemCode::OptionType,
        name,
        &value.shown(),
        format!("expected {expected}, found {found}"),
        hint,
    );
}

fn boolean(name: &str, value: &OptionValue, problems: &mut Problems) -> bool {
    match value {
        OptionValue::Bool(b) => *b,
        other => {
            let hint = match other {
                OptionValue::Str(s) if s.eq_ignore_ascii_case("true") => Some("true".to_owned()),
                OptionValue::Str(s) if s.eq_ignore_ascii_case("false") => Some("false".to_owned()),
                _ => None,
            };
            wrong_type(name, "true or false", other, hint, problems);
            false
        }
    }
}

fn number(name: &str, value: &OptionValue, problems: &mut Problems) -> Option<OptionValue> {
    match value {
        OptionValue::Int(_) | OptionValue::Float(_) => Some(value.clone()),
        other => {
            let hint = match other {
                OptionValue::Str(s) => s.trim().parse::<u16>().ok().map(|n| n.to_string()),
                _ => None,
            };
            wrong_type(name, "a number", other, hint, problems);
            None
        }
    }
}

fn choice<T: Copy>(
    name: &str,
    value: &OptionValue,
    named: &[(&'static str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let expected = named
        .iter()
        .map(|(text, _)| format!("\"{text}\""))
        .collect::<Vec<_>>()
        .join(" or ");
    match value {
        OptionValue::Str(text) => {
            if let Some((_, found)) = named.iter().find(|(known, _)| known == text) {
                return Some(*found);
            }
            let hint = named
                .iter()
                .find(|(known, _)| text.trim().eq_ignore_ascii_case(known))
                .map(|(known, _)| (*known).to_owned());
            problems.error(
                ProblemCode::OptionType,
                name,
                text,
                format!("expected {expected}, found another string"),
                hint,
            );
        }
        other => wrong_type(name, expected.as_str(), other, None, problems),
    }
    None
}

fn regexes(name: &str, value: &OptionValue, problems: &mut Problems) -> Vec<RegexItem> {
    let is_regex = |value: &OptionValue| matches!(value, OptionValue::Regex { .. });
    let OptionValue::List(values) = value else {
        return list(name, value, false, problems)
            .into_iter()
            .map(RegexItem::from)
            .collect();
    };
    // Those that are strings have one type with other lists.
    let texts = values.iter().map(|value| {
        if is_regex(value) {
            OptionValue::Str(String::new())
        } else {
            value.clone()
        }
    });
    let texts = list(name, &OptionValue::List(texts.collect()), false, problems);
    texts
        .into_iter()
        .map(|item| match &values[item.index] {
            OptionValue::Regex {
                source,
                flags,
                dialect,
            } => RegexItem {
                index: item.index,
                text: source.clone(),
                flags: flags.clone(),
                dialect: *dialect,
            },
            _ => RegexItem::from(item),
        })
        .collect()
}

fn list(name: &str, value: &OptionValue, any: bool, problems: &mut Problems) -> Vec<Item> {
    match value {
        OptionValue::List(values) => {
            let mut found = Vec::with_capacity(values.len());
            for (index, value) in values.iter().enumerate() {
                match value {
                    OptionValue::Str(text) => found.push(Item {
                        index,
                        text: text.clone(),
                    }),
                    other => wrong_type(
                        &format!("{name}[{index}]"),
                        "a string",
                        other,
                        None,
                        problems,
                    ),
                }
            }
            found
        }
        // Where everybody cannot be meant, the value says so.
        OptionValue::Str(text) if text == "*" => items(["*"]),
        other => {
            let hint = match other {
                OptionValue::Str(text) => {
                    let parts: Vec<_> = split_list(text).map(|part| format!("{part:?}")).collect();
                    (!parts.is_empty()).then(|| format!("[{}]", parts.join(", ")))
                }
                _ => None,
            };
            wrong_type(
                name,
                if any {
                    "a list of strings or \"*\""
                } else {
                    "a list of strings"
                },
                other,
                hint,
                problems,
            );
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::option_names::OPTION_NAMES;

    #[test]
    fn types_are_named_and_null_is_absent_only_for_max_age() {
        let mut document = Document::new();
        for name in OPTION_NAMES {
            document.push(name, OptionValue::Null);
        }
        let mut problems = Problems::default();
        Options::read(&document, &mut problems);
        let problems = problems.into_vec();
        assert_eq!(problems.len(), OPTION_NAMES.len() - 1);
        assert!(problems.iter().all(|p| p.code == ProblemCode::OptionType
            && p.path != "max_age"
            && p.message.ends_with("found no value")
            && p.value.is_empty()));
    }
}
