//! Everything that can match an origin, `null` and the application's verdict aside.

use super::exact::ExactOrigins;
use super::found::Found;
use super::pattern_set::PatternSet;
use super::serialized::Origin;

/// The regexes of a policy.
#[cfg(feature = "regex")]
#[derive(Clone, Debug)]
pub(crate) struct PolicyRegexes {
    pub(crate) all: super::regex::Regexes,
    /// Those that are safe with credentials.
    pub(crate) safe: super::regex::Regexes,
    /// Those that only an engine that backtracks can run; never with credentials.
    pub(crate) backtracking: Option<super::regex::backtracking::BacktrackingRegexes>,
}

/// Everything that can match an origin, `null` and the host's verdict aside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    pub(crate) exact: ExactOrigins,
    pub(crate) patterns: PatternSet,
    #[cfg(feature = "regex")]
    pub(crate) regexes: Option<PolicyRegexes>,
    /// A regex must not let a plain-http origin in: the policy has credentials and no gate.
    pub(crate) refuse_insecure: bool,
    /// The policy opens the gate for plain http.
    pub(crate) insecure_is_safe: bool,
}

impl Matcher {
    /// Whether a pattern or a regex matches.
    pub(crate) fn matches(&self, origin: &Origin<'_>) -> Found {
        if self.patterns.matches(origin, false) || self.matches_regex(origin, false) {
            Found::Yes
        } else {
            self.backtrack(origin)
        }
    }

    /// Whether an entry, a pattern or a regex matches.
    pub(crate) fn finds(&self, origin: &[u8]) -> bool {
        self.exact.find(origin).is_some()
            || Origin::parse(origin).is_some_and(|parsed| self.matches(&parsed) == Found::Yes)
    }

    /// Credentials go with the origin's scheme.
    pub(crate) fn is_secure(&self, origin: &Origin<'_>) -> bool {
        self.insecure_is_safe || !origin.is_insecure()
    }

    /// Whether the origin is allowed by rules that hold with credentials, whatever the policy's own
    /// are.
    pub(crate) fn allows_with_credentials(&self, origin: &[u8]) -> bool {
        let Some(parsed) = Origin::parse(origin) else {
            return false;
        };
        self.is_secure(&parsed)
            && (self.exact.find(origin).is_some()
                || self.patterns.matches(&parsed, true)
                || self.matches_regex(&parsed, true))
    }

    #[cfg(feature = "regex")]
    fn matches_regex(&self, origin: &Origin<'_>, safe: bool) -> bool {
        let Some(regexes) = &self.regexes else {
            return false;
        };
        if self.refuse_insecure && origin.is_insecure() {
            return false;
        }
        let set = if safe { &regexes.safe } else { &regexes.all };
        set.is_match(origin.text)
    }

    #[cfg(feature = "regex")]
    fn backtrack(&self, origin: &Origin<'_>) -> Found {
        let regexes = self
            .regexes
            .as_ref()
            .and_then(|regexes| regexes.backtracking.as_ref());
        regexes.map_or(Found::No, |regexes| regexes.matches(origin.text))
    }

    #[cfg(not(feature = "regex"))]
    fn backtrack(&self, _origin: &Origin<'_>) -> Found {
        Found::No
    }

    #[cfg(not(feature = "regex"))]
    fn matches_regex(&self, _origin: &Origin<'_>, _safe: bool) -> bool {
        false
    }
}
