//! Judges `allow_methods`.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::Check;
use crate::config::options::Item;
use crate::fetch::methods::{FORBIDDEN, NORMALISED, REGISTERED};
use crate::policy::methods::MethodSet;
use crate::problem::{ProblemCode, Problems};
use crate::text::list::{is_token, split_list};

/// Judges `allow_methods`.
fn read(items: &[Item], problems: &mut Problems) -> MethodSet {
    let mut methods = MethodSet::default();
    let mut known: HashSet<_, RandomState> = HashSet::default();
    for item in items {
        let (text, path) = (item.text.as_str(), format!("allow_methods[{}]", item.index));
        if text == "*" {
            if methods.any {
                problems.warning(
                    ProblemCode::MethodDuplicate,
                    &path,
                    text,
                    "`*` stands twice",
                    None,
                );
            }
            methods.any = true;
        } else if let Some(method) = read_one(text, &path, problems) {
            if known.insert(method.clone()) {
                methods.push(method);
            } else {
                problems.warning(
                    ProblemCode::MethodDuplicate,
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
            ProblemCode::AnyMixed,
            "allow_methods",
            "*",
            "`*` beside other methods makes them dead text; keep one of the two",
            Some("\"*\"".into()),
        );
    }
    methods
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
                ProblemCode::MethodIsList,
                path,
                text,
                "several methods in one string; list them one by one",
                Some(hint),
            );
        } else {
            let trimmed = text.trim();
            let hint = is_token(trimmed.as_bytes()).then(|| trimmed.to_ascii_uppercase());
            problems.error(
                ProblemCode::MethodInvalid,
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
            ProblemCode::MethodForbidden,
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
            problems.warning(
                ProblemCode::MethodCase,
                path,
                text,
                message,
                Some(upper.clone()),
            );
        } else if REGISTERED.contains(&upper.as_str()) {
            let message = format!(
                "methods are case-sensitive and fetch() does not change this one: configure \
                    {upper:?} and write it so in the client, too"
            );
            problems.error(ProblemCode::MethodCase, path, text, message, Some(upper));
            return None;
        } else if !matches!(upper.as_str(), "ALL" | "ANY") {
            return Some(text.to_owned());
        }
    }
    if matches!(upper.as_str(), "ALL" | "ANY") {
        let message = "this is a method of its own, which no client sends; every method is `*`";
        problems.warning(
            ProblemCode::MethodIsAny,
            path,
            text,
            message,
            Some("\"*\"".into()),
        );
    }
    if upper == "OPTIONS" {
        let message = "preflights need no listing; OPTIONS is only needed for pages that call \
            fetch() with that method";
        problems.note(
            ProblemCode::MethodOptionsUnneeded,
            path,
            text,
            message,
            None,
        );
    }
    Some(if NORMALISED.contains(&upper.as_str()) {
        upper
    } else {
        text.to_owned()
    })
}

impl Check<'_> {
    pub(in crate::config) fn allow_methods(&mut self) -> MethodSet {
        read(&self.options.allow_methods, &mut self.problems)
    }
}
