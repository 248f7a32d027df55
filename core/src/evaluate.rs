//! From request to decision: classify, match the origin, check the method, check the headers, write
//! the headers.

use std::fmt;

use crate::decision::{Action, Decision, Names, Reason};
use crate::header_list::{NameRule, write_echo};
use crate::headers::{Block, Source};
use crate::origin::grammar::Origin;
use crate::policy::Policy;
use crate::request::{Field, Kind, Lines, Request};

/// What the host says of an origin that nothing else matched, for policies with `host_origins`.
///
/// ```
/// use crossgate::{Policy, Request, Verdict};
/// let policy = Policy::builder().host_origins(true).build()?;
/// let request = Request::new("GET").header("Origin", "https://tenant.example");
/// assert_eq!(policy.evaluate_with(&request, Some(Verdict::Allow))?.allowed(), Some(true));
/// assert_eq!(policy.evaluate_with(&request, None)?.allowed(), Some(false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is allowed.
    Allow,
    /// It is not; no verdict says the same.
    Deny,
}

/// A verdict was given to a policy without `host_origins`: the host asks the wrong policy or forgot
/// the option.
///
/// ```
/// use crossgate::{Policy, Request, Verdict, VerdictError};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example"])
///     .build()?; // without host_origins
/// let asked = policy.evaluate_with(&Request::new("GET"), Some(Verdict::Allow));
/// assert_eq!(asked.err(), Some(VerdictError));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictError;

impl fmt::Display for VerdictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a verdict was given to a policy that does not ask the host; set host_origins")
    }
}

impl std::error::Error for VerdictError {}

/// The origin that a decision names.
#[derive(Clone, Copy)]
pub(crate) struct AllowedOrigin<'a> {
    text: &'a str,
    source: Source,
    reason: Reason,
}

impl Policy {
    /// Decides about a request. Never fails and never panics; allocates only to echo a list of
    /// names (`*` in `allow_headers` with credentials). A policy with `host_origins` takes its
    /// verdict through [`Policy::evaluate_with`]; without one it denies.
    #[inline]
    pub fn evaluate<'a>(&'a self, request: &Request<'a>) -> Decision<'a> {
        self.decide(request, None, None)
    }

    /// Decides with the host's verdict. Ask [`Policy::asks_host`] first whether there is anything
    /// to say.
    ///
    /// # Errors
    /// [`VerdictError`] if there is a verdict and the policy has no `host_origins`.
    ///
    /// ```
    /// use crossgate::{Policy, Request, Verdict};
    /// let policy = Policy::builder().host_origins(true).build()?;
    /// let request = Request::new("GET").header("Origin", b"https://tenant.example");
    /// let verdict = policy.asks_host(&request).map(|origin| match origin {
    ///     "https://tenant.example" => Verdict::Allow, // a look into the host's own table
    ///     _ => Verdict::Deny,
    /// });
    /// assert_eq!(policy.evaluate_with(&request, verdict)?.allowed(), Some(true));
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

    /// The same without any allocation: an echoed list goes to `scratch`, which holds
    /// [`Policy::scratch_size`] bytes or the list is left out.
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

    /// The decision of [`Policy::evaluate`] if it comes at once, for bindings that want it in
    /// registers: about a request without `Origin`, and one whose origin is listed to the letter,
    /// as are method and headers of a preflight. Such a decision echoes no list of names. `None`
    /// says nothing: ask [`Policy::evaluate_into`].
    ///
    /// ```
    /// use crossgate::{Policy, Reason, Request};
    /// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
    /// let at_once = |origin| policy.evaluate_at_once(&Request::new("GET").header("Origin", origin)).map(|decision| decision.reason());
    /// assert_eq!(at_once("https://a.example"), Some(Reason::Allowed));
    /// assert_eq!(at_once("https://b.example"), None);
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    #[inline(always)]
    pub fn evaluate_at_once<'a>(&'a self, request: &Request<'a>) -> Option<Decision<'a>> {
        match request.kind() {
            Kind::NotCors => Some(self.not_cors(request)),
            Kind::Actual => self.actual_listed(request),
            Kind::Preflight => self.preflight_listed(request),
        }
    }

    /// The bytes that [`Policy::evaluate_into`] needs; 0 for most policies.
    pub fn scratch_size(&self) -> usize {
        self.names.scratch_size()
    }

    /// The origin that the host is asked about: well-formed, not null, matched by nothing else, and
    /// the policy has `host_origins`.
    pub fn asks_host<'a>(&'a self, request: &Request<'a>) -> Option<&'a str> {
        if !self.host_origins || !request.origin.is_present() {
            return None;
        }
        let origin = request.origin.single()?;
        match self.check_origin(request.origin, None) {
            Err(Reason::OriginNotListed) => Origin::parse(origin).map(|origin| origin.text),
            _ => None,
        }
    }

    #[inline]
    fn accepts(&self, verdict: Option<Verdict>) -> Result<(), VerdictError> {
        if verdict.is_some() && !self.host_origins {
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
        match request.kind() {
            Kind::NotCors => self.not_cors(request),
            Kind::Actual => self
                .actual_listed(request)
                .unwrap_or_else(|| self.actual_unlisted(request, verdict)),
            Kind::Preflight => self.preflight(request, verdict, scratch),
        }
    }

    /// No `Origin`: what is the same for everybody is sent all the same, so that caches hold one
    /// answer.
    #[inline(always)]
    fn not_cors<'a>(&'a self, request: &Request<'a>) -> Decision<'a> {
        self.decision(
            self.block_without_origin(request.method),
            Kind::NotCors,
            Reason::NoOrigin,
            None,
        )
    }

    /// The headers of a response to a request without `Origin`.
    #[inline(always)]
    pub(crate) fn block_without_origin(&self, method: &[u8]) -> &Block {
        let blocks = self.blocks.of(method);
        if self.is_constant() {
            &blocks.allowed
        } else {
            &blocks.bare
        }
    }

    /// If the origin is listed to the letter. (Under `*` none is.)
    #[inline(always)]
    fn actual_listed<'a>(&'a self, request: &Request<'a>) -> Option<Decision<'a>> {
        let origin = self.matcher.exact.find(request.origin.single()?)?;
        let decision = self.decision(
            &self.blocks.of(request.method).allowed,
            Kind::Actual,
            Reason::Allowed,
            Some(true),
        );
        Some(Decision { origin, ..decision })
    }

    #[inline(never)]
    fn actual_unlisted<'a>(
        &'a self,
        request: &Request<'a>,
        verdict: Option<Verdict>,
    ) -> Decision<'a> {
        let blocks = self.blocks.of(request.method);
        let checked = if self.any_origin {
            Ok(ANY)
        } else {
            self.check_unlisted(request.origin, verdict)
        };
        let denied = match checked {
            Ok(origin) => {
                let decision =
                    self.decision(&blocks.allowed, Kind::Actual, origin.reason, Some(true));
                return Decision {
                    origin: origin.text,
                    origin_source: origin.source,
                    ..decision
                };
            }
            Err(reason) => reason,
        };
        let block = if self.is_constant() {
            &blocks.allowed
        } else {
            &blocks.bare
        };
        if request
            .origin
            .single()
            .is_some_and(|origin| self.own_origins.find(origin).is_some())
        {
            return self.decision(block, Kind::Actual, Reason::OwnOrigin, None);
        }
        let mut decision = self.decision(block, Kind::Actual, denied, Some(false));
        if self.rejects && !is_same_origin(request.sec_fetch_site) {
            (decision.action, decision.status) = (Action::Reject, 403);
        }
        decision
    }

    /// If everything that is asked for is listed to the letter, as browsers send it, and nothing is
    /// echoed.
    #[inline(always)]
    fn preflight_listed<'a>(&'a self, request: &Request<'a>) -> Option<Decision<'a>> {
        if self.echoes_method || (self.allow_private_network && request.acrpn.is_present()) {
            return None;
        }
        let origin = self.matcher.exact.find(request.origin.single()?)?;
        if !(self.methods.lists(request.acrm.single()?) && self.names.lists(&request.acrh)) {
            return None;
        }
        let decision = self.answer(
            self.blocks.preflights.of([false; 3]),
            Reason::Allowed,
            true,
            self.preflight_status,
        );
        Some(Decision { origin, ..decision })
    }

    #[inline(never)]
    fn preflight<'a>(
        &'a self,
        request: &Request<'a>,
        verdict: Option<Verdict>,
        scratch: Option<&'a mut [u8]>,
    ) -> Decision<'a> {
        if let Some(decision) = self.preflight_listed(request) {
            return decision;
        }
        let origin = self.check_origin(request.origin, verdict);
        if let Err(reason) = origin
            && !self.is_constant()
        {
            return self.answer(
                &self.blocks.options.bare,
                reason,
                false,
                self.denied_preflight_status,
            );
        }
        let requested = request.acrm.single();
        let method = requested
            .ok_or(Reason::MethodNotAllowed)
            .and_then(|method| self.methods.check(method));
        let echoes = matches!(self.names, NameRule::Echo);
        // The whole list decides nothing more once the method failed, unless it is echoed.
        let names = if method.is_ok() || echoes {
            self.names.check(&request.acrh)
        } else {
            Ok(())
        };
        let reason = origin
            .map(|origin| origin.reason)
            .and_then(|reason| method.and(names).map(|()| reason));
        let asked_private =
            self.allow_private_network && origin.is_ok() && request.acrpn.single() == Some(b"true");
        let method_text = requested
            .filter(|_| self.echoes_method && method.is_ok())
            .and_then(|method| std::str::from_utf8(method).ok());
        let names_text = if echoes && names.is_ok() {
            self.echo(&request.acrh, scratch)
        } else {
            Names::None
        };
        let block = self.blocks.preflights.of([
            asked_private,
            method_text.is_some(),
            !matches!(names_text, Names::None),
        ]);
        let mut decision = self.answer(
            block,
            reason.unwrap_or_else(|failed| failed),
            reason.is_ok(),
            self.preflight_status,
        );
        if let Ok(origin) = origin {
            (decision.origin, decision.origin_source) = (origin.text, origin.source);
        }
        (decision.method, decision.names) = (method_text, names_text);
        decision
    }

    fn echo<'a>(&self, lines: &Lines<'_>, scratch: Option<&'a mut [u8]>) -> Names<'a> {
        match scratch {
            Some(scratch) => write_echo(lines, self.list_separator, &self.seed, scratch)
                .map_or(Names::None, Names::Scratch),
            None => {
                let mut size = 0;
                lines.each(|line| {
                    // Every comma may become a comma and a space, every end of a line too.
                    size += 2 * line.len() + 2;
                    true
                });
                let mut buffer = vec![0; size.min(self.scratch_size())];
                write_echo(lines, self.list_separator, &self.seed, &mut buffer)
                    .map_or(Names::None, |names| Names::Owned(names.into()))
            }
        }
    }

    /// Fetch, CORS check, on the server's side: which origin the response may name.
    fn check_origin<'a>(
        &'a self,
        origin: Field<'a>,
        verdict: Option<Verdict>,
    ) -> Result<AllowedOrigin<'a>, Reason> {
        if self.any_origin {
            return Ok(ANY);
        }
        match origin
            .single()
            .and_then(|bytes| self.matcher.exact.find(bytes))
        {
            Some(text) => Ok(AllowedOrigin {
                text,
                source: Source::Policy,
                reason: Reason::Allowed,
            }),
            None => self.check_unlisted(origin, verdict),
        }
    }

    /// An origin that is not listed to the letter.
    #[inline(never)]
    fn check_unlisted<'a>(
        &self,
        origin: Field<'a>,
        verdict: Option<Verdict>,
    ) -> Result<AllowedOrigin<'a>, Reason> {
        let Some(bytes) = origin.single() else {
            return Err(Reason::OriginMultiple);
        };
        if bytes == b"null" {
            let null = AllowedOrigin {
                text: NULL,
                source: Source::Request,
                reason: Reason::Allowed,
            };
            return if self.allow_null_origin {
                Ok(null)
            } else {
                Err(Reason::OriginNull)
            };
        }
        if bytes.iter().any(|b| matches!(b, b',' | b' ' | b'\t')) {
            return Err(Reason::OriginMultiple);
        }
        let Some(origin) = Origin::parse(bytes) else {
            return Err(Reason::OriginMalformed);
        };
        if self.matcher.matches(&origin)
            || (verdict == Some(Verdict::Allow)
                && !(self.matcher.refuse_insecure && origin.is_insecure()))
        {
            return Ok(AllowedOrigin {
                text: origin.text,
                source: Source::Request,
                reason: Reason::Allowed,
            });
        }
        Err(Reason::OriginNotListed)
    }

    #[inline(always)]
    fn decision<'a>(
        &self,
        block: &'a Block,
        kind: Kind,
        reason: Reason,
        allowed: Option<bool>,
    ) -> Decision<'a> {
        Decision {
            block,
            origin: "",
            origin_source: Source::Policy,
            method: None,
            names: Names::None,
            kind,
            reason,
            action: Action::Forward,
            allowed,
            status: 0,
            keeps_upstream: self.keeps_upstream,
        }
    }

    #[inline(always)]
    fn answer<'a>(
        &self,
        block: &'a Block,
        reason: Reason,
        allowed: bool,
        status: u16,
    ) -> Decision<'a> {
        let mut decision = self.decision(block, Kind::Preflight, reason, Some(allowed));
        (decision.action, decision.status) = (Action::Answer, status);
        decision
    }
}

const NULL: &str = "null";
const ANY: AllowedOrigin<'static> = AllowedOrigin {
    text: "*",
    source: Source::Policy,
    reason: Reason::AllowedAny,
};

/// Exactly one `Sec-Fetch-Site`, of `same-origin` or `none`: not a cross-origin request, says the
/// browser.
fn is_same_origin(sec_fetch_site: Field<'_>) -> bool {
    matches!(sec_fetch_site.single(), Some(b"same-origin" | b"none"))
}
