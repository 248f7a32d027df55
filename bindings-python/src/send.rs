//! The `send` that an application behind the ASGI middleware gets: a builtin function of one argument, which is what the
//! interpreter calls quickest.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

use crossgate::Verdict;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3::{PyTraverseError, PyVisit, ffi, intern};

use crate::counters::Counters;
use crate::decision::Response;
use crate::request::{HeaderLines, pair};
use crate::scan::any_is_ours;
use crate::text::{Text, is};
use crate::wire::{Compiled, Filled};

/// What the function knows of its request: its `__self__`.
#[pyclass(frozen, module = "crossgate._crossgate")]
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

#[pymethods]
impl Send {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.send)
    }
}

impl Send {
    /// The function, which owns this.
    #[allow(unsafe_code)]
    pub(crate) fn into_function(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let this = Bound::new(py, self)?;
        let definition = ptr::from_ref(&DEFINITION.0).cast_mut();
        // SAFETY: the definition lives as long as the process, and is only read; the function takes a reference to `this`
        // of its own; `py` shows that the interpreter may be called.
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyCFunction_NewEx(definition, this.as_ptr(), ptr::null_mut())) }
    }

    /// The awaitable that the server's `send` returns.
    fn call<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = message.py();
        let send = self.send.bind(py);
        if let Ok(fields) = message.cast::<PyDict>()
            && let Some(kind) = fields.get_item(intern!(py, "type"))?
            && is(&kind, "http.response.start")
        {
            return send.call1((self.start(fields)?,));
        }
        send.call1((message,))
    }

    /// A copy of the message with the decision's headers: the application may send the same one, or the same list in it,
    /// for every request.
    fn start<'py>(&self, message: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
        let py = message.py();
        let key = intern!(py, "headers");
        let theirs = message.get_item(key)?;
        let message = message.copy()?;
        let theirs = match theirs.map(Bound::cast_into::<PyList>) {
            None => PyList::empty(py),
            Some(Ok(list)) => list,
            Some(Err(other)) => match list_of(&other.into_inner()) {
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
            match pair(&item) {
                Some((name, value)) => response.push(item, name, value),
                None => odd.push(item),
            }
        }
        let request = self.lines.request(py, self.method.as_ref().map_or(b"", |method| method.as_bytes(py)));
        if self.compiled.policy.evaluate_with(&request, self.verdict).is_ok_and(|decision| decision.apply(&mut response))
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

struct Definition(ffi::PyMethodDef);

// SAFETY: the pointers in it are to constants, and nobody writes to it.
#[allow(unsafe_code)]
unsafe impl Sync for Definition {}

static DEFINITION: Definition = Definition(ffi::PyMethodDef {
    ml_name: c"send".as_ptr(),
    ml_meth: ffi::PyMethodDefPointer { PyCFunction: call },
    ml_flags: ffi::METH_O,
    ml_doc: ptr::null(),
});

/// The function's entry. It does not tell PyO3 that the thread is attached, which costs as much as all the rest: a `Py`
/// dropped below (none on the usual way) is only counted down later.
#[allow(unsafe_code)]
unsafe extern "C" fn call(this: *mut ffi::PyObject, message: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls functions on a thread that is attached.
    let py = unsafe { Python::assume_attached() };
    // No panic may pass into C.
    let returned = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the interpreter lends both for the call. Only `into_function` makes functions of this definition, and
        // their `__self__`, which cannot be changed, is a `Send`.
        let (this, message) = unsafe { (Borrowed::from_ptr(py, this).cast_unchecked::<Send>(), Borrowed::from_ptr(py, message)) };
        this.get().call(&message)
    }));
    let error = match returned {
        Ok(Ok(awaitable)) => return awaitable.into_ptr(),
        Ok(Err(error)) => error,
        Err(_) => PanicException::new_err("crossgate failed to put the headers on a response"),
    };
    error.restore(py);
    ptr::null_mut()
}

/// What an iterable holds; one that fails half-way has told what it knows. `None` for what has no items.
pub(crate) fn list_of<'py>(headers: &Bound<'py, PyAny>) -> Option<Bound<'py, PyList>> {
    let items: Vec<_> = headers.try_iter().ok()?.map_while(Result::ok).collect();
    PyList::new(headers.py(), items).ok()
}
