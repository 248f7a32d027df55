//! A policy's prepared header sets as ASGI writes them: pairs of bytes, made once and shared by every response.

use std::sync::Arc;

use crossgate::{Decision, HeaderName, Policy, PreparedValue};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::text::Text;

/// A policy with its sets.
pub(crate) struct Compiled {
    pub(crate) policy: Arc<Policy>,
    sets: PyOnceLock<Box<[Box<[Line]>]>>,
}

/// One header of a set.
enum Line {
    /// The same in every response.
    Ready(Py<PyTuple>),
    /// Its value is the request's.
    Made(Py<PyBytes>, PreparedValue<'static>),
}

impl Compiled {
    pub(crate) fn new(policy: Policy) -> Self {
        Compiled { policy: Arc::new(policy), sets: PyOnceLock::new() }
    }

    fn sets(&self, py: Python<'_>) -> PyResult<&[Box<[Line]>]> {
        let sets = self.sets.get_or_try_init(py, || {
            let line = |(name, _, value): (HeaderName, _, PreparedValue<'_>)| -> PyResult<Line> {
                let name = PyBytes::new(py, name.lower().as_bytes());
                Ok(match value {
                    PreparedValue::Fixed(text) => Line::Ready((name, PyBytes::new(py, text.as_bytes())).into_pyobject(py)?.unbind()),
                    PreparedValue::Origin => Line::Made(name.unbind(), PreparedValue::Origin),
                    PreparedValue::Method => Line::Made(name.unbind(), PreparedValue::Method),
                    PreparedValue::Names => Line::Made(name.unbind(), PreparedValue::Names),
                })
            };
            self.policy.prepared().map(|(headers, _)| headers.map(line).collect()).collect::<PyResult<_>>()
        })?;
        Ok(sets)
    }

    /// Puts the decision's headers behind those of a response that says nothing of CORS and has no Vary. `origin`: the
    /// request's own bytes, which are not copied if they are what the header says.
    pub(crate) fn extend(&self, decision: &Decision<'_>, origin: Option<&Text>, headers: &Bound<'_, PyList>) -> PyResult<()> {
        let py = headers.py();
        for line in self.sets(py)?.get(decision.prepared()).into_iter().flatten() {
            match line {
                Line::Ready(pair) => headers.append(pair)?,
                Line::Made(name, value) => {
                    let Some((text, _)) = decision.value_of(*value) else { continue };
                    match origin {
                        Some(Text::Bytes(bytes)) if bytes.as_bytes(py) == text.as_bytes() => headers.append((name, bytes))?,
                        _ => headers.append((name, PyBytes::new(py, text.as_bytes())))?,
                    }
                }
            }
        }
        Ok(())
    }
}
