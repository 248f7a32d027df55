//! The first message of a response without a body (an answered preflight, a 403), made once for
//! each header set and copied.

use crossgate::Decision;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::templates::Templates;

/// The first messages of a policy, by the number of the header set.
pub(crate) struct StartMessages(Box<[PyOnceLock<StartMessage>]>);

struct StartMessage {
    status: u16,
    /// The message without its headers.
    fields: Py<PyDict>,
    /// What follows the decision's headers in the message.
    length: Option<Py<PyAny>>,
}

impl StartMessages {
    pub(crate) fn new(templates: &Templates<PyBytes>) -> Self {
        let empty = (0..templates.count()).map(|_| PyOnceLock::new());
        StartMessages(empty.collect())
    }

    /// A new message for a decision that is not forwarded. `origin`: as in [`Templates::fill`].
    pub(crate) fn message<'py>(
        &self,
        py: Python<'py>,
        templates: &Templates<PyBytes>,
        decision: &Decision<'_>,
        origin: Option<&Py<PyBytes>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let status = decision.status().unwrap_or(403);
        let set = decision.header_set();
        let known = self.0[set].get_or_try_init(py, || StartMessage::new(py, status))?;
        let made;
        let start = if known.status == status {
            known
        } else {
            // A rejected request has the same header set as a denied preflight.
            made = StartMessage::new(py, status)?;
            &made
        };
        let pairs = templates.unfilled(py, set);
        templates.fill(decision, origin, &pairs, 0)?;
        if let Some(length) = &start.length {
            pairs.append(length)?;
        }
        with_headers(start.fields.bind(py), pairs)
    }
}

/// A copy of a message with these headers.
pub(crate) fn with_headers<'py>(
    message: &Bound<'py, PyDict>,
    headers: Bound<'py, PyList>,
) -> PyResult<Bound<'py, PyDict>> {
    let copy = message.copy()?;
    copy.set_item(intern!(message.py(), "headers"), headers)?;
    Ok(copy)
}

impl StartMessage {
    fn new(py: Python<'_>, status: u16) -> PyResult<Self> {
        let fields = PyDict::new(py);
        fields.set_item(intern!(py, "type"), intern!(py, "http.response.start"))?;
        fields.set_item(intern!(py, "status"), status)?;
        fields.set_item(intern!(py, "headers"), py.None())?;
        let length = || {
            let pair = (PyBytes::new(py, b"content-length"), PyBytes::new(py, b"0"));
            pair.into_pyobject(py).map(|pair| pair.into_any().unbind())
        };
        Ok(StartMessage {
            status,
            fields: fields.unbind(),
            // A 204 has no length.
            length: (status != 204).then(length).transpose()?,
        })
    }
}
