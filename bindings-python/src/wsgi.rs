//! The class `Wsgi`: the middleware around a WSGI application, one native call a request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::environ::Asked;
use crate::gate::{Gate, Outcome};

/// How the gate of a request is found.
struct Gates {
    gate: Option<Py<Gate>>,
    select: Option<Py<PyAny>>,
    options: Option<Py<PyAny>>,
    late: Option<Py<PyAny>>,
    routed: bool,
}

/// A WSGI application behind a policy.
///
/// gate: decides about every request. select(environ): names the gate instead; None: no policy
/// covers the request. options(environ): the same for OPTIONS, whose preflights ask about another
/// method's route. routed: the route may name a better gate, in environ["crossgate.gate"]. late():
/// the same, asked when the application begins its response.
#[pyclass(module = "crossgate._crossgate", frozen, subclass)]
pub(crate) struct Wsgi {
    /// By `__init__`, which a subclass may give other arguments.
    app: OnceLock<Py<PyAny>>,
    gates: RwLock<Arc<Gates>>,
}

#[pymethods]
impl Wsgi {
    #[new]
    #[pyo3(signature = (*_arguments, **_options))]
    fn new(_arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        let nothing = Gates {
            gate: None,
            select: None,
            options: None,
            late: None,
            routed: false,
        };
        Wsgi {
            app: OnceLock::new(),
            gates: RwLock::new(Arc::new(nothing)),
        }
    }

    #[pyo3(signature = (app, gate = None, select = None, options = None, late = None, routed = false))]
    fn __init__(
        &self,
        app: Py<PyAny>,
        gate: Option<Py<Gate>>,
        select: Option<Py<PyAny>>,
        options: Option<Py<PyAny>>,
        late: Option<Py<PyAny>>,
        routed: bool,
    ) -> PyResult<()> {
        self.app.set(app).map_err(|_| {
            PyRuntimeError::new_err(
                "the middleware is configured already: its __init__() is called once",
            )
        })?;
        self.configure(gate, select, options, late, routed);
        Ok(())
    }

    /// Another way to find the gate, from the next request on.
    #[pyo3(signature = (gate = None, select = None, options = None, late = None, routed = false))]
    fn configure(
        &self,
        gate: Option<Py<Gate>>,
        select: Option<Py<PyAny>>,
        options: Option<Py<PyAny>>,
        late: Option<Py<PyAny>>,
        routed: bool,
    ) {
        let new = Arc::new(Gates {
            gate,
            select,
            options,
            late,
            routed,
        });
        let mut gates = self.gates.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *gates, new);
        drop(gates);
        // What Python owns in it is dropped without the lock: a finalizer may use the middleware.
        drop(old);
    }

    /// The application behind.
    #[getter]
    fn app(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.configured()?.clone_ref(py))
    }

    // An application that wraps itself (Flask's wsgi_app) is a cycle; it is the application's dict
    // that breaks it.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(self.app.get())?;
        // Held only for the moment of a configure.
        let Ok(gates) = self.gates.try_read() else {
            return Ok(());
        };
        visit.call(&gates.gate)?;
        visit.call(&gates.select)?;
        visit.call(&gates.options)?;
        visit.call(&gates.late)
    }

    #[pyo3(signature = (environ, start_response, /))]
    fn __call__<'py>(
        &self,
        environ: &Bound<'py, PyAny>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = environ.py();
        let app = self.configured()?.bind(py);
        // PEP 3333 wants a dict; the application says what it makes of anything else.
        let Ok(dict) = environ.cast::<PyDict>() else {
            return app.call1((environ, start_response));
        };
        let gates = self
            .gates
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let asked = Asked::read(dict);
        let select = gates
            .options
            .as_ref()
            .filter(|_| asked.is_options(py))
            .or(gates.select.as_ref());
        let selected = match select {
            None => gates.gate.as_ref().map(|gate| gate.clone_ref(py)),
            Some(select) => select.bind(py).call1((environ,))?.extract()?,
        };
        if selected.is_none() && gates.late.is_none() && !gates.routed {
            return app.call1((environ, start_response));
        }
        let decided = selected
            .map(|gate| Decided::new(py, gate, &asked))
            .transpose()?;
        if let Some(Decided { gate, outcome }) = &decided
            && outcome.status != 0
        {
            let gate = gate.get();
            gate.count(outcome);
            start_response.call1((
                gate.status_line(py, outcome.status)?,
                gate.answer_headers(py, outcome)?,
            ))?;
            return Ok(PyTuple::empty(py).into_any());
        }
        let environ = gates.routed.then(|| dict.clone().unbind());
        let wrapped = StartResponse {
            inner: start_response.clone().unbind(),
            environ,
            asked,
            decided,
            gates,
            counted: AtomicBool::new(false),
        };
        app.call1((dict, Bound::new(py, wrapped)?))
    }
}

impl Wsgi {
    fn configured(&self) -> PyResult<&Py<PyAny>> {
        self.app.get().ok_or_else(|| {
            PyRuntimeError::new_err(
                "the middleware is not configured: its __init__() was not called",
            )
        })
    }
}

struct Decided {
    gate: Py<Gate>,
    outcome: Outcome,
}

impl Decided {
    fn new(py: Python<'_>, gate: Py<Gate>, asked: &Asked) -> PyResult<Self> {
        let outcome = gate.get().outcome(py, asked, None)?;
        Ok(Decided { gate, outcome })
    }
}

/// The `start_response` that the application is given.
#[pyclass(module = "crossgate._crossgate", frozen)]
struct StartResponse {
    inner: Py<PyAny>,
    environ: Option<Py<PyDict>>,
    asked: Asked,
    decided: Option<Decided>,
    gates: Arc<Gates>,
    counted: AtomicBool,
}

#[pymethods]
impl StartResponse {
    /// May be called again with `exc_info`, after which the first call's headers count no more.
    #[pyo3(signature = (status, headers, exc_info = None))]
    fn __call__<'py>(
        &self,
        status: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = status.py();
        let later = self
            .late(py)?
            .map(|gate| Decided::new(py, gate, &self.asked))
            .transpose()?;
        let decided = later.as_ref().or(self.decided.as_ref());
        if let Some(Decided { gate, outcome }) = decided
            && !self.counted.swap(true, Ordering::Relaxed)
        {
            gate.get().count(outcome);
        }
        let list = match (decided, headers.cast::<PyList>()) {
            (Some(Decided { gate, outcome }), Ok(headers)) => gate
                .get()
                .apply(py, &self.asked, outcome, headers)?
                .into_any(),
            // PEP 3333 wants a list; the server says what it makes of anything else.
            _ => headers.clone(),
        };
        match exc_info {
            Some(exc_info) => self.inner.bind(py).call1((status, list, exc_info)),
            None => self.inner.bind(py).call1((status, list)),
        }
    }
}

impl StartResponse {
    /// The gate of the route, if it has one.
    fn late(&self, py: Python<'_>) -> PyResult<Option<Py<Gate>>> {
        if let Some(environ) = &self.environ
            && let Some(gate) = environ
                .bind(py)
                .get_item(pyo3::intern!(py, "crossgate.gate"))?
        {
            return Ok(gate.extract()?);
        }
        match &self.gates.late {
            Some(late) => Ok(late.bind(py).call0()?.extract()?),
            None => Ok(None),
        }
    }
}
