//! Judges `allow_headers` and `expose_headers`.

use super::Check;
use crate::config::options::Item;
use crate::fetch::header_rules::{
    CORS_RESPONSE, FORBIDDEN_REQUEST, FORBIDDEN_RESPONSE, SAFELISTED_RESPONSE,
};
use crate::policy::header_names::HeaderNameSet;
use crate::problem::{ProblemCode, Problems};
use crate::text::list::{is_token, split_list};

/// Which option a list of names belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderUse {
    /// `allow_headers`
    Request,
    /// `expose_headers`
    Response,
}

/// Judges a list.
fn read(items: &[Item], option: &str, of: HeaderUse, problems: &mut Problems) -> HeaderNameSet {
    let mut names = HeaderNameSet::default();
    for item in items {
        let (text, path) = (item.text.as_str(), format!("{option}[{}]", item.index));
        if text == "*" {
            if names.any {
                problems.warning(
                    ProblemCode::HeaderDuplicate,
                    &path,
                    text,
                    "`*` stands twice",
                    None,
                );
            } else {
                names.push_any();
            }
        } else if read_one(text, &path, of, problems) {
            if names.contains(text.as_bytes()) {
                problems.warning(
                    ProblemCode::HeaderDuplicate,
                    &path,
                    text,
                    "this name stands twice (names have no case)",
                    None,
                );
            } else {
                names.push(text);
            }
        }
    }
    if names.any && of == HeaderUse::Response && items.iter().any(|item| item.text != "*") {
        problems.error(
            ProblemCode::AnyMixed,
            option,
            "*",
            "`*` beside other names makes them dead text; keep one of the two",
            Some("\"*\"".into()),
        );
    }
    names.joined_length = names
        .list
        .iter()
        .map(|name| name.len() + 2)
        .sum::<usize>()
        .saturating_sub(2);
    names
}

fn read_one(text: &str, path: &str, of: HeaderUse, problems: &mut Problems) -> bool {
    if !is_token(text.as_bytes()) {
        let parts: Vec<&str> = split_list(text).collect();
        if text.contains(',')
            && !parts.is_empty()
            && parts.iter().all(|part| is_token(part.as_bytes()))
        {
            let hint = parts
                .iter()
                .map(|part| format!("{part:?}"))
                .collect::<Vec<_>>()
                .join(", ");
            problems.error(
                ProblemCode::HeaderIsList,
                path,
                text,
                "several names in one string; list them one by one",
                Some(hint),
            );
        } else {
            let name = text.trim().trim_end_matches(':');
            let hint = is_token(name.as_bytes()).then(|| name.to_owned());
            problems.error(
                ProblemCode::HeaderInvalid,
                path,
                text,
                "a header name is a token: letters, digits and !#$%&'*+-.^_`|~",
                hint,
            );
        }
        return false;
    }
    let lower = text.to_ascii_lowercase();
    let lower = lower.as_str();
    match of {
        HeaderUse::Request
            if FORBIDDEN_REQUEST.contains(&lower)
                || lower.starts_with("proxy-")
                || lower.starts_with("sec-") =>
        {
            let hint = (lower == "cookie").then(|| "allow_credentials".to_owned());
            problems.warning(
                ProblemCode::HeaderForbidden,
                path,
                text,
                "script cannot set this request header (Fetch, forbidden request-header), so the \
                name is left out",
                hint,
            );
            false
        }
        HeaderUse::Request if CORS_RESPONSE.iter().any(|start| lower.starts_with(start)) => {
            let message = "this is a response header; a client that sends it by mistake needs the \
                name listed: mend the client, then remove the name";
            problems.warning(ProblemCode::HeaderResponseOnly, path, text, message, None);
            true
        }
        HeaderUse::Response if FORBIDDEN_RESPONSE.contains(&lower) => {
            problems.warning(
                ProblemCode::HeaderForbidden,
                path,
                text,
                "script can never read this response header (Fetch, forbidden response-header \
                name), so the name is left out",
                None,
            );
            false
        }
        HeaderUse::Response if SAFELISTED_RESPONSE.contains(&lower) => {
            problems.note(
                ProblemCode::HeaderAlreadyExposed,
                path,
                text,
                "script can read this header anyway (Fetch, CORS-safelisted response-header name)",
                None,
            );
            true
        }
        _ => true,
    }
}

impl Check<'_> {
    pub(crate) fn allow_headers(&mut self) -> HeaderNameSet {
        let names = read(
            &self.options.allow_headers,
            "allow_headers",
            HeaderUse::Request,
            &mut self.problems,
        );
        if names.any && self.options.allow_credentials {
            let message = "with credentials a literal `*` is no wildcard in browsers, so the \
                requested names are echoed";
            self.problems.note(
                ProblemCode::AnyHeaderWithCredentials,
                "allow_headers",
                "*",
                message,
                None,
            );
        } else if names.any && !names.contains(b"authorization") {
            let message = "`*` does not cover Authorization; list it beside `*` if clients send it";
            self.problems.warning(
                ProblemCode::AuthorizationNotCovered,
                "allow_headers",
                "*",
                message,
                Some("[\"*\", \"Authorization\"]".into()),
            );
        }
        names
    }

    pub(crate) fn expose_headers(&mut self) -> HeaderNameSet {
        let names = read(
            &self.options.expose_headers,
            "expose_headers",
            HeaderUse::Response,
            &mut self.problems,
        );
        if names.any && self.options.allow_credentials {
            let message =
                "with credentials a literal `*` is no wildcard in browsers; list the names";
            self.problems.error(
                ProblemCode::ExposeAnyWithCredentials,
                "expose_headers",
                "*",
                message,
                None,
            );
        }
        names
    }
}
