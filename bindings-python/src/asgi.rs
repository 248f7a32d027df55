//! The ASGI middleware. A request crosses into here once, for its headers, and once a message of
//! its response (`send.rs`); the awaitable that the server gets is the application's own.

use std::sync::{Arc, OnceLock};

use crossgate::{Action, Request, Verdict, WebSocketCheck};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit, intern};

use crate::callable::callable;
use crate::counters::Counters;
use crate::policy::Policy;
use crate::reply::Reply;
use crate::request::HeaderLines;
use crate::scan::{take_lines, type_of};
use crate::send::{Send, list_of};
use crate::shared::{Current, SharedPolicy};
use crate::text::{Text, is, type_name};
use crate::wire::Compiled;

/// The native half of crossgate.asgi.CORSMiddleware.
#[pyclass(
    module = "crossgate._crossgate",
    name = "ASGIMiddleware",
    frozen,
    subclass
)]
pub(crate) struct Middleware {
    /// By `__init__`, which a subclass may give other arguments.
    configured: OnceLock<Configured>,
}

struct Configured {
    app: Py<PyAny>,
    settings: Arc<Settings>,
}

struct Settings {
    source: Source,
    predicate: Option<Py<PyAny>>,
    predicate_timeout: Option<f64>,
    websocket: WebSocket,
    counters: Option<Py<Counters>>,
}

enum Source {
    Fixed(Arc<Compiled>),
    Shared(Py<SharedPolicy>),
}

/// What happens to WebSocket handshakes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WebSocket {
    Pass,
    Check,
    /// The sockets serve everybody alike and read no cookie.
    Public,
}

/// The policy for one request.
enum Now<'a> {
    Fixed(&'a Arc<Compiled>),
    Shared(Arc<Current>),
}

impl Now<'_> {
    fn compiled(&self) -> &Arc<Compiled> {
        match self {
            Now::Fixed(compiled) => compiled,
            Now::Shared(current) => &current.live,
        }
    }
}

impl Settings {
    fn now(&self) -> Now<'_> {
        match &self.source {
            Source::Fixed(compiled) => Now::Fixed(compiled),
            Source::Shared(shared) => Now::Shared(shared.get().load()),
        }
    }
}

/// The coroutines of crossgate._coroutines, for what cannot be the application's own awaitable.
fn coroutine<'py>(
    py: Python<'py>,
    cell: &'static PyOnceLock<Py<PyAny>>,
    name: &str,
) -> PyResult<&'py Bound<'py, PyAny>> {
    cell.import(py, "crossgate._coroutines", name)
}

static ASK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static CLOSE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

#[pymethods]
impl Middleware {
    #[new]
    #[pyo3(signature = (*_arguments, **_options))]
    fn new(_arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        Middleware {
            configured: OnceLock::new(),
        }
    }

    #[pyo3(signature = (app, policy, predicate, predicate_timeout, websocket, counters))]
    fn __init__(
        &self,
        app: Bound<'_, PyAny>,
        policy: &Bound<'_, PyAny>,
        predicate: Option<Bound<'_, PyAny>>,
        predicate_timeout: Option<f64>,
        websocket: &Bound<'_, PyAny>,
        counters: Option<Py<Counters>>,
    ) -> PyResult<()> {
        if !app.is_callable() {
            return Err(PyTypeError::new_err(format!(
                "app must be an ASGI application, not {}",
                type_name(&app)
            )));
        }
        let source = if let Ok(policy) = policy.cast::<Policy>() {
            Source::Fixed(policy.get().compiled.clone())
        } else if let Ok(shared) = policy.cast::<SharedPolicy>() {
            Source::Shared(shared.clone().unbind())
        } else {
            return Err(PyTypeError::new_err(format!(
                "policy must be a Policy or a SharedPolicy, not {}",
                type_name(policy)
            )));
        };
        let websocket = match websocket.cast::<PyBool>() {
            Ok(check) if check.is_true() => WebSocket::Check,
            Ok(_) => WebSocket::Pass,
            Err(_) if websocket.eq("public")? => WebSocket::Public,
            Err(_) => {
                return Err(PyValueError::new_err(format!(
                    "websocket must be False, True or \"public\", not {}",
                    websocket.repr()?
                )));
            }
        };
        if let Some(predicate) = &predicate {
            if !predicate.is_callable() {
                return Err(PyTypeError::new_err(format!(
                    "allow_origin_predicate must be a function of the origin, not {}",
                    type_name(predicate)
                )));
            }
            if predicate_timeout.is_some_and(|seconds| seconds.is_nan() || seconds <= 0.0) {
                return Err(PyValueError::new_err(
                    "predicate_timeout must be a number of seconds above 0, or None",
                ));
            }
            let asks = match &source {
                Source::Fixed(compiled) => compiled.policy.has_host_origins(),
                Source::Shared(shared) => shared.get().load().live.policy.has_host_origins(),
            };
            if !asks {
                return Err(PyValueError::new_err(
                    "allow_origin_predicate is never asked by this policy: build it with \
                        host_origins=True",
                ));
            }
        }
        let predicate = predicate.map(Bound::unbind);
        let settings = Arc::new(Settings {
            source,
            predicate,
            predicate_timeout,
            websocket,
            counters,
        });
        let again = |_| {
            PyRuntimeError::new_err(
                "the middleware is configured already: its __init__() is called once",
            )
        };
        self.configured
            .set(Configured {
                app: app.unbind(),
                settings,
            })
            .map_err(again)
    }

    /// The application that is wrapped.
    #[getter]
    fn app(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.configured()?.app.clone_ref(py))
    }

    /// The policy as it is now.
    #[getter]
    fn policy(&self) -> PyResult<Policy> {
        Ok(Policy {
            compiled: self.configured()?.settings.now().compiled().clone(),
        })
    }

    /// The same around another application.
    fn around(&self, app: Py<PyAny>) -> PyResult<Self> {
        Ok(Middleware {
            configured: OnceLock::from(Configured {
                app,
                settings: self.configured()?.settings.clone(),
            }),
        })
    }

    fn __call__<'py>(
        &self,
        scope: &Bound<'py, PyAny>,
        receive: &Bound<'py, PyAny>,
        send: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.configured()?.enter(scope, receive, send, None)
    }

    /// Goes on with what the predicate said of the origin.
    fn decided<'py>(
        &self,
        scope: &Bound<'py, PyAny>,
        receive: &Bound<'py, PyAny>,
        send: &Bound<'py, PyAny>,
        allowed: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.configured()?.enter(
            scope,
            receive,
            send,
            Some(if allowed {
                Verdict::Allow
            } else {
                Verdict::Deny
            }),
        )
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let policy = slf.get().policy()?.__repr__(slf.py())?;
        Ok(format!("{}({policy})", slf.get_type().name()?))
    }

    // The settings are not visited (the predicate, the counters, a SharedPolicy with its shadow's
    // callback): copies of the middleware share them (`around`, one that asks a predicate), and the
    // collector would count a reference that two objects report twice. So a cycle through one of
    // them lives as long as the process.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.configured
            .get()
            .map_or(Ok(()), |configured| visit.call(&configured.app))
    }
}

impl Middleware {
    fn configured(&self) -> PyResult<&Configured> {
        self.configured.get().ok_or_else(|| {
            PyRuntimeError::new_err(
                "the middleware is not configured: its __init__() was not called",
            )
        })
    }
}

impl Configured {
    /// `verdict`: what the predicate said, once it was asked.
    fn enter<'py>(
        &self,
        scope: &Bound<'py, PyAny>,
        receive: &Bound<'py, PyAny>,
        send: &Bound<'py, PyAny>,
        verdict: Option<Verdict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = scope.py();
        let app = self.app.bind(py);
        let Ok(fields) = scope.cast::<PyDict>() else {
            return app.call1((scope, receive, send));
        };
        let kind = type_of(fields)?;
        let http = match kind {
            Some(kind) if is(&kind, "http") => true,
            Some(kind) if self.settings.websocket != WebSocket::Pass && is(&kind, "websocket") => {
                false
            }
            _ => return app.call1((scope, receive, send)),
        };
        let mut lines = HeaderLines::default();
        let mut replaced = None;
        if let Some(headers) = fields.get_item(intern!(py, "headers"))?
            && !take_lines(&headers, &mut lines)
            && let Some(list) = list_of(&headers)?
        {
            // They can be read once only, perhaps, and the application reads them too: it gets a
            // list, in a copy.
            take_lines(list.as_any(), &mut lines);
            let copy = fields.copy()?;
            copy.set_item(intern!(py, "headers"), list)?;
            replaced = Some(copy);
        }
        let fields = replaced.as_ref().unwrap_or(fields);
        let scope = fields.as_any();
        let method = fields
            .get_item(intern!(py, "method"))?
            .and_then(|method| Text::read(&method));
        let method_bytes = method
            .as_ref()
            .map_or(b"" as &[u8], |method| method.as_bytes(py));
        let now = self.settings.now();
        let compiled = now.compiled();
        let verdict = verdict.filter(|_| compiled.policy.has_host_origins());
        // The policy itself allows the origins that are remembered: no predicate is asked about
        // them.
        let preflight = http && verdict.is_none() && method_bytes == b"OPTIONS";
        let again = if preflight {
            compiled.again(py, &lines)?
        } else {
            None
        };
        if let Some((reason, start)) = again {
            if let Now::Shared(current) = &now {
                current.report_difference(py, &lines.request(py, method_bytes), verdict, true)?;
            }
            if let Some(counters) = &self.settings.counters {
                counters.get().add(reason);
            }
            return Ok(Bound::new(py, Reply::new(send, start))?.into_any());
        }
        let request = lines.request(py, method_bytes);
        if let Some(predicate) = &self.settings.predicate
            && verdict.is_none()
            && let Some(origin) = compiled.policy.asks_host(&request)
        {
            // The subclass of Python's is not needed: the coroutine comes back through decided.
            let configured = OnceLock::from(Configured {
                app: self.app.clone_ref(py),
                settings: self.settings.clone(),
            });
            let again = Bound::new(py, Middleware { configured })?;
            let timeout = self.settings.predicate_timeout;
            return coroutine(py, &ASK, "ask")?
                .call1((again, predicate, timeout, origin, scope, receive, send));
        }
        if !http {
            return self.websocket(compiled, &request, verdict, scope, receive, send);
        }
        if let Now::Shared(current) = &now {
            current.report_difference(py, &request, verdict, true)?;
        }
        // A verdict is given only to a policy that asks.
        let Ok(decision) = compiled.policy.evaluate_with(&request, verdict) else {
            return app.call1((scope, receive, send));
        };
        if let Some(counters) = &self.settings.counters {
            counters.get().add(decision.reason());
        }
        let filled = compiled.fill(py, &decision, lines.origin())?;
        if decision.action() == Action::Forward {
            drop(decision);
            let counters = self
                .settings
                .counters
                .as_ref()
                .map(|counters| counters.clone_ref(py));
            let wrapped = Send {
                compiled: compiled.clone(),
                filled,
                method,
                lines,
                verdict,
                counters,
                send: send.clone().unbind(),
            };
            return app.call1((scope, receive, callable(py, wrapped)?));
        }
        let start = compiled.start(py, &filled, decision.status().unwrap_or(403))?;
        if preflight {
            compiled.keep(py, &lines, (decision.allowed(), decision.reason()), &start)?;
        }
        Ok(Bound::new(py, Reply::new(send, start))?.into_any())
    }

    fn websocket<'py>(
        &self,
        compiled: &Compiled,
        request: &Request<'_>,
        verdict: Option<Verdict>,
        scope: &Bound<'py, PyAny>,
        receive: &Bound<'py, PyAny>,
        send: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = scope.py();
        let public = self.settings.websocket == WebSocket::Public;
        match compiled
            .policy
            .check_websocket_with(request.origin, public, verdict)
        {
            Ok(WebSocketCheck::Deny) => coroutine(py, &CLOSE, "close")?.call1((scope, send)),
            _ => self.app.bind(py).call1((scope, receive, send)),
        }
    }
}
