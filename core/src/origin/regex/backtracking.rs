//! Regexes that a linear engine cannot run: with look-around, back references or atomic groups. The
//! engine that runs them tries one way after the other, so its steps are limited.

use fancy_regex::{Regex, RegexBuilder};

use super::super::found::Found;

/// Steps back for one origin, all regexes of a policy together.
const STEPS: usize = 10_000;

/// Regexes of a policy, at most.
pub(crate) const MAX_REGEXES: usize = 16;

/// The regexes of a policy. Each has an equal part of the steps, so that what one of them answers
/// does not depend on its place.
#[derive(Clone, Debug)]
pub(crate) struct BacktrackingRegexes(Vec<Regex>);

impl BacktrackingRegexes {
    /// Compiles what [`translate`](super::dialect::translate) wrote.
    ///
    /// # Errors
    /// The compiler's words.
    pub(crate) fn compile<S: AsRef<str>>(programs: &[S]) -> Result<Self, String> {
        let steps = STEPS / programs.len().max(1);
        let compile = |program: &S| {
            RegexBuilder::new(&format!(r"\A(?:{})\z", program.as_ref()))
                .backtrack_limit(steps)
                .delegate_size_limit(super::SIZE_LIMIT)
                .build()
                .map_err(|error| error.to_string())
        };
        programs
            .iter()
            .map(compile)
            .collect::<Result<_, _>>()
            .map(BacktrackingRegexes)
    }

    /// Whether one of them matches the whole text.
    pub(crate) fn matches(&self, text: &str) -> Found {
        let mut found = Found::No;
        for regex in &self.0 {
            match regex.is_match(text) {
                Ok(true) => return Found::Yes,
                Ok(false) => {}
                Err(_) => found = Found::OutOfSteps,
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(programs: &[&str]) -> BacktrackingRegexes {
        BacktrackingRegexes::compile(programs).unwrap()
    }

    #[test]
    fn the_whole_text_is_matched() {
        let regexes = compiled(&["(?!evil)[a-z]+", "([a-z])(?:\\1)[0-9]"]);
        assert_eq!(regexes.matches("good"), Found::Yes);
        assert_eq!(regexes.matches("aa1"), Found::Yes);
        assert_eq!(regexes.matches("evil"), Found::No);
        assert_eq!(regexes.matches("good "), Found::No);
        assert!(BacktrackingRegexes::compile(&["("]).is_err());
    }

    /// Exponential ones come to an end after the steps that there are for all of them together, and
    /// the more there are, the fewer each has.
    #[test]
    fn steps_are_limited() {
        let exponential = "(?:a|b|ab)*(?=c)";
        let text = "ab".repeat(30);
        for count in [1, 2, MAX_REGEXES] {
            let regexes = compiled(&vec![exponential; count]);
            assert_eq!(regexes.matches(&text), Found::OutOfSteps, "{count}");
        }
        // `k` ways to go wrong are `k` steps back, more or less: found by what just fits.
        let fits = |length: usize, count: usize| {
            let regexes = compiled(&vec!["(?:a|(?=b)b)*(?:a|(?=b)b)*(?=c)"; count]);
            regexes.matches(&"a".repeat(length)) == Found::No
        };
        let longest = |count| (1..330).take_while(|length| fits(*length, count)).count();
        let (alone, shared) = (longest(1), longest(MAX_REGEXES));
        assert!(alone > 2 * shared && shared > 10, "{alone} {shared}");
        // Quadratic: 16 times fewer steps are a quarter of the length.
        assert!(
            (3 * shared..=5 * shared).contains(&alone),
            "{alone} {shared}"
        );
    }
}
