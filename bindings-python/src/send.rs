//! What the `send` does that an application behind the ASGI middleware gets; `callable.rs` makes it
//! one that Python calls.

use std::sync::Arc;

use crossgate::Verdict;
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::counters::Counters;
use crate::decision::Response;
use crate::request::HeaderLines;
use crate::scan::{any_is_ours, type_of};
use crate::text::{Text, is};
use crate::wire::{Compiled, Filled};
use crate::written::header;

/// What it knows of its request.
pub(crate) struct Send {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) filled: Filled,
    /// What was asked, for responses that say something of CORS themselves or have a Vary.
    pub(crate) method: Option<Text>,
    pub(crate) lines: HeaderLines,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) counters: Option<Py<Counters>>,
    pub(crate) send: Py<PyAny>,
}

impl Send {
    /// Drops it on a thread that is attached, without asking PyO3 for each reference whether it is.
    #[cfg(not(Py_LIMITED_API))]
    pub(crate) fn release(self, py: Python<'_>) {
        let Send {
            compiled,
            filled,
            method,
            lines,
            verdict: _,
            counters,
            send,
        } = self;
        drop(compiled);
        filled.release(py);
        method.into_iter().for_each(|method| method.release(py));
        lines.release(py);
        counters
            .into_iter()
            .for_each(|counters| counters.drop_ref(py));
        send.drop_ref(py);
    }

    /// The awaitable that the server's `send` returns. Every start has the headers, not only the
    /// first: an application that catches what the server raised sends another, even behind a body
    /// (hypercorn looks at the headers with the first body).
    pub(crate) fn call<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = message.py();
        let send = self.send.bind(py);
        if let Ok(fields) = message.cast::<PyDict>()
            && let Some(kind) = type_of(fields)?
            && is(&kind, "http.response.start")
        {
            return send.call1((self.start(fields)?,));
        }
        send.call1((message,))
    }

    /// A copy of the message with the decision's headers: the application may send the same one, or
    /// the same list in it, for every request.
    fn start<'py>(&self, message: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
        let py = message.py();
        let key = intern!(py, "headers");
        let theirs = message.get_item(key)?;
        let message = message.copy()?;
        let theirs = match theirs.map(Bound::cast_into::<PyList>) {
            None => PyList::empty(py),
            Some(Ok(list)) => list,
            Some(Err(other)) => match list_of(&other.into_inner())? {
                Some(list) => list,
                None => return Ok(message),
            },
        };
        if !any_is_ours(&theirs) {
            message.set_item(key, self.compiled.behind(&self.filled, &theirs)?)?;
            return Ok(message);
        }
        let mut response = Response::new(py, true);
        let mut odd = Vec::new();
        for item in theirs.iter() {
            match header(&item) {
                Some([pair, name, value]) => response.push(pair, name, value),
                None => odd.push(item),
            }
        }
        let request = self.lines.request(
            py,
            self.method
                .as_ref()
                .map_or(b"", |method| method.as_bytes(py)),
        );
        if self
            .compiled
            .policy
            .evaluate_with(&request, self.verdict)
            .is_ok_and(|decision| decision.apply(&mut response))
            && let Some(counters) = &self.counters
        {
            counters.get().add_overwrote();
        }
        let merged = response.into_list()?;
        // What is no header goes on to the server, which says so in its own words.
        odd.into_iter().try_for_each(|item| merged.append(item))?;
        message.set_item(key, merged)?;
        Ok(message)
    }
}

/// What an iterable holds; one that fails half-way with an `Exception` has told what it knows.
/// `None` for what has no items.
pub(crate) fn list_of<'py>(headers: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyList>>> {
    let py = headers.py();
    let failed = |error: PyErr| {
        if error.is_instance_of::<PyException>(py) {
            Ok(None::<Bound<'_, PyList>>)
        } else {
            Err(error)
        }
    };
    let items = match headers.try_iter() {
        Ok(items) => items,
        Err(error) => return failed(error),
    };
    let list = PyList::empty(py);
    for item in items {
        match item {
            Ok(item) => list.append(item)?,
            Err(error) => {
                failed(error)?;
                break;
            }
        }
    }
    Ok(Some(list))
}
