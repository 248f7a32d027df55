//! From a request's head to what the service does with it. What is kept of the decision owns what
//! it needs, because the request goes to the handler; it is small, because it moves with the
//! handler's future.

use std::sync::Arc;

use super::Decided;
use super::observer::Observer;
use super::prebuilt::{Bare, Echoed, Table, merge_vary};
use super::source::Held;
use crate::counters::Counters;
use crate::decision::{Action, Reason};
use crate::evaluate::Verdict;
use crate::policy::Policy;
use crate::request::{Field, LineSource, Lines, Request};

/// A request header that CORS reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    Origin,
    Method,
    Names,
    PrivateNetwork,
    SecFetchSite,
}

/// What a service does beside its policy.
#[derive(Clone, Debug)]
pub(crate) struct Manner<V> {
    /// Names that the application adds to `Vary`.
    pub(crate) vary: Option<Arc<V>>,
    /// Whether handlers find [`Decided`] among the request's extensions.
    pub(crate) tells: bool,
    /// Whether preflights go to the handler.
    pub(crate) forwards_preflights: bool,
    /// Who hears of differences to a shadow policy.
    pub(crate) observer: Observer,
    /// Where decisions are counted.
    pub(crate) counters: Option<Arc<Counters>>,
}

impl<V> Default for Manner<V> {
    fn default() -> Self {
        Manner {
            vary: None,
            tells: false,
            forwards_preflights: false,
            observer: Observer::default(),
            counters: None,
        }
    }
}

impl<V> Manner<V> {
    #[inline]
    fn count(&self, reason: Reason) {
        if let Some(counters) = &self.counters {
            counters.add(reason);
        }
    }

    /// Sets the names that the application adds to `Vary`; none adds nothing.
    pub(crate) fn vary_by<T: Table<Value = V>>(
        &mut self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) {
        let names: Vec<_> = names.into_iter().collect();
        let text = names
            .iter()
            .map(AsRef::as_ref)
            .collect::<Vec<&str>>()
            .join(", ");
        self.vary = (!text.is_empty()).then(|| Arc::new(T::value(&text)));
    }
}

/// What happens to a request.
#[derive(Debug)]
pub(crate) enum Plan<V> {
    /// The handler runs, and its response gets headers.
    Forward(Pending<V>),
    /// The response is made without the handler.
    Answer(Answer<V>),
}

/// The headers that the handler's response will get.
#[derive(Clone, Debug)]
pub(crate) struct Pending<V> {
    kept: Kept<V>,
    /// Names that the application adds to `Vary`.
    vary: Option<Arc<V>>,
    /// For the request's extensions.
    pub(crate) told: Option<Decided>,
}

#[derive(Clone, Debug)]
enum Kept<V> {
    /// What needs no policy does without: every processor that serves would write to its count of
    /// users.
    Bare(Bare),
    Block {
        policy: Arc<Policy>,
        block: usize,
        echoed: Echoed<V>,
    },
}

/// A response that is made without the handler.
#[derive(Debug)]
pub(crate) struct Answer<V> {
    pub(crate) policy: Arc<Policy>,
    pub(crate) block: usize,
    pub(crate) status: u16,
    pub(crate) echoed: Echoed<V>,
    pub(crate) vary: Option<Arc<V>>,
    /// For the response's extensions.
    pub(crate) told: Option<Decided>,
}

/// The policies of a request, as far as they are evaluated.
#[derive(Clone, Copy)]
struct Policies<'a> {
    live: &'a Policy,
    /// And who hears of it.
    shadow: Option<(&'a Policy, &'a Observer)>,
}

impl Policies<'_> {
    fn any(&self, has: impl Fn(&Policy) -> bool) -> bool {
        has(self.live) || self.shadow.is_some_and(|(shadow, _)| has(shadow))
    }
}

/// The lines of `Origin`, looked up once. A third says no more than a second.
#[derive(Debug)]
pub(crate) struct Origins<'a, V>(Option<&'a V>, Option<&'a V>);

impl<'a, V> Origins<'a, V> {
    #[inline(always)]
    pub(crate) fn of<T: Table<Value = V>>(headers: &'a T) -> Self {
        let mut lines = headers.asked(Asked::Origin);
        match lines.next() {
            None => Origins(None, None),
            first => Origins(first, lines.next()),
        }
    }
}

/// The headers of a response to a request without `Origin`, for which nothing else has to be known:
/// most requests of most servers. `None` if there is more to do.
#[inline(always)]
pub(crate) fn without_origin<T: Table>(
    policy: &Held<'_>,
    manner: &Manner<T::Value>,
    method: &str,
    origins: &Origins<'_, T::Value>,
) -> Option<Bare> {
    let rest =
        manner.vary.is_some() || manner.tells || policy.shadow().is_some() || not_cors_is_traced();
    if rest || origins.0.is_some() {
        return None;
    }
    let bare =
        T::prebuilt(policy.block_without_origin(method.as_bytes())).bare(policy.keeps_upstream)?;
    manner.count(Reason::NoOrigin);
    Some(bare)
}

#[inline]
fn not_cors_is_traced() -> bool {
    #[cfg(feature = "tracing")]
    return crate::trace::not_cors_is_heard();
    #[cfg(not(feature = "tracing"))]
    false
}

/// Decides about a request. A look into a header table is most of the cost: one for the origin, and
/// no more unless the request may be a preflight.
#[inline(never)]
pub(crate) fn plan<T: Table>(
    policy: &Held<'_>,
    manner: &Manner<T::Value>,
    verdict: Option<Verdict>,
    method: &str,
    headers: &T,
    origins: &Origins<'_, T::Value>,
) -> Plan<T::Value> {
    let shadow = policy
        .shadow()
        .filter(|_| manner.observer.hears())
        .map(|shadow| (shadow, &manner.observer));
    let policies = Policies {
        live: policy,
        shadow,
    };
    let Some(origin) = origins.0 else {
        return settle::<T>(policies, &Request::new(method), None, policy, manner, None);
    };
    let mut request = Request {
        origin: field::<T>(origins.0, origins.1),
        ..Request::new(method)
    };
    if policies.any(|policy| policy.rejects) {
        request.sec_fetch_site = asked(headers, Asked::SecFetchSite);
    }
    let lines = AllLines(headers);
    if method == "OPTIONS" {
        request.acrm = asked(headers, Asked::Method);
        if request.acrm.is_present() {
            let mut names = headers.asked(Asked::Names);
            request.acrh = match (names.next(), names.next()) {
                (None, _) => Lines::Absent,
                (Some(line), None) => Lines::One(line.as_ref()),
                (Some(_), Some(_)) => Lines::Many(&lines),
            };
            if policies.any(|policy| policy.allow_private_network) {
                request.acrpn = asked(headers, Asked::PrivateNetwork);
            }
        }
    }
    settle::<T>(policies, &request, verdict, policy, manner, Some(origin))
}

/// Decides, tells whoever listens, and keeps what outlives the request and the borrow of the
/// policy.
#[inline(always)]
fn settle<T: Table>(
    policies: Policies<'_>,
    request: &Request<'_>,
    verdict: Option<Verdict>,
    policy: &Held<'_>,
    manner: &Manner<T::Value>,
    origin: Option<&T::Value>,
) -> Plan<T::Value> {
    let decision = &policies.live.decide(request, verdict, None);
    #[cfg(feature = "tracing")]
    decision.trace(policies.live, request);
    if let Some((shadow, observer)) = policies.shadow {
        observer.compare(policies.live, shadow, decision, request, verdict);
    }
    manner.count(decision.reason());
    let vary = manner.vary.clone();
    let told = manner.tells.then(|| Decided::from(decision));
    let forwards = match decision.action() {
        Action::Forward => true,
        Action::Answer => manner.forwards_preflights,
        Action::Reject => false,
    };
    let block = decision.block.index;
    if !forwards {
        let status = decision.status().unwrap_or(403);
        return Plan::Answer(Answer {
            policy: policy.policy(),
            block,
            status,
            echoed: Echoed::of::<T>(decision, origin),
            vary,
            told,
        });
    }
    match T::prebuilt(decision.block).bare(decision.keeps_upstream) {
        Some(bare) => Plan::Forward(Pending {
            kept: Kept::Bare(bare),
            vary,
            told,
        }),
        None => {
            let kept = Kept::Block {
                policy: policy.policy(),
                block,
                echoed: Echoed::of::<T>(decision, origin),
            };
            Plan::Forward(Pending { kept, vary, told })
        }
    }
}

/// The origin that the application is asked about, if there is an application to ask and something
/// to ask it.
#[inline]
pub(crate) fn asked_origin<T: Table>(
    policy: &Policy,
    asks: bool,
    method: &str,
    origins: &Origins<'_, T::Value>,
) -> Option<T::Value> {
    let value = origins.0.filter(|_| asks)?;
    let request = Request {
        origin: field::<T>(origins.0, origins.1),
        ..Request::new(method)
    };
    let origin = policy.asks_host(&request)?;
    Some(if value.as_ref() == origin.as_bytes() {
        value.clone()
    } else {
        T::value(origin)
    })
}

impl<V: Clone + AsRef<[u8]>> Pending<V> {
    /// Applies the headers to the handler's response, whatever its status. Whether they replaced or
    /// removed some. Once: what is the request's is taken.
    #[inline]
    pub(crate) fn apply<T: Table<Value = V>>(&mut self, response: &mut T) -> bool {
        let overwrote = match &mut self.kept {
            Kept::Bare(bare) => bare.apply(response),
            Kept::Block {
                policy,
                block,
                echoed,
            } => {
                T::prebuilt(policy.blocks.at(*block)).apply(policy.keeps_upstream, echoed, response)
            }
        };
        if let Some(vary) = &self.vary {
            merge_vary(&**vary, response);
        }
        overwrote
    }
}

/// The lines of `Access-Control-Request-Headers`.
struct AllLines<'a, T>(&'a T);

impl<T: Table + Sync> LineSource for AllLines<'_, T> {
    fn each_line(&self, each: &mut dyn FnMut(&[u8]) -> bool) {
        let _ = self.0.asked(Asked::Names).all(|line| each(line.as_ref()));
    }
}

#[inline]
fn asked<T: Table>(headers: &T, name: Asked) -> Field<'_> {
    let mut values = headers.asked(name);
    field::<T>(values.next(), values.next())
}

/// A third line says no more than a second.
#[inline]
fn field<'a, T: Table>(first: Option<&'a T::Value>, second: Option<&'a T::Value>) -> Field<'a> {
    let mut field = Field::ABSENT;
    first
        .into_iter()
        .chain(second)
        .for_each(|value| field.push(value.as_ref()));
    field
}
