//! Judges the options and compiles the policy. Every problem is reported in one pass.

use foldhash::fast::RandomState;

use super::document::Value;
use super::options::{DeniedActual, Gate, Item, Options, SingleOrigin, Upstream};
use crate::digest::Digest;
use crate::header_list::NameRule;
use crate::header_names::{HeaderNames, Use};
use crate::method::Methods;
use crate::origin::entry::{self, Entry};
use crate::origin::grammar::Origin;
use crate::origin::matcher::{ExactOrigins, Matcher};
use crate::origin::pattern::{Danger, HostPattern, Pattern, PortPattern};
use crate::policy::{BlockSettings, Blocks, Policy, Written};
use crate::problem::{Code, PolicyError, Problems, Severity};
use crate::vary::Vary;

/// Above this age every browser's cache has capped it (Firefox is the last).
const MAX_AGE: i64 = 86_400;
/// Above this age Chromium has.
const CHROMIUM_MAX_AGE: i64 = 7_200;
/// Patterns are compared with each other only up to this number of them.
const COMPARED_PATTERNS: usize = 512;

/// Builds the policy, or says everything that is wrong.
pub(crate) fn compile(options: &Options, problems: Problems) -> Result<Policy, PolicyError> {
    let misread = ["allow_origin", "host_origins", "allow_credentials"]
        .iter()
        .any(|option| problems.has_path(option));
    let mut check = Check {
        options,
        problems,
        misread,
        needed: Vec::new(),
        gates: Vec::new(),
    };
    let policy = check.policy();
    let failed = check.problems.error_count() > 0;
    let problems = check.problems.into_vec();
    if failed {
        return Err(PolicyError::new(problems));
    }
    Ok(Policy {
        warnings: problems,
        digest: Digest::of(&policy),
        ..policy
    })
}

struct Check<'a> {
    options: &'a Options,
    problems: Problems,
    /// Something that decides about origins could not be read, so that nothing is known about the
    /// whole.
    misread: bool,
    gates: Vec<Gate>,
    /// The gates without which something would have been refused.
    needed: Vec<Gate>,
}

impl Check<'_> {
    fn policy(&mut self) -> Policy {
        self.read_gates();
        let options = self.options;
        let credentials = options.allow_credentials;
        let any_origin = options.allow_origins.iter().any(|item| item.text == "*");
        let (mut matcher, places) = self.origins();
        let regexes = self.regexes(&mut matcher);
        matcher.refuse_insecure =
            credentials && !self.gates.contains(&Gate::InsecureOriginsWithCredentials);
        self.whole_origins(any_origin);
        let methods = Methods::read(&options.allow_methods, &mut self.problems);
        let allow_headers = self.allow_headers();
        let expose_headers = self.expose_headers();
        let max_age = self.max_age();
        let preflight_status =
            self.status("preflight_status", options.preflight_status.as_ref(), 204);
        let denied_preflight_status = self.status(
            "denied_preflight_status",
            options.denied_preflight_status.as_ref(),
            403,
        );
        let own_origins = self.own_origins();
        self.denied_actual(any_origin, &own_origins);
        let fixed_origin = self.single_origin(any_origin, &matcher);
        self.private_network(any_origin);
        let gates = self.unneeded_gates();

        let names = NameRule::new(allow_headers.clone(), credentials);
        let vary = Vary::new(
            fixed_origin.is_some(),
            matches!(names, NameRule::Echo),
            options.allow_private_network,
        );
        let blocks = Blocks::new(&BlockSettings {
            origin: fixed_origin.as_deref(),
            credentials,
            methods: &methods,
            allow_headers: &allow_headers,
            expose_headers: &expose_headers,
            max_age,
            private_network: options.allow_private_network,
            preflight_status,
            vary: &vary,
            separator: options.list_separator,
        });
        Policy {
            any_origin,
            constant: fixed_origin.is_some(),
            allow_null_origin: options.allow_null_origin,
            host_origins: options.host_origins,
            matcher,
            own_origins,
            echoes_method: methods.any && credentials,
            methods,
            names,
            allow_private_network: options.allow_private_network,
            list_separator: options.list_separator,
            preflight_status,
            denied_preflight_status,
            rejects: options.denied_actual == DeniedActual::Reject,
            keeps_upstream: options.upstream == Upstream::Keep,
            blocks,
            seed: RandomState::default(),
            written: Written {
                pattern_places: places,
                regexes,
                allow_headers: allow_headers.list,
                expose_headers,
                allow_credentials: credentials,
                max_age,
                single_origin: options.single_origin,
                gates,
            },
            warnings: Vec::new(),
            digest: Digest::default(),
        }
    }

    fn read_gates(&mut self) {
        for item in &self.options.dangerously_allow {
            let path = format!("dangerously_allow[{}]", item.index);
            match Gate::NAMED.iter().find(|(name, _)| *name == item.text) {
                Some((_, gate)) if self.gates.contains(gate) => {
                    self.problems.warning(
                        Code::GateNotNeeded,
                        &path,
                        &item.text,
                        "this gate stands twice",
                        None,
                    );
                }
                Some((_, gate)) => self.gates.push(*gate),
                None => self.problems.error(
                    Code::GateUnknown,
                    &path,
                    &item.text,
                    "there is no such gate",
                    None,
                ),
            }
        }
    }

    /// A gate that would have to be open; true if it is.
    fn gate(&mut self, gate: Gate) -> bool {
        self.needed.push(gate);
        self.gates.contains(&gate)
    }

    fn unneeded_gates(&mut self) -> Vec<Gate> {
        // An application may open it for what the host allows at request time.
        if self.options.host_origins && self.options.allow_credentials {
            self.needed.push(Gate::InsecureOriginsWithCredentials);
        }
        let (needed, unneeded): (Vec<Gate>, Vec<Gate>) = self
            .gates
            .iter()
            .partition(|gate| self.needed.contains(gate));
        // What was misread might have needed it.
        for gate in unneeded.into_iter().filter(|_| !self.misread) {
            let index = self
                .options
                .dangerously_allow
                .iter()
                .find(|item| item.text == gate.as_str())
                .map_or(0, |item| item.index);
            let message = "nothing in this policy needs the gate; leave it out";
            self.problems.warning(
                Code::GateNotNeeded,
                &format!("dangerously_allow[{index}]"),
                gate.as_str(),
                message,
                None,
            );
        }
        needed
    }

    /// The entries of `allow_origins`, and for each pattern the number of exact origins in front of
    /// it.
    fn origins(&mut self) -> (Matcher, Vec<usize>) {
        let items = &self.options.allow_origins;
        let mut exact = ExactOrigins::with_capacity(items.len());
        let mut indices = Vec::with_capacity(items.len());
        let mut matcher = Matcher::default();
        let mut patterns: Vec<(usize, usize, Pattern)> = Vec::new();
        for item in items.iter().filter(|item| item.text != "*") {
            let path = || format!("allow_origins[{}]", item.index);
            // The common entry is already canonical, and needs no path text.
            let entry = if is_plain(&item.text) {
                Some(Entry::Exact(item.text.clone()))
            } else {
                entry::read(
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
                        matcher.patterns.push(pattern.clone());
                        patterns.push((item.index, exact.len(), pattern));
                    }
                    known
                }
            };
            if duplicate {
                self.problems.warning(
                    Code::OriginDuplicate,
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
                Code::OriginDuplicate,
                &format!("allow_origins[{}]", item.index),
                "*",
                "`*` stands twice",
                None,
            );
        }
        if any.count() > 0 && items.iter().any(|item| item.text != "*") {
            let message = "`*` beside other origins makes them dead text; keep one of the two";
            self.problems.error(
                Code::AnyMixed,
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
    fn without_redundant(
        &mut self,
        exact: &ExactOrigins,
        indices: &[usize],
        patterns: Vec<(usize, usize, Pattern)>,
    ) -> (Matcher, Vec<usize>) {
        let mut matcher = Matcher::default();
        let mut places = Vec::new();
        let compared = if patterns.len() <= COMPARED_PATTERNS {
            patterns.as_slice()
        } else {
            &[]
        };
        for (position, (index, place, pattern)) in patterns.iter().enumerate() {
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
            if !covering.any(|other| !pattern.dangers().is_empty() || other.dangers().is_empty()) {
                matcher.patterns.push(pattern.clone());
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
            if parsed.is_some_and(|parsed| {
                by.is_some() && (parsed.is_insecure() || matcher.patterns.matches(&parsed, true))
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

    fn redundant(&mut self, index: usize, text: &str, by: &str) {
        self.problems.warning(
            Code::OriginRedundant,
            &format!("allow_origins[{index}]"),
            text,
            format!("{by} covers it already"),
            None,
        );
    }

    fn exact_with_credentials(&mut self, origin: &str, item: &Item) {
        if self.options.allow_credentials
            && Origin::parse(origin.as_bytes()).is_some_and(|origin| origin.is_insecure())
        {
            self.insecure(
                &format!("allow_origins[{}]", item.index),
                &item.text,
                entry::corrected(&origin.replacen("http://", "https://", 1)),
            );
        }
    }

    fn insecure(&mut self, path: &str, text: &str, hint: Option<String>) {
        if !self.gate(Gate::InsecureOriginsWithCredentials) {
            let message = "with credentials whoever is on the network path of a plain-http page \
                acts as its users";
            self.problems.error(
                Code::InsecureOriginWithCredentials,
                path,
                text,
                message,
                hint,
            );
        }
    }

    fn pattern_dangers(&mut self, pattern: &Pattern, item: &Item) {
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
                .error(Code::FeatureMissing, &path, text, message, None);
        }
        let severity = if credentials {
            Severity::Error
        } else {
            Severity::Warning
        };
        for danger in pattern.dangers() {
            match danger {
                Danger::PublicSuffix => {
                    let open =
                        credentials && self.gate(Gate::PublicSuffixSubdomainsWithCredentials);
                    if !open {
                        let message = "anybody can register a name below this public suffix; list \
                            your own names";
                        self.problems.push(
                            severity,
                            Code::PatternPublicSuffix,
                            &path,
                            text,
                            message,
                            None,
                        );
                    }
                }
                Danger::TenantControlled => {
                    let message = "below this public suffix any tenant can choose a name that \
                        matches; end the label in your own `--name` and use {digits} or {hex}";
                    self.problems.push(
                        severity,
                        Code::PatternTenantControlled,
                        &path,
                        text,
                        message,
                        None,
                    );
                }
                Danger::SchemeWide => {
                    if credentials && !self.gate(Gate::AnyHostOfSchemeWithCredentials) {
                        let message = "with credentials every extension or application of this \
                            scheme acts as the user; list the hosts";
                        self.problems.error(
                            Code::SchemeWideWithCredentials,
                            &path,
                            text,
                            message,
                            None,
                        );
                    }
                }
                Danger::Insecure => {
                    if credentials {
                        self.insecure(
                            &path,
                            text,
                            entry::corrected(
                                &pattern.to_string().replacen("http://", "https://", 1),
                            ),
                        );
                    }
                }
            }
        }
        if credentials && pattern.port == PortPattern::Any && !pattern.is_loopback() {
            let message =
                "with credentials every service on any port of this public host acts as the user";
            self.problems
                .warning(Code::AnyPortPublic, &path, text, message, None);
        }
    }

    #[cfg(feature = "regex")]
    fn regexes(&mut self, matcher: &mut Matcher) -> Vec<String> {
        use crate::origin::matcher::PolicyRegexes;
        use crate::origin::regex::{self, Regexes};
        let (mut texts, mut programs, mut safe) =
            (Vec::new(), Vec::<String>::new(), Vec::<String>::new());
        for item in &self.options.allow_origin_regexes {
            let (text, path) = (
                item.text.as_str(),
                format!("allow_origin_regexes[{}]", item.index),
            );
            if texts.contains(&item.text) {
                self.problems.warning(
                    Code::OriginDuplicate,
                    &path,
                    text,
                    "this regex stands twice",
                    None,
                );
                continue;
            }
            let compiled = if text.trim().is_empty() {
                Err("it is empty".to_owned())
            } else {
                regex::whole(text)
            };
            let compiled =
                compiled.and_then(|program| Regexes::compile(&[&program]).map(|_| program));
            let reach =
                compiled.and_then(|program| regex::reach(text).map(|reach| (program, reach)));
            match reach {
                Err(error) => {
                    self.misread = true;
                    self.problems.error(
                        Code::RegexInvalid,
                        &path,
                        text,
                        format!("the regex does not compile: {error}"),
                        None,
                    );
                }
                Ok((program, reach)) => {
                    self.regex_dangers(text, &path, reach);
                    texts.push(item.text.clone());
                    safe.extend(reach.is_credential_safe().then(|| program.clone()));
                    programs.push(program);
                }
            }
        }
        if !programs.is_empty() {
            match Regexes::compile(&programs).and_then(|all| {
                Ok(PolicyRegexes {
                    all,
                    safe: Regexes::compile(&safe)?,
                })
            }) {
                Ok(regexes) => matcher.regexes = Some(regexes),
                Err(error) => self.problems.error(
                    Code::RegexInvalid,
                    "allow_origin_regexes",
                    "",
                    format!("together the regexes are too large: {error}"),
                    None,
                ),
            }
        }
        texts
    }

    #[cfg(not(feature = "regex"))]
    fn regexes(&mut self, _matcher: &mut Matcher) -> Vec<String> {
        for item in &self.options.allow_origin_regexes {
            let path = format!("allow_origin_regexes[{}]", item.index);
            self.problems.error(
                Code::FeatureMissing,
                &path,
                &item.text,
                "regexes need the feature `regex`; a pattern may do",
                None,
            );
        }
        Vec::new()
    }

    #[cfg(feature = "regex")]
    fn regex_dangers(&mut self, text: &str, path: &str, reach: crate::origin::regex::Reach) {
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
                .error(Code::FeatureMissing, path, text, message, None);
        }
        if reach.too_broad {
            let message =
                "it matches registrable domains that anybody can have; spell the domain out";
            self.problems
                .push(severity, Code::PatternTooBroad, path, text, message, None);
        }
        if reach.label_boundary {
            let message = "what stands before its literal end can be part of another domain's name \
                (`https://.*example\\.com` matches evilexample.com); end it at a label: \
                `\\.example\\.com`";
            self.problems.push(
                severity,
                Code::RegexLabelBoundary,
                path,
                text,
                message,
                None,
            );
        }
        if let Some(fixed) = crate::origin::regex::unescaped_dots(text) {
            self.problems.warning(
                Code::RegexDot,
                path,
                text,
                "an unescaped `.` matches any byte, not only a dot",
                Some(fixed),
            );
        }
        if reach.scheme_wide && credentials && !self.gate(Gate::AnyHostOfSchemeWithCredentials) {
            let message = "with credentials every extension or application of this scheme acts as \
                the user; list the hosts";
            self.problems
                .error(Code::SchemeWideWithCredentials, path, text, message, None);
        }
        if reach.insecure && credentials {
            self.insecure(path, text, None);
        }
    }

    /// What concerns the origins as a whole.
    fn whole_origins(&mut self, any: bool) {
        let options = self.options;
        let nothing = options.allow_origins.is_empty()
            && options.allow_origin_regexes.is_empty()
            && !options.allow_null_origin
            && !options.host_origins;
        if nothing && !self.misread && !self.problems.has_path("allow_null_origin") {
            let message = "nobody is allowed: list origins in allow_origins, or \"*\" for a \
                resource that is public";
            self.problems
                .error(Code::OriginsEmpty, "allow_origins", "", message, None);
        }
        if any {
            for (path, present) in [
                (
                    "allow_origin_regexes",
                    !options.allow_origin_regexes.is_empty(),
                ),
                ("host_origins", options.host_origins),
            ] {
                if present {
                    let message =
                        "`*` in allow_origins allows everybody already; keep one of the two";
                    self.problems.error(Code::AnyMixed, path, "", message, None);
                }
            }
            if options.allow_null_origin {
                self.problems.warning(
                    Code::OriginRedundant,
                    "allow_null_origin",
                    "true",
                    "`*` in allow_origins covers it already",
                    None,
                );
            }
            if options.allow_credentials {
                let message = "browsers refuse `*` with credentials, and an engine that reflects every origin instead hands each user's data to every site. \
                    List the origins, or leave credentials out (a bearer token in a header needs none)";
                self.problems.error(
                    Code::AnyWithCredentials,
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
                Code::NullWithCredentials,
                "allow_null_origin",
                "true",
                message,
                None,
            );
        }
    }

    fn allow_headers(&mut self) -> HeaderNames {
        let names = HeaderNames::read(
            &self.options.allow_headers,
            "allow_headers",
            Use::Request,
            &mut self.problems,
        );
        if names.any && self.options.allow_credentials {
            let message = "with credentials a literal `*` is no wildcard in browsers, so the \
                requested names are echoed";
            self.problems.warning(
                Code::AnyHeaderWithCredentials,
                "allow_headers",
                "*",
                message,
                None,
            );
        } else if names.any && !names.contains(b"authorization") {
            let message = "`*` does not cover Authorization; list it beside `*` if clients send it";
            self.problems.warning(
                Code::AuthorizationNotCovered,
                "allow_headers",
                "*",
                message,
                Some("[\"*\", \"Authorization\"]".into()),
            );
        }
        names
    }

    fn expose_headers(&mut self) -> HeaderNames {
        let names = HeaderNames::read(
            &self.options.expose_headers,
            "expose_headers",
            Use::Response,
            &mut self.problems,
        );
        if names.any && self.options.allow_credentials {
            let message =
                "with credentials a literal `*` is no wildcard in browsers; list the names";
            self.problems.error(
                Code::ExposeAnyWithCredentials,
                "expose_headers",
                "*",
                message,
                None,
            );
        }
        names
    }

    fn max_age(&mut self) -> Option<u32> {
        let value = self.options.max_age.as_ref()?;
        let shown = value.shown();
        let Some(seconds) = whole_number(value) else {
            let hint = match value {
                Value::Str(text) => text
                    .trim()
                    .parse::<u32>()
                    .ok()
                    .map(|n| n.min(MAX_AGE as u32).to_string()),
                Value::Float(number) if *number >= 0.0 && *number <= MAX_AGE as f64 => {
                    Some(number.floor().to_string())
                }
                _ => None,
            };
            self.problems.error(
                Code::MaxAgeInvalid,
                "max_age",
                &shown,
                "a whole number of seconds from 0 to 86400",
                hint,
            );
            return None;
        };
        if seconds < 0 {
            let message = "browsers ignore a negative age; 0 turns their preflight cache off";
            self.problems.error(
                Code::MaxAgeInvalid,
                "max_age",
                &shown,
                message,
                Some("0".into()),
            );
            return None;
        }
        if seconds > MAX_AGE {
            let message = "no browser keeps a preflight longer than 86400 seconds (Firefox; \
                Chromium 7200, Safari 600)";
            self.problems.error(
                Code::MaxAgeTooLong,
                "max_age",
                &shown,
                message,
                Some(MAX_AGE.to_string()),
            );
            return None;
        }
        if seconds > CHROMIUM_MAX_AGE {
            let message = "Chromium keeps a preflight for 7200 seconds at most, Safari for 600";
            self.problems.warning(
                Code::MaxAgeCapped,
                "max_age",
                &shown,
                message,
                Some(CHROMIUM_MAX_AGE.to_string()),
            );
        }
        u32::try_from(seconds).ok()
    }

    fn status(&mut self, option: &str, value: Option<&Value>, default: u16) -> u16 {
        let Some(value) = value else { return default };
        let status = whole_number(value).and_then(|number| u16::try_from(number).ok());
        let preflight = option == "preflight_status";
        let good = status.filter(|status| match status {
            205 | 206 => false,
            200..=299 if preflight => true,
            200 | 204 => true,
            401 | 407 | 408 | 421 | 425 => false,
            400..=499 => !preflight,
            _ => false,
        });
        if good.is_none() {
            let (code, message) = if preflight {
                (
                    Code::PreflightStatusNotOk,
                    "a preflight passes only with 200 to 299 (Fetch, ok status); 205 and 206 mean \
                        something else",
                )
            } else {
                (
                    Code::DeniedPreflightStatusInvalid,
                    "200, 204 or 400 to 499, without those that make a client log in or try again \
                        (401, 407, 408, 421, 425)",
                )
            };
            self.problems.error(
                code,
                option,
                &value.shown(),
                message,
                Some(default.to_string()),
            );
        }
        good.unwrap_or(default)
    }

    fn own_origins(&mut self) -> ExactOrigins {
        let mut origins = ExactOrigins::with_capacity(self.options.own_origins.len());
        for item in &self.options.own_origins {
            let path = format!("own_origins[{}]", item.index);
            match entry::read(
                &item.text,
                &path,
                self.options.allow_credentials,
                &mut self.problems,
            ) {
                Some(Entry::Exact(origin)) if origins.insert(&origin) => {}
                Some(Entry::Exact(_)) => self.problems.warning(
                    Code::OriginDuplicate,
                    &path,
                    &item.text,
                    "this origin stands twice",
                    None,
                ),
                Some(Entry::Pattern(_)) => {
                    self.problems.error(
                        Code::PatternUnsupported,
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

    fn denied_actual(&mut self, any: bool, own_origins: &ExactOrigins) {
        if self.options.denied_actual != DeniedActual::Reject {
            return;
        }
        if own_origins.len() == 0 && !self.problems.has_path("own_origins") {
            let message = "browsers send Origin on same-origin POSTs, too: name the server's own \
                public origins in own_origins, or they are rejected";
            self.problems.error(
                Code::RejectWithoutOwnOrigins,
                "denied_actual",
                "reject",
                message,
                None,
            );
        }
        if any {
            self.problems.warning(
                Code::RejectHasNoEffect,
                "denied_actual",
                "reject",
                "with `*` in allow_origins nothing is denied",
                None,
            );
        }
    }

    /// The origin that is sent always: `*` or the static one.
    fn single_origin(&mut self, any: bool, matcher: &Matcher) -> Option<String> {
        let options = self.options;
        if options.single_origin == SingleOrigin::Static {
            let one = matcher.exact.len() == 1 || (matcher.exact.len() == 0 && self.misread);
            let alone = one
                && matcher.patterns.list().is_empty()
                && options.allow_origin_regexes.is_empty();
            if any
                || !alone
                || options.allow_null_origin
                || options.host_origins
                || options.denied_actual == DeniedActual::Reject
            {
                let message = "static sends one constant origin: exactly one exact entry in \
                    allow_origins, nothing else that allows, and not denied_actual = \"reject\"";
                self.problems.error(
                    Code::StaticNotConstant,
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

    fn private_network(&mut self, any: bool) {
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
                Code::PnaSuperseded,
                "allow_private_network",
                "true",
                message,
                Some("false".into()),
            );
        }
    }
}

fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        // JavaScript has no other numbers; beyond 2^53, far above every limit, the cast saturates.
        Value::Float(number) if number.fract() == 0.0 => Some(*number as i64),
        _ => None,
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
            let built = Policy::builder()
                .allow_origins([entry])
                .allow_credentials(true)
                .build();
            let found = built.is_err_and(|error| {
                error
                    .problems()
                    .iter()
                    .any(|problem| problem.code == Code::FeatureMissing)
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
                entry::read(text, "", false, &mut problems),
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
