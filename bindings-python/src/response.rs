//! A response's headers, while a decision is applied to them: a WSGI list of pairs of str, and the
//! dict in which Django keeps them.

use crossgate::{HeaderName, ResponseHeaders};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use crate::written::unpacked;

/// The values of a str and of nothing else.
fn text(value: Option<Bound<'_, PyAny>>) -> Option<String> {
    value?
        .cast::<PyString>()
        .ok()
        .map(|text| text.to_string_lossy().into_owned())
}

fn name_of<'py>(pair: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    pair.cast::<PyTuple>().ok()?.get_item(0).ok()
}

/// Whether a pair is of a header that a decision may touch, or is no tuple.
pub(crate) fn is_touched(pair: &Bound<'_, PyAny>) -> bool {
    name_of(pair).is_none_or(|name| {
        let Ok(Ok(name)) = name.cast::<PyString>().map(|name| name.to_str()) else {
            return false;
        };
        HeaderName::ALL
            .iter()
            .any(|known| known.lower().eq_ignore_ascii_case(name))
    })
}

/// The list that `start_response` is given. What is no pair of str stays where it is: the server
/// says what is wrong with it.
pub(crate) struct Pairs<'py>(pub(crate) Vec<Pair<'py>>);

impl<'py> Pairs<'py> {
    pub(crate) fn new(headers: &Bound<'py, PyList>) -> Self {
        let pair = |item: Bound<'py, PyAny>| {
            if item.is_instance_of::<PyTuple>() {
                return item;
            }
            // Servers unpack it all the same.
            unpacked(&item)
                .and_then(|parts| parts.into_bound_py_any(item.py()).ok())
                .unwrap_or(item)
        };
        Pairs(headers.iter().map(pair).map(Pair::Theirs).collect())
    }
}

pub(crate) enum Pair<'py> {
    Theirs(Bound<'py, PyAny>),
    Ours(HeaderName, String),
}

impl Pair<'_> {
    fn is(&self, wanted: HeaderName) -> bool {
        match self {
            Pair::Theirs(pair) => {
                text(name_of(pair)).is_some_and(|name| name.eq_ignore_ascii_case(wanted.lower()))
            }
            Pair::Ours(name, _) => *name == wanted,
        }
    }

    fn value(&self) -> Option<String> {
        match self {
            Pair::Theirs(pair) => text(pair.cast::<PyTuple>().ok()?.get_item(1).ok()),
            Pair::Ours(_, value) => Some(value.clone()),
        }
    }
}

impl ResponseHeaders for Pairs<'_> {
    fn get_all(&self, name: HeaderName) -> Vec<String> {
        self.0
            .iter()
            .filter(|pair| pair.is(name))
            .filter_map(Pair::value)
            .collect()
    }

    fn remove(&mut self, name: HeaderName) {
        self.0.retain(|pair| !pair.is(name));
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        ResponseHeaders::remove(self, name);
        self.0.push(Pair::Ours(name, value.to_owned()));
    }
}

/// Django's `response.headers._store`: lower-case names to pairs of the name as written and the
/// value.
pub(crate) struct Store<'a, 'py>(pub(crate) &'a Bound<'py, PyDict>);

impl<'py> Store<'_, 'py> {
    fn get(&self, name: HeaderName) -> Option<Bound<'py, PyAny>> {
        self.0.get_item(name.lower()).ok().flatten()
    }
}

impl ResponseHeaders for Store<'_, '_> {
    fn get_all(&self, name: HeaderName) -> Vec<String> {
        self.get(name)
            .and_then(|pair| text(pair.get_item(1).ok()))
            .into_iter()
            .collect()
    }

    fn remove(&mut self, name: HeaderName) {
        if self.get(name).is_some() {
            // Only a key that vanished meanwhile fails.
            let _ = self.0.del_item(name.lower());
        }
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        // The name as the response writes it, if it does; in lower case else, as Django's own
        // middlewares of CORS do.
        let written = self
            .get(name)
            .and_then(|pair| text(pair.get_item(0).ok()))
            .unwrap_or_else(|| name.lower().to_owned());
        // Setting a str in a dict of str does not fail.
        let _ = self.0.set_item(name.lower(), (written, value));
    }
}
