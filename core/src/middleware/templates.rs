//! A policy's header sets as values of a framework, made once per policy and shared by every
//! response.

use super::header_map::HeaderMap;
use super::overwrite::Overwritten;
use crate::decide::{self, Decision, Response};
use crate::fetch::header::{HeaderFlags, HeaderName, HeaderOp};
use crate::policy::Policy;
use crate::policy::header_line::LineValue;
use crate::policy::header_set::{HeaderSet, HeaderSets};
use crate::policy::settings::UpstreamHeaders;

/// What a framework made of the header sets of one policy, in the order of their numbers.
pub(crate) struct Templates<T: HeaderMap>(Box<[Template<T>]>);

impl<T: HeaderMap> Templates<T> {
    /// The templates of a policy. The first call makes them.
    #[inline]
    pub(crate) fn of_policy(policy: &Policy) -> &Self {
        policy
            .attachments
            .get_or_make(T::SLOT, || Self::new(policy))
    }

    fn new(policy: &Policy) -> Self {
        let status = policy.preflight_status;
        let templates = policy.header_sets.all();
        Templates(templates.map(|set| Template::new(set, status)).collect())
    }

    /// The template of a header set.
    #[inline]
    pub(crate) fn of(&self, number: usize) -> &Template<T> {
        &self.0[number]
    }
}

/// The headers of one outcome.
pub(crate) struct Template<T: HeaderMap> {
    lines: Box<[Line<T::Value>]>,
    remove: HeaderFlags,
    /// All headers of an answer, with an empty origin if that is the request's; for sets that echo
    /// no list.
    #[cfg_attr(
        not(feature = "tower"),
        expect(dead_code, reason = "tower alone copies maps")
    )]
    answer: Option<T>,
}

struct Line<V> {
    name: HeaderName,
    op: HeaderOp,
    value: Value<V>,
}

enum Value<V> {
    /// A constant of the framework.
    Known(u8),
    Fixed(V),
    Origin,
    Method,
    Names,
}

/// What a decision takes from the request.
#[derive(Clone, Debug)]
pub(crate) struct Echoed<V> {
    pub(crate) origin: Option<V>,
    /// The method and the names: few policies echo them.
    lists: Option<Box<[Option<V>; 2]>>,
}

impl<V: Clone + AsRef<[u8]>> Echoed<V> {
    /// `origin` is the request's own value: it is shared, not copied.
    #[inline(always)]
    pub(crate) fn of<T: HeaderMap<Value = V>>(decision: &Decision<'_>, origin: Option<&V>) -> Self {
        let origin = match origin {
            _ if !decision.set.names_origin => None,
            Some(value) if value.as_ref() == decision.origin.as_bytes() => Some(value.clone()),
            // White space stood around it.
            _ => Some(T::value(decision.origin)),
        };
        let lists = if decision.set.names_lists {
            Self::lists::<T>(decision)
        } else {
            None
        };
        Echoed { origin, lists }
    }

    #[cold]
    fn lists<T: HeaderMap<Value = V>>(decision: &Decision<'_>) -> Option<Box<[Option<V>; 2]>> {
        let of = |value| decision.value(value).map(|(text, _)| T::value(text));
        match [of(&LineValue::Method), of(&LineValue::Names)] {
            [None, None] => None,
            lists => Some(Box::new(lists)),
        }
    }

    /// The value of a line; each is taken once.
    #[inline]
    fn take<T: HeaderMap<Value = V>>(&mut self, value: &Value<V>) -> Option<V> {
        match value {
            Value::Known(place) => Some(T::known(*place)),
            Value::Fixed(value) => Some(value.clone()),
            Value::Origin => self.origin.take(),
            Value::Method => self.lists.as_mut()?[0].take(),
            Value::Names => self.lists.as_mut()?[1].take(),
        }
    }
}

impl<T: HeaderMap> Template<T> {
    fn new(set: &HeaderSet, status: u16) -> Self {
        let lines = set.lines.iter().map(|line| Line {
            name: line.name,
            op: line.op,
            value: match &line.value {
                LineValue::Fixed(text) => match text.known {
                    Some(place) => Value::Known(place),
                    None => Value::Fixed(fixed::<T>(text.as_str())),
                },
                LineValue::Origin => Value::Origin,
                LineValue::Method => Value::Method,
                LineValue::Names => Value::Names,
            },
        });
        let lines: Box<[_]> = lines.collect();
        Template {
            answer: if HeaderSets::is_preflight(set.number) {
                whole_answer::<T>(&lines, status)
            } else {
                None
            },
            remove: set.remove.iter().copied().collect(),
            lines,
        }
    }

    /// All headers of an answer without the handler, with an empty origin if that is the
    /// request's.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn answer(&self) -> Option<&T> {
        self.answer.as_ref()
    }

    /// Adds the headers to a response that has none of them.
    #[inline]
    pub(crate) fn write(&self, echoed: &mut Echoed<T::Value>, response: &mut T) {
        for line in &self.lines {
            // Each value goes straight to its place: one that is moved on the way is waited for.
            match &line.value {
                Value::Known(place) => response.add(line.name, T::known(*place)),
                Value::Fixed(value) => response.add(line.name, value.clone()),
                taken => {
                    if let Some(value) = echoed.take::<T>(taken) {
                        response.add(line.name, value);
                    }
                }
            }
        }
    }

    /// Sets, merges and removes on the application's response. What that replaced or removed of
    /// what the application or an upstream had said.
    #[inline]
    pub(crate) fn apply(
        &self,
        upstream: UpstreamHeaders,
        echoed: &mut Echoed<T::Value>,
        response: &mut T,
    ) -> Option<Overwritten<T::Value>> {
        let present = response.present();
        if present.is_empty() {
            self.write(echoed, response);
            return None;
        }
        self.apply_over(present, upstream, echoed, response)
    }

    #[cold]
    fn apply_over(
        &self,
        present: HeaderFlags,
        upstream: UpstreamHeaders,
        echoed: &mut Echoed<T::Value>,
        response: &mut T,
    ) -> Option<Overwritten<T::Value>> {
        let lines = self
            .lines
            .iter()
            .filter_map(|line| Some((line.name, line.op, echoed.take::<T>(&line.value)?)));
        apply_over(response, present, upstream, self.remove, lines)
    }
}

fn whole_answer<T: HeaderMap>(lines: &[Line<T::Value>], status: u16) -> Option<T> {
    let value = |line: &Line<T::Value>| match &line.value {
        Value::Known(place) => Some((line.name, T::known(*place))),
        Value::Fixed(value) => Some((line.name, value.clone())),
        Value::Origin => Some((line.name, T::value(""))),
        Value::Method | Value::Names => None,
    };
    T::whole_answer(lines.iter().map(value).collect::<Option<_>>()?, status)
}

/// The headers of an outcome that grants nothing, most requests' and every refusal's: `Vary` or
/// none. Small, and applied without the policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VaryOnly {
    /// A constant of the framework.
    vary: Option<u8>,
    remove: HeaderFlags,
    upstream: UpstreamHeaders,
}

impl VaryOnly {
    /// The headers of a set, if they are `Vary` alone or none.
    #[inline]
    pub(crate) fn of(set: &HeaderSet, upstream: UpstreamHeaders) -> Option<Self> {
        let vary = match set.lines.as_slice() {
            [] => None,
            [only] if only.name == HeaderName::Vary => match &only.value {
                LineValue::Fixed(text) => Some(text.known?),
                _ => return None,
            },
            _ => return None,
        };
        Some(VaryOnly {
            vary,
            remove: set.remove_flags,
            upstream,
        })
    }

    /// As [`Template::apply`].
    #[inline]
    pub(crate) fn apply<T: HeaderMap>(self, response: &mut T) -> Option<Overwritten<T::Value>> {
        let present = response.present();
        if present.is_empty() {
            if let Some(vary) = self.vary {
                response.add(HeaderName::Vary, T::known(vary));
            }
            return None;
        }
        self.apply_over(present, response)
    }

    #[cold]
    fn apply_over<T: HeaderMap>(
        self,
        present: HeaderFlags,
        response: &mut T,
    ) -> Option<Overwritten<T::Value>> {
        let lines = self
            .vary
            .map(|vary| (HeaderName::Vary, HeaderOp::Merge, T::known(vary)));
        apply_over(response, present, self.upstream, self.remove, lines)
    }
}

/// Applies lines to a response that has some of crossgate's headers already.
fn apply_over<T: HeaderMap>(
    response: &mut T,
    present: HeaderFlags,
    upstream: UpstreamHeaders,
    remove: HeaderFlags,
    lines: impl IntoIterator<Item = (HeaderName, HeaderOp, T::Value)>,
) -> Option<Overwritten<T::Value>> {
    let mut response = PresentHeaders {
        map: response,
        present,
    };
    let allow_origin = response.first(HeaderName::AllowOrigin);
    decide::apply(&mut response, upstream, remove.iter(), lines)
        .then_some(Overwritten { allow_origin })
}

/// Adds names to `Vary`.
#[cold]
pub(crate) fn merge_vary<T: HeaderMap>(vary: &T::Value, response: &mut T) {
    let present = response.present();
    let mut response = PresentHeaders {
        map: response,
        present,
    };
    decide::merge(&mut response, HeaderName::Vary, vary.clone());
}

/// A response's map and which of crossgate's headers it had at first. Each name is set once, so the
/// names are looked up once.
struct PresentHeaders<'t, T> {
    map: &'t mut T,
    present: HeaderFlags,
}

impl<T: HeaderMap> PresentHeaders<'_, T> {
    fn first(&self, name: HeaderName) -> Option<T::Value> {
        let present = self.present.has(name);
        present.then(|| self.map.values(name).next().cloned())?
    }
}

impl<T: HeaderMap> Response<T::Value> for PresentHeaders<'_, T> {
    type Merged = Vec<u8>;

    fn has(&self, name: HeaderName) -> bool {
        self.present.has(name)
    }

    fn lines(&self, name: HeaderName) -> impl Iterator<Item: AsRef<[u8]>> {
        let present = self.present.has(name);
        present.then(|| self.map.values(name)).into_iter().flatten()
    }

    fn set(&mut self, name: HeaderName, value: T::Value) {
        self.map.insert(name, value);
    }

    fn set_merged(&mut self, name: HeaderName, merged: Vec<u8>) {
        self.map.insert(name, T::merged(merged));
    }

    fn remove(&mut self, name: HeaderName) {
        self.map.remove(name);
    }
}

fn fixed<T: HeaderMap>(text: &str) -> T::Value {
    let value = T::value(text);
    // The first clone of a value allocates what counts the others: here, not while serving.
    let _ = value.clone();
    value
}
