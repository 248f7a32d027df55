//! From a request's head to what the service does with it. What is kept of the decision owns what it needs, because the
//! request goes to the handler.

use std::sync::Arc;

use super::Decided;
use super::prebuilt::{Echoed, Table, echoed_origin, merge};
use crate::decision::Action;
use crate::evaluate::Verdict;
use crate::headers::HeaderName;
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

/// What happens to a request.
pub(crate) enum Next<T: Table> {
    /// It goes to the handler; the response gets its headers.
    Forward(Pending<T>),
    /// It is answered here.
    Answer(u16, T),
}

/// The headers that a response will get.
#[derive(Clone, Debug)]
pub(crate) struct Pending<T: Table> {
    policy: Arc<Policy>,
    block: usize,
    origin: Option<T::Value>,
    /// What a preflight that goes to the handler echoes beside its origin.
    lists: Option<Box<[Option<T::Value>; 2]>>,
    /// Names that the application adds to `Vary`.
    vary: Option<T::Value>,
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

#[inline]
pub(crate) fn decide<T: Table>(policy: Arc<Policy>, verdict: Option<Verdict>, manner: &Manner<T::Value>, method: &str, headers: &T) -> (Next<T>, Decided) {
    let lines = AllLines(headers);
    // A look into a header table is most of the cost: one for the origin, to read it and to name it.
    let mut origins = headers.asked(Asked::Origin);
    let own_origin = origins.next();
    let request = read(&policy, method, headers, &lines, field_of::<T>(own_origin, origins.next()));
    let decision = policy.decide(&request, verdict, None);
    let decided = Decided::from(&decision);
    let block = decision.block;
    let vary = manner.vary.clone();
    let next = match decision.action() {
        Action::Forward => {
            let origin = echoed_origin::<T>(&decision, own_origin);
            let block = block.index;
            Next::Forward(Pending { block, origin, lists: None, vary, policy })
        }
        Action::Answer if manner.forwards_preflights => {
            let Echoed { origin, method, names } = Echoed::of::<T>(&decision, own_origin);
            let block = block.index;
            Next::Forward(Pending { block, origin, lists: Some(Box::new([method, names])), vary, policy })
        }
        Action::Answer | Action::Reject => {
            let set = T::prebuilt(block);
            let status = decision.status().unwrap_or(403);
            // Room for Content-Length, and no more: a large table is slow to allocate.
            let mut answer = T::with_capacity(set.len() + usize::from(status != 204));
            set.write(Echoed::of::<T>(&decision, own_origin), &mut answer);
            add_vary(vary, &mut answer);
            Next::Answer(status, answer)
        }
    };
    (next, decided)
}

/// The origin that the application is asked about, if it is.
pub(crate) fn asked_origin<T: Table>(policy: &Policy, method: &str, headers: &T) -> Option<T::Value> {
    let lines = AllLines(headers);
    let request = read(policy, method, headers, &lines, field(headers, Asked::Origin));
    let origin = policy.asks_host(&request)?;
    let value = headers.asked(Asked::Origin).next()?;
    Some(if T::bytes(value) == origin.as_bytes() { value.clone() } else { T::value(origin) })
}

impl<T: Table> Pending<T> {
    /// Applies the headers to the handler's response, whatever its status. Whether they replaced or removed some.
    #[inline]
    pub(crate) fn apply(self, response: &mut T) -> bool {
        let mut echoed = Echoed::origin(self.origin);
        if let Some(lists) = self.lists {
            [echoed.method, echoed.names] = *lists;
        }
        let overwrote = T::prebuilt(self.policy.blocks.at(self.block)).apply(self.policy.keeps_upstream, echoed, response);
        add_vary(self.vary, response);
        overwrote
    }
}

#[inline]
fn add_vary<T: Table>(vary: Option<T::Value>, headers: &mut T) {
    if let Some(vary) = vary {
        merge(HeaderName::Vary, &vary, headers.present(), headers);
    }
}

/// The lines of `Access-Control-Request-Headers`.
struct AllLines<'a, T>(&'a T);

impl<T: Table + Sync> LineSource for AllLines<'_, T> {
    fn each_line(&self, each: &mut dyn FnMut(&[u8]) -> bool) {
        let _ = self.0.asked(Asked::Names).all(|line| each(T::bytes(line)));
    }
}

/// What the policy reads of a request, and no more.
#[inline]
fn read<'a, T: Table>(policy: &Policy, method: &'a str, headers: &'a T, lines: &'a AllLines<'a, T>, origin: Field<'a>) -> Request<'a> {
    let mut request = Request::new(method);
    request.origin = origin;
    if !request.origin.is_present() {
        return request;
    }
    if method == "OPTIONS" {
        request.acrm = field(headers, Asked::Method);
        let mut names = headers.asked(Asked::Names);
        request.acrh = match (names.next(), names.next()) {
            (None, _) => Lines::Absent,
            (Some(line), None) => Lines::One(T::bytes(line)),
            (Some(_), Some(_)) => Lines::Many(lines),
        };
        if policy.allow_private_network {
            request.acrpn = field(headers, Asked::PrivateNetwork);
        }
    }
    if policy.rejects {
        request.sec_fetch_site = field(headers, Asked::SecFetchSite);
    }
    request
}

#[inline]
fn field<T: Table>(headers: &T, name: Asked) -> Field<'_> {
    let mut values = headers.asked(name);
    field_of::<T>(values.next(), values.next())
}

/// A third line says no more than a second.
#[inline]
fn field_of<'a, T: Table>(first: Option<&'a T::Value>, second: Option<&'a T::Value>) -> Field<'a> {
    let mut field = Field::ABSENT;
    first.into_iter().chain(second).for_each(|value| field.push(T::bytes(value)));
    field
}
