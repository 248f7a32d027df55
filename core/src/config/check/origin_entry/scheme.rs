//! The scheme of an entry: those that no page has, misspelt ones, and which one is meant where none
//! is written.

use std::net::Ipv6Addr;

use super::corrected;
use super::reader::{Hint, Reader};
use crate::config::check::scheme_names;
use crate::origin::host::ends_in_a_number;
use crate::problem::ProblemCode;

/// Schemes that are origins of no page: `origin_scheme` with `//`, `origin_invalid` without.
pub(super) const REFUSED: [&str; 6] = [
    "javascript",
    "data",
    "blob",
    "about",
    "filesystem",
    "view-source",
];

/// Pages that open these have an http or https origin.
const NEVER_SENT: [(&str, &str); 3] = [("ws", "http"), ("wss", "https"), ("ftp", "https")];

pub(super) const MISSING_SCHEME: &str =
    "an origin starts with `scheme://`; without it the entry would never match";

impl<'a> Reader<'a> {
    pub(super) fn file(&mut self) {
        self.error(
            ProblemCode::OriginFile,
            "pages opened from files send `Origin: null`; serve the page over http instead",
            Hint::None,
        );
    }

    /// The scheme in lower case and what follows it.
    pub(super) fn scheme(&mut self, scheme: &str, rest: &'a str) -> Option<(String, &'a str)> {
        let lower = scheme.to_ascii_lowercase();
        if scheme.is_empty() {
            self.error(
                ProblemCode::OriginMissingScheme,
                MISSING_SCHEME,
                Hint::Corrected,
            );
            self.guessed = true;
            return Some((
                if is_local(rest) { "http" } else { "https" }.to_owned(),
                rest,
            ));
        }
        if lower.contains(['*', '{', '}']) {
            self.unsupported("the scheme cannot be a pattern; list the schemes that are meant");
            return None;
        }
        if lower == "file" || lower.starts_with("file:") {
            self.file();
            return None;
        }
        if let Some((_, inner)) = lower.rsplit_once(':') {
            let hint = corrected(&format!("{inner}://{rest}")).map_or(Hint::None, Hint::Text);
            self.error(
                ProblemCode::OriginInvalid,
                "a scheme in front of an origin: the page's origin is what is inside, or null",
                hint,
            );
            return None;
        }
        if let Some((_, instead)) = NEVER_SENT.iter().find(|(never, _)| *never == lower) {
            let message = format!(
                "no page has a {lower}: origin; the page that opens the connection has an http or \
                    https one"
            );
            self.error(ProblemCode::OriginSchemeNeverSent, message, Hint::Corrected);
            self.guessed = true;
            return Some(((*instead).to_owned(), rest));
        }
        let well_formed = lower.starts_with(|c: char| c.is_ascii_lowercase())
            && lower
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'));
        if REFUSED.contains(&lower.as_str()) || !well_formed {
            self.error(
                ProblemCode::OriginScheme,
                "no page has an origin of this scheme",
                Hint::None,
            );
            return None;
        }
        if let Some(known) = scheme_names::misspelt(&lower) {
            let hint = corrected(&format!("{known}://{rest}")).map_or(Hint::None, Hint::Text);
            let message = format!("no browser sends this scheme; `{known}` is nearly the same");
            self.warn(ProblemCode::OriginSchemeMisspelt, message, hint);
        }
        if lower != scheme {
            self.warn(
                ProblemCode::OriginNotCanonical,
                "browsers send the scheme in lower case; canonicalised",
                Hint::Corrected,
            );
        }
        Some((lower, rest))
    }
}

/// A text without a scheme that names this machine or an address: http is meant.
pub(super) fn is_local(bare: &str) -> bool {
    let host = bare
        .split(['/', ':', '?', '#'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || bare.starts_with('[')
        || bare.parse::<Ipv6Addr>().is_ok()
        || ends_in_a_number(&host)
}
