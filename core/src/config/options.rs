//! The options with their types: what a document or a builder says, before its values are judged.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::document::{Document, Value};
use crate::problem::{Code, Problems};

/// Every option's name, in the order of the documentation.
pub(crate) const NAMES: [&str; 17] = [
    "allow_origins",
    "allow_origin_regexes",
    "allow_null_origin",
    "host_origins",
    "allow_methods",
    "allow_headers",
    "expose_headers",
    "allow_credentials",
    "max_age",
    "preflight_status",
    "denied_preflight_status",
    "denied_actual",
    "own_origins",
    "single_origin",
    "upstream",
    "allow_private_network",
    "dangerously_allow",
];

/// Names that people type from other libraries, and ours.
const ALIASES: [(&str, &str); 15] = [
    ("origin", "allow_origins"),
    ("origins", "allow_origins"),
    ("allowed_origins", "allow_origins"),
    ("allow_origin_regex", "allow_origin_regexes"),
    ("methods", "allow_methods"),
    ("allowed_methods", "allow_methods"),
    ("headers", "allow_headers"),
    ("allowed_headers", "allow_headers"),
    ("request_headers", "allow_headers"),
    ("exposed_headers", "expose_headers"),
    ("response_headers", "expose_headers"),
    ("credentials", "allow_credentials"),
    ("supports_credentials", "allow_credentials"),
    ("credentialed", "allow_credentials"),
    ("options_success_status", "preflight_status"),
];

/// What the host does with an actual request whose origin is not allowed.
///
/// ```
/// use crossgate::{Action, DeniedActual, Policy, Request};
/// let policy = Policy::builder()
///     .allow_origins(["https://app.example.com"])
///     .own_origins(["https://api.example.com"])
///     .denied_actual(DeniedActual::Reject)
///     .build()?;
/// let asked = |origin| policy.evaluate(&Request::new("POST").header("Origin", origin)).action();
/// assert_eq!(asked("https://evil.example"), Action::Reject);
/// assert_eq!(asked("https://api.example.com"), Action::Forward);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeniedActual {
    /// The handler runs; the response has no CORS headers, so script cannot read it.
    #[default]
    Forward,
    /// The host answers 403 before the handler. Needs `own_origins`.
    Reject,
}

/// What a policy with one exact origin answers to the others.
///
/// ```
/// use crossgate::{Policy, Request, SingleOrigin};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example"])
///     .single_origin(SingleOrigin::Static)
///     .build()?;
/// let request = Request::new("GET"); // no Origin: one answer for every cache
/// let headers: Vec<_> = policy
///     .evaluate(&request)
///     .headers()
///     .map(|h| (h.name.lower(), h.value.to_owned()))
///     .collect();
/// assert_eq!(
///     headers,
///     [(
///         "access-control-allow-origin",
///         "https://a.example".to_owned()
///     )]
/// );
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SingleOrigin {
    /// Only the origin itself gets the headers, with `Vary: Origin`.
    #[default]
    Match,
    /// The headers are sent always, without `Vary` (Fetch, CORS protocol and HTTP caches).
    Static,
}

/// What happens to CORS headers that the application or an upstream set.
///
/// ```
/// use crossgate::{Policy, Request, Upstream};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).upstream(Upstream::Keep).build()?;
/// let mut response = vec![("access-control-allow-origin".to_string(), "https://own.example".to_string())];
/// policy.evaluate(&Request::new("GET").header("Origin", "https://a.example")).apply(&mut response);
/// assert_eq!(response[0].1, "https://own.example");
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Upstream {
    /// They are replaced or removed.
    #[default]
    Replace,
    /// A response that already has `Access-Control-Allow-Origin` is left whole; `Vary` is still
    /// merged.
    Keep,
}

/// A named exception to a safety rule. No gate exists for any origin or null with credentials.
///
/// ```
/// use crossgate::{Gate, Policy};
/// let intranet = Policy::builder().allow_origins(["http://wiki.corp.example"]).allow_credentials(true);
/// assert!(intranet.build().is_err());
/// assert!(intranet.dangerously_allow([Gate::InsecureOriginsWithCredentials]).build().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Plain-http origins with credentials.
    InsecureOriginsWithCredentials,
    /// `*.` directly below a public suffix with credentials.
    PublicSuffixSubdomainsWithCredentials,
    /// `scheme://*` with credentials.
    AnyHostOfSchemeWithCredentials,
}

macro_rules! named {
    ($type:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        impl $type {
            pub(crate) const NAMED: &'static [(&'static str, $type)] = &[$(($text, $type::$variant)),*];

            /// The value as it stands in a policy document.
            pub const fn as_str(self) -> &'static str {
                match self { $($type::$variant => $text),* }
            }
        }
    };
}

named!(DeniedActual { Forward = "forward", Reject = "reject" });
named!(SingleOrigin { Match = "match", Static = "static" });
named!(Upstream { Replace = "replace", Keep = "keep" });
named!(Gate {
    InsecureOriginsWithCredentials = "insecure_origins_with_credentials",
    PublicSuffixSubdomainsWithCredentials = "public_suffix_subdomains_with_credentials",
    AnyHostOfSchemeWithCredentials = "any_host_of_scheme_with_credentials",
});

/// One text of a list option and its place there.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) index: usize,
    pub(crate) text: String,
}

/// The typed options. Lists hold `*` as an item; statuses and ages are still unjudged numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) allow_origins: Vec<Item>,
    pub(crate) allow_origin_regexes: Vec<Item>,
    pub(crate) allow_null_origin: bool,
    pub(crate) host_origins: bool,
    pub(crate) allow_methods: Vec<Item>,
    pub(crate) allow_headers: Vec<Item>,
    pub(crate) expose_headers: Vec<Item>,
    pub(crate) allow_credentials: bool,
    pub(crate) max_age: Option<Value>,
    pub(crate) preflight_status: Option<Value>,
    pub(crate) denied_preflight_status: Option<Value>,
    pub(crate) denied_actual: DeniedActual,
    pub(crate) own_origins: Vec<Item>,
    pub(crate) single_origin: SingleOrigin,
    pub(crate) upstream: Upstream,
    pub(crate) allow_private_network: bool,
    pub(crate) dangerously_allow: Vec<Item>,
    /// No key of the document: only the builder sets it.
    pub(crate) list_separator: ListSeparator,
}

/// What stands between the names that the answer lists (`Access-Control-Allow-Methods`,
/// `-Allow-Headers`, `-Expose-Headers`). Both mean the same to every browser; drop-ins write what
/// the middleware they replace wrote.
///
/// ```
/// use crossgate::{ListSeparator, Policy, Request};
/// let policy = Policy::builder().allow_origins(["*"]).expose_headers(["X-A", "X-B"]).list_separator(ListSeparator::Comma).build()?;
/// let request = Request::new("GET");
/// assert_eq!(policy.evaluate(&request).headers().nth(1).unwrap().value, "X-A,X-B");
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListSeparator {
    /// `, `
    #[default]
    CommaSpace,
    /// `,`
    Comma,
}

impl ListSeparator {
    /// The text itself.
    pub const fn as_str(self) -> &'static str {
        match self {
            ListSeparator::CommaSpace => ", ",
            ListSeparator::Comma => ",",
        }
    }
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

impl Options {
    /// Types a document. Everything wrong with names and types is reported; values are judged
    /// later.
    pub(crate) fn read(document: &Document, problems: &mut Problems) -> Options {
        let mut options = Options::default();
        let mut names: HashSet<_, RandomState> = HashSet::default();
        for (name, value) in document.entries() {
            if !names.insert(name) {
                problems.error(
                    Code::DuplicateOption,
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

    fn set(&mut self, name: &str, value: &Value, problems: &mut Problems) {
        match name {
            "allow_origins" => self.allow_origins = list(name, value, true, problems),
            "allow_origin_regexes" => {
                self.allow_origin_regexes = list(name, value, false, problems)
            }
            "allow_null_origin" => self.allow_null_origin = boolean(name, value, problems),
            "host_origins" => self.host_origins = boolean(name, value, problems),
            "allow_methods" => self.allow_methods = list(name, value, true, problems),
            "allow_headers" => self.allow_headers = list(name, value, true, problems),
            "expose_headers" => self.expose_headers = list(name, value, true, problems),
            "allow_credentials" => self.allow_credentials = boolean(name, value, problems),
            // `null` means absent here, and only here.
            "max_age" => self.max_age = (*value != Value::Null).then(|| value.clone()),
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
                self.upstream = choice(name, value, Upstream::NAMED, problems).unwrap_or_default()
            }
            "allow_private_network" => self.allow_private_network = boolean(name, value, problems),
            "dangerously_allow" => self.dangerously_allow = list(name, value, false, problems),
            _ => problems.error(
                Code::UnknownOption,
                name,
                &value.shown(),
                format!("there is no option {:?}", crate::problem::escape(name)),
                nearest(name),
            ),
        }
    }
}

/// The option that was probably meant.
pub(crate) fn nearest(name: &str) -> Option<String> {
    let mut plain = String::new();
    let mut after_lower = false;
    for c in name.chars().take(64) {
        if c.is_ascii_uppercase() && after_lower {
            plain.push('_');
        }
        after_lower = c.is_ascii_lowercase();
        plain.push(if c == '-' {
            '_'
        } else {
            c.to_ascii_lowercase()
        });
    }
    let plain = plain.as_str();
    if let Some((_, ours)) = ALIASES.iter().find(|(alias, _)| *alias == plain) {
        return Some((*ours).to_owned());
    }
    let (distance, best) = NAMES
        .iter()
        .map(|known| (strsim::damerau_levenshtein(plain, known), *known))
        .min()?;
    (distance * 3 <= best.len()).then(|| best.to_owned())
}

fn wrong_type(
    name: &str,
    expected: &str,
    value: &Value,
    hint: Option<String>,
    problems: &mut Problems,
) {
    // The languages have names of their own for their types, and for null.
    let found = match value {
        Value::Null => "no value".to_owned(),
        Value::Other(name) if name == "object" => "an object".to_owned(),
        Value::Other(name) => format!("a value of type {name}"),
        known => format!("a {}", known.type_name()),
    };
    problems.error(
        Code::OptionType,
        name,
        &value.shown(),
        format!("expected {expected}, found {found}"),
        hint,
    );
}

fn boolean(name: &str, value: &Value, problems: &mut Problems) -> bool {
    match value {
        Value::Bool(b) => *b,
        other => {
            let hint = match other {
                Value::Str(s) if s.eq_ignore_ascii_case("true") => Some("true".to_owned()),
                Value::Str(s) if s.eq_ignore_ascii_case("false") => Some("false".to_owned()),
                _ => None,
            };
            wrong_type(name, "true or false", other, hint, problems);
            false
        }
    }
}

fn number(name: &str, value: &Value, problems: &mut Problems) -> Option<Value> {
    match value {
        Value::Int(_) | Value::Float(_) => Some(value.clone()),
        other => {
            let hint = match other {
                Value::Str(s) => s.trim().parse::<u16>().ok().map(|n| n.to_string()),
                _ => None,
            };
            wrong_type(name, "a number", other, hint, problems);
            None
        }
    }
}

fn choice<T: Copy>(
    name: &str,
    value: &Value,
    named: &[(&'static str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let expected = named
        .iter()
        .map(|(text, _)| format!("\"{text}\""))
        .collect::<Vec<_>>()
        .join(" or ");
    match value {
        Value::Str(text) => {
            if let Some((_, found)) = named.iter().find(|(known, _)| known == text) {
                return Some(*found);
            }
            let hint = named
                .iter()
                .find(|(known, _)| text.trim().eq_ignore_ascii_case(known))
                .map(|(known, _)| (*known).to_owned());
            problems.error(
                Code::OptionType,
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

fn list(name: &str, value: &Value, any: bool, problems: &mut Problems) -> Vec<Item> {
    match value {
        Value::List(values) => {
            let mut found = Vec::with_capacity(values.len());
            for (index, value) in values.iter().enumerate() {
                match value {
                    Value::Str(text) => found.push(Item {
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
        Value::Str(text) if text == "*" => items(["*"]),
        other => {
            let hint = match other {
                Value::Str(text) => {
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

/// The parts of a text that holds a list, split at commas and white space.
pub(crate) fn split_list(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names() {
        assert_eq!(nearest("allowOrigins").as_deref(), Some("allow_origins"));
        assert_eq!(nearest("allow_orgins").as_deref(), Some("allow_origins"));
        assert_eq!(nearest("allowedHeaders").as_deref(), Some("allow_headers"));
        assert_eq!(nearest("max-age").as_deref(), Some("max_age"));
        assert_eq!(nearest("ALLOW_ORIGINS").as_deref(), Some("allow_origins"));
        assert_eq!(nearest("colour"), None);
    }

    #[test]
    fn types_are_named_and_null_is_absent_only_for_max_age() {
        let mut document = Document::new();
        for name in NAMES {
            document.push(name, Value::Null);
        }
        let mut problems = Problems::default();
        Options::read(&document, &mut problems);
        let problems = problems.into_vec();
        assert_eq!(problems.len(), NAMES.len() - 1);
        assert!(problems.iter().all(|p| p.code == Code::OptionType
            && p.path != "max_age"
            && p.message.ends_with("found no value")
            && p.value.is_empty()));
    }
}
