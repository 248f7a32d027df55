//! Regexes in the dialect of whoever wrote them, in the engine's.
//!
//! A dialect is read into a tree by its own rules, and the tree is written in the syntax of the
//! crate `regex`: exactly, or the regex is refused. Origins are visible ASCII, so what a regex does
//! with white space, line breaks or other scripts does not matter. Wherever a part means the same
//! in both, it stays as it was written.

mod class;
mod grammar;
mod javascript;
mod path;
mod print;
mod python;
mod reader;
mod rust;
mod tree;

use super::super::regex_dialect::RegexDialect;
pub(super) use path::{PathTranslation, translate_path};
use reader::Reader;

/// A longer text is refused before time is spent on it.
const TEXT_LIMIT: usize = 1 << 16;

/// A regex in the engine's dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Translation {
    /// In the dialect of documents.
    pub(crate) text: String,
    /// What only the engine that backtracks runs: its text for that.
    pub(crate) backtracking: Option<String>,
}

/// Translates a regex.
///
/// # Errors
/// Why it is none, or has no exact translation.
pub(crate) fn translate(
    source: &str,
    flags: &str,
    dialect: RegexDialect,
) -> Result<Translation, String> {
    if source.len() > TEXT_LIMIT {
        return Err(format!(
            "it is too large: {} bytes, at most {TEXT_LIMIT}",
            source.len()
        ));
    }
    let read = Reader::new(source, flags, dialect).and_then(Reader::whole);
    if dialect == RegexDialect::Rust {
        let backtracking = match rust::linear(source) {
            Ok(()) => None,
            Err(error) => match read {
                Ok((tree, _)) if tree.needs_backtracking() => Some(print::backtracking(&tree)),
                _ => return Err(error),
            },
        };
        let text = source.to_owned();
        return Ok(Translation { text, backtracking });
    }
    let (tree, ignore_case) = read?;
    let is_linear = !tree.needs_backtracking();
    Ok(Translation {
        text: print::document(&tree, ignore_case),
        backtracking: (!is_linear).then(|| print::backtracking(&tree)),
    })
}

#[cfg(test)]
mod tests;
