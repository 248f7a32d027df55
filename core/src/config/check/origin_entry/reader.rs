//! What is read of an entry, and what is found in it.

use std::borrow::Cow;

use crate::origin::pattern::Pattern;
use crate::problem::{ProblemCode, Severity};

/// What an entry of `allow_origins` or `own_origins` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// One origin in its serialised form.
    Exact(String),
    /// Many.
    Pattern(Pattern),
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Entry::Exact(origin) => f.write_str(origin),
            Entry::Pattern(pattern) => pattern.fmt(f),
        }
    }
}

pub(super) const UNSUPPORTED: &str = "a pattern is `*.` before the whole host, `:*` as the whole \
    port, or one of {digits}, {hex}, {slug} inside one label";

/// What was found in an entry.
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) code: ProblemCode,
    pub(super) message: Cow<'static, str>,
    pub(super) hint: Hint,
}

/// The hint is known when the whole entry is read.
pub(super) enum Hint {
    None,
    Text(String),
    /// The entry as it was read.
    Corrected,
    /// The same, or this text if the entry has more that nobody can correct.
    CorrectedOr(String),
    /// The entry without its trailing dot.
    WithoutDot,
}

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) credentials: bool,
    pub(super) found: Vec<Finding>,
    /// The scheme is a guess: good for a hint, not for a judgement.
    pub(super) guessed: bool,
}

impl Reader<'_> {
    #[cold]
    #[inline(never)]
    pub(super) fn push(
        &mut self,
        severity: Severity,
        code: ProblemCode,
        message: impl Into<Cow<'static, str>>,
        hint: Hint,
    ) {
        // Upper case in scheme and host is one finding; so is a `*` in host and path.
        if !self.found.iter().any(|found| found.code == code) {
            self.found.push(Finding {
                severity,
                code,
                message: message.into(),
                hint,
            });
        }
    }

    pub(super) fn error(
        &mut self,
        code: ProblemCode,
        message: impl Into<Cow<'static, str>>,
        hint: Hint,
    ) {
        self.push(Severity::Error, code, message, hint);
    }

    pub(super) fn warn(
        &mut self,
        code: ProblemCode,
        message: impl Into<Cow<'static, str>>,
        hint: Hint,
    ) {
        self.push(Severity::Warning, code, message, hint);
    }

    pub(super) fn unsupported(&mut self, message: &'static str) {
        self.error(ProblemCode::PatternUnsupported, message, Hint::None);
    }
}
