//! A policy's headers as values of a framework's own header table: made once with the policy, shared by every response,
//! and applied as the contract's operations say (set, merge, remove).

use super::decide::Asked;
use crate::decision::Decision;
use crate::headers::{Block, HeaderName, Op, Value};
use crate::request::Kind;
use crate::vary::{merge_names, merge_vary};

/// A framework's table of headers.
pub(crate) trait Table: Sync + Sized {
    /// A header's value; cheap to clone.
    type Value: Clone;

    /// The headers of an outcome as this table has them.
    fn prebuilt(block: &Block) -> &Prebuilt<Self::Value>;
    /// The values of a request header.
    fn asked(&self, name: Asked) -> impl Iterator<Item = &Self::Value>;

    /// A value of the policy's text.
    fn value(text: &str) -> Self::Value;
    /// A value that needs no memory of its own.
    fn static_value(text: &'static str) -> Self::Value;
    fn bytes(value: &Self::Value) -> &[u8];
    /// Which of the headers that crossgate writes the table has: one look at each name.
    fn present(&self) -> Present;
    fn values(&self, name: HeaderName) -> impl Iterator<Item = &Self::Value>;
    /// Adds the first line of a name.
    fn add(&mut self, name: HeaderName, value: Self::Value);
    /// Replaces every line of the name.
    fn insert(&mut self, name: HeaderName, value: Self::Value);
    /// Adds a line to others.
    fn append(&mut self, name: HeaderName, value: Self::Value);
    fn remove(&mut self, name: HeaderName);
}

/// A set of the headers that crossgate writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Present(u8);

impl Present {
    #[inline]
    pub(crate) fn add(&mut self, name: HeaderName) {
        self.0 |= 1 << name as u8;
    }

    #[inline]
    pub(crate) fn has(self, name: HeaderName) -> bool {
        self.0 & 1 << name as u8 != 0
    }

    /// Adds a header of the response, by its lower-case name.
    #[inline]
    pub(crate) fn add_named(&mut self, name: &str) {
        if name.len() == 4 {
            self.0 |= u8::from(name == HeaderName::Vary.lower()) << HeaderName::Vary as u8;
        } else if name.starts_with("access-control-") {
            HeaderName::ALL.into_iter().filter(|known| known.lower() == name).for_each(|known| self.add(known));
        }
    }
}

/// The headers of one outcome.
#[derive(Clone, Debug)]
pub(crate) struct Prebuilt<V> {
    lines: Box<[Line<V>]>,
    remove: Present,
    /// Whether the request's origin is named.
    names_origin: bool,
}

impl<V> Default for Prebuilt<V> {
    fn default() -> Self {
        Prebuilt { lines: Box::default(), remove: Present::default(), names_origin: false }
    }
}

#[derive(Clone, Debug)]
struct Line<V> {
    name: HeaderName,
    op: Op,
    value: LineValue<V>,
}

#[derive(Clone, Debug)]
enum LineValue<V> {
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

impl<V: Clone> Echoed<V> {
    /// `origin` is the request's own: shared, not copied.
    #[inline(always)]
    pub(crate) fn of<T: Table<Value = V>>(decision: &Decision<'_>, origin: Option<&V>) -> Self {
        let origin = match origin {
            _ if !T::prebuilt(decision.block).names_origin => None,
            Some(value) if T::bytes(value) == decision.origin.as_bytes() => Some(value.clone()),
            // White space stood around it.
            _ => Some(T::value(decision.origin)),
        };
        Echoed { origin, lists: if decision.kind == Kind::Preflight { Self::lists::<T>(decision) } else { None } }
    }

    #[inline]
    fn lists<T: Table<Value = V>>(decision: &Decision<'_>) -> Option<Box<[Option<V>; 2]>> {
        let of = |value| decision.value(value).map(|(text, _)| T::value(text));
        match [of(&Value::Method), of(&Value::Names)] {
            [None, None] => None,
            lists => Some(Box::new(lists)),
        }
    }

    /// The value of a line; each is taken once.
    #[inline]
    fn take(&mut self, value: &LineValue<V>) -> Option<V> {
        match value {
            LineValue::Fixed(value) => Some(value.clone()),
            LineValue::Origin => self.origin.take(),
            LineValue::Method => self.lists.as_mut()?[0].take(),
            LineValue::Names => self.lists.as_mut()?[1].take(),
        }
    }
}

impl<V: Clone> Prebuilt<V> {
    pub(crate) fn new<T: Table<Value = V>>(block: &Block) -> Self {
        let lines = block.lines.iter().map(|line| Line {
            name: line.name,
            op: line.op,
            value: match &line.value {
                Value::Fixed(text) => LineValue::Fixed(fixed::<T>(text.as_str())),
                Value::Origin => LineValue::Origin,
                Value::Method => LineValue::Method,
                Value::Names => LineValue::Names,
            },
        });
        let mut remove = Present::default();
        block.remove.iter().for_each(|name| remove.add(*name));
        let lines: Box<[_]> = lines.collect();
        let names_origin = lines.iter().any(|line| matches!(line.value, LineValue::Origin));
        Prebuilt { lines, remove, names_origin }
    }

    /// All headers, with `origin` in the place of the request's; `None` if they echo a list.
    #[cfg(feature = "tower")]
    pub(crate) fn constant<T: Table<Value = V>>(&self, origin: &V, mut headers: T) -> Option<T> {
        for line in &self.lines {
            let value = match &line.value {
                LineValue::Fixed(value) => value,
                LineValue::Origin => origin,
                LineValue::Method | LineValue::Names => return None,
            };
            headers.add(line.name, value.clone());
        }
        Some(headers)
    }

    /// The headers of a response that has none of them.
    #[inline]
    pub(crate) fn write<T: Table<Value = V>>(&self, mut echoed: Echoed<V>, response: &mut T) {
        for line in &self.lines {
            if let Some(value) = echoed.take(&line.value) {
                response.add(line.name, value);
            }
        }
    }

    /// Sets, merges and removes on the application's response. Whether that replaced or removed something that the
    /// application or an upstream had said.
    #[inline]
    pub(crate) fn apply<T: Table<Value = V>>(&self, keeps_upstream: bool, mut echoed: Echoed<V>, response: &mut T) -> bool {
        let present = response.present();
        if present == Present::default() {
            self.write(echoed, response);
            return false;
        }
        if keeps_upstream && present.has(HeaderName::AllowOrigin) {
            if let Some(Line { value: LineValue::Fixed(vary), .. }) = self.lines.iter().find(|line| line.name == HeaderName::Vary) {
                merge(HeaderName::Vary, vary, present, response);
            }
            return false;
        }
        self.apply_over(present, &mut echoed, response)
    }

    #[cold]
    fn apply_over<T: Table<Value = V>>(&self, present: Present, echoed: &mut Echoed<V>, response: &mut T) -> bool {
        let mut overwrote = false;
        for name in HeaderName::ALL.into_iter().filter(|name| self.remove.has(*name) && present.has(*name)) {
            response.remove(name);
            overwrote = true;
        }
        for line in &self.lines {
            let Some(value) = echoed.take(&line.value) else { continue };
            match line.op {
                Op::Merge => merge(line.name, &value, present, response),
                Op::Set => {
                    overwrote |= present.has(line.name) && response.values(line.name).any(|old| T::bytes(old) != T::bytes(&value));
                    response.insert(line.name, value);
                }
            }
        }
        overwrote
    }
}

/// Adds names to those that the response has, each once.
pub(crate) fn merge<T: Table>(name: HeaderName, value: &T::Value, present: Present, response: &mut T) {
    if !present.has(name) {
        response.insert(name, value.clone());
        return;
    }
    let merged = {
        let lines: Option<Vec<&str>> = response.values(name).map(|line| std::str::from_utf8(T::bytes(line)).ok().filter(|line| line.is_ascii())).collect();
        let added = std::str::from_utf8(T::bytes(value)).unwrap_or_default();
        lines.map(|lines| match (name, lines.as_slice()) {
            // What is said already stays as it is.
            (_, [line]) if line.eq_ignore_ascii_case(added) => None,
            (HeaderName::Vary, lines) => Some(merge_vary(lines.iter().copied(), added)),
            (_, lines) => Some(merge_names(lines.iter().copied(), added)),
        })
    };
    match merged {
        Some(None) => {}
        Some(Some(merged)) => response.insert(name, T::value(&merged)),
        // Bytes that no list of names has: they stay, and so do ours.
        None => response.append(name, value.clone()),
    }
}

/// The texts of most policies, which then need no memory.
const STATIC: [&str; 5] =
    ["*", "true", "Origin", "Origin, Access-Control-Request-Method", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"];

fn fixed<T: Table>(text: &str) -> T::Value {
    match STATIC.into_iter().find(|known| *known == text) {
        Some(known) => T::static_value(known),
        None => {
            let value = T::value(text);
            // The first clone of a value allocates what counts the others: here, not while serving.
            let _ = value.clone();
            value
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_has_a_place_of_its_own() {
        for (index, name) in HeaderName::ALL.into_iter().enumerate() {
            assert_eq!(name as usize, index);
            let mut present = Present::default();
            present.add_named(name.lower());
            assert!(present.has(name));
            assert_eq!(HeaderName::ALL.into_iter().filter(|other| present.has(*other)).count(), 1);
        }
        let mut present = Present::default();
        ["date", "access-control-", "access-control-request-method", "content-type"].into_iter().for_each(|name| present.add_named(name));
        assert_eq!(present, Present::default());
    }
}
