//! `allow_origin_regexes`: compiled to match the whole origin in linear time.

pub(crate) mod backtracking;
pub(crate) mod dialect;
pub(crate) mod dots;
mod gate;
pub(crate) mod path;
mod program;
pub(crate) mod reach;
mod well_formed;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::Config;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

/// A larger program is refused.
const SIZE_LIMIT: usize = 1 << 20;

/// So is a longer text, before time is spent on it.
const TEXT_LIMIT: usize = 1 << 16;

/// Origins are ASCII: classes mean their ASCII members, and the Unicode tables stay out of the
/// build.
const UNICODE: bool = false;

/// The text of a regex that matches the whole input wherever `pattern` could match.
///
/// # Errors
/// The compiler's words, for a pattern that does not parse.
pub(crate) fn whole(pattern: &str) -> Result<String, String> {
    if pattern.len() > TEXT_LIMIT {
        return Err(format!(
            "it is too large: {} bytes, at most {TEXT_LIMIT}",
            pattern.len()
        ));
    }
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(UNICODE)
        .utf8(false)
        .build()
        .parse(pattern)
        .map_err(|error| error.to_string())?;
    // Printed from its syntax tree, so that no comment or flag of the pattern reaches the anchors.
    Ok(format!(r"\A(?:{hir})\z"))
}

/// Regexes as one table that is searched in one pass over the origin, whatever their number. It
/// never changes: nothing is allocated and nothing kept while serving.
#[derive(Clone, Debug)]
pub(crate) struct Regexes {
    table: dense::DFA<Vec<u32>>,
}

impl Regexes {
    /// Compiles the whole-match forms.
    ///
    /// # Errors
    /// The compiler's words, for tables that are too large.
    pub(crate) fn compile<S: AsRef<str>>(whole: &[S]) -> Result<Self, String> {
        let table = dense::Builder::new()
            .syntax(syntax::Config::new().unicode(UNICODE).utf8(false))
            .thompson(Config::new().utf8(false).nfa_size_limit(Some(SIZE_LIMIT)))
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .match_kind(MatchKind::All)
                    .dfa_size_limit(Some(SIZE_LIMIT))
                    .determinize_size_limit(Some(4 * SIZE_LIMIT)),
            )
            .build_many(whole)
            .map_err(|error| error.to_string())?;
        Ok(Regexes { table })
    }

    /// Whether one of them matches the whole text. A text on which the table gives up is no match.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        let input = Input::new(text).anchored(Anchored::Yes).earliest(true);
        matches!(self.table.try_search_fwd(&input), Ok(Some(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_origin_is_matched() {
        for (pattern, text, expected) in [
            (r"https://a\.example", "https://a.example.evil.net", false),
            (
                r"https://a\.example|https://b\.example",
                "https://b.example",
                true,
            ),
            (
                r"(?x) https://a\.example # a comment",
                "https://a.example",
                true,
            ),
            (r"a|ab", "ab", true),
            (
                r"https://[a-z]+\.example\.com$",
                "https://a.example.com\n",
                false,
            ),
        ] {
            let regexes = Regexes::compile(&[whole(pattern).unwrap()]).unwrap();
            assert_eq!(regexes.is_match(text), expected, "{pattern}");
        }
        assert!(whole("https://(").is_err());
        for large in ["(a{1000}){1000}", "(a|b)*a(a|b){30}"] {
            assert!(
                Regexes::compile(&[whole(large).unwrap()]).is_err(),
                "{large}"
            );
        }
    }
}
