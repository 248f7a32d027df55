//! Requests: a method, and the few header lines that the engine reads, as str or as bytes.

use crossgate::{Field, Lines, Request, Verdict};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use super::text::{Text, from_latin1, type_name};

/// A request whose values belong to Python objects.
#[derive(Default)]
pub(crate) struct PyRequest {
    /// `None`: not given, or neither str nor bytes.
    pub(crate) method: Option<Text>,
    pub(crate) lines: HeaderLines,
    /// Whether the header names came as bytes.
    pub(crate) bytes: bool,
}

impl PyRequest {
    /// Reads a method, and header pairs of str or of bytes.
    pub(crate) fn read(method: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Some(text) = Text::read(method) else {
            return Err(PyTypeError::new_err(format!(
                "method must be a str or bytes, not {}",
                type_name(method)
            )));
        };
        let mut request = PyRequest {
            method: Some(text),
            ..PyRequest::default()
        };
        each_pair(headers, |index, _, name, value| {
            if index == 0 {
                request.bytes = name.is_instance_of::<PyBytes>();
            }
            if let Some(place) = with_name(name, place) {
                request.lines.take(place, value);
            }
            Ok(())
        })?;
        Ok(request)
    }

    #[inline]
    pub(crate) fn method<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        self.method
            .as_ref()
            .map_or(b"", |method| method.as_bytes(py))
    }

    /// The engine's view.
    #[inline]
    pub(crate) fn request<'a>(&'a self, py: Python<'a>) -> Request<'a> {
        self.lines.request(py, self.method(py))
    }

    /// The method and the header lines as text, for reports.
    pub(crate) fn texts(&self, py: Python<'_>) -> (String, Vec<(&'static str, String)>) {
        let lines = self.lines.each(py);
        (
            from_latin1(self.method(py)),
            lines
                .map(|(name, line)| (name, from_latin1(line)))
                .collect(),
        )
    }
}

/// The header lines that the engine reads. The first of each name costs no allocation.
#[derive(Default)]
pub(crate) struct HeaderLines {
    first: [Option<Text>; COUNT],
    more: Vec<(usize, Text)>,
}

/// How many names the engine reads.
pub(crate) const COUNT: usize = Request::NAMES.len();

impl HeaderLines {
    /// Takes a line of the name at this place of [`Request::NAMES`]. A value that is no text
    /// matches nothing: it is not as if there were no line.
    #[inline]
    pub(crate) fn take(&mut self, place: usize, value: &Bound<'_, PyAny>) {
        self.push(place, Text::read_any(value));
    }

    /// For headers that cannot be read: an origin that nothing allows may be among them.
    #[cold]
    pub(crate) fn take_unreadable(&mut self, py: Python<'_>) {
        self.push(ORIGIN, Text::unreadable(py));
    }

    #[inline]
    pub(crate) fn push(&mut self, place: usize, value: Text) {
        match &mut self.first[place] {
            first @ None => *first = Some(value),
            Some(_) => self.more.push((place, value)),
        }
    }

    #[inline]
    fn request<'a>(&'a self, py: Python<'a>, method: &'a [u8]) -> Request<'a> {
        let [origin, acrm, acrh, acrpn, sec_fetch_site] = &self.first;
        let field = |line: &'a Option<Text>| {
            line.as_ref()
                .map_or(Field::ABSENT, |line| Field::one(line.as_bytes(py)))
        };
        let acrh = acrh
            .as_ref()
            .map_or(Lines::Absent, |line| Lines::One(line.as_bytes(py)));
        let mut request = Request::new(method)
            .with_origin(field(origin))
            .with_acrm(field(acrm))
            .with_acrh(acrh)
            .with_acrpn(field(acrpn))
            .with_sec_fetch_site(field(sec_fetch_site));
        for (place, line) in &self.more {
            request.push(Request::NAMES[*place].as_bytes(), line.as_bytes(py));
        }
        request
    }

    /// Every line with its lower-case name; the lines of one name in their order.
    fn each<'a>(&'a self, py: Python<'a>) -> impl Iterator<Item = (&'static str, &'a [u8])> {
        (0..COUNT).flat_map(move |place| {
            let more = self.more.iter().filter(move |(other, _)| *other == place);
            let lines = self.first[place].iter().chain(more.map(|(_, line)| line));
            lines.map(move |line| (Request::NAMES[place], line.as_bytes(py)))
        })
    }

    /// The line of each name in the order of [`Request::NAMES`], if no name has two and all are
    /// bytes.
    #[inline]
    pub(crate) fn single_bytes(&self) -> Option<[Option<&Py<PyBytes>>; COUNT]> {
        if !self.more.is_empty() {
            return None;
        }
        let mut lines = [None; COUNT];
        for (line, found) in lines.iter_mut().zip(&self.first) {
            *line = match found {
                None => None,
                Some(Text::Bytes(bytes)) => Some(bytes),
                Some(Text::Str(_)) => return None,
            };
        }
        Some(lines)
    }

    /// The first line of `Origin`, as it came.
    pub(crate) fn origin(&self) -> Option<&Text> {
        self.first[ORIGIN].as_ref()
    }
}

/// The place of a name in [`Request::NAMES`]. Few headers have the length of one of those names, so
/// most cost no more than the look at their length.
#[inline]
pub(crate) fn place(name: &[u8]) -> Option<usize> {
    /// The place of the name with a length, counted from 1. No two names have the same length.
    const PLACES: [u8; 64] = {
        let (mut places, mut place) = ([0; 64], 0);
        while place < COUNT {
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

/// Whether a header's name is `lower`, which is in lower case and has four letters or more.
#[inline]
pub(crate) fn is_name(name: &[u8], lower: &str) -> bool {
    let lower = lower.as_bytes();
    // The fourth letter from the end tells nearly all names of one length apart: `accept`,
    // `sec-fetch-mode`, `date`.
    lower.len() == name.len()
        && name[name.len() - 4] | 0x20 == lower[lower.len() - 4]
        && (lower == name || lower.eq_ignore_ascii_case(name))
}

/// Calls `of` with the bytes of a name of bytes or str; `None` for any other name.
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

/// The place of `origin` in [`Request::NAMES`]. [`HeaderLines::request`] relies on the order of all
/// five.
const ORIGIN: usize = 0;
const _: () = {
    let [origin, acrm, acrh, acrpn, sec_fetch_site] = Request::NAMES else {
        panic!("the engine reads another number of headers");
    };
    assert!(matches!(origin.as_bytes(), b"origin"));
    assert!(matches!(acrm.as_bytes(), b"access-control-request-method"));
    assert!(matches!(acrh.as_bytes(), b"access-control-request-headers"));
    assert!(matches!(
        acrpn.as_bytes(),
        b"access-control-request-private-network"
    ));
    assert!(matches!(sec_fetch_site.as_bytes(), b"sec-fetch-site"));
};

/// Calls `each` with the index of every pair, the pair, its name and its value. Name and value are
/// str or bytes.
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

/// The two items of a tuple or list of two.
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

/// Reads the lines of `Origin` as a caller has them: None, one line, or a sequence of lines.
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

/// Reads a verdict: None, "allow" or "deny".
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
