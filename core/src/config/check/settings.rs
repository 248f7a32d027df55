//! Judges the options that choose between two ways: `denied_actual`, `single_origin` and
//! `allow_private_network`.

use super::Check;
use crate::origin::exact::ExactOrigins;
use crate::origin::matcher::Matcher;
use crate::policy::settings::{DeniedActual, SingleOrigin};
use crate::problem::{ProblemCode, Severity};

impl Check<'_> {
    pub(crate) fn denied_actual(&mut self, any: bool, own_origins: &ExactOrigins) {
        if self.options.denied_actual != DeniedActual::Reject {
            return;
        }
        if own_origins.len() == 0 && !self.problems.has_path("own_origins") {
            let message = "browsers send Origin on same-origin POSTs, too: name the server's own \
                public origins in own_origins, or they are rejected";
            self.problems.error(
                ProblemCode::RejectWithoutOwnOrigins,
                "denied_actual",
                "reject",
                message,
                None,
            );
        }
        if any {
            self.problems.warning(
                ProblemCode::RejectHasNoEffect,
                "denied_actual",
                "reject",
                "with `*` in allow_origins nothing is denied",
                None,
            );
        }
    }

    /// The origin that is sent always: `*` or the static one.
    pub(crate) fn single_origin(&mut self, any: bool, matcher: &Matcher) -> Option<String> {
        let options = self.options;
        if options.single_origin == SingleOrigin::Static {
            let one = matcher.exact.len() == 1 || (matcher.exact.len() == 0 && self.misread);
            let alone = one
                && matcher.patterns.list().is_empty()
                && options.allow_origin_regexes.is_empty();
            if any
                || !alone
                || options.allow_null_origin
                || options.origin_predicate
                || options.denied_actual == DeniedActual::Reject
            {
                let message = "static sends one constant origin: exactly one exact entry in \
                    allow_origins, nothing else that allows, and not denied_actual = \"reject\"";
                self.problems.error(
                    ProblemCode::StaticNotConstant,
                    "single_origin",
                    "static",
                    message,
                    Some("match".into()),
                );
            } else {
                return matcher.exact.iter().next().map(str::to_owned);
            }
        }
        any.then(|| "*".to_owned())
    }

    pub(crate) fn private_network(&mut self, any: bool) {
        if self.options.allow_private_network {
            let severity = if any {
                Severity::Error
            } else {
                Severity::Warning
            };
            let message = "Chrome 142 and later ask the user (Local Network Access) and no header \
                grants it; only older versions read this one";
            self.problems.push(
                severity,
                ProblemCode::PnaSuperseded,
                "allow_private_network",
                "true",
                message,
                Some("false".into()),
            );
        }
    }
}
