//! From a request's head to what the service does with it.
//!
//! A plan owns what it needs of the decision, because the request goes to the handler; it is small,
//! because it moves with the handler's future. This is [`OwnedDecision`](crate::OwnedDecision) in a
//! framework's own header values: the origin is the request's value, shared instead of copied.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::DecisionInfo;
use super::deadline::Deadline;
use super::header_map::HeaderMap;
use super::observer::Observer;
use super::overwrite::Overwritten;
use super::policy_source::PolicyRef;
use super::predicate::{Answered, Asked};
use super::templates::{Echoed, Templates, VaryOnly, merge_vary};
use crate::decide::{Action, Decision, Evaluation, OwnedNeedsVerdict, Unlisted, Verdict};
use crate::fetch::lines::{Field, LineSource, Lines};
use crate::fetch::reason::Reason;
use crate::fetch::request::{Request, RequestHeader};
use crate::live::counters::Counters;
use crate::policy::Policy;

/// What a layer does, its policy aside.
#[derive(Clone, Debug)]
pub(crate) struct LayerOptions<V> {
    /// Names that the application adds to `Vary`.
    pub(crate) vary: Option<Arc<V>>,
    /// Whether handlers find [`DecisionInfo`] among the request's extensions.
    pub(crate) insert_extension: bool,
    /// Whether preflights go to the handler.
    pub(crate) forward_preflights: bool,
    /// Who is called with differences to a shadow policy.
    pub(crate) observer: Observer,
    /// Where decisions are counted.
    pub(crate) counters: Option<Arc<Counters>>,
    /// How long the application may think.
    pub(crate) verdict_timeout: Duration,
}

/// How long the application may think if nothing else is said.
const VERDICT_TIMEOUT: Duration = Duration::from_secs(5);

impl<V> Default for LayerOptions<V> {
    fn default() -> Self {
        LayerOptions {
            vary: None,
            insert_extension: false,
            forward_preflights: false,
            observer: Observer::default(),
            counters: None,
            verdict_timeout: VERDICT_TIMEOUT,
        }
    }
}

impl<V> LayerOptions<V> {
    #[inline]
    fn count(&self, reason: Reason) {
        if let Some(counters) = &self.counters {
            counters.add(reason);
        }
    }

    /// Tells and counts a question that the application did not answer.
    fn note(&self, answered: Answered) {
        let Some(failure) = answered.failure else {
            return;
        };
        #[cfg(feature = "tracing")]
        crate::live::trace::predicate_failed(failure);
        #[cfg(not(feature = "tracing"))]
        let _ = failure;
        if let Some(counters) = &self.counters {
            counters.add_predicate_failed();
        }
    }

    /// Sets the names that the application adds to `Vary`; none adds nothing.
    pub(crate) fn vary_by<T: HeaderMap<Value = V>>(
        &mut self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) {
        let names: Vec<_> = names.into_iter().collect();
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        let text = names.join(", ");
        self.vary = (!text.is_empty()).then(|| Arc::new(T::value(&text)));
    }
}

/// What happens to a request. `F` is the future of a verdict.
pub(crate) enum Plan<V, F: ?Sized> {
    /// The handler runs, and its response gets headers.
    Forward(Pending<V>),
    /// The response is made without the handler.
    Answer(Answer<V>),
    /// The application is asked, and answers later.
    Ask(Box<Waiting<F>>),
}

/// An evaluation that waits for the application's verdict.
pub(crate) struct Waiting<F: ?Sized> {
    answer: Pin<Box<F>>,
    deadline: Deadline,
    pub(crate) open: OwnedNeedsVerdict,
}

impl<F: Future<Output = Answered> + ?Sized> Waiting<F> {
    /// The answer, or that there is none in time.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Answered> {
        if let Poll::Ready(answered) = self.answer.as_mut().poll(context) {
            return Poll::Ready(answered);
        }
        self.deadline.poll(context).map(|()| Answered::TOO_LATE)
    }
}

/// The headers that the handler's response will get.
#[derive(Clone, Debug)]
pub(crate) struct Pending<V> {
    headers: PendingHeaders<V>,
    /// Names that the application adds to `Vary`.
    vary: Option<Arc<V>>,
    /// For the request's extensions.
    pub(crate) info: Option<DecisionInfo>,
}

#[derive(Clone, Debug)]
enum PendingHeaders<V> {
    /// What needs no policy does without: every processor that serves would write to its count of
    /// users.
    VaryOnly(VaryOnly),
    Template {
        policy: Arc<Policy>,
        set: usize,
        echoed: Echoed<V>,
    },
}

/// A response that is made without the handler.
#[derive(Debug)]
pub(crate) struct Answer<V> {
    pub(crate) policy: Arc<Policy>,
    pub(crate) set: usize,
    pub(crate) status: u16,
    pub(crate) echoed: Echoed<V>,
    pub(crate) vary: Option<Arc<V>>,
    /// For the response's extensions.
    pub(crate) info: Option<DecisionInfo>,
}

/// The lines of `Origin`, looked up once. A third says no more than a second.
#[derive(Debug)]
pub(crate) struct OriginLines<'a, V>(Option<&'a V>, Option<&'a V>);

impl<'a, V> OriginLines<'a, V> {
    #[inline(always)]
    pub(crate) fn of<T: HeaderMap<Value = V>>(headers: &'a T) -> Self {
        let mut lines = headers.requested(RequestHeader::Origin);
        match lines.next() {
            None => OriginLines(None, None),
            first => OriginLines(first, lines.next()),
        }
    }
}

/// The headers of a response to a request without `Origin`, for which nothing else has to be known:
/// most requests of most servers. `None` if there is more to do.
#[inline(always)]
pub(crate) fn without_origin<V>(
    policy: &PolicyRef<'_>,
    options: &LayerOptions<V>,
    method: &str,
    origin: &OriginLines<'_, V>,
) -> Option<VaryOnly> {
    let rest = options.vary.is_some()
        || options.insert_extension
        || policy.shadow().is_some()
        || not_cors_is_traced();
    if rest || origin.0.is_some() {
        return None;
    }
    let set = policy.set_without_origin(method.as_bytes());
    let headers = VaryOnly::of(set, policy.upstream)?;
    options.count(Reason::NoOrigin);
    Some(headers)
}

#[inline]
fn not_cors_is_traced() -> bool {
    #[cfg(feature = "tracing")]
    return crate::live::trace::not_cors_is_heard();
    #[cfg(not(feature = "tracing"))]
    false
}

/// Decides about a request. Looking a header up is most of the cost: the origin is looked up once,
/// and nothing more unless the request may be a preflight. `ask` asks the application about an
/// origin, if there is an application to ask.
#[inline(never)]
pub(crate) fn plan<T: HeaderMap, F: ?Sized>(
    policy: &PolicyRef<'_>,
    options: &LayerOptions<T::Value>,
    method: &str,
    headers: &T,
    origin: &OriginLines<'_, T::Value>,
    ask: impl FnOnce(T::Value) -> Option<Asked<F>>,
) -> Plan<T::Value, F> {
    let lines = NameLines(headers);
    let request = read_request(policy, options, method, headers, origin, &lines);
    match policy.evaluate_listed(&request) {
        Ok(decision) => settle::<T, F>(policy, options, &request, &decision, None, origin.0),
        Err(unlisted) if !policy.has_origin_predicate() => {
            let decision = policy.decide_unlisted(&request, unlisted, None, None);
            settle::<T, F>(policy, options, &request, &decision, None, origin.0)
        }
        // Out of line: what this makes is large, and copied on its way.
        Err(unlisted) => plan_unlisted::<T, F>(policy, options, &request, unlisted, origin.0, ask),
    }
}

/// Goes on where the application may have to be asked.
#[inline(never)]
fn plan_unlisted<'a, T: HeaderMap, F: ?Sized>(
    policy: &'a PolicyRef<'_>,
    options: &LayerOptions<T::Value>,
    request: &Request<'a>,
    unlisted: Unlisted<'a>,
    origin: Option<&T::Value>,
    ask: impl FnOnce(T::Value) -> Option<Asked<F>>,
) -> Plan<T::Value, F> {
    let settle =
        |decision, verdict| settle::<T, F>(policy, options, request, &decision, verdict, origin);
    match policy.evaluate_unlisted(request, unlisted, None) {
        Evaluation::Decided(decision) => settle(decision, None),
        Evaluation::NeedsVerdict(open) => {
            let value = match origin {
                Some(value) if value.as_ref() == open.origin().as_bytes() => value.clone(),
                _ => T::value(open.origin()),
            };
            let asked = if policy.may_ask() { ask(value) } else { None };
            match asked {
                None => settle(open.resume(None), None),
                Some(Asked::Now(answered)) => {
                    options.note(answered);
                    let verdict = Some(answered.verdict);
                    settle(open.resume(verdict), verdict)
                }
                Some(Asked::Later(answer)) => Plan::Ask(Box::new(Waiting {
                    answer,
                    deadline: Deadline::after(options.verdict_timeout),
                    open: open.to_owned_needs_verdict(),
                })),
            }
        }
    }
}

/// Goes on with an evaluation once the application has answered.
pub(crate) fn resume<T: HeaderMap, F: ?Sized>(
    policy: &PolicyRef<'_>,
    options: &LayerOptions<T::Value>,
    method: &str,
    headers: &T,
    open: OwnedNeedsVerdict,
    answered: Answered,
) -> Plan<T::Value, F> {
    options.note(answered);
    let verdict = answered.verdict;
    let owned = open.resume(Some(verdict));
    let origin = OriginLines::of(headers);
    let lines = NameLines(headers);
    let request = read_request(policy, options, method, headers, &origin, &lines);
    let decision = owned.decision(policy);
    settle::<T, F>(
        policy,
        options,
        &request,
        &decision,
        Some(verdict),
        origin.0,
    )
}

/// The request as far as the policy, and a shadow policy that is compared, read it.
#[inline(always)]
fn read_request<'a, T: HeaderMap>(
    policy: &PolicyRef<'_>,
    options: &LayerOptions<T::Value>,
    method: &'a str,
    headers: &'a T,
    origin: &OriginLines<'a, T::Value>,
    lines: &'a NameLines<'a, T>,
) -> Request<'a> {
    let mut request = Request::new(method);
    if origin.0.is_none() {
        return request;
    }
    request.origin = field::<T>(origin.0, origin.1);
    let shadow = policy.shadow().filter(|_| options.observer.has_listener());
    let any = |reads: fn(&Policy) -> bool| reads(policy) || shadow.is_some_and(reads);
    if any(|policy| policy.rejects) {
        request.sec_fetch_site = requested(headers, RequestHeader::SecFetchSite);
    }
    if method == "OPTIONS" {
        request.acrm = requested(headers, RequestHeader::Method);
        if request.acrm.is_present() {
            let mut names = headers.requested(RequestHeader::Headers);
            request.acrh = match (names.next(), names.next()) {
                (None, _) => Lines::Absent,
                (Some(line), None) => Lines::One(line.as_ref()),
                (Some(_), Some(_)) => Lines::Many(lines),
            };
            if any(|policy| policy.allow_private_network) {
                request.acrpn = requested(headers, RequestHeader::PrivateNetwork);
            }
        }
    }
    request
}

/// Reports the decision to whoever listens, and keeps what outlives the request.
#[inline(always)]
fn settle<T: HeaderMap, F: ?Sized>(
    policy: &PolicyRef<'_>,
    options: &LayerOptions<T::Value>,
    request: &Request<'_>,
    decision: &Decision<'_>,
    verdict: Option<Verdict>,
    origin: Option<&T::Value>,
) -> Plan<T::Value, F> {
    #[cfg(feature = "tracing")]
    decision.trace(policy, request);
    if let Some(shadow) = policy.shadow()
        && options.observer.has_listener()
    {
        options
            .observer
            .compare(policy, shadow, decision, request, verdict);
    }
    options.count(decision.reason());
    let vary = options.vary.clone();
    let info = options
        .insert_extension
        .then(|| DecisionInfo::from(decision));
    let forwards = match decision.action() {
        Action::Forward => true,
        Action::Answer => options.forward_preflights,
        Action::Reject => false,
    };
    if forwards && let Some(headers) = VaryOnly::of(decision.set, decision.upstream) {
        return Plan::Forward(Pending {
            headers: PendingHeaders::VaryOnly(headers),
            vary,
            info,
        });
    }
    let set = decision.set.number;
    let echoed = Echoed::of::<T>(decision, origin);
    let policy = policy.policy();
    if forwards {
        let headers = PendingHeaders::Template {
            policy,
            set,
            echoed,
        };
        Plan::Forward(Pending {
            headers,
            vary,
            info,
        })
    } else {
        Plan::Answer(Answer {
            policy,
            set,
            status: decision.status().unwrap_or(403),
            echoed,
            vary,
            info,
        })
    }
}

impl<V: Clone + AsRef<[u8]>> Pending<V> {
    /// Applies the headers to the handler's response, whatever its status. What they replaced or
    /// removed. To be called once: what is the request's is taken.
    #[inline]
    pub(crate) fn apply<T: HeaderMap<Value = V>>(
        &mut self,
        response: &mut T,
    ) -> Option<Overwritten<V>> {
        let overwritten = match &mut self.headers {
            PendingHeaders::VaryOnly(headers) => headers.apply(response),
            PendingHeaders::Template {
                policy,
                set,
                echoed,
            } => {
                let template = Templates::<T>::of_policy(policy).of(*set);
                template.apply(policy.upstream, echoed, response)
            }
        };
        if let Some(vary) = &self.vary {
            merge_vary(&**vary, response);
        }
        overwritten
    }
}

/// The lines of `Access-Control-Request-Headers`.
struct NameLines<'a, T>(&'a T);

impl<T: HeaderMap> LineSource for NameLines<'_, T> {
    fn each_line(&self, each: &mut dyn FnMut(&[u8]) -> bool) {
        let mut lines = self.0.requested(RequestHeader::Headers);
        let _ = lines.all(|line| each(line.as_ref()));
    }
}

#[inline]
fn requested<T: HeaderMap>(headers: &T, name: RequestHeader) -> Field<'_> {
    let mut values = headers.requested(name);
    field::<T>(values.next(), values.next())
}

/// A third line says no more than a second.
#[inline]
fn field<'a, T: HeaderMap>(first: Option<&'a T::Value>, second: Option<&'a T::Value>) -> Field<'a> {
    let mut field = Field::ABSENT;
    let lines = first.into_iter().chain(second);
    lines.for_each(|value| field.push(value.as_ref()));
    field
}
