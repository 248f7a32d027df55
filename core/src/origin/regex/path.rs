//! Paths that an option of a framework names by a regex of Python's: which of them it covers.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::Config;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use super::SIZE_LIMIT;
use super::dialect::{PathTranslation, translate_path};

/// A regex of Python's `re` for the decoded path of a request, in linear time.
///
/// It covers what it matches from the start of the path on, as `re.match` does, if the match ends
/// where a segment ends; and what it matches as a whole.
///
/// ```
/// use crossgate::binding::PathRegex;
/// let regex = PathRegex::new(r"^/api/v\d+", "")?;
/// assert_eq!(regex.covers("/api/v12/users"), Some(true));
/// assert_eq!(regex.covers("/api/v12x"), Some(false));
/// assert_eq!(regex.covers("/api/v1\u{661}"), None, "an Arabic digit: Python's tables know");
/// assert!(PathRegex::new("/(?!private).*", "").is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug)]
pub struct PathRegex {
    sure: Tables,
    /// What it may match, if that is more.
    possible: Option<Tables>,
    asks_for_words: bool,
    asks_for_line_end: bool,
}

#[derive(Clone, Debug)]
struct Tables {
    /// Ends where the match of a backtracking engine would.
    start: dense::DFA<Vec<u32>>,
    whole: dense::DFA<Vec<u32>>,
}

impl PathRegex {
    /// Reads a regex; `flags`: the letters of those that `re.compile` found, `i`, `s`, `x`, `a`.
    ///
    /// # Errors
    /// What is wrong with it, or what of it cannot be run in linear time.
    pub fn new(source: &str, flags: &str) -> Result<Self, String> {
        let PathTranslation {
            sure,
            possible,
            asks_for_words,
            asks_for_line_end,
        } = translate_path(source, flags)?;
        let more = sure != possible;
        Ok(PathRegex {
            sure: Tables::new(&sure)?,
            possible: more.then(|| Tables::new(&possible)).transpose()?,
            asks_for_words,
            asks_for_line_end,
        })
    }

    /// Whether it covers a path; `None` if that depends on what a version of Python knows of
    /// characters beyond ASCII. Whoever asks then denies.
    pub fn covers(&self, path: &str) -> Option<bool> {
        if !path.is_ascii() && self.asks_for_words || path.ends_with('\n') && self.asks_for_line_end
        {
            return None;
        }
        let covers = self.sure.covers(path);
        let Some(possible) = self.possible.as_ref().filter(|_| !path.is_ascii()) else {
            return Some(covers);
        };
        if self.sure.matches_whole(path) {
            Some(true)
        } else if possible.end(path).is_none() {
            Some(false)
        } else {
            None
        }
    }
}

impl Tables {
    fn new(pattern: &str) -> Result<Self, String> {
        let build = |pattern: String| {
            dense::Builder::new()
                .syntax(syntax::Config::new())
                .thompson(Config::new().nfa_size_limit(Some(SIZE_LIMIT)))
                .configure(
                    dense::Config::new()
                        .start_kind(StartKind::Anchored)
                        .match_kind(MatchKind::LeftmostFirst)
                        .dfa_size_limit(Some(SIZE_LIMIT))
                        .determinize_size_limit(Some(4 * SIZE_LIMIT)),
                )
                .build(&pattern)
                .map_err(|error| error.to_string())
        };
        Ok(Tables {
            start: build(format!(r"\A(?:{pattern})"))?,
            whole: build(format!(r"\A(?:{pattern})\z"))?,
        })
    }

    fn covers(&self, path: &str) -> bool {
        let bytes = path.as_bytes();
        self.end(path).is_some_and(|end| {
            let ends_segment =
                end == bytes.len() || bytes[end] == b'/' || end > 0 && bytes[end - 1] == b'/';
            ends_segment || self.matches_whole(path)
        })
    }

    fn matches_whole(&self, path: &str) -> bool {
        search(&self.whole, path).is_some()
    }

    fn end(&self, path: &str) -> Option<usize> {
        search(&self.start, path)
    }
}

fn search(table: &dense::DFA<Vec<u32>>, path: &str) -> Option<usize> {
    let found = table.try_search_fwd(&Input::new(path).anchored(Anchored::Yes));
    found.ok().flatten().map(|found| found.offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(regex: &str, path: &str) -> Option<bool> {
        PathRegex::new(regex, "").unwrap().covers(path)
    }

    #[test]
    fn segments_and_whole_paths() {
        for (regex, path, expected) in [
            ("^/api/.*$", "/api/users", true),
            ("^/api/.*$", "/apis", false),
            ("/api", "/api", true),
            ("/api", "/api/x", true),
            ("/api", "/apis", false),
            ("/api/", "/api/x", true),
            ("/a|/ab", "/ab", true),
            ("/a(/b)?", "/a/bc", false),
            ("/a(/b)??", "/a/bc", true),
            ("/a.", "/a\n", false),
            ("/caf\u{e9}/.*", "/caf\u{e9}/x", true),
            ("/[^/]+/x", "/\u{e9}\u{65e5}/x", true),
            ("/[\u{e0}-\u{ff}]", "/\u{e9}", true),
            ("/[\u{e0}-\u{ff}]", "/\u{df}", false),
            ("/x\\Z", "/x\n", false),
            ("", "/x", true),
            ("", "x", false),
        ] {
            assert_eq!(covers(regex, path), Some(expected), "{regex} {path:?}");
        }
    }

    #[test]
    fn what_a_version_of_python_knows_is_not_guessed() {
        for (regex, path, expected) in [
            (r"/\w+", "/\u{e9}", None),
            (r"/\w+/x", "/\u{e9}/y", Some(false)),
            (r"/(\w|.)+", "/\u{e9}", Some(true)),
            (r"/\W", "/\u{e9}", None),
            (r"/[^\w]", "/\u{e9}", None),
            (r"/\d\b", "/1\u{e9}", None),
            (r"(?i)/k", "/\u{212a}", None),
            (r"(?i)/b", "/\u{212a}", Some(false)),
            (r"(?i)/API", "/api/x", Some(true)),
            (r"(?a)/\w", "/\u{e9}", Some(false)),
            ("/x$", "/x\n", None),
            ("/x$", "/x", Some(true)),
        ] {
            let flags = if regex.starts_with("(?a)") { "a" } else { "" };
            let regex = PathRegex::new(regex, flags).unwrap();
            assert_eq!(regex.covers(path), expected, "{regex:?} {path:?}");
        }
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        for regex in [
            "/(?=a)",
            "/(?!a)",
            "(?<=a)b",
            r"(a)\1",
            "a++",
            "(?>a)",
            "(?s:.)",
            "(",
            "[",
            "(?i)\u{e9}",
            "(.{200}){200}",
        ] {
            assert!(PathRegex::new(regex, "").is_err(), "{regex}");
        }
        assert!(PathRegex::new("^a$", "m").is_err());
    }
}
