//! Methods: what may be configured, and whether a preflight's requested method passes.
//!
//! Methods are case-sensitive (Fetch, methods). Only six are normalised, by `fetch()` and XHR
//! themselves.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::config::options::{Item, split_list};
use crate::decision::Reason;
use crate::problem::{Code, Problems};
use crate::tag;

/// Fetch, forbidden method (compared case-insensitively).
const FORBIDDEN: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];
/// Fetch, normalise a method.
const NORMALISED: [&str; 6] = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
/// Registered methods that people write in lower case.
const REGISTERED: [&str; 33] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PATCH",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// Under `*` a longer method does not pass: it would be echoed, and no real one comes near.
const MAX_ANY: usize = 128;

/// RFC 9110, 5.6.2.
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
    ) || byte.is_ascii_alphanumeric()
}

/// RFC 9110, 5.6.2: one or more token characters.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| is_token_byte(*b))
}

/// The methods of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Methods {
    /// `*`
    pub(crate) any: bool,
    /// The configured names in their order; empty under `*`.
    pub(crate) list: Vec<String>,
    /// Length and bytes of those that have at most eight: most of all.
    short: Vec<(usize, u64)>,
}

impl Methods {
    /// Judges `allow_methods`.
    pub(crate) fn read(items: &[Item], problems: &mut Problems) -> Self {
        let mut methods = Methods::default();
        let mut known: HashSet<_, RandomState> = HashSet::default();
        for item in items {
            let (text, path) = (item.text.as_str(), format!("allow_methods[{}]", item.index));
            if text == "*" {
                if methods.any {
                    problems.warning(Code::MethodDuplicate, &path, text, "`*` stands twice", None);
                }
                methods.any = true;
            } else if let Some(method) = read_one(text, &path, problems) {
                if known.insert(method.clone()) {
                    methods.push(method);
                } else {
                    problems.warning(
                        Code::MethodDuplicate,
                        &path,
                        text,
                        "this method stands twice",
                        None,
                    );
                }
            }
        }
        if methods.any && items.iter().any(|item| item.text != "*") {
            problems.error(
                Code::AnyMixed,
                "allow_methods",
                "*",
                "`*` beside other methods makes them dead text; keep one of the two",
                Some("\"*\"".into()),
            );
        }
        methods
    }

    /// Whether the method is safelisted, or listed and of at most eight bytes.
    #[inline(always)]
    pub(crate) fn lists(&self, requested: &[u8]) -> bool {
        if requested.len() > 8 {
            return false;
        }
        let asked = (requested.len(), tag::short(requested));
        self.short
            .iter()
            .any(|(length, bytes)| (*length, *bytes) == asked)
            || is_safelisted(requested)
    }

    fn push(&mut self, method: String) {
        if method.len() <= 8 {
            self.short
                .push((method.len(), tag::short(method.as_bytes())));
        }
        self.list.push(method);
    }

    /// Fetch, CORS-preflight fetch, step "request's method is not in methods": whether the
    /// requested method passes.
    pub(crate) fn check(&self, requested: &[u8]) -> Result<(), Reason> {
        if self.lists(requested)
            || self
                .list
                .iter()
                .any(|method| method.as_bytes() == requested)
        {
            return Ok(());
        }
        let requested_is = |method: &&str| method.as_bytes().eq_ignore_ascii_case(requested);
        if self.any {
            let passes = requested.len() <= MAX_ANY
                && is_token(requested)
                && !FORBIDDEN.iter().any(requested_is);
            return if passes {
                Ok(())
            } else {
                Err(Reason::MethodNotAllowed)
            };
        }
        let by_case = ["GET", "HEAD", "POST"].iter().any(requested_is)
            || self
                .list
                .iter()
                .any(|method| requested_is(&method.as_str()));
        Err(if by_case {
            Reason::MethodCase
        } else {
            Reason::MethodNotAllowed
        })
    }
}

/// Fetch, CORS-safelisted method: they pass every preflight.
#[inline]
const fn is_safelisted(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"POST")
}

fn read_one(text: &str, path: &str, problems: &mut Problems) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    if !is_token(text.as_bytes()) {
        let parts: Vec<&str> = split_list(text).collect();
        if text.contains(',')
            && !parts.is_empty()
            && parts.iter().all(|part| is_token(part.as_bytes()))
        {
            let hint = parts
                .iter()
                .map(|part| format!("{:?}", part.to_ascii_uppercase()))
                .collect::<Vec<_>>()
                .join(", ");
            problems.error(
                Code::MethodIsList,
                path,
                text,
                "several methods in one string; list them one by one",
                Some(hint),
            );
        } else {
            let trimmed = text.trim();
            let hint = is_token(trimmed.as_bytes()).then(|| trimmed.to_ascii_uppercase());
            problems.error(
                Code::MethodInvalid,
                path,
                text,
                "a method is a token: letters, digits and !#$%&'*+-.^_`|~",
                hint,
            );
        }
        return None;
    }
    if FORBIDDEN.contains(&upper.as_str()) {
        problems.error(
            Code::MethodForbidden,
            path,
            text,
            "script cannot send CONNECT, TRACE or TRACK (Fetch, forbidden method)",
            None,
        );
        return None;
    }
    if upper != text {
        if NORMALISED.contains(&upper.as_str()) {
            let message = "fetch() sends this method in upper case; canonicalised";
            problems.warning(Code::MethodCase, path, text, message, Some(upper.clone()));
        } else if REGISTERED.contains(&upper.as_str()) {
            let message = format!(
                "methods are case-sensitive and fetch() does not change this one: configure \
                    {upper:?} and write it so in the client, too"
            );
            problems.error(Code::MethodCase, path, text, message, Some(upper));
            return None;
        } else {
            return Some(text.to_owned());
        }
    }
    if upper == "OPTIONS" {
        let message = "preflights need no listing; OPTIONS is only needed for pages that call \
            fetch() with that method";
        problems.warning(Code::MethodOptionsUnneeded, path, text, message, None);
    }
    Some(upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_methods_never_pass() {
        let any = Methods {
            any: true,
            ..Methods::default()
        };
        for method in ["TRACE", "connect", "Track"] {
            assert_eq!(any.check(method.as_bytes()), Err(Reason::MethodNotAllowed));
        }
        assert_eq!(any.check(b"patch"), Ok(()));
        assert_eq!(any.check(&[b'A'; 128]), Ok(()));
        assert_eq!(any.check(&[b'A'; 129]), Err(Reason::MethodNotAllowed));
        assert_eq!(any.check(b"GET, DELETE"), Err(Reason::MethodNotAllowed));
    }

    #[test]
    fn methods_of_every_length_are_compared_whole() {
        let mut methods = Methods::default();
        let listed: Vec<String> = (1..20).map(|length| "M".repeat(length)).collect();
        listed
            .iter()
            .for_each(|method| methods.push(method.clone()));
        for method in &listed {
            assert_eq!(methods.check(method.as_bytes()), Ok(()));
            for changed in 0..method.len() {
                let mut other = method.clone().into_bytes();
                other[changed] = b'\0';
                assert_eq!(methods.check(&other), Err(Reason::MethodNotAllowed));
            }
        }
        assert_eq!(methods.check(&[b'M'; 20]), Err(Reason::MethodNotAllowed));
    }

    #[test]
    fn case_is_named_as_the_cause() {
        let mut methods = Methods::default();
        methods.push("PATCH".into());
        assert_eq!(methods.check(b"patch"), Err(Reason::MethodCase));
        assert_eq!(methods.check(b"get"), Err(Reason::MethodCase));
        assert_eq!(methods.check(b"PUT"), Err(Reason::MethodNotAllowed));
        assert_eq!(methods.check(b""), Err(Reason::MethodNotAllowed));
    }
}
