//! Requests: a method, and header pairs of str or of bytes.

use crossgate::{Field, Lines, Request, Verdict};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::text::{Text, type_name};

/// What was asked: the method, and the few header lines that decide.
pub(crate) struct Asked {
    method: Text,
    lines: HeaderLines,
    /// The header names came as bytes.
    pub(crate) bytes: bool,
}

impl Asked {
    pub(crate) fn read(method: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Some(text) = Text::read(method) else {
            return Err(PyTypeError::new_err(format!(
                "method must be a str or bytes, not {}",
                type_name(method)
            )));
        };
        let mut asked = Asked {
            method: text,
            lines: HeaderLines::default(),
            bytes: false,
        };
        each_pair(headers, |index, _, name, value| {
            if index == 0 {
                asked.bytes = name.is_instance_of::<PyBytes>();
            }
            if let Some(place) = with_name(name, place) {
                asked.lines.take(place, value);
            }
            Ok(())
        })?;
        Ok(asked)
    }

    pub(crate) fn request<'a>(&'a self, py: Python<'a>) -> Request<'a> {
        self.lines.request(py, self.method.as_bytes(py))
    }
}

/// What a preflight asks, as it came.
#[derive(Clone, Copy)]
pub(crate) struct Preflight<'a> {
    pub(crate) origin: &'a Py<PyBytes>,
    pub(crate) method: &'a Py<PyBytes>,
    pub(crate) names: Option<&'a Py<PyBytes>>,
}

/// The lines of the headers that the engine reads: the first of each name where it costs no
/// allocation.
#[derive(Default)]
pub(crate) struct HeaderLines {
    first: [Option<Text>; Request::NAMES.len()],
    more: Vec<(usize, Text)>,
}

impl HeaderLines {
    /// Takes a line of the name that stands at this place; anything but str and bytes is passed
    /// over.
    #[inline]
    pub(crate) fn take(&mut self, place: usize, value: &Bound<'_, PyAny>) {
        let Some(value) = Text::read(value) else {
            return;
        };
        match &mut self.first[place] {
            first @ None => *first = Some(value),
            Some(_) => self.more.push((place, value)),
        }
    }

    #[inline]
    pub(crate) fn request<'a>(&'a self, py: Python<'a>, method: &'a [u8]) -> Request<'a> {
        let [origin, acrm, acrh, acrpn, sec_fetch_site] = &self.first;
        let field = |line: &'a Option<Text>| {
            line.as_ref()
                .map_or(Field::ABSENT, |line| Field::one(line.as_bytes(py)))
        };
        let mut request = Request {
            method,
            origin: field(origin),
            acrm: field(acrm),
            acrh: acrh
                .as_ref()
                .map_or(Lines::Absent, |line| Lines::One(line.as_bytes(py))),
            acrpn: field(acrpn),
            sec_fetch_site: field(sec_fetch_site),
        };
        for (index, line) in &self.more {
            request.push(Request::NAMES[*index].as_bytes(), line.as_bytes(py));
        }
        request
    }

    #[cfg(not(Py_LIMITED_API))]
    pub(crate) fn release(self, py: Python<'_>) {
        let more = self.more.into_iter().map(|(_, line)| line);
        self.first
            .into_iter()
            .flatten()
            .chain(more)
            .for_each(|line| line.release(py));
    }

    /// What a preflight asks, if each line came once and in bytes, and nothing is asked about
    /// private networks.
    pub(crate) fn preflight(&self) -> Option<Preflight<'_>> {
        let (
            [
                Some(Text::Bytes(origin)),
                Some(Text::Bytes(method)),
                names,
                None,
                _,
            ],
            [],
        ) = (&self.first, self.more.as_slice())
        else {
            return None;
        };
        let names = match names {
            None => None,
            Some(Text::Bytes(names)) => Some(names),
            Some(Text::Str(_)) => return None,
        };
        Some(Preflight {
            origin,
            method,
            names,
        })
    }

    /// The only line of `Origin`, as it came.
    pub(crate) fn origin(&self) -> Option<&Text> {
        self.first[ORIGIN].as_ref()
    }
}

/// Where a name stands in [`Request::NAMES`]. Few headers have the length of one, so most cost no
/// more than this.
#[inline]
pub(crate) fn place(name: &[u8]) -> Option<usize> {
    /// By length, counted from 1; no two have the same.
    const PLACES: [u8; 64] = {
        let (mut places, mut place) = ([0; 64], 0);
        while place < Request::NAMES.len() {
            let length = Request::NAMES[place].len();
            assert!(places[length] == 0);
            place += 1;
            places[length] = place as u8;
        }
        places
    };
    let place = usize::from(*PLACES.get(name.len())?).checked_sub(1)?;
    is_name(name, Request::NAMES[place]).then_some(place)
}

/// Whether a header's name is this one, which is in lower case and has four letters or more.
#[inline]
pub(crate) fn is_name(name: &[u8], lower: &str) -> bool {
    let lower = lower.as_bytes();
    // One letter tells nearly all names of the same length apart: `accept`, `sec-fetch-mode`,
    // `date`.
    lower.len() == name.len()
        && name[name.len() - 4] | 0x20 == lower[lower.len() - 4]
        && (lower == name || lower.eq_ignore_ascii_case(name))
}

/// What `of` says of a name of bytes or str; `None` for what is neither.
#[inline]
pub(crate) fn with_name<T>(
    name: &Bound<'_, PyAny>,
    of: impl FnOnce(&[u8]) -> Option<T>,
) -> Option<T> {
    match name.cast::<PyBytes>() {
        Ok(bytes) => of(bytes.as_bytes()),
        Err(_) => of(name.cast::<PyString>().ok()?.to_str().ok()?.as_bytes()),
    }
}

/// Where `origin` stands in [`Request::NAMES`]; [`HeaderLines::request`] names all of them in their
/// order.
const ORIGIN: usize = 0;
const _: () = {
    let [origin, acrm, acrh, acrpn, sec_fetch_site] = Request::NAMES;
    assert!(
        matches!(origin.as_bytes(), b"origin")
            && matches!(sec_fetch_site.as_bytes(), b"sec-fetch-site")
    );
    assert!(
        matches!(acrm.as_bytes(), b"access-control-request-method")
            && matches!(acrh.as_bytes(), b"access-control-request-headers")
    );
    assert!(matches!(
        acrpn.as_bytes(),
        b"access-control-request-private-network"
    ));
};

/// Calls `each` with the index of every pair, the pair, its name and its value, both str or bytes.
pub(crate) fn each_pair<'py>(
    headers: &Bound<'py, PyAny>,
    mut each: impl FnMut(
        usize,
        &Bound<'py, PyAny>,
        &Bound<'py, PyAny>,
        &Bound<'py, PyAny>,
    ) -> PyResult<()>,
) -> PyResult<()> {
    let items = headers.try_iter().map_err(|_| {
        PyTypeError::new_err(format!(
            "headers must be an iterable of (name, value) pairs of str or of bytes, not {}",
            type_name(headers)
        ))
    })?;
    for (index, item) in items.enumerate() {
        let item = item?;
        let (name, value) = pair(&item).ok_or_else(|| wrong_pair(headers, index, &item))?;
        for (part, what) in [(&name, "name"), (&value, "value")] {
            if !is_text(part) {
                return Err(PyTypeError::new_err(format!(
                    "the {what} in headers[{index}] must be a str or bytes, not {}",
                    type_name(part)
                )));
            }
        }
        each(index, &item, &name, &value)?;
    }
    Ok(())
}

pub(crate) fn pair<'py>(
    item: &Bound<'py, PyAny>,
) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    if let Ok(tuple) = item.cast::<PyTuple>() {
        return if tuple.len() == 2 {
            Some((tuple.get_item(0).ok()?, tuple.get_item(1).ok()?))
        } else {
            None
        };
    }
    let list = item.cast::<PyList>().ok()?;
    if list.len() == 2 {
        Some((list.get_item(0).ok()?, list.get_item(1).ok()?))
    } else {
        None
    }
}

fn wrong_pair(headers: &Bound<'_, PyAny>, index: usize, item: &Bound<'_, PyAny>) -> PyErr {
    // A mapping yields its keys.
    let hint = if headers.hasattr("items").unwrap_or(false) {
        "; pass headers.items()"
    } else {
        ""
    };
    let found = match item.len() {
        Ok(length) if item.is_instance_of::<PyTuple>() || item.is_instance_of::<PyList>() => {
            format!("a {} of {length}", type_name(item))
        }
        _ => type_name(item),
    };
    PyTypeError::new_err(format!(
        "headers[{index}] must be a (name, value) tuple, not {found}{hint}"
    ))
}

pub(crate) fn is_text(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyBytes>() || value.is_instance_of::<PyString>()
}

/// The lines of `Origin` as a caller has them: none, one, or a sequence.
pub(crate) fn origin_lines(lines: &Bound<'_, PyAny>) -> PyResult<Vec<Text>> {
    if lines.is_none() {
        return Ok(Vec::new());
    }
    if let Some(line) = Text::read(lines) {
        return Ok(vec![line]);
    }
    let wrong = |found: &Bound<'_, PyAny>| {
        PyTypeError::new_err(format!(
            "origin_lines must be None, a str, bytes or a sequence of them, not {}",
            type_name(found)
        ))
    };
    let items = lines.try_iter().map_err(|_| wrong(lines))?;
    items
        .map(|item| item.and_then(|item| Text::read(&item).ok_or_else(|| wrong(&item))))
        .collect()
}

/// What the host says of an origin.
pub(crate) fn verdict(verdict: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Verdict>> {
    let Some(value) = verdict else {
        return Ok(None);
    };
    match value
        .cast::<PyString>()
        .ok()
        .and_then(|text| text.to_str().ok())
    {
        Some("allow") => Ok(Some(Verdict::Allow)),
        Some("deny") => Ok(Some(Verdict::Deny)),
        _ => Err(PyValueError::new_err(format!(
            "verdict must be None, 'allow' or 'deny', not {}",
            value.repr()?
        ))),
    }
}
