//! Options of drop-ins that name who may come, written without a value.

use crate::problem::{Problem, ProblemCode, Severity};
use crate::text::escape::escape;

/// What opens a policy to somebody, as drop-ins call it.
const OPENING: [&str; 6] = [
    "origin",
    "origins",
    "allow_origins",
    "allow_origin",
    "policy",
    "delegator",
];

/// The problem of an option that was written and has no value: undefined, `None`, `null` or blank
/// text. `None` if the option does not say who may come, so that it is as good as left out. A
/// drop-in asks only where leaving the option out would let somebody in.
///
/// `path` is the option as it was typed (`config.cors.origin`, `CORS_ORIGINS`,
/// `defaults['https://a.example']`), `value` the text that was written.
///
/// ```
/// use crossgate::binding::unset_option;
/// let problem = unset_option("config.cors.origin", "").unwrap();
/// assert_eq!((problem.code.as_str(), &*problem.path), ("option_unset", "config.cors.origin"));
/// assert!(unset_option("maxAge", "").is_none());
/// ```
pub fn unset_option(path: &str, value: &str) -> Option<Problem> {
    let name = path.rsplit('.').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    // Flask's and Django's settings, and the entries of a table of origins.
    let plain = lower.strip_prefix("cors_").unwrap_or(&lower);
    if !OPENING.contains(&plain) && !path.starts_with("defaults[") {
        return None;
    }
    Some(Problem::new(
        Severity::Error,
        ProblemCode::OptionUnset,
        path.to_owned(),
        escape(value),
        "it is written and has no value (often an environment variable that is not set), and left \
            out it would let somebody in: give it a value, or an empty list for nobody"
            .to_owned(),
        None,
    ))
}

#[cfg(test)]
mod tests {
    use super::unset_option;

    #[test]
    fn only_what_names_who_may_come_must_have_a_value() {
        for path in [
            "origin",
            "origins",
            "CORS_ORIGINS",
            "allow_origins",
            "policy",
            "delegator",
            "config.cors.origin",
            "defaults['*']",
        ] {
            assert!(unset_option(path, " ").is_some(), "{path}");
        }
        for path in [
            "methods",
            "maxAge",
            "counters",
            "config.cors.maxAge",
            "CORS_METHODS",
            "",
        ] {
            assert!(unset_option(path, "").is_none(), "{path}");
        }
    }
}
