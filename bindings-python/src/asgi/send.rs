//! The `send` that the application gets. It puts the decision's headers on the response.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::scope::{list_of, may_be_touched, type_of};
use crate::api::counters::Counters;
use crate::convert::lenient_headers::header;
use crate::convert::response::{Pairs, bytes_pair};
use crate::convert::text::is;
use crate::templates::PendingDecision;

/// The application's `send`.
pub(crate) struct Send {
    pending: PendingDecision<PyBytes>,
    counters: Option<Py<Counters>>,
    /// The server's `send`.
    send: Py<PyAny>,
}

impl Send {
    pub(crate) fn new(
        pending: PendingDecision<PyBytes>,
        counters: Option<Py<Counters>>,
        send: Py<PyAny>,
    ) -> Self {
        Send {
            pending,
            counters,
            send,
        }
    }

    /// The server's `send`.
    pub(crate) fn inner(&self) -> &Py<PyAny> {
        &self.send
    }

    /// Drops it on a thread that is attached, without asking PyO3 for each reference whether it is.
    #[cfg(not(any(Py_LIMITED_API, PyPy, GraalPy)))]
    pub(crate) fn release(self, py: Python<'_>) {
        self.pending.release(py);
        self.counters
            .into_iter()
            .for_each(|counters| counters.drop_ref(py));
        self.send.drop_ref(py);
    }

    /// Sends a message and returns the awaitable of the server's `send`. Every response start gets
    /// the headers, not only the first: an application that catches an exception of the server
    /// sends another one, even after a body (hypercorn looks at the headers with the first body).
    pub(crate) fn call<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let send = self.send.bind(message.py());
        if let Ok(fields) = message.cast::<PyDict>()
            && let Some(kind) = type_of(fields)?
            && is(&kind, "http.response.start")
        {
            return send.call1((self.start(fields)?,));
        }
        send.call1((message,))
    }

    /// A copy of the message with the decision's headers. The application may send the same
    /// message, or the same list in it, for every request, so neither is changed.
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
        let headers = if may_be_touched(&theirs) {
            self.merged(&theirs)?
        } else {
            self.pending.behind(&theirs)?
        };
        message.set_item(key, headers)?;
        Ok(message)
    }

    /// The headers of a response that has CORS headers or a Vary of its own.
    fn merged<'py>(&self, theirs: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
        let py = theirs.py();
        let (mut response, mut odd) = (Pairs::default(), Vec::new());
        for item in theirs.iter() {
            match header(&item) {
                Some([pair, name, value]) => response.push(pair, name, value),
                None => odd.push(item),
            }
        }
        if self.pending.apply(py, &mut response)
            && let Some(counters) = &self.counters
        {
            counters.get().add_overwrote_upstream();
        }
        let merged = response.into_list(py, |name, value| bytes_pair(py, name, value))?;
        // An item that is not a header goes on to the server, which complains in its own words.
        odd.into_iter().try_for_each(|item| merged.append(item))?;
        Ok(merged)
    }
}
