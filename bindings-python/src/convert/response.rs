//! A response's headers while a decision is applied to them: a list of pairs, as ASGI, WSGI and
//! callers of `Decision.apply` have them, and the dict in which Django keeps them.

use crossgate::{HeaderName, ResponseHeaders};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use super::lenient_headers::{bytes_of, unpacked};
use super::text::{InternedNames, from_latin1, latin1};

/// The name in lower case, as an interned str.
pub(crate) fn lower_name(py: Python<'_>, name: HeaderName) -> Bound<'_, PyString> {
    static NAMES: InternedNames = InternedNames::new();
    NAMES.get(py, name as usize, name.lower())
}

/// A list of (name, value) pairs.
#[derive(Default)]
pub(crate) struct Pairs<'py>(Vec<Line<'py>>);

enum Line<'py> {
    /// The application's: the item as it came, and its name and value if it has them.
    Theirs {
        item: Bound<'py, PyAny>,
        name: Option<Bound<'py, PyAny>>,
        value: Option<Bound<'py, PyAny>>,
    },
    /// The decision's.
    Ours(HeaderName, String),
}

impl<'py> Pairs<'py> {
    /// The list that a WSGI application gives to `start_response`. An item that is not a pair of
    /// str stays where it is, so that the server complains about it in its own words.
    pub(crate) fn of_wsgi(headers: &Bound<'py, PyList>) -> Self {
        let line = |item: Bound<'py, PyAny>| {
            let item = if item.is_instance_of::<PyTuple>() {
                item
            } else {
                // Servers unpack anything with two items.
                unpacked(&item)
                    .and_then(|parts| parts.into_bound_py_any(item.py()).ok())
                    .unwrap_or(item)
            };
            let part = |index| {
                let part = item.cast::<PyTuple>().ok()?.get_item(index).ok()?;
                part.is_instance_of::<PyString>().then_some(part)
            };
            let (name, value) = (part(0), part(1));
            Line::Theirs { item, name, value }
        };
        Pairs(headers.iter().map(line).collect())
    }

    /// Adds a pair as the application gave it, with its name and its value.
    pub(crate) fn push(
        &mut self,
        item: Bound<'py, PyAny>,
        name: Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
    ) {
        self.0.push(Line::Theirs {
            item,
            name: Some(name),
            value: Some(value),
        });
    }

    /// A list of the pairs. `ours` makes the pairs of the decision.
    pub(crate) fn into_list(
        self,
        py: Python<'py>,
        ours: impl Fn(HeaderName, &str) -> PyResult<Bound<'py, PyTuple>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let pair = |line| match line {
            Line::Theirs { item, .. } => Ok(item),
            Line::Ours(name, value) => ours(name, &value).map(Bound::into_any),
        };
        let pairs: Vec<_> = self.0.into_iter().map(pair).collect::<PyResult<_>>()?;
        PyList::new(py, pairs)
    }
}

/// A pair of bytes, the name in lower case.
pub(crate) fn bytes_pair<'py>(
    py: Python<'py>,
    name: HeaderName,
    value: &str,
) -> PyResult<Bound<'py, PyTuple>> {
    let name = PyBytes::new(py, name.lower().as_bytes());
    (name, PyBytes::new(py, &latin1(value))).into_pyobject(py)
}

/// A pair of str, the name in lower case.
pub(crate) fn str_pair<'py>(
    py: Python<'py>,
    name: HeaderName,
    value: &str,
) -> PyResult<Bound<'py, PyTuple>> {
    (lower_name(py, name), PyString::new(py, value)).into_pyobject(py)
}

fn is_named(name: &Bound<'_, PyAny>, wanted: HeaderName) -> bool {
    match name.cast::<PyBytes>() {
        Ok(name) => name
            .as_bytes()
            .eq_ignore_ascii_case(wanted.lower().as_bytes()),
        Err(_) => name.cast::<PyString>().is_ok_and(|name| {
            name.to_str()
                .is_ok_and(|name| name.eq_ignore_ascii_case(wanted.lower()))
        }),
    }
}

impl Line<'_> {
    fn is(&self, wanted: HeaderName) -> bool {
        match self {
            Line::Theirs { name, .. } => name.as_ref().is_some_and(|name| is_named(name, wanted)),
            Line::Ours(name, _) => *name == wanted,
        }
    }

    fn value(&self) -> Option<String> {
        let value = match self {
            Line::Theirs { value, .. } => value.as_ref()?,
            Line::Ours(_, value) => return Some(value.clone()),
        };
        if let Ok(value) = value.cast::<PyString>() {
            return Some(value.to_string_lossy().into_owned());
        }
        let bytes = match value.cast::<PyBytes>() {
            Ok(bytes) => Some(bytes.clone()),
            Err(_) => bytes_of(value),
        };
        let text = bytes.map(|bytes| from_latin1(bytes.as_bytes()));
        Some(text.unwrap_or_default())
    }
}

impl ResponseHeaders for Pairs<'_> {
    fn get_all(&self, name: HeaderName) -> Vec<String> {
        let lines = self.0.iter().filter(|line| line.is(name));
        lines.filter_map(Line::value).collect()
    }

    fn remove(&mut self, name: HeaderName) {
        self.0.retain(|line| !line.is(name));
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        ResponseHeaders::remove(self, name);
        self.0.push(Line::Ours(name, value.to_owned()));
    }
}

/// Whether an item of a WSGI list names a header that a decision may touch, or is not a tuple.
pub(crate) fn may_be_touched(item: &Bound<'_, PyAny>) -> bool {
    let Some(name) = item
        .cast::<PyTuple>()
        .ok()
        .and_then(|item| item.get_item(0).ok())
    else {
        return true;
    };
    let Ok(Ok(name)) = name.cast::<PyString>().map(|name| name.to_str()) else {
        return false;
    };
    HeaderName::ALL
        .iter()
        .any(|known| known.lower().eq_ignore_ascii_case(name))
}

/// Django's `response.headers._store`: lower-case names to pairs of the name as written and the
/// value.
pub(crate) struct Store<'a, 'py>(pub(crate) &'a Bound<'py, PyDict>);

impl<'py> Store<'_, 'py> {
    /// Whether it has any header that a decision may touch.
    pub(crate) fn may_be_touched(&self) -> bool {
        let has = |name| self.0.contains(lower_name(self.0.py(), name));
        let mut names = HeaderName::ALL.iter();
        names.any(|name| has(*name).unwrap_or(false))
    }

    fn get(&self, name: HeaderName) -> Option<Bound<'py, PyAny>> {
        self.0.get_item(name.lower()).ok().flatten()
    }

    /// The str at a place of a pair.
    fn part(&self, name: HeaderName, index: usize) -> Option<String> {
        let part = self.get(name)?.get_item(index).ok()?;
        let text = part.cast::<PyString>().ok()?;
        Some(text.to_string_lossy().into_owned())
    }
}

impl ResponseHeaders for Store<'_, '_> {
    fn get_all(&self, name: HeaderName) -> Vec<String> {
        self.part(name, 1).into_iter().collect()
    }

    fn remove(&mut self, name: HeaderName) {
        if self.get(name).is_some() {
            // This fails only if another thread removed the key meanwhile.
            let _ = self.0.del_item(name.lower());
        }
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        // The name as the response spells it. If it has none, in lower case, as Django's own CORS
        // middlewares write it.
        let spelled = self.part(name, 0);
        let spelled = spelled.unwrap_or_else(|| name.lower().to_owned());
        // Setting a str in a dict of str does not fail.
        let _ = self.0.set_item(name.lower(), (spelled, value));
    }
}
