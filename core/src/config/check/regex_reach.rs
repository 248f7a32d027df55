//! Judges what a regex lets in, and whether it lets anything in.

use super::Check;
use super::regex_rewritings::{at_a_label, is_null, mended, without_plain_http};
use crate::origin::regex::dots::unescaped_dots;
use crate::origin::regex::reach::Reach;
use crate::policy::settings::SafetyException;
use crate::problem::ProblemCode;

/// One regex of the policy.
pub(super) struct JudgedRegex<'a> {
    /// As it was written.
    pub(super) text: &'a str,
    /// Where it stands in the options.
    pub(super) path: &'a str,
    pub(super) reach: &'a Reach,
    /// What another text of the same dialect lets in, if it can be read.
    pub(super) reach_of: &'a dyn Fn(&str) -> Option<Reach>,
    /// Places in what was judged are places in `text`.
    pub(super) verbatim: bool,
}

impl JudgedRegex<'_> {
    /// A text as a hint, if it lets something in and has none of the faults.
    fn better(&self, text: Option<String>, is_faulty: impl Fn(&Reach) -> bool) -> Option<String> {
        text.filter(|text| {
            (self.reach_of)(text).is_some_and(|reach| !reach.never && !is_faulty(&reach))
        })
    }

    fn without_dead_branches(&self) -> Option<String> {
        let mut text = self.text.to_owned();
        for span in self.reach.dead.iter().rev().filter(|_| self.verbatim) {
            let (front, rest) = text.split_at_checked(span.start)?;
            let end = rest.get(span.len()..)?;
            // A bar goes with it.
            text = match (front.strip_suffix('|'), end.strip_prefix('|')) {
                (_, Some(end)) => format!("{front}{end}"),
                (Some(front), None) => format!("{front}{end}"),
                (None, None) => return None,
            };
        }
        self.better(Some(text), |reach| !reach.dead.is_empty())
    }
}

/// Too much is let in, whichever way.
fn is_broad(reach: &Reach) -> bool {
    reach.too_broad || !reach.label_boundary.is_empty() || !reach.owners.is_empty()
}

impl Check<'_> {
    /// Reports everything about a regex that compiles. A cause stands before what follows from it.
    pub(super) fn regex_reach(&mut self, regex: &JudgedRegex<'_>) {
        let reach = regex.reach;
        if reach.never {
            self.regex_never_matches(regex);
            return;
        }
        self.dead_branches(regex);
        let credentials = self.options.allow_credentials;
        if credentials && cfg!(not(feature = "psl")) {
            let message =
                "regexes with credentials need the feature `psl` (the public-suffix list)";
            self.problems.error(
                ProblemCode::FeatureMissing,
                regex.path,
                regex.text,
                message,
                None,
            );
        }
        let with_dots = unescaped_dots(regex.text);
        if with_dots.is_some() {
            self.problems.warning(
                ProblemCode::RegexDot,
                regex.path,
                regex.text,
                "an unescaped `.` matches any byte, not only a dot",
                with_dots.clone(),
            );
        }
        let hint = regex.better(with_dots, is_broad);
        self.regex_owners(regex, hint);
        if reach.addresses {
            let message = "it matches IP addresses that it does not spell out, and an address is \
                nobody's for long; list the addresses that are meant";
            self.regex_danger(
                regex,
                ProblemCode::RegexMatchesAddresses,
                false,
                message,
                None,
            );
        }
        if reach.scheme_wide {
            self.scheme_wide(regex.path, regex.text);
        }
        if reach.insecure {
            let texts = without_plain_http(regex.text);
            let mut texts = texts.into_iter().filter(|_| credentials);
            let hint = texts.find_map(|text| regex.better(Some(text), |reach| reach.insecure));
            self.insecure(regex.path, regex.text, hint);
        }
    }

    /// Whose origins it lets in.
    fn regex_owners(&mut self, regex: &JudgedRegex<'_>, hint: Option<String>) {
        let reach = regex.reach;
        // Whoever opens the gate for a pattern below a public suffix has opened it for less.
        let liftable = reach.below_one_suffix;
        if reach.too_broad {
            let message = if liftable {
                "below the public suffix anybody can choose a name that it matches; list your own \
                    names (previews: docs/policy.md#preview-deployments)"
            } else {
                "it matches registrable domains that anybody can have; spell the domain out"
            };
            self.regex_danger(
                regex,
                ProblemCode::PatternTooBroad,
                liftable,
                message,
                hint.clone(),
            );
        }
        if let Some(end) = reach.label_boundary.first() {
            let message = if liftable {
                format!(
                    "anybody can choose a name that it matches, evil{end} for one; list your own \
                        names (previews: docs/policy.md#preview-deployments)"
                )
            } else {
                format!(
                    "what stands before its literal end can be part of another domain's name (it \
                        matches evil{end}); end it at a label"
                )
            };
            let hint = hint
                .clone()
                .or_else(|| regex.better(at_a_label(regex.text, end), is_broad));
            self.regex_danger(
                regex,
                ProblemCode::RegexLabelBoundary,
                liftable,
                &message,
                hint,
            );
        }
        if let [first, second, ..] = reach.owners.as_slice() {
            let message = format!(
                "it matches {} registrable domains ({first}, {second}…) that may belong to \
                    different people; list those that are yours",
                reach.owners.len()
            );
            let names = reach
                .owners
                .iter()
                .map(|name| format!("\"https://{name}\""));
            let hint = hint.unwrap_or_else(|| names.collect::<Vec<_>>().join(", "));
            let code = ProblemCode::RegexSeveralOwners;
            self.regex_danger(regex, code, liftable, &message, Some(hint));
        }
        if reach.public_suffix {
            let message = "it matches a public suffix, or a name below which one lies: many have \
                names there; list your own";
            self.regex_danger(regex, ProblemCode::PatternPublicSuffix, true, message, None);
        }
    }

    /// An error with credentials, else a warning; `liftable` by the gate for public suffixes.
    fn regex_danger(
        &mut self,
        regex: &JudgedRegex<'_>,
        code: ProblemCode,
        liftable: bool,
        message: &str,
        hint: Option<String>,
    ) {
        let lifted =
            liftable && self.is_excepted(SafetyException::PublicSuffixSubdomainsWithCredentials);
        let severity = self.danger_severity(lifted);
        let message = message.to_owned();
        self.problems
            .push(severity, code, regex.path, regex.text, message, hint);
    }

    fn regex_never_matches(&mut self, regex: &JudgedRegex<'_>) {
        let (message, hint) = if is_null(regex.text) {
            let message = "`null` reaches no regex; allow_null_origin is the option, and means \
                every sandboxed page";
            (message.to_owned(), Some("allow_null_origin".to_owned()))
        } else {
            let mended = mended(regex.text, |text| {
                (regex.reach_of)(text).is_some_and(|reach| !reach.never)
            });
            let (why, hint) = mended.map_or(
                (
                    "a regex is compared with the whole origin, `https://host[:port]`",
                    None,
                ),
                |(why, hint)| (why, Some(hint)),
            );
            (format!("no origin matches it: {why}"), hint)
        };
        let code = ProblemCode::RegexNeverMatches;
        self.problems
            .error(code, regex.path, regex.text, message, hint);
    }

    fn dead_branches(&mut self, regex: &JudgedRegex<'_>) {
        let Some(first) = regex.reach.dead.first() else {
            return;
        };
        let dead = regex.text.get(first.clone()).filter(|_| regex.verbatim);
        let message = match dead {
            Some("null") => "the alternative `null` lets nothing in, for `null` reaches no regex; \
                allow_null_origin is the option, and means every sandboxed page"
                .to_owned(),
            Some(dead) if !dead.is_empty() => {
                format!("the alternative `{dead}` matches no origin")
            }
            _ => "one of its alternatives matches no origin".to_owned(),
        };
        let hint = regex.without_dead_branches();
        self.problems.warning(
            ProblemCode::RegexDeadBranch,
            regex.path,
            regex.text,
            message,
            hint,
        );
    }

    /// Nothing that the policy's gates do not open and that credentials do not go with, plain http
    /// aside: whether an origin is that is seen when it comes.
    pub(crate) fn is_safe_regex(&self, reach: &Reach) -> bool {
        let suffixes = self
            .exceptions
            .contains(&SafetyException::PublicSuffixSubdomainsWithCredentials);
        let schemes = self
            .exceptions
            .contains(&SafetyException::AnyHostOfSchemeWithCredentials);
        !(is_broad(reach) && !(suffixes && reach.below_one_suffix)
            || reach.public_suffix && !suffixes
            || reach.addresses
            || reach.scheme_wide && !schemes)
    }
}
