//! What can be wrong with a configuration: every finding has a stable code, the place, the value
//! and the fix.

use std::borrow::Cow;
use std::fmt;

use crate::text::escape::escape;

/// How bad a [`Problem`] is.
///
/// ```
/// use crossgate::{Policy, Severity};
/// let policy = Policy::builder().allow_origins(["https://A.example"]).build()?;
/// assert_eq!(policy.warnings()[0].severity, Severity::Warning);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The policy is not built.
    Error,
    /// The policy is built; see [`Policy::warnings`](crate::Policy::warnings).
    Warning,
    /// True, and nothing needs to be done; see [`Policy::notes`](crate::Policy::notes).
    Note,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: &'static [Severity] = &[Severity::Error, Severity::Warning, Severity::Note];

    /// `error`, `warning` or `note`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! codes {
    ($($name:ident = $text:literal, $doc:literal;)*) => {
        /// The stable name of a kind of problem.
        ///
        /// ```
        /// use crossgate::ProblemCode;
        /// assert_eq!(ProblemCode::OriginHasPath.as_str(), "origin_has_path");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ProblemCode { $(#[doc = $doc] $name,)* }

        impl ProblemCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [ProblemCode] = &[$(ProblemCode::$name,)*];

            /// The code as text; it never changes.
            pub const fn as_str(self) -> &'static str {
                match self { $(ProblemCode::$name => $text,)* }
            }
        }
    };
}

codes! {
    OriginsEmpty = "origins_empty", "Nothing opens the policy: no entry, regex, null or host.";
    OriginBlank = "origin_blank", "An entry is empty or white space only.";
    OriginWhitespace = "origin_whitespace", "White space around an entry.";
    OriginQuoted = "origin_quoted", "Quotes or brackets around an entry.";
    OriginIsList = "origin_is_list", "Several origins in one string.";
    OriginMissingScheme = "origin_missing_scheme", "No `scheme://`.";
    OriginHasPath = "origin_has_path", "A path after the authority, a lone `/` included.";
    OriginHasQuery = "origin_has_query", "A query after the authority.";
    OriginHasFragment = "origin_has_fragment", "A fragment after the authority.";
    OriginHasUserinfo = "origin_has_userinfo", "`user@` before the host.";
    OriginInvalidHost = "origin_invalid_host", "A byte or label that no browser serialises.";
    OriginBadPort = "origin_bad_port", "The port is empty, 0, above 65535, has a leading zero or \
        is no number.";
    OriginIpNotCanonical = "origin_ip_not_canonical", "An IP address in a form that no browser \
        sends.";
    OriginIpZone = "origin_ip_zone", "An IPv6 zone id.";
    OriginBadIdna = "origin_bad_idna", "Not a valid domain name in IDNA.";
    OriginNotAscii = "origin_not_ascii", "A U-label, canonicalised to its A-label.";
    OriginNotCanonical = "origin_not_canonical", "Upper case, canonicalised.";
    OriginDefaultPort = "origin_default_port", "The scheme's default port, left out.";
    OriginTrailingDot = "origin_trailing_dot", "A trailing dot: a different origin, rarely meant.";
    OriginDuplicate = "origin_duplicate", "The same origin twice.";
    OriginRedundant = "origin_redundant", "Covered by another entry.";
    OriginNull = "origin_null", "The string `null` in a list of origins.";
    OriginFile = "origin_file", "`file:` serialises to `null`.";
    OriginScheme = "origin_scheme", "A scheme whose pages have no such origin.";
    OriginSchemeNeverSent = "origin_scheme_never_sent", "`ws`, `wss`, `ftp`: the page's origin is \
        http or https.";
    OriginInvalid = "origin_invalid", "A refused scheme without `//`.";
    PatternUnsupported = "pattern_unsupported", "A `*` or brace where none may stand.";
    PatternTooBroad = "pattern_too_broad", "Matches hosts that anybody can register.";
    PatternPublicSuffix = "pattern_public_suffix", "`*.` directly below a public suffix.";
    PatternTenantControlled = "pattern_tenant_controlled", "A placeholder in a name that any \
        tenant can choose.";
    AnyPortPublic = "any_port_public", "Any port of a public host, with credentials.";
    RegexInvalid = "regex_invalid", "The regex does not compile, or is too large.";
    RegexLabelBoundary = "regex_label_boundary", "The literal end of a regex can be preceded by \
        other host characters.";
    RegexDot = "regex_dot", "An unescaped `.` between two literal labels.";
    InsecureOriginWithCredentials = "insecure_origin_with_credentials", "A plain-http origin with credentials.";
    SchemeWideWithCredentials = "scheme_wide_with_credentials", "Any host of a scheme, with credentials.";
    AnyMixed = "any_mixed", "`*` beside other entries.";
    AnyWithCredentials = "any_with_credentials", "`*` with credentials.";
    NullWithCredentials = "null_with_credentials", "Opaque origins with credentials.";
    ExposeAnyWithCredentials = "expose_any_with_credentials", "Every response header exposed, with \
        credentials.";
    AnyHeaderWithCredentials = "any_header_with_credentials", "A literal `*` is no wildcard with \
        credentials: names are echoed.";
    AuthorizationNotCovered = "authorization_not_covered", "`*` does not cover `Authorization`.";
    MethodInvalid = "method_invalid", "Not a token.";
    MethodForbidden = "method_forbidden", "CONNECT, TRACE, TRACK.";
    MethodIsList = "method_is_list", "Several methods in one string.";
    MethodCase = "method_case", "MethodSet are case-sensitive.";
    MethodOptionsUnneeded = "method_options_unneeded", "PreflightSets need no listing of OPTIONS.";
    HeaderInvalid = "header_invalid", "Not a token.";
    HeaderIsList = "header_is_list", "Several names in one string.";
    HeaderForbidden = "header_forbidden", "A name that script can neither set nor read.";
    HeaderResponseOnly = "header_response_only", "A CORS response header where a request header \
        belongs.";
    HeaderAlreadyExposed = "header_already_exposed", "A CORS-safelisted response-header name.";
    HeaderDuplicate = "header_duplicate", "The same name twice.";
    MethodDuplicate = "method_duplicate", "The same method twice.";
    MaxAgeInvalid = "max_age_invalid", "Negative, a fraction or no number.";
    MaxAgeTooLong = "max_age_too_long", "Above 86400 seconds.";
    MaxAgeCapped = "max_age_capped", "Chromium and Safari use less.";
    PreflightStatusNotOk = "preflight_status_not_ok", "A status that fails every preflight.";
    DeniedPreflightStatusInvalid = "denied_preflight_status_invalid", "Not a status to deny a preflight with.";
    StaticNotConstant = "static_not_constant", "`static` with anything but one exact origin.";
    RejectWithoutOwnOrigins = "reject_without_own_origins", "`reject` does not know the server's \
        own origins.";
    RejectHasNoEffect = "reject_has_no_effect", "`reject` with `*` never rejects.";
    PnaSuperseded = "pna_superseded", "Private Network Access is no more.";
    GateUnknown = "gate_unknown", "No such gate.";
    GateNotNeeded = "gate_not_needed", "A gate that nothing needs.";
    UnknownOption = "unknown_option", "No such option.";
    DuplicateOption = "duplicate_option", "An option twice.";
    OptionType = "option_type", "A value of the wrong type.";
    FeatureMissing = "feature_missing", "Needs a feature that was compiled out.";
    DocumentInvalid = "document_invalid", "The text does not parse.";
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One finding about a configuration.
///
/// ```
/// let error = crossgate::Policy::builder()
///     .allow_origins(["https://a.example:0443"])
///     .build()
///     .unwrap_err();
/// let problem = &error.problems()[0];
/// assert_eq!(
///     (problem.code.as_str(), problem.path.as_str()),
///     ("origin_bad_port", "allow_origins[0]")
/// );
/// assert_eq!(problem.hint.as_deref(), Some("https://a.example"));
/// println!("{problem}"); // one line, safe to log
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Whether the policy is built in spite of it.
    pub severity: Severity,
    /// The stable code.
    pub code: ProblemCode,
    /// The place, like `allow_origins[2]`; empty for the document as a whole.
    pub path: String,
    /// The value found there, escaped: printable ASCII only, at most 200 characters.
    pub value: String,
    /// What is wrong and why it matters, in one or two sentences.
    pub message: String,
    /// The corrected text, where one exists.
    pub hint: Option<String>,
}

impl Problem {
    /// A finding of a drop-in about options that the policy does not know. Path and value are
    /// expected to be safe to show.
    #[doc(hidden)]
    pub fn new(
        severity: Severity,
        code: ProblemCode,
        path: String,
        value: String,
        message: String,
        hint: Option<String>,
    ) -> Self {
        Problem {
            severity,
            code,
            path,
            value,
            message,
            hint,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.severity, self.code)?;
        if !self.path.is_empty() {
            write!(f, " at {}", self.path)?;
        }
        if !self.value.is_empty() {
            write!(f, " = {}", self.value)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " (try: {})", escape(hint))?;
        }
        Ok(())
    }
}

/// A policy was not built. Holds every problem found in one pass, warnings included.
///
/// ```
/// let error = crossgate::Policy::builder().allow_origins(["https://a.example/", "null"]).build().unwrap_err();
/// let codes: Vec<_> = error.problems().iter().map(|p| p.code.as_str()).collect();
/// assert_eq!(codes, ["origin_has_path", "origin_null"]);
/// assert_eq!(error.problems()[0].hint.as_deref(), Some("https://a.example"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    problems: Vec<Problem>,
}

impl PolicyError {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        PolicyError { problems }
    }

    /// Every problem, in the order of the options.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The problems by value.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self
            .problems
            .iter()
            .filter(|p| p.severity == Severity::Error)
            .count();
        write!(
            f,
            "invalid CORS policy: {errors} error{}",
            if errors == 1 { "" } else { "s" }
        )?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}

/// Collects the problems of one build.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    errors: usize,
}

// Not inlined: there are many places that find something.
impl Problems {
    #[cold]
    #[inline(never)]
    pub(crate) fn push(
        &mut self,
        severity: Severity,
        code: ProblemCode,
        path: &str,
        value: &str,
        message: impl Into<Cow<'static, str>>,
        hint: Option<String>,
    ) {
        self.add(severity, code, path, value, message.into(), hint);
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn error(
        &mut self,
        code: ProblemCode,
        path: &str,
        value: &str,
        message: impl Into<Cow<'static, str>>,
        hint: Option<String>,
    ) {
        self.add(Severity::Error, code, path, value, message.into(), hint);
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn warning(
        &mut self,
        code: ProblemCode,
        path: &str,
        value: &str,
        message: impl Into<Cow<'static, str>>,
        hint: Option<String>,
    ) {
        self.add(Severity::Warning, code, path, value, message.into(), hint);
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn note(
        &mut self,
        code: ProblemCode,
        path: &str,
        value: &str,
        message: impl Into<Cow<'static, str>>,
        hint: Option<String>,
    ) {
        self.add(Severity::Note, code, path, value, message.into(), hint);
    }

    fn add(
        &mut self,
        severity: Severity,
        code: ProblemCode,
        path: &str,
        value: &str,
        message: Cow<'static, str>,
        hint: Option<String>,
    ) {
        self.errors += usize::from(severity == Severity::Error);
        // A path can hold a name of the document's, so it is escaped as the value is.
        self.list.push(Problem {
            severity,
            code,
            path: escape(path),
            value: escape(value),
            message: message.into_owned(),
            hint,
        });
    }

    pub(crate) fn error_count(&self) -> usize {
        self.errors
    }

    /// Whether something is wrong with an option whose name starts so.
    pub(crate) fn has_path(&self, start: &str) -> bool {
        self.list
            .iter()
            .any(|problem| problem.path.starts_with(start))
    }

    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_could_forge_a_log_line() {
        assert_eq!(escape("a\r\nb\\ü\0"), "a\\r\\nb\\\\\\u{fc}\\u{0}");
        assert!(escape(&"x".repeat(500)).len() < 210);
    }

    #[test]
    fn a_name_cannot_forge_a_log_line() {
        let mut document = crate::Document::new();
        document.push("a\n  error x at y", crate::OptionValue::Int(1));
        let text = crate::Policy::from_document(&document)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("unknown_option at a\\n  error x at y"),
            "{text}"
        );
    }

    #[test]
    fn codes_are_unique_snake_case() {
        let mut texts: Vec<_> = ProblemCode::ALL.iter().map(|c| c.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), ProblemCode::ALL.len());
        assert!(
            texts
                .iter()
                .all(|t| t.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
    }
}
