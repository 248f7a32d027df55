//! One configured origin: canonicalised with a warning, or refused with the corrected text. It
//! never silently fails to match.

mod authority;
mod host;
mod name;
mod other_syntax;
mod reader;
mod scheme;
#[cfg(test)]
mod tests;
mod whole_text;

use crate::problem::{Problems, Severity};
use reader::{Finding, Hint, Reader};

pub(crate) use reader::Entry;

/// Reads an entry and reports everything that is wrong with it. What can be corrected is read as
/// corrected, so that what else is wrong with it is found in the same pass; `None` if nothing is
/// left to judge.
pub(crate) fn read(
    text: &str,
    path: &str,
    credentials: bool,
    problems: &mut Problems,
) -> Option<Entry> {
    let mut reader = Reader {
        text,
        credentials,
        found: Vec::new(),
        guessed: false,
    };
    let entry = reader.read();
    let corrected = entry
        .as_ref()
        .filter(|_| !reader.found.is_empty())
        .map(Entry::to_string);
    for Finding {
        severity,
        code,
        message,
        hint,
    } in reader.found
    {
        // What is corrected silently in a text whose scheme is a guess stands in the hint.
        if reader.guessed && severity == Severity::Warning {
            continue;
        }
        let hint = match hint {
            Hint::None => None,
            Hint::Text(text) => Some(text),
            Hint::Corrected => corrected.clone(),
            Hint::CorrectedOr(text) => corrected.clone().or(Some(text)),
            Hint::WithoutDot => corrected.as_deref().map(without_dot),
        };
        problems.push(severity, code, path, text, message, hint);
    }
    entry.filter(|_| !reader.guessed)
}

/// The corrected text of an entry, if there is one.
pub(crate) fn corrected(text: &str) -> Option<String> {
    Reader {
        text,
        credentials: false,
        found: Vec::new(),
        guessed: false,
    }
    .read()
    .map(|entry| entry.to_string())
}

/// An origin whose host ends in a dot, without it.
fn without_dot(origin: &str) -> String {
    origin
        .strip_suffix('.')
        .map_or_else(|| origin.replacen(".:", ":", 1), str::to_owned)
}
