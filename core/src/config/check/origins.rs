//! Judges `allow_origins` and `own_origins`: each entry by itself, with the others and with
//! credentials.

use super::Check;
use super::origin_entry::{self, Entry};
use crate::config::options::Item;
use crate::origin::exact::ExactOrigins;
use crate::origin::matcher::Matcher;
use crate::origin::pattern::{Danger, HostPattern, Pattern, PortPattern};
use crate::origin::serialized::Origin;
use crate::policy::settings::SafetyException;
use crate::problem::{ProblemCode, Severity};

/// Patterns are compared with each other only up to this number of them.
const COMPARED_PATTERNS: usize = 512;

impl Check<'_> {
    /// The entries of `allow_origins`, and for each pattern the number of exact origins in front of
    /// it.
    pub(crate) fn origins(&mut self) -> (Matcher, Vec<usize>) {
        let items = &self.options.allow_origins;
        let mut exact = ExactOrigins::with_capacity(items.len());
        let mut indices = Vec::with_capacity(items.len());
        let mut matcher = Matcher {
            insecure_is_safe: self.insecure_is_safe(),
            ..Matcher::default()
        };
        let mut patterns: Vec<(usize, usize, Pattern)> = Vec::new();
        for item in items.iter().filter(|item| item.text != "*") {
            let path = || format!("allow_origins[{}]", item.index);
            // The common entry is already canonical, and needs no path text.
            let errors = self.problems.error_count();
            let entry = if is_plain(&item.text) {
                Some(Entry::Exact(item.text.clone()))
            } else {
                origin_entry::read(
                    &item.text,
                    &path(),
                    self.options.allow_credentials,
                    &mut self.problems,
                )
            };
            let duplicate = match entry {
                None => {
                    self.misread = true;
                    continue;
                }
                Some(Entry::Exact(origin)) => {
                    self.exact_with_credentials(&origin, item);
                    let new = exact.insert(&origin);
                    if new {
                        indices.push(item.index);
                    }
                    !new
                }
                Some(Entry::Pattern(pattern)) => {
                    self.pattern_dangers(&pattern, item);
                    let known = matcher.patterns.contains(&pattern);
                    if !known {
                        matcher
                            .patterns
                            .push(pattern.clone(), self.is_safe(&pattern));
                        patterns.push((item.index, exact.len(), pattern));
                    }
                    known
                }
            };
            // A faulty entry may stand beside what it should have been.
            if duplicate && self.problems.error_count() == errors {
                self.problems.warning(
                    ProblemCode::OriginDuplicate,
                    &path(),
                    &item.text,
                    "this origin stands twice",
                    None,
                );
            }
        }
        let any = items.iter().filter(|item| item.text == "*");
        for item in any.clone().skip(1) {
            self.problems.warning(
                ProblemCode::OriginDuplicate,
                &format!("allow_origins[{}]", item.index),
                "*",
                "`*` stands twice",
                None,
            );
        }
        if any.count() > 0 && items.iter().any(|item| item.text != "*") {
            let message = "`*` beside other origins makes them dead text; keep one of the two";
            self.problems.error(
                ProblemCode::AnyMixed,
                "allow_origins",
                "*",
                message,
                Some("\"*\"".into()),
            );
        }
        if matcher.patterns.list().is_empty() {
            exact.shrink();
            matcher.exact = exact;
            return (matcher, Vec::new());
        }
        self.without_redundant(&exact, &indices, patterns)
    }

    /// Warns about entries that another covers, and leaves them out where nothing is lost: an entry
    /// that is safe with credentials says more than a pattern around it that is not (WebSocket
    /// checks).
    pub(crate) fn without_redundant(
        &mut self,
        exact: &ExactOrigins,
        indices: &[usize],
        patterns: Vec<(usize, usize, Pattern)>,
    ) -> (Matcher, Vec<usize>) {
        let mut matcher = Matcher {
            insecure_is_safe: self.insecure_is_safe(),
            ..Matcher::default()
        };
        let mut places = Vec::new();
        let compared = if patterns.len() <= COMPARED_PATTERNS {
            patterns.as_slice()
        } else {
            &[]
        };
        for (position, (index, place, pattern)) in patterns.iter().enumerate() {
            self.steps += compared.len();
            let others = compared
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != position);
            let mut covering = others
                .map(|(_, (_, _, other))| other)
                .filter(|other| other.covers(pattern))
                .peekable();
            if let Some(first) = covering.peek() {
                self.redundant(*index, &pattern.to_string(), &first.to_string());
            }
            if !covering.any(|other| !self.is_safe(pattern) || self.is_safe(other)) {
                matcher
                    .patterns
                    .push(pattern.clone(), self.is_safe(pattern));
                places.push(*place);
            }
        }
        let mut dropped = Vec::new();
        let mut left = ExactOrigins::with_capacity(exact.len());
        for (position, (origin, index)) in exact.iter().zip(indices).enumerate() {
            let parsed = Origin::parse(origin.as_bytes());
            let by = parsed
                .as_ref()
                .and_then(|parsed| matcher.patterns.find(parsed, false));
            if let Some(by) = by {
                self.redundant(*index, origin, &by.to_string());
            }
            if parsed.as_ref().is_some_and(|parsed| {
                by.is_some()
                    && (!matcher.is_secure(parsed) || matcher.patterns.matches(parsed, true))
            }) {
                dropped.push(position);
            } else {
                left.insert(origin);
            }
        }
        left.shrink();
        matcher.exact = left;
        // What stands in front of a pattern became fewer.
        places
            .iter_mut()
            .for_each(|place| *place -= dropped.partition_point(|position| position < place));
        (matcher, places)
    }

    pub(crate) fn redundant(&mut self, index: usize, text: &str, by: &str) {
        self.problems.warning(
            ProblemCode::OriginRedundant,
            &format!("allow_origins[{index}]"),
            text,
            format!("{by} covers it already"),
            None,
        );
    }

    pub(crate) fn exact_with_credentials(&mut self, origin: &str, item: &Item) {
        if Origin::parse(origin.as_bytes()).is_some_and(|origin| origin.is_insecure()) {
            self.insecure(
                &format!("allow_origins[{}]", item.index),
                &item.text,
                origin_entry::corrected(&origin.replacen("http://", "https://", 1)),
            );
        }
    }

    /// Plain http beyond loopback: nothing to be said without credentials.
    pub(crate) fn insecure(&mut self, path: &str, text: &str, hint: Option<String>) {
        let open = self.is_excepted(SafetyException::InsecureOriginsWithCredentials);
        if !self.options.allow_credentials {
            return;
        }
        let message = "with credentials whoever is on the network path of a plain-http page acts \
            as its users (development: docs/policy.md#plain-http)";
        self.problems.push(
            self.danger_severity(open),
            ProblemCode::InsecureOriginWithCredentials,
            path,
            text,
            message,
            hint,
        );
    }

    /// The gate for plain http is open.
    fn insecure_is_safe(&self) -> bool {
        self.exceptions
            .contains(&SafetyException::InsecureOriginsWithCredentials)
    }

    /// An error with credentials, else a warning. A gate that is open leaves the warning.
    pub(crate) fn danger_severity(&self, is_excepted: bool) -> Severity {
        if self.options.allow_credentials && !is_excepted {
            Severity::Error
        } else {
            Severity::Warning
        }
    }

    /// Any host of an application scheme: nothing to be said without credentials.
    pub(crate) fn scheme_wide(&mut self, path: &str, text: &str) {
        let open = self.is_excepted(SafetyException::AnyHostOfSchemeWithCredentials);
        if !self.options.allow_credentials {
            return;
        }
        let message = "with credentials every extension or application of this scheme acts as the \
            user; list the hosts";
        self.problems.push(
            self.danger_severity(open),
            ProblemCode::SchemeWideWithCredentials,
            path,
            text,
            message,
            None,
        );
    }

    pub(crate) fn pattern_dangers(&mut self, pattern: &Pattern, item: &Item) {
        let credentials = self.options.allow_credentials;
        let (path, text) = (format!("allow_origins[{}]", item.index), item.text.as_str());
        let of_names = matches!(
            pattern.host,
            HostPattern::Below(_) | HostPattern::Placeholder { .. }
        );
        if credentials && cfg!(not(feature = "psl")) && of_names && !pattern.is_loopback() {
            let message = "sub-domain patterns with credentials need the feature `psl` (the \
                public-suffix list)";
            self.problems
                .error(ProblemCode::FeatureMissing, &path, text, message, None);
        }
        for danger in pattern.dangers() {
            let (code, message) = match danger {
                Danger::PublicSuffix => (
                    ProblemCode::PatternPublicSuffix,
                    "anybody can have a name below this public suffix, or below one that the \
                        pattern covers; list your own names (previews: \
                        docs/policy.md#preview-deployments)",
                ),
                Danger::TenantControlled => (
                    ProblemCode::PatternTenantControlled,
                    "below this public suffix anybody can choose a name that matches; list your \
                        own names (previews: docs/policy.md#preview-deployments)",
                ),
                Danger::SchemeWide => {
                    self.scheme_wide(&path, text);
                    continue;
                }
                Danger::Insecure => {
                    let secure = pattern.to_string().replacen("http://", "https://", 1);
                    self.insecure(&path, text, origin_entry::corrected(&secure));
                    continue;
                }
            };
            let open = self.is_excepted(SafetyException::PublicSuffixSubdomainsWithCredentials);
            let severity = self.danger_severity(open);
            self.problems
                .push(severity, code, &path, text, message, None);
        }
        if credentials && pattern.port == PortPattern::Any && !pattern.is_loopback() {
            let message =
                "with credentials every service on any port of this public host acts as the user";
            self.problems
                .warning(ProblemCode::AnyPortPublic, &path, text, message, None);
        }
    }

    /// Nothing that credentials do not go with and no gate of the policy opens.
    fn is_safe(&self, pattern: &Pattern) -> bool {
        pattern.dangers().iter().all(|danger| {
            self.exceptions.contains(match danger {
                Danger::PublicSuffix | Danger::TenantControlled => {
                    &SafetyException::PublicSuffixSubdomainsWithCredentials
                }
                Danger::SchemeWide => &SafetyException::AnyHostOfSchemeWithCredentials,
                Danger::Insecure => &SafetyException::InsecureOriginsWithCredentials,
            })
        })
    }

    /// What concerns the origins as a whole.
    pub(crate) fn whole_origins(&mut self, any: bool) {
        let options = self.options;
        let nothing = options.allow_origins.is_empty()
            && options.allow_origin_regexes.is_empty()
            && !options.allow_null_origin
            && !options.origin_predicate;
        if nothing && !self.misread && !self.problems.has_path("allow_null_origin") {
            let message = "nobody is allowed: list origins in allow_origins, or \"*\" for a \
                resource that is public";
            self.problems.error(
                ProblemCode::OriginsEmpty,
                "allow_origins",
                "",
                message,
                None,
            );
        }
        if any {
            for (path, present) in [
                (
                    "allow_origin_regexes",
                    !options.allow_origin_regexes.is_empty(),
                ),
                ("origin_predicate", options.origin_predicate),
            ] {
                if present {
                    let message =
                        "`*` in allow_origins allows everybody already; keep one of the two";
                    self.problems
                        .error(ProblemCode::AnyMixed, path, "", message, None);
                }
            }
            if options.allow_null_origin {
                self.problems.warning(
                    ProblemCode::OriginRedundant,
                    "allow_null_origin",
                    "true",
                    "`*` in allow_origins covers it already",
                    None,
                );
            }
            if options.allow_credentials {
                let message = "browsers refuse `*` with credentials, and an engine that reflects \
                    every origin instead hands each user's data to every site. List the origins, \
                    or leave credentials out (a bearer token in a header needs none)";
                self.problems.error(
                    ProblemCode::AnyWithCredentials,
                    "allow_origins",
                    "*",
                    message,
                    None,
                );
            }
        }
        if options.allow_null_origin && options.allow_credentials {
            let message = "any page can make itself an opaque origin (a sandboxed frame), so with \
                credentials this hands each user's data to every site";
            self.problems.error(
                ProblemCode::NullWithCredentials,
                "allow_null_origin",
                "true",
                message,
                None,
            );
        }
    }

    pub(crate) fn own_origins(&mut self) -> ExactOrigins {
        let mut origins = ExactOrigins::with_capacity(self.options.own_origins.len());
        for item in &self.options.own_origins {
            let path = format!("own_origins[{}]", item.index);
            match origin_entry::read(
                &item.text,
                &path,
                self.options.allow_credentials,
                &mut self.problems,
            ) {
                Some(Entry::Exact(origin)) if origins.insert(&origin) => {}
                Some(Entry::Exact(_)) => self.problems.warning(
                    ProblemCode::OriginDuplicate,
                    &path,
                    &item.text,
                    "this origin stands twice",
                    None,
                ),
                Some(Entry::Pattern(_)) => {
                    self.problems.error(
                        ProblemCode::PatternUnsupported,
                        &path,
                        &item.text,
                        "the server's own origins are exact; list them one by one",
                        None,
                    );
                }
                None => {}
            }
        }
        origins
    }
}

/// An origin that is canonical as it stands and that nothing is to be said about: lower-case ASCII
/// labels of letters, digits and single hyphens, no trailing dot, a name and no address.
fn is_plain(text: &str) -> bool {
    let Some(origin) = Origin::parse(text.as_bytes()) else {
        return false;
    };
    matches!(origin.scheme, "http" | "https")
        && origin.host.ends_with(|c: char| c.is_ascii_lowercase())
        && !origin.host.starts_with('[')
        && !origin.host.contains("xn--")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problems;

    #[test]
    #[cfg(not(feature = "psl"))]
    fn sub_domain_patterns_with_credentials_need_the_public_suffix_list() {
        for (entry, missing) in [
            ("https://*.example.com", true),
            ("https://*.example.com:*", true),
            ("https://pr-{digits}.example.com", true),
            ("https://a.example:*", false),
            ("http://*.localhost:*", false),
        ] {
            let built = crate::Policy::builder()
                .allow_origins([entry])
                .allow_credentials(true)
                .build();
            let found = built.is_err_and(|error| {
                error
                    .problems()
                    .iter()
                    .any(|problem| problem.code == ProblemCode::FeatureMissing)
            });
            assert_eq!(found, missing, "{entry}");
        }
    }

    #[test]
    fn the_short_way_reads_entries_as_the_long_one_does() {
        for text in [
            "https://a.example",
            "http://localhost:3000",
            "https://a_b.c-d.example:8443",
            "https://a--b.example.com",
        ] {
            assert!(is_plain(text));
            let mut problems = Problems::default();
            assert_eq!(
                origin_entry::read(text, "", false, &mut problems),
                Some(Entry::Exact(text.to_owned()))
            );
            assert!(problems.into_vec().is_empty());
        }
        for text in [
            "https://A.example",
            "https://a.example.",
            "https://xn--a.example",
            "https://1.2.3.4",
            "app://x",
            "https://a.example:443",
            "http://[::1]",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
