//! The class behind `crossgate.wsgi.CORSMiddleware`: a middleware around a WSGI application that
//! enters native code once for each request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use super::environ;
use super::responder::Responder;
use crate::convert::request::PyRequest;
use crate::templates::PendingDecision;

/// How the responder of a request is found.
#[derive(Default)]
struct Routes {
    responder: Option<Py<Responder>>,
    select: Option<Py<PyAny>>,
    select_options: Option<Py<PyAny>>,
    select_late: Option<Py<PyAny>>,
    routed: bool,
}

/// A WSGI application behind a policy.
///
/// responder: decides about every request. _select(environ): names the responder instead, or None
/// if no policy covers the request. _select_options(environ): the same for OPTIONS, because a
/// preflight asks about the route of another method. _select_late(): the same, called when the
/// application begins its response. _routed: the route may put a responder into
/// environ["crossgate.responder"], which then decides.
#[pyclass(
    module = "crossgate._crossgate",
    name = "WSGIMiddleware",
    frozen,
    subclass
)]
pub(crate) struct WsgiMiddleware {
    /// Set by `__init__`, to which a subclass may give other arguments than to `__new__`.
    app: OnceLock<Py<PyAny>>,
    routes: RwLock<Arc<Routes>>,
}

#[pymethods]
impl WsgiMiddleware {
    #[new]
    #[pyo3(signature = (*_arguments, **_options))]
    fn new(_arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        WsgiMiddleware {
            app: OnceLock::new(),
            routes: RwLock::default(),
        }
    }

    #[pyo3(signature = (
        app, responder = None, _select = None, _select_options = None, _select_late = None,
        _routed = false,
    ))]
    fn __init__(
        &self,
        app: Py<PyAny>,
        responder: Option<Py<Responder>>,
        _select: Option<Py<PyAny>>,
        _select_options: Option<Py<PyAny>>,
        _select_late: Option<Py<PyAny>>,
        _routed: bool,
    ) -> PyResult<()> {
        self.app.set(app).map_err(|_| {
            PyRuntimeError::new_err(
                "the middleware is configured already: its __init__() is called once",
            )
        })?;
        self._configure(responder, _select, _select_options, _select_late, _routed);
        Ok(())
    }

    /// Changes how the responder is found, from the next request on.
    #[pyo3(signature = (
        responder = None, _select = None, _select_options = None, _select_late = None,
        _routed = false,
    ))]
    fn _configure(
        &self,
        responder: Option<Py<Responder>>,
        _select: Option<Py<PyAny>>,
        _select_options: Option<Py<PyAny>>,
        _select_late: Option<Py<PyAny>>,
        _routed: bool,
    ) {
        let new = Arc::new(Routes {
            responder,
            select: _select,
            select_options: _select_options,
            select_late: _select_late,
            routed: _routed,
        });
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *routes, new);
        drop(routes);
        // This may run a finalizer that uses the middleware, so the lock is released before.
        drop(old);
    }

    /// The wrapped application.
    #[getter]
    fn app(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.configured()?.clone_ref(py))
    }

    // An application that wraps itself (Flask's wsgi_app) is a cycle. The application's dict breaks
    // it.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(self.app.get())?;
        // The lock is held for the moment of a `_configure` only.
        let Ok(routes) = self.routes.try_read() else {
            return Ok(());
        };
        visit.call(&routes.responder)?;
        visit.call(&routes.select)?;
        visit.call(&routes.select_options)?;
        visit.call(&routes.select_late)
    }

    #[pyo3(signature = (environ, start_response, /))]
    fn __call__<'py>(
        &self,
        environ: &Bound<'py, PyAny>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = environ.py();
        let app = self.configured()?.bind(py);
        // PEP 3333 demands a dict. What to make of anything else is up to the application.
        let Ok(dict) = environ.cast::<PyDict>() else {
            return app.call1((environ, start_response));
        };
        let routes = self
            .routes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let asked = environ::request(dict);
        let select = routes
            .select_options
            .as_ref()
            .filter(|_| asked.method(py) == b"OPTIONS")
            .or(routes.select.as_ref());
        let selected = match select {
            None => routes
                .responder
                .as_ref()
                .map(|responder| responder.clone_ref(py)),
            Some(select) => select.bind(py).call1((environ,))?.extract()?,
        };
        if selected.is_none() && routes.select_late.is_none() && !routes.routed {
            return app.call1((environ, start_response));
        }
        let decided = selected
            .map(|responder| Decided::new(py, responder, &asked))
            .transpose()?;
        if let Some(Decided { responder, pending }) = &decided
            && let Some(status) = pending.status()
        {
            let responder = responder.get();
            responder.count(pending);
            start_response.call1((
                responder.status_line(py, status)?,
                Responder::answer_headers(py, pending, status)?,
            ))?;
            return Ok(PyTuple::empty(py).into_any());
        }
        let environ = routes.routed.then(|| dict.clone().unbind());
        let wrapped = StartResponse {
            inner: start_response.clone().unbind(),
            environ,
            asked,
            decided,
            routes,
            counted: AtomicBool::new(false),
        };
        app.call1((dict, Bound::new(py, wrapped)?))
    }
}

impl WsgiMiddleware {
    fn configured(&self) -> PyResult<&Py<PyAny>> {
        self.app.get().ok_or_else(|| {
            PyRuntimeError::new_err(
                "the middleware is not configured: its __init__() was not called",
            )
        })
    }
}

/// A decision and the responder that made it.
struct Decided {
    responder: Py<Responder>,
    pending: PendingDecision<PyString>,
}

impl Decided {
    fn new(py: Python<'_>, responder: Py<Responder>, asked: &PyRequest) -> PyResult<Self> {
        let pending = responder.get().decide(py, asked)?;
        Ok(Decided { responder, pending })
    }
}

/// The `start_response` that the application gets.
#[pyclass(module = "crossgate._crossgate", frozen)]
struct StartResponse {
    inner: Py<PyAny>,
    environ: Option<Py<PyDict>>,
    asked: PyRequest,
    decided: Option<Decided>,
    routes: Arc<Routes>,
    counted: AtomicBool,
}

#[pymethods]
impl StartResponse {
    /// May be called again with `exc_info`. Then the headers of the first call no longer count.
    #[pyo3(signature = (status, headers, exc_info = None))]
    fn __call__<'py>(
        &self,
        status: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = status.py();
        let later = self
            .of_route(py)?
            .map(|responder| Decided::new(py, responder, &self.asked))
            .transpose()?;
        let decided = later.as_ref().or(self.decided.as_ref());
        if let Some(Decided { responder, pending }) = decided
            && !self.counted.swap(true, Ordering::Relaxed)
        {
            responder.get().count(pending);
        }
        let list = match (decided, headers.cast::<PyList>()) {
            (Some(Decided { responder, pending }), Ok(headers)) => {
                responder.get().apply(pending, headers)?.into_any()
            }
            // PEP 3333 demands a list. What to make of anything else is up to the server.
            _ => headers.clone(),
        };
        match exc_info {
            Some(exc_info) => self.inner.bind(py).call1((status, list, exc_info)),
            None => self.inner.bind(py).call1((status, list)),
        }
    }
}

impl StartResponse {
    /// The responder of the route, if it has one.
    fn of_route(&self, py: Python<'_>) -> PyResult<Option<Py<Responder>>> {
        if let Some(environ) = &self.environ
            && let Some(responder) = environ
                .bind(py)
                .get_item(pyo3::intern!(py, "crossgate.responder"))?
        {
            return Ok(responder.extract()?);
        }
        match &self.routes.select_late {
            Some(select) => Ok(select.bind(py).call0()?.extract()?),
            None => Ok(None),
        }
    }
}
