//! The awaitable of a response without a body. It does what an `async def` with two
//! `await send(...)` would do, without a frame of its own.

use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
#[cfg(Py_3_10)]
use pyo3::types::iterator::PySendResult;
use pyo3::types::{PyBytes, PyDict, PyIterator, PyTuple};
use pyo3::{PyTraverseError, PyVisit, intern};

#[cfg(Py_3_10)]
use super::cpython::coroutine::Coroutine;

/// An awaitable with the methods of collections.abc.Coroutine, because servers and test clients
/// make tasks of it.
#[pyclass(module = "crossgate._crossgate")]
pub(crate) struct EmptyResponse {
    send: Py<PyAny>,
    next: Next,
    /// What the server's `send` returned, while it is being awaited.
    awaited: Option<Steps>,
}

/// The message to send next.
enum Next {
    Start(Py<PyDict>),
    Body,
    Nothing,
    /// It has ended, with success or with an exception.
    Over,
}

/// An awaitable while it is driven.
enum Steps {
    #[cfg(Py_3_10)]
    Coroutine(Coroutine),
    Iterator(Py<PyIterator>),
}

impl EmptyResponse {
    pub(crate) fn new(send: &Bound<'_, PyAny>, start: Bound<'_, PyDict>) -> Self {
        EmptyResponse {
            send: send.clone().unbind(),
            next: Next::Start(start.unbind()),
            awaited: None,
        }
    }

    /// Runs until the server's `send` has to wait. `None` at the end.
    fn advance<'py>(
        &mut self,
        py: Python<'py>,
        value: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut value = value;
        loop {
            if let Some(awaited) = &self.awaited {
                if let Some(step) = awaited.step(py, value.take())? {
                    return Ok(Some(step));
                }
                self.awaited = None;
            }
            let message = match std::mem::replace(&mut self.next, Next::Over) {
                Next::Start(start) => {
                    self.next = Next::Body;
                    start.into_bound(py)
                }
                Next::Body => {
                    self.next = Next::Nothing;
                    body(py)?
                }
                Next::Nothing => return Ok(None),
                Next::Over => {
                    return Err(PyRuntimeError::new_err(
                        "cannot reuse already awaited coroutine",
                    ));
                }
            };
            self.awaited = Some(Steps::of(self.send.bind(py).call1((message,))?)?);
        }
    }

    /// As [`EmptyResponse::advance`], and ends if that fails.
    fn run<'py>(
        &mut self,
        py: Python<'py>,
        value: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.advance(py, value).inspect_err(|_| self.end())
    }

    fn end(&mut self) {
        self.next = Next::Over;
        self.awaited = None;
    }
}

#[pymethods]
impl EmptyResponse {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.run(py, None)
    }

    /// As of a coroutine.
    #[pyo3(signature = (value, /))]
    fn send<'py>(&mut self, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.run(value.py(), Some(value).filter(|value| !value.is_none()))?
            .ok_or_else(|| PyStopIteration::new_err(()))
    }

    /// As of a coroutine.
    #[pyo3(signature = (*error))]
    fn throw<'py>(&mut self, error: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let py = error.py();
        let thrown = match &self.awaited {
            Some(awaited) => awaited.throw(error),
            None => Err(raised(error)?),
        };
        match thrown {
            Ok(step) => Ok(step),
            Err(stop) if self.awaited.is_some() && stop.is_instance_of::<PyStopIteration>(py) => {
                // The server's `send` caught the exception and ended.
                self.awaited = None;
                self.run(py, None)?
                    .ok_or_else(|| PyStopIteration::new_err(()))
            }
            Err(error) => {
                self.end();
                Err(error)
            }
        }
    }

    /// As of a coroutine.
    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        let awaited = self.awaited.take();
        self.end();
        awaited.map_or(Ok(()), |awaited| awaited.close(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.send)?;
        if let Next::Start(start) = &self.next {
            visit.call(start)?;
        }
        self.awaited
            .as_ref()
            .map_or(Ok(()), |awaited| visit.call(awaited.object()))
    }
}

impl Steps {
    /// Of anything that may stand behind `await`.
    fn of(awaitable: Bound<'_, PyAny>) -> PyResult<Self> {
        #[cfg(Py_3_10)]
        if let Some(coroutine) = Coroutine::read(&awaitable)? {
            return Ok(Steps::Coroutine(coroutine));
        }
        Ok(Steps::Iterator(
            awaitable
                .call_method0(intern!(awaitable.py(), "__await__"))?
                .cast_into::<PyIterator>()?
                .unbind(),
        ))
    }

    fn object(&self) -> &Py<PyAny> {
        match self {
            #[cfg(Py_3_10)]
            Steps::Coroutine(coroutine) => coroutine.object(),
            Steps::Iterator(iterator) => iterator.as_any(),
        }
    }

    /// Runs to the next point at which it waits. `None` at the end.
    fn step<'py>(
        &self,
        py: Python<'py>,
        value: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let iterator = match self {
            #[cfg(Py_3_10)]
            Steps::Coroutine(coroutine) => {
                return match coroutine.send(py, value.unwrap_or(py.None().bind(py)))? {
                    PySendResult::Next(step) => Ok(Some(step)),
                    PySendResult::Return(_) => Ok(None),
                };
            }
            Steps::Iterator(iterator) => iterator.bind(py),
        };
        match value {
            None => iterator.clone().next().transpose(),
            Some(value) => match iterator.call_method1(intern!(py, "send"), (value,)) {
                Err(stop) if stop.is_instance_of::<PyStopIteration>(py) => Ok(None),
                step => step.map(Some),
            },
        }
    }

    fn throw<'py>(&self, error: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        match self
            .object()
            .bind(error.py())
            .getattr_opt(intern!(error.py(), "throw"))?
        {
            Some(throw) => throw.call1(error),
            None => Err(raised(error)?),
        }
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.object().bind(py).getattr_opt(intern!(py, "close"))? {
            Some(close) => close.call0().map(drop),
            None => Ok(()),
        }
    }
}

/// The exception in the arguments of `throw`: an exception, or a type with a value and a traceback.
fn raised(error: &Bound<'_, PyTuple>) -> PyResult<PyErr> {
    let first = error.get_item(0)?;
    let value = error.get_item(1).ok().filter(|value| !value.is_none());
    Ok(match value {
        _ if first.is_instance_of::<PyBaseException>() => PyErr::from_value(first),
        Some(value) if value.is_instance_of::<PyBaseException>() => PyErr::from_value(value),
        Some(value) => PyErr::from_value(first.call1((value,))?),
        None => PyErr::from_value(first.call0()?),
    })
}

/// The message that ends the response. It is a new one each time, because middlewares outside may
/// change it.
fn body(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    static BODY: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let body = BODY.get_or_try_init(py, || {
        let body = PyDict::new(py);
        body.set_item(intern!(py, "type"), intern!(py, "http.response.body"))?;
        body.set_item(intern!(py, "body"), PyBytes::new(py, b""))?;
        PyResult::Ok(body.unbind())
    })?;
    body.bind(py).copy()
}
