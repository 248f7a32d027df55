//! Judges what a regex lets in.

use super::Check;
use crate::origin::regex::dots::unescaped_dots;
use crate::origin::regex::reach::Reach;
use crate::policy::settings::SafetyException;
use crate::problem::{ProblemCode, Severity};

impl Check<'_> {
    pub(crate) fn regex_dangers(&mut self, text: &str, path: &str, reach: Reach) {
        let credentials = self.options.allow_credentials;
        let severity = if credentials {
            Severity::Error
        } else {
            Severity::Warning
        };
        if credentials && cfg!(not(feature = "psl")) {
            let message =
                "regexes with credentials need the feature `psl` (the public-suffix list)";
            self.problems
                .error(ProblemCode::FeatureMissing, path, text, message, None);
        }
        if reach.too_broad {
            let message =
                "it matches registrable domains that anybody can have; spell the domain out";
            self.problems.push(
                severity,
                ProblemCode::PatternTooBroad,
                path,
                text,
                message,
                None,
            );
        }
        if reach.label_boundary {
            let message = "what stands before its literal end can be part of another domain's name \
                (`https://.*example\\.com` matches evilexample.com); end it at a label: \
                `\\.example\\.com`";
            self.problems.push(
                severity,
                ProblemCode::RegexLabelBoundary,
                path,
                text,
                message,
                None,
            );
        }
        if let Some(fixed) = unescaped_dots(text) {
            self.problems.warning(
                ProblemCode::RegexDot,
                path,
                text,
                "an unescaped `.` matches any byte, not only a dot",
                Some(fixed),
            );
        }
        if reach.scheme_wide
            && credentials
            && !self.is_excepted(SafetyException::AnyHostOfSchemeWithCredentials)
        {
            let message = "with credentials every extension or application of this scheme acts as \
                the user; list the hosts";
            self.problems.error(
                ProblemCode::SchemeWideWithCredentials,
                path,
                text,
                message,
                None,
            );
        }
        if reach.insecure && credentials {
            self.insecure(path, text, None);
        }
    }
}
