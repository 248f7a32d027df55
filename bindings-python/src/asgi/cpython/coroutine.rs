//! Coroutines, driven without a method call for each step.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::iterator::PySendResult;
use pyo3::types::{PyIterator, PyType};

/// A coroutine of an `async def`.
pub(in crate::asgi) struct Coroutine(Py<PyIterator>);

impl Coroutine {
    /// `None` for any other awaitable.
    pub(in crate::asgi) fn read(awaitable: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        static COROUTINE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let class = COROUTINE.import(awaitable.py(), "types", "CoroutineType")?;
        if !awaitable.get_type().is(class) {
            return Ok(None);
        }
        // SAFETY: the only thing that this type does with it as an iterator is `send`, which is
        // PyIter_Send. That takes a coroutine as it takes an iterator.
        let coroutine = unsafe { awaitable.clone().cast_into_unchecked() };
        Ok(Some(Coroutine(coroutine.unbind())))
    }

    pub(in crate::asgi) fn send<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<PySendResult<'py>> {
        self.0.bind(py).send(value)
    }

    pub(in crate::asgi) fn object(&self) -> &Py<PyAny> {
        self.0.as_any()
    }
}
