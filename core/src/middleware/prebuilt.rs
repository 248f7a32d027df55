//! A policy's headers as values of a framework's own header table: made once with the policy and
//! shared by every response.

use super::decide::Asked;
use crate::decision::Decision;
use crate::headers::{Block, HeaderName, Op, Value};
use crate::operations::{self, Target};

/// A framework's table of headers.
pub(crate) trait Table: Sync + Sized {
    /// A header's value; cheap to clone.
    type Value: Clone + AsRef<[u8]>;

    /// The headers of an outcome as this table has them.
    fn prebuilt(block: &Block) -> &Prebuilt<Self::Value>;
    /// The values of a request header.
    fn asked(&self, name: Asked) -> impl Iterator<Item = &Self::Value>;

    /// A value of the policy's text.
    fn value(text: &str) -> Self::Value;
    /// A value of names that were merged.
    fn merged(names: Vec<u8>) -> Self::Value;
    /// The value of a text in [`KNOWN`], which needs no memory of its own.
    fn known(index: u8) -> Self::Value;
    /// Which of the headers that crossgate writes the table has: one look at each name.
    fn present(&self) -> Present;
    fn values(&self, name: HeaderName) -> impl Iterator<Item = &Self::Value>;
    /// Adds the first line of a name.
    fn add(&mut self, name: HeaderName, value: Self::Value);
    /// Replaces every line of the name.
    fn insert(&mut self, name: HeaderName, value: Self::Value);
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

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn iter(self) -> impl Iterator<Item = HeaderName> {
        HeaderName::ALL
            .into_iter()
            .filter(move |name| self.has(*name))
    }

    /// Adds a header of the response, by its lower-case name.
    #[inline]
    pub(crate) fn add_named(&mut self, name: &str) {
        if name.len() == 4 {
            self.0 |= u8::from(name == HeaderName::Vary.lower()) << HeaderName::Vary as u8;
        } else if name.starts_with("access-control-") {
            HeaderName::ALL
                .into_iter()
                .filter(|known| known.lower() == name)
                .for_each(|known| self.add(known));
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
    /// Whether its method or its list of names is.
    names_lists: bool,
    bare: Option<Bare>,
}

impl<V> Default for Prebuilt<V> {
    fn default() -> Self {
        Prebuilt {
            lines: Box::default(),
            remove: Present::default(),
            names_origin: false,
            names_lists: false,
            bare: None,
        }
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
    /// The place of a text in [`KNOWN`].
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
    /// `origin` is the request's own: shared, not copied.
    #[inline(always)]
    pub(crate) fn of<T: Table<Value = V>>(decision: &Decision<'_>, origin: Option<&V>) -> Self {
        let origin = match origin {
            _ if !T::prebuilt(decision.block).names_origin => None,
            Some(value) if value.as_ref() == decision.origin.as_bytes() => Some(value.clone()),
            // White space stood around it.
            _ => Some(T::value(decision.origin)),
        };
        Echoed {
            origin,
            lists: if T::prebuilt(decision.block).names_lists {
                Self::lists::<T>(decision)
            } else {
                None
            },
        }
    }

    #[cold]
    fn lists<T: Table<Value = V>>(decision: &Decision<'_>) -> Option<Box<[Option<V>; 2]>> {
        let of = |value| decision.value(value).map(|(text, _)| T::value(text));
        match [of(&Value::Method), of(&Value::Names)] {
            [None, None] => None,
            lists => Some(Box::new(lists)),
        }
    }

    /// The value of a line; each is taken once.
    #[inline]
    fn take<T: Table<Value = V>>(&mut self, value: &LineValue<V>) -> Option<V> {
        match value {
            LineValue::Known(index) => Some(T::known(*index)),
            LineValue::Fixed(value) => Some(value.clone()),
            LineValue::Origin => self.origin.take(),
            LineValue::Method => self.lists.as_mut()?[0].take(),
            LineValue::Names => self.lists.as_mut()?[1].take(),
        }
    }
}

impl<V: Clone + AsRef<[u8]>> Prebuilt<V> {
    pub(crate) fn new<T: Table<Value = V>>(block: &Block) -> Self {
        let lines = block.lines.iter().map(|line| Line {
            name: line.name,
            op: line.op,
            value: match &line.value {
                Value::Fixed(text) => known(text.as_str()).map_or_else(
                    || LineValue::Fixed(fixed::<T>(text.as_str())),
                    |index| LineValue::Known(index as u8),
                ),
                Value::Origin => LineValue::Origin,
                Value::Method => LineValue::Method,
                Value::Names => LineValue::Names,
            },
        });
        let mut remove = Present::default();
        block.remove.iter().for_each(|name| remove.add(*name));
        let lines: Box<[_]> = lines.collect();
        let names_origin = lines
            .iter()
            .any(|line| matches!(line.value, LineValue::Origin));
        let names_lists = lines
            .iter()
            .any(|line| matches!(line.value, LineValue::Method | LineValue::Names));
        Prebuilt {
            lines,
            remove,
            names_origin,
            names_lists,
            bare: Bare::new(block, remove),
        }
    }

    /// All headers, with `origin` in the place of the request's; `None` if they echo a list.
    #[cfg(feature = "tower")]
    pub(crate) fn constant<T: Table<Value = V>>(&self, origin: &V, mut headers: T) -> Option<T> {
        for line in &self.lines {
            let value = match &line.value {
                LineValue::Known(index) => T::known(*index),
                LineValue::Fixed(value) => value.clone(),
                LineValue::Origin => origin.clone(),
                LineValue::Method | LineValue::Names => return None,
            };
            headers.add(line.name, value);
        }
        Some(headers)
    }

    /// The headers in a form that needs no policy, if they grant nothing.
    #[inline]
    pub(crate) fn bare(&self, keeps_upstream: bool) -> Option<Bare> {
        self.bare.map(|bare| Bare {
            keeps_upstream,
            ..bare
        })
    }

    /// The headers of a response that has none of them.
    #[inline]
    pub(crate) fn write<T: Table<Value = V>>(&self, echoed: &mut Echoed<V>, response: &mut T) {
        for line in &self.lines {
            // Each value goes straight to its place: one that is moved on the way is waited for.
            match &line.value {
                LineValue::Known(index) => response.add(line.name, T::known(*index)),
                LineValue::Fixed(value) => response.add(line.name, value.clone()),
                taken => {
                    if let Some(value) = echoed.take::<T>(taken) {
                        response.add(line.name, value);
                    }
                }
            }
        }
    }

    /// Sets, merges and removes on the application's response. Whether that replaced or removed
    /// something that the application or an upstream had said.
    #[inline]
    pub(crate) fn apply<T: Table<Value = V>>(
        &self,
        keeps_upstream: bool,
        echoed: &mut Echoed<V>,
        response: &mut T,
    ) -> bool {
        let present = response.present();
        if present.is_empty() {
            self.write(echoed, response);
            return false;
        }
        self.apply_over(present, keeps_upstream, echoed, response)
    }

    #[cold]
    fn apply_over<T: Table<Value = V>>(
        &self,
        present: Present,
        keeps_upstream: bool,
        echoed: &mut Echoed<V>,
        response: &mut T,
    ) -> bool {
        let lines = self
            .lines
            .iter()
            .filter_map(|line| Some((line.name, line.op, echoed.take::<T>(&line.value)?)));
        operations::apply(
            &mut Looked {
                table: response,
                present,
            },
            keeps_upstream,
            self.remove.iter(),
            lines,
        )
    }
}

/// The headers of an outcome that grants nothing, most requests' and every refusal's: `Vary` or
/// none. Small, and applied without the policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bare {
    /// Its place in [`KNOWN`].
    vary: Option<u8>,
    remove: Present,
    keeps_upstream: bool,
}

impl Bare {
    fn new(block: &Block, remove: Present) -> Option<Self> {
        let vary = match block.lines.as_slice() {
            [] => None,
            [only] if only.name == HeaderName::Vary => match &only.value {
                Value::Fixed(text) => Some(known(text.as_str())? as u8),
                _ => return None,
            },
            _ => return None,
        };
        Some(Bare {
            vary,
            remove,
            keeps_upstream: false,
        })
    }

    /// As [`Prebuilt::apply`].
    #[inline]
    pub(crate) fn apply<T: Table>(self, response: &mut T) -> bool {
        let present = response.present();
        if present.is_empty() {
            if let Some(vary) = self.vary {
                response.add(HeaderName::Vary, T::known(vary));
            }
            return false;
        }
        self.apply_over(present, response)
    }

    #[cold]
    fn apply_over<T: Table>(self, present: Present, response: &mut T) -> bool {
        let lines = self
            .vary
            .map(|vary| (HeaderName::Vary, Op::Merge, T::known(vary)));
        operations::apply(
            &mut Looked {
                table: response,
                present,
            },
            self.keeps_upstream,
            self.remove.iter(),
            lines,
        )
    }
}

/// Adds names to `Vary`.
#[cold]
pub(crate) fn merge_vary<T: Table>(vary: &T::Value, response: &mut T) {
    let present = response.present();
    operations::merge(
        &mut Looked {
            table: response,
            present,
        },
        HeaderName::Vary,
        vary.clone(),
    );
}

/// A table and what of ours it had at first: each name is set once, so a look is taken once.
struct Looked<'t, T> {
    table: &'t mut T,
    present: Present,
}

impl<T: Table> Target<T::Value> for Looked<'_, T> {
    fn has(&self, name: HeaderName) -> bool {
        self.present.has(name)
    }

    fn lines(&self, name: HeaderName) -> impl Iterator<Item: AsRef<[u8]>> {
        self.present
            .has(name)
            .then(|| self.table.values(name))
            .into_iter()
            .flatten()
    }

    fn set(&mut self, name: HeaderName, value: T::Value) {
        self.table.insert(name, value);
    }

    fn set_merged(&mut self, name: HeaderName, merged: Vec<u8>) {
        self.table.insert(name, T::merged(merged));
    }

    fn remove(&mut self, name: HeaderName) {
        self.table.remove(name);
    }
}

/// The texts of most policies, which then need no memory: their values are constants.
pub(crate) const KNOWN: [&str; 7] = [
    "*",
    "true",
    "Origin",
    "Origin, Access-Control-Request-Method",
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    "Origin, Access-Control-Request-Method, Access-Control-Request-Private-Network",
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, \
        Access-Control-Request-Private-Network",
];

fn known(text: &str) -> Option<usize> {
    KNOWN.iter().position(|known| *known == text)
}

fn fixed<T: Table>(text: &str) -> T::Value {
    let value = T::value(text);
    // The first clone of a value allocates what counts the others: here, not while serving.
    let _ = value.clone();
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_text_is_its_value() {
        for (index, text) in KNOWN.into_iter().enumerate() {
            #[cfg(feature = "tower")]
            assert_eq!(http::HeaderMap::known(index as u8), text);
            #[cfg(feature = "actix")]
            assert_eq!(actix_web::http::header::HeaderMap::known(index as u8), text);
        }
    }

    #[test]
    fn every_header_has_a_place_of_its_own() {
        for (index, name) in HeaderName::ALL.into_iter().enumerate() {
            assert_eq!(name as usize, index);
            let mut present = Present::default();
            present.add_named(name.lower());
            assert!(present.has(name));
            assert_eq!(
                HeaderName::ALL
                    .into_iter()
                    .filter(|other| present.has(*other))
                    .count(),
                1
            );
        }
        let mut present = Present::default();
        [
            "date",
            "access-control-",
            "access-control-request-method",
            "content-type",
        ]
        .into_iter()
        .for_each(|name| present.add_named(name));
        assert_eq!(present, Present::default());
    }
}
