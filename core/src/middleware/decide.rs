//! From a request's head to what the service does with it. What is kept of the decision owns what it needs, because the
//! request goes to the handler; it is small, because it moves with the handler's future.

use std::sync::Arc;

use super::Decided;
use super::prebuilt::{Echoed, Table, merge};
use crate::decision::{Action, Decision};
use crate::evaluate::Verdict;
use crate::headers::{Block, HeaderName};
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
    pub(crate) vary: Option<V>,
    /// Whether handlers find [`Decided`] among the request's extensions.
    pub(crate) tells: bool,
    /// Whether preflights go to the handler.
    pub(crate) forwards_preflights: bool,
}

impl<V> Default for Manner<V> {
    fn default() -> Self {
        Manner { vary: None, tells: false, forwards_preflights: false }
    }
}

impl<V> Manner<V> {
    /// Sets the names that the application adds to `Vary`; none adds nothing.
    pub(crate) fn vary_by<T: Table<Value = V>>(&mut self, names: impl IntoIterator<Item = impl AsRef<str>>) {
        let names: Vec<_> = names.into_iter().collect();
        let text = names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
        self.vary = (!text.is_empty()).then(|| T::value(&text));
    }
}

/// A decision without the request and the policy that it was made of.
#[derive(Clone, Debug)]
pub(crate) struct Outcome<V> {
    action: Action,
    status: Option<u16>,
    block: usize,
    echoed: Echoed<V>,
    pub(crate) decided: Decided,
}

/// The headers that the handler's response will get.
#[derive(Clone, Debug)]
pub(crate) struct Pending<V> {
    policy: Arc<Policy>,
    block: usize,
    echoed: Echoed<V>,
    /// Names that the application adds to `Vary`.
    vary: Option<Box<V>>,
}

/// A response that is made without the handler.
pub(crate) struct Answer<'p, V> {
    pub(crate) status: u16,
    pub(crate) block: &'p Block,
    pub(crate) echoed: Echoed<V>,
}

/// Decides about a request. A look into a header table is most of the cost: one for the origin, and no more unless the
/// request may be a preflight.
#[inline]
pub(crate) fn decide<T: Table>(policy: &Policy, verdict: Option<Verdict>, method: &str, headers: &T) -> Outcome<T::Value> {
    let mut origins = headers.asked(Asked::Origin);
    let mut request = Request::new(method);
    let Some(origin) = origins.next() else {
        return Outcome::of::<T>(&judge(policy, &request, None), None);
    };
    request.origin = field::<T>(Some(origin), origins.next());
    if policy.rejects {
        request.sec_fetch_site = asked(headers, Asked::SecFetchSite);
    }
    if method == "OPTIONS" {
        return decide_options(policy, verdict, &request, headers, origin);
    }
    Outcome::of::<T>(&judge(policy, &request, verdict), Some(origin))
}

/// The decision, with its event if the feature `tracing` is on.
#[inline(always)]
fn judge<'a>(policy: &'a Policy, request: &Request<'a>, verdict: Option<Verdict>) -> Decision<'a> {
    let decision = policy.decide(request, verdict, None);
    #[cfg(feature = "tracing")]
    decision.trace(policy, request);
    decision
}

#[inline(never)]
fn decide_options<T: Table>(policy: &Policy, verdict: Option<Verdict>, request: &Request<'_>, headers: &T, origin: &T::Value) -> Outcome<T::Value> {
    let lines = AllLines(headers);
    let mut request = Request { origin: request.origin, sec_fetch_site: request.sec_fetch_site, ..Request::new(request.method) };
    request.acrm = asked(headers, Asked::Method);
    if request.acrm.is_present() {
        let mut names = headers.asked(Asked::Names);
        request.acrh = match (names.next(), names.next()) {
            (None, _) => Lines::Absent,
            (Some(line), None) => Lines::One(T::bytes(line)),
            (Some(_), Some(_)) => Lines::Many(&lines),
        };
        if policy.allow_private_network {
            request.acrpn = asked(headers, Asked::PrivateNetwork);
        }
    }
    Outcome::of::<T>(&judge(policy, &request, verdict), Some(origin))
}

/// The origin that the application is asked about, if it is.
pub(crate) fn asked_origin<T: Table>(policy: &Policy, method: &str, headers: &T) -> Option<T::Value> {
    let mut origins = headers.asked(Asked::Origin);
    let value = origins.next()?;
    let request = Request { origin: field::<T>(Some(value), origins.next()), ..Request::new(method) };
    let origin = policy.asks_host(&request)?;
    Some(if T::bytes(value) == origin.as_bytes() { value.clone() } else { T::value(origin) })
}

impl<V: Clone> Outcome<V> {
    #[inline(always)]
    fn of<T: Table<Value = V>>(decision: &Decision<'_>, origin: Option<&V>) -> Self {
        Outcome {
            action: decision.action(),
            status: decision.status(),
            block: decision.block.index,
            echoed: Echoed::of::<T>(decision, origin),
            decided: Decided::from(decision),
        }
    }

    /// Whether the handler runs.
    #[inline]
    pub(crate) fn forwards(&self, manner: &Manner<V>) -> bool {
        match self.action {
            Action::Forward => true,
            Action::Answer => manner.forwards_preflights,
            Action::Reject => false,
        }
    }

    #[inline(always)]
    pub(crate) fn pending(self, policy: Arc<Policy>, manner: &Manner<V>) -> Pending<V> {
        Pending { policy, block: self.block, echoed: self.echoed, vary: manner.vary.clone().map(Box::new) }
    }

    #[inline]
    pub(crate) fn answer(self, policy: &Policy) -> Answer<'_, V> {
        Answer { status: self.status.unwrap_or(403), block: policy.blocks.at(self.block), echoed: self.echoed }
    }
}

impl<V: Clone> Pending<V> {
    /// Applies the headers to the handler's response, whatever its status. Whether they replaced or removed some.
    #[inline]
    pub(crate) fn apply<T: Table<Value = V>>(self, response: &mut T) -> bool {
        let overwrote = T::prebuilt(self.policy.blocks.at(self.block)).apply(self.policy.keeps_upstream, self.echoed, response);
        if let Some(vary) = self.vary {
            add_vary(&*vary, response);
        }
        overwrote
    }
}

#[cold]
pub(crate) fn add_vary<T: Table>(vary: &T::Value, headers: &mut T) {
    merge(HeaderName::Vary, vary, headers.present(), headers);
}

/// The lines of `Access-Control-Request-Headers`.
struct AllLines<'a, T>(&'a T);

impl<T: Table + Sync> LineSource for AllLines<'_, T> {
    fn each_line(&self, each: &mut dyn FnMut(&[u8]) -> bool) {
        let _ = self.0.asked(Asked::Names).all(|line| each(T::bytes(line)));
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
    first.into_iter().chain(second).for_each(|value| field.push(T::bytes(value)));
    field
}

#[cfg(all(test, feature = "tracing", feature = "tower"))]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Mutex;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().map_or(Ok(0), |mut log| log.write(bytes))
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_layer_tells_of_each_decision_once() {
        let policy = Policy::builder().allow_origins(["https://a.example"]).build().unwrap();
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            for (method, headers) in [("GET", vec![]), ("GET", vec!["origin"]), ("OPTIONS", vec!["origin", "access-control-request-method"])] {
                let value = |name| http::HeaderValue::from_static(if name == "origin" { "https://a.example" } else { "PUT" });
                let headers: http::HeaderMap = headers.into_iter().map(|name| (http::HeaderName::from_static(name), value(name))).collect();
                decide(&policy, None, method, &headers);
            }
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let reasons: Vec<_> = text.lines().map(|line| line.split("reason=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap()).collect();
        assert_eq!(reasons, ["no_origin", "allowed", "method_not_allowed"], "{text}");
    }
}
