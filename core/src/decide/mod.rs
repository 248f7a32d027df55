//! From request to decision: classify, match the origin, check the method, check the header names.
//!
//! A request goes through here once. [`Policy::evaluate_listed`] is the first part: it looks every
//! value up verbatim, which settles nearly every request of a browser. What it found is handed to
//! the second part ([`Policy::evaluate`] has both), which looks at what is left: patterns, regexes,
//! the application's verdict, and the reason of a refusal.

mod apply;
pub(crate) mod binding;
mod decision;
mod dependencies;
mod description;
mod echo;
mod http1;
mod owned;
mod verdict;
mod websocket;

pub use apply::ResponseHeaders;
#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) use apply::{Response, apply, merge};
pub(crate) use decision::EchoedNames;
pub use decision::{Action, Decision};
pub use dependencies::Dependencies;
pub use http1::BufferTooSmall;
pub use owned::{OwnedDecision, OwnedNeedsVerdict};
pub use verdict::{NeedsVerdict, Verdict, VerdictError};
pub use websocket::{SocketAccess, WebSocketCheck};

use crate::fetch::header::ValueSource;
use crate::fetch::lines::{Field, Lines};
use crate::fetch::reason::Reason;
use crate::fetch::request::{Request, RequestKind};
use crate::origin::found::Found;
use crate::origin::serialized::{MAX_ORIGIN, Origin};
use crate::policy::Policy;
use crate::policy::header_set::{HeaderSet, OptionalHeaders};
use crate::policy::requested_headers::NameRule;

/// A request as far as it could be evaluated without the application.
///
/// ```
/// use crossgate::{Evaluation, Policy, Request, Verdict};
/// let policy = Policy::builder()
///     .allow_origins(["https://app.example"])
///     .origin_predicate(true)
///     .build()?;
/// let request = Request::new("GET").header("Origin", "https://tenant.example");
/// let decision = match policy.begin(&request) {
///     Evaluation::Decided(decision) => decision,
///     Evaluation::NeedsVerdict(open) => {
///         let known = open.origin() == "https://tenant.example"; // a look into your own table
///         open.resume(Some(if known { Verdict::Allow } else { Verdict::Deny }))
///     }
/// };
/// assert_eq!(decision.allowed(), Some(true));
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub enum Evaluation<'a> {
    /// The decision.
    Decided(Decision<'a>),
    /// The application has to be asked about the origin.
    NeedsVerdict(NeedsVerdict<'a>),
}

/// What [`Policy::evaluate_listed`] found before it gave up, so that nothing is looked up twice.
#[derive(Clone, Copy, Debug)]
pub struct Unlisted<'a> {
    kind: RequestKind,
    /// The configured origin with the request's bytes.
    origin: Option<&'a str>,
    /// Whether the requested method is listed or safelisted; `None`: not looked at.
    method: Option<bool>,
    /// Whether the requested names are all listed; `None`: not looked at.
    names: Option<bool>,
}

impl Unlisted<'_> {
    /// The origin is not listed, and nothing else was looked at.
    #[inline(always)]
    fn of(kind: RequestKind) -> Self {
        Unlisted {
            kind,
            origin: None,
            method: None,
            names: None,
        }
    }
}

/// The origin that a response may name.
#[derive(Clone, Copy)]
struct AllowedOrigin<'a> {
    text: &'a str,
    source: ValueSource,
    reason: Reason,
}

/// What the policy says of an origin.
enum OriginCheck<'a> {
    Settled(Result<AllowedOrigin<'a>, Reason>),
    /// It is well-formed and not listed, and the application may allow it.
    NeedsVerdict(AllowedOrigin<'a>),
}

const NULL: &str = "null";
const ANY: AllowedOrigin<'static> = AllowedOrigin {
    text: "*",
    source: ValueSource::Policy,
    reason: Reason::AllowedAny,
};

impl Policy {
    /// Decides about a request. Never fails and never panics; allocates only to echo a list of
    /// names (`*` in `allow_headers` with credentials).
    ///
    /// A policy with `origin_predicate` denies here whatever it does not know itself; give it the
    /// application's verdict through [`Policy::begin`] or [`Policy::evaluate_with`].
    #[inline]
    pub fn evaluate<'a>(&'a self, request: &Request<'a>) -> Decision<'a> {
        self.decide(request, None, None)
    }

    /// Begins to decide about a request: a decision, or the question that the application has to
    /// answer first. Nothing is evaluated again once it has answered.
    #[inline]
    pub fn begin<'a>(&'a self, request: &Request<'a>) -> Evaluation<'a> {
        match self.evaluate_listed(request) {
            Ok(decision) => Evaluation::Decided(decision),
            Err(unlisted) => self.evaluate_unlisted(request, unlisted, None),
        }
    }

    /// Decides with a verdict that is already there.
    ///
    /// # Errors
    /// [`VerdictError`] if there is a verdict and the policy has no `origin_predicate`.
    ///
    /// ```
    /// use crossgate::{Policy, Request, Verdict};
    /// let policy = Policy::builder().origin_predicate(true).build()?;
    /// let request = Request::new("GET").header("Origin", b"https://tenant.example");
    /// let decision = policy.evaluate_with(&request, Some(Verdict::Allow))?;
    /// assert_eq!(decision.allowed(), Some(true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evaluate_with<'a>(
        &'a self,
        request: &Request<'a>,
        verdict: Option<Verdict>,
    ) -> Result<Decision<'a>, VerdictError> {
        self.accepts(verdict)?;
        Ok(self.decide(request, verdict, None))
    }

    /// As [`Policy::evaluate_with`], without any allocation: an echoed list goes to `scratch`,
    /// which holds [`Policy::scratch_size`] bytes, or the list is left out.
    ///
    /// # Errors
    /// As [`Policy::evaluate_with`].
    #[inline]
    pub fn evaluate_into<'a>(
        &'a self,
        request: &Request<'a>,
        verdict: Option<Verdict>,
        scratch: &'a mut [u8],
    ) -> Result<Decision<'a>, VerdictError> {
        self.accepts(verdict)?;
        Ok(self.decide(request, verdict, Some(scratch)))
    }

    /// The bytes that [`Policy::evaluate_into`] needs; 0 for most policies.
    pub fn scratch_size(&self) -> usize {
        self.names.scratch_size()
    }

    /// The origin that the application has to be asked about before this request can be decided:
    /// well-formed, not `null`, matched by nothing else, and the policy has `origin_predicate`.
    /// [`Policy::begin`] answers this and keeps what it found.
    pub fn needs_verdict<'a>(&'a self, request: &Request<'a>) -> Option<&'a str> {
        if !self.origin_predicate || !request.origin.is_present() {
            return None;
        }
        let listed = |bytes| self.matcher.exact.find(bytes);
        let listed = request.origin.single().and_then(listed);
        match self.check_origin(request, listed, &mut false) {
            OriginCheck::NeedsVerdict(origin) => Some(origin.text),
            OriginCheck::Settled(_) => None,
        }
    }

    #[inline]
    pub(crate) fn accepts(&self, verdict: Option<Verdict>) -> Result<(), VerdictError> {
        if verdict.is_some() && !self.origin_predicate {
            Err(VerdictError)
        } else {
            Ok(())
        }
    }

    #[inline(always)]
    pub(crate) fn decide<'a>(
        &'a self,
        request: &Request<'a>,
        verdict: Option<Verdict>,
        scratch: Option<&'a mut [u8]>,
    ) -> Decision<'a> {
        let kind = request.kind();
        if kind == RequestKind::NotCors {
            return self.not_cors(request.method);
        }
        let unlisted = match self.listed_origin(request) {
            None => Unlisted::of(kind),
            Some(origin) if kind == RequestKind::Actual => {
                return self.actual_listed(request.method, origin);
            }
            Some(origin) => match self.preflight_listed(request, origin) {
                Ok(decision) => return decision,
                Err(unlisted) => unlisted,
            },
        };
        self.decide_unlisted(request, unlisted, verdict, scratch)
    }

    /// The decision about a request whose values are all listed verbatim, as browsers send them,
    /// and about one without `Origin`. Such a decision echoes no list. Otherwise what was found,
    /// for [`Policy::evaluate_unlisted`].
    #[doc(hidden)]
    #[inline(always)]
    pub fn evaluate_listed<'a>(
        &'a self,
        request: &Request<'a>,
    ) -> Result<Decision<'a>, Unlisted<'a>> {
        let kind = request.kind();
        if kind == RequestKind::NotCors {
            return Ok(self.not_cors(request.method));
        }
        match self.listed_origin(request) {
            None => Err(Unlisted::of(kind)),
            Some(origin) if kind == RequestKind::Actual => {
                Ok(self.actual_listed(request.method, origin))
            }
            Some(origin) => self.preflight_listed(request, origin),
        }
    }

    /// The configured origin with the request's bytes. (Under `*` there is none.)
    #[inline(always)]
    fn listed_origin<'a>(&'a self, request: &Request<'a>) -> Option<&'a str> {
        self.matcher.exact.find(request.origin.single()?)
    }

    #[inline(always)]
    fn actual_listed<'a>(&'a self, method: &[u8], origin: &'a str) -> Decision<'a> {
        let set = &self.header_sets.of(method).allowed;
        let decision = self.decision(set, RequestKind::Actual, Reason::Allowed, Some(true));
        Decision {
            origin,
            depends_on: Dependencies::ORIGIN,
            ..decision
        }
    }

    #[inline(always)]
    fn preflight_listed<'a>(
        &'a self,
        request: &Request<'a>,
        origin: &'a str,
    ) -> Result<Decision<'a>, Unlisted<'a>> {
        let listed = |method| self.methods.lists(method);
        let method = request.acrm.single().is_some_and(listed);
        let names = method.then(|| self.names.lists(&request.acrh));
        let optional = self.allow_private_network && request.acrpn.is_present();
        if names != Some(true) || self.echoes_method || optional {
            return Err(Unlisted {
                kind: RequestKind::Preflight,
                origin: Some(origin),
                method: Some(method),
                names,
            });
        }
        let set = self.header_sets.preflights.with(OptionalHeaders::default());
        let decision = self.answer(set, Reason::Allowed, true, self.preflight_status);
        Ok(Decision {
            origin,
            depends_on: self.preflight_dependencies(true),
            ..decision
        })
    }

    /// The rest of an evaluation that [`Policy::evaluate_listed`] began. An echoed list goes to
    /// `scratch` if there is one, and is allocated if there is none.
    #[doc(hidden)]
    #[inline(never)]
    pub fn evaluate_unlisted<'a>(
        &'a self,
        request: &Request<'a>,
        unlisted: Unlisted<'a>,
        scratch: Option<&'a mut [u8]>,
    ) -> Evaluation<'a> {
        let mut out_of_steps = false;
        match self.check_origin(request, unlisted.origin, &mut out_of_steps) {
            OriginCheck::Settled(origin) => {
                let mut decision = self.conclude(request, unlisted, origin, scratch);
                decision.hit_regex_step_limit = out_of_steps;
                Evaluation::Decided(decision)
            }
            OriginCheck::NeedsVerdict(origin) => {
                let verdict = |decision: Decision<'a>| Decision {
                    depends_on: decision.depends_on | Dependencies::VERDICT,
                    hit_regex_step_limit: out_of_steps,
                    ..decision
                };
                let denied = Err(Reason::OriginNotListed);
                let denied = verdict(self.conclude(request, unlisted, denied, None));
                let allowed = match self.with_verdict(origin, Some(Verdict::Allow)) {
                    Ok(origin) => verdict(self.conclude(request, unlisted, Ok(origin), scratch)),
                    Err(_) => denied.clone(),
                };
                Evaluation::NeedsVerdict(NeedsVerdict::new(origin.text, allowed, denied))
            }
        }
    }

    /// The decision that [`Policy::evaluate_listed`] began, with a verdict that is there already.
    #[inline(never)]
    pub(crate) fn decide_unlisted<'a>(
        &'a self,
        request: &Request<'a>,
        unlisted: Unlisted<'a>,
        verdict: Option<Verdict>,
        scratch: Option<&'a mut [u8]>,
    ) -> Decision<'a> {
        let mut out_of_steps = false;
        let checked = self.check_origin(request, unlisted.origin, &mut out_of_steps);
        let (origin, asked) = match checked {
            OriginCheck::Settled(origin) => (origin, Dependencies::NONE),
            OriginCheck::NeedsVerdict(origin) => {
                (self.with_verdict(origin, verdict), Dependencies::VERDICT)
            }
        };
        let mut decision = self.conclude(request, unlisted, origin, scratch);
        decision.depends_on = decision.depends_on | asked;
        decision.hit_regex_step_limit = out_of_steps;
        decision
    }

    /// No `Origin`: what is the same for everybody is sent all the same, so that caches hold one
    /// answer ([CORS protocol and HTTP caches][caches]).
    ///
    /// [caches]: https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches
    #[inline(always)]
    fn not_cors<'a>(&'a self, method: &[u8]) -> Decision<'a> {
        let set = self.set_without_origin(method);
        self.decision(set, RequestKind::NotCors, Reason::NoOrigin, None)
    }

    /// The headers of a response to a request without `Origin`.
    #[inline(always)]
    pub(crate) fn set_without_origin(&self, method: &[u8]) -> &HeaderSet {
        let sets = self.header_sets.of(method);
        if self.is_constant() {
            &sets.allowed
        } else {
            &sets.vary_only
        }
    }

    #[inline(always)]
    fn conclude<'a>(
        &'a self,
        request: &Request<'a>,
        unlisted: Unlisted<'a>,
        origin: Result<AllowedOrigin<'a>, Reason>,
        scratch: Option<&'a mut [u8]>,
    ) -> Decision<'a> {
        match unlisted.kind {
            RequestKind::Preflight => self.preflight(request, unlisted, origin, scratch),
            _ => self.actual(request, origin),
        }
    }

    fn actual<'a>(
        &'a self,
        request: &Request<'a>,
        origin: Result<AllowedOrigin<'a>, Reason>,
    ) -> Decision<'a> {
        let sets = self.header_sets.of(request.method);
        let depends_on = self.origin_dependency();
        let denied = match origin {
            Ok(origin) => {
                let decision = self.decision(
                    &sets.allowed,
                    RequestKind::Actual,
                    origin.reason,
                    Some(true),
                );
                return Decision {
                    origin: origin.text,
                    origin_source: origin.source,
                    depends_on,
                    ..decision
                };
            }
            Err(reason) => reason,
        };
        let set = self.set_without_origin(request.method);
        let own = |origin| self.own_origins.find(origin).is_some();
        if request.origin.single().is_some_and(own) {
            let decision = self.decision(set, RequestKind::Actual, Reason::OwnOrigin, None);
            return Decision {
                depends_on,
                ..decision
            };
        }
        let mut decision = self.decision(set, RequestKind::Actual, denied, Some(false));
        decision.depends_on = depends_on;
        if self.rejects {
            decision.depends_on = depends_on | Dependencies::SEC_FETCH_SITE;
            if !is_same_origin(request.sec_fetch_site) {
                (decision.action, decision.status) = (Action::Reject, 403);
            }
        }
        decision
    }

    /// The server's half of [CORS-preflight fetch][preflight]: what the answer grants.
    ///
    /// [preflight]: https://fetch.spec.whatwg.org/#cors-preflight-fetch
    fn preflight<'a>(
        &'a self,
        request: &Request<'a>,
        unlisted: Unlisted<'a>,
        origin: Result<AllowedOrigin<'a>, Reason>,
        scratch: Option<&'a mut [u8]>,
    ) -> Decision<'a> {
        if let Err(reason) = origin
            && !self.is_constant()
        {
            let set = &self.header_sets.options.vary_only;
            let decision = self.answer(set, reason, false, self.denied_preflight_status);
            return Decision {
                depends_on: Dependencies::ORIGIN,
                ..decision
            };
        }
        let requested = request.acrm.single();
        let method = match requested {
            None => Err(Reason::MethodNotAllowed),
            Some(requested) => match unlisted.method {
                Some(true) => Ok(()),
                Some(false) => self.methods.check_unlisted(requested),
                None => self.methods.check(requested),
            },
        };
        let echoes = matches!(self.names, NameRule::Echo);
        // The whole list decides nothing more once the method failed, unless it is echoed.
        let read_names = method.is_ok() || echoes;
        let names = match unlisted.names {
            Some(true) => Ok(()),
            Some(false) => self.names.check_unlisted(&request.acrh),
            None if read_names => self.names.check(&request.acrh),
            None => Ok(()),
        };
        let failed = method.and(names);
        let reason = origin.and_then(|origin| failed.map(|()| origin.reason));
        let private_network =
            self.allow_private_network && origin.is_ok() && request.acrpn.single() == Some(b"true");
        let text = |method| std::str::from_utf8(method).ok();
        let method_text = requested
            .filter(|_| self.echoes_method && method.is_ok())
            .and_then(text);
        let names_text = if echoes && names.is_ok() {
            self.echo(&request.acrh, scratch)
        } else {
            EchoedNames::None
        };
        let set = self.header_sets.preflights.with(OptionalHeaders {
            private_network,
            method: method_text.is_some(),
            names: !matches!(names_text, EchoedNames::None),
        });
        let allowed = reason.is_ok();
        let reason = reason.unwrap_or_else(|failed| failed);
        let mut decision = self.answer(set, reason, allowed, self.preflight_status);
        if let Ok(origin) = origin {
            (decision.origin, decision.origin_source) = (origin.text, origin.source);
        }
        (decision.method, decision.names) = (method_text, names_text);
        decision.depends_on = self.preflight_dependencies(read_names);
        decision
    }

    /// Whether the bytes of the origin count.
    #[inline(always)]
    fn origin_dependency(&self) -> Dependencies {
        if self.any_origin {
            Dependencies::NONE
        } else {
            Dependencies::ORIGIN
        }
    }

    /// What an answer to a preflight depends on, unless its origin was refused.
    #[inline(always)]
    fn preflight_dependencies(&self, read_names: bool) -> Dependencies {
        let mut depends_on = self.origin_dependency() | Dependencies::ACRM;
        if read_names && !self.names.allows_everything() {
            depends_on = depends_on | Dependencies::ACRH;
        }
        if self.allow_private_network {
            depends_on = depends_on | Dependencies::ACRPN;
        }
        depends_on
    }

    fn echo<'a>(&self, lines: &Lines<'_>, scratch: Option<&'a mut [u8]>) -> EchoedNames<'a> {
        match scratch {
            Some(scratch) => echo::write_echo(lines, self.list_separator, &self.seed, scratch)
                .map_or(EchoedNames::None, EchoedNames::Scratch),
            None => {
                let mut size = 0;
                lines.each(|line| {
                    // Every comma may become a comma and a space, every end of a line too.
                    size += 2 * line.len() + 2;
                    true
                });
                let mut buffer = vec![0; size.min(self.scratch_size())];
                let echoed = echo::write_echo(lines, self.list_separator, &self.seed, &mut buffer);
                echoed.map_or(EchoedNames::None, |names| EchoedNames::Owned(names.into()))
            }
        }
    }

    /// The server's half of the [CORS check][check]: which origin the response may name. `listed`
    /// is the configured origin with the request's bytes, looked up before; `out_of_steps` becomes
    /// true if a regex did not come to an end.
    ///
    /// [check]: https://fetch.spec.whatwg.org/#cors-check
    #[inline]
    fn check_origin<'a>(
        &self,
        request: &Request<'a>,
        listed: Option<&'a str>,
        out_of_steps: &mut bool,
    ) -> OriginCheck<'a> {
        if self.any_origin {
            return OriginCheck::Settled(Ok(ANY));
        }
        if let Some(text) = listed {
            return OriginCheck::Settled(Ok(AllowedOrigin {
                text,
                source: ValueSource::Policy,
                reason: Reason::Allowed,
            }));
        }
        let allowed = |text| AllowedOrigin {
            text,
            source: ValueSource::Request,
            reason: Reason::Allowed,
        };
        let Some(bytes) = request.origin.single() else {
            return OriginCheck::Settled(Err(Reason::OriginMultiple));
        };
        if bytes == NULL.as_bytes() {
            return OriginCheck::Settled(if self.allow_null_origin {
                Ok(allowed(NULL))
            } else {
                Err(Reason::OriginNull)
            });
        }
        // No more than a well-formed one has: nothing that is longer has a meaning.
        let read = &bytes[..bytes.len().min(MAX_ORIGIN)];
        if read.iter().any(|b| matches!(b, b',' | b' ' | b'\t')) {
            return OriginCheck::Settled(Err(Reason::OriginMultiple));
        }
        let Some(origin) = Origin::parse(bytes) else {
            return OriginCheck::Settled(Err(Reason::OriginMalformed));
        };
        let found = self.matcher.matches(&origin);
        *out_of_steps = found == Found::OutOfSteps;
        if found == Found::Yes {
            OriginCheck::Settled(Ok(allowed(origin.text)))
        } else if self.origin_predicate {
            OriginCheck::NeedsVerdict(allowed(origin.text))
        } else {
            OriginCheck::Settled(Err(Reason::OriginNotListed))
        }
    }

    /// The application's word on an origin that nothing else matched. With credentials it cannot
    /// let an insecure origin in.
    fn with_verdict<'a>(
        &self,
        origin: AllowedOrigin<'a>,
        verdict: Option<Verdict>,
    ) -> Result<AllowedOrigin<'a>, Reason> {
        let insecure = || {
            let parsed = Origin::parse(origin.text.as_bytes());
            self.matcher.refuse_insecure && parsed.is_none_or(|origin| origin.is_insecure())
        };
        if verdict == Some(Verdict::Allow) && !insecure() {
            Ok(origin)
        } else {
            Err(Reason::OriginNotListed)
        }
    }

    #[inline(always)]
    fn decision<'a>(
        &self,
        set: &'a HeaderSet,
        kind: RequestKind,
        reason: Reason,
        allowed: Option<bool>,
    ) -> Decision<'a> {
        Decision {
            set,
            origin: "",
            origin_source: ValueSource::Policy,
            method: None,
            names: EchoedNames::None,
            kind,
            reason,
            action: Action::Forward,
            allowed,
            status: 0,
            upstream: self.upstream,
            hit_regex_step_limit: false,
            depends_on: Dependencies::NONE,
        }
    }

    #[inline(always)]
    fn answer<'a>(
        &self,
        set: &'a HeaderSet,
        reason: Reason,
        allowed: bool,
        status: u16,
    ) -> Decision<'a> {
        let mut decision = self.decision(set, RequestKind::Preflight, reason, Some(allowed));
        (decision.action, decision.status) = (Action::Answer, status);
        decision
    }
}

/// Exactly one `Sec-Fetch-Site`, of `same-origin` or `none`: not a cross-origin request, says the
/// browser.
fn is_same_origin(sec_fetch_site: Field<'_>) -> bool {
    matches!(sec_fetch_site.single(), Some(b"same-origin" | b"none"))
}
