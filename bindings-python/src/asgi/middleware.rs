//! The class behind `crossgate.asgi.CORSMiddleware`.

use std::mem;
use std::sync::{Arc, OnceLock};

use crossgate::{
    Action, Decision, Evaluation, OwnedNeedsVerdict, Request, RequestKind, SocketAccess, Verdict,
    WebSocketCheck,
};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyMapping, PyTuple};
use pyo3::{PyTraverseError, PyVisit, intern};

use super::cpython::send_object::callable;
use super::empty_response::EmptyResponse;
use super::policy::AsgiPolicy;
use super::scope::{take_lines, type_of};
use super::send::Send;
use crate::api::counters::Counters;
use crate::api::policy::Policy;
use crate::api::source::{Moment, OfPolicy, PolicySource};
use crate::convert::answer::judge;
use crate::convert::request::PyRequest;
use crate::convert::text::{Text, is, type_name};
use crate::templates::PendingDecision;

/// The native half of crossgate.asgi.CORSMiddleware.
#[pyclass(
    module = "crossgate._crossgate",
    name = "ASGIMiddleware",
    frozen,
    subclass
)]
pub(crate) struct Middleware {
    /// Set by `__init__`, to which a subclass may give other arguments than to `__new__`.
    configured: OnceLock<Configured>,
}

struct Configured {
    app: Py<PyAny>,
    settings: Arc<Settings>,
}

struct Settings {
    source: PolicySource<AsgiPolicy>,
    predicate: Option<Py<PyAny>>,
    verdict_timeout: Option<f64>,
    websocket: WebSocket,
    counters: Option<Py<Counters>>,
}

/// What happens to WebSocket handshakes.
#[derive(Clone, Copy)]
enum WebSocket {
    Pass,
    Check(SocketAccess),
}

impl Settings {
    #[inline]
    fn load(&self, py: Python<'_>) -> PyResult<Moment<'_, AsgiPolicy>> {
        self.source.load(|policy| AsgiPolicy::new(py, policy))
    }
}

/// A function of crossgate._coroutines.
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

    #[pyo3(signature = (app, policy, origin_predicate, verdict_timeout, websocket, counters))]
    fn __init__(
        &self,
        app: Bound<'_, PyAny>,
        policy: &Bound<'_, PyAny>,
        origin_predicate: Option<Bound<'_, PyAny>>,
        verdict_timeout: Option<f64>,
        websocket: &Bound<'_, PyAny>,
        counters: Option<Py<Counters>>,
    ) -> PyResult<()> {
        let py = app.py();
        if !app.is_callable() {
            return Err(PyTypeError::new_err(format!(
                "app must be an ASGI application, not {}",
                type_name(&app)
            )));
        }
        let source = PolicySource::new(policy, |policy| AsgiPolicy::new(py, policy))?;
        let websocket = match websocket.cast::<PyBool>() {
            Ok(check) if check.is_true() => WebSocket::Check(SocketAccess::Private),
            Ok(_) => WebSocket::Pass,
            Err(_) if websocket.eq("public")? => WebSocket::Check(SocketAccess::Public),
            Err(_) => {
                return Err(PyValueError::new_err(format!(
                    "websocket must be False, True or \"public\", not {}",
                    websocket.repr()?
                )));
            }
        };
        if let Some(predicate) = &origin_predicate {
            if !predicate.is_callable() {
                return Err(PyTypeError::new_err(format!(
                    "origin_predicate must be a function of the origin, not {}",
                    type_name(predicate)
                )));
            }
            if verdict_timeout.is_some_and(|seconds| seconds.is_nan() || seconds <= 0.0) {
                return Err(PyValueError::new_err(
                    "verdict_timeout must be a number of seconds above 0, or None",
                ));
            }
            if !source.policy().has_origin_predicate() {
                return Err(PyValueError::new_err(
                    "this policy never calls origin_predicate: build it with \
                        origin_predicate=True",
                ));
            }
        }
        let settings = Settings {
            source,
            predicate: origin_predicate.map(Bound::unbind),
            verdict_timeout,
            websocket,
            counters,
        };
        let configured = Configured {
            app: app.unbind(),
            settings: Arc::new(settings),
        };
        self.configured.set(configured).map_err(|_| {
            PyRuntimeError::new_err(
                "the middleware is configured already: its __init__() is called once",
            )
        })
    }

    /// The wrapped application.
    #[getter]
    fn app(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.configured()?.app.clone_ref(py))
    }

    /// The policy as it is now.
    #[getter]
    fn policy(&self) -> PyResult<Policy> {
        Ok(Policy(self.configured()?.settings.source.policy()))
    }

    /// A middleware with the same settings around another application.
    fn _around(&self, app: Py<PyAny>) -> PyResult<Self> {
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
        self.configured()?.enter(scope, receive, send)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let policy = slf.get().policy()?.__repr__(slf.py())?;
        Ok(format!("{}({policy})", slf.get_type().name()?))
    }

    // The settings are not visited: middlewares around other applications share them (`_around`),
    // and the collector would count a reference twice that two objects report. So a cycle through
    // the predicate, the counters or a SharedPolicy lives as long as the process.
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

/// What an ASGI application is called with.
struct Call<'a, 'py> {
    scope: &'a Bound<'py, PyAny>,
    receive: &'a Bound<'py, PyAny>,
    send: &'a Bound<'py, PyAny>,
}

impl Configured {
    fn enter<'py>(
        &self,
        scope: &Bound<'py, PyAny>,
        receive: &Bound<'py, PyAny>,
        send: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = scope.py();
        let app = self.app.bind(py);
        let other;
        let fields = match scope.cast::<PyDict>() {
            Ok(fields) => fields,
            Err(_) => {
                let Ok(mapping) = scope.cast::<PyMapping>() else {
                    // No scope: the application says so.
                    return app.call1((scope, receive, send));
                };
                // The application gets another mapping as a dict.
                other = PyDict::new(py);
                other.update(mapping)?;
                &other
            }
        };
        let scope = fields.as_any();
        let socket = match (type_of(fields)?, self.settings.websocket) {
            (Some(kind), _) if is(&kind, "http") => None,
            (Some(kind), WebSocket::Check(access)) if is(&kind, "websocket") => Some(access),
            _ => return app.call1((scope, receive, send)),
        };
        let mut asked = PyRequest {
            bytes: true,
            ..PyRequest::default()
        };
        let mut replaced = None;
        if let Some(headers) = fields.get_item(intern!(py, "headers"))?
            && let Some(list) = take_lines(&headers, &mut asked.lines)?
        {
            // The application gets a copy of the scope with what was read.
            let copy = fields.copy()?;
            copy.set_item(intern!(py, "headers"), list)?;
            replaced = Some(copy);
        }
        let fields = replaced.as_ref().unwrap_or(fields);
        asked.method = fields
            .get_item(intern!(py, "method"))?
            .and_then(|method| Text::read(&method));
        let call = Call {
            scope: fields.as_any(),
            receive,
            send,
        };
        let moment = self.settings.load(py)?;
        match socket {
            None => self.http(py, &call, &mut asked, moment),
            Some(access) => self.websocket(py, &call, &mut asked, moment, access),
        }
    }

    #[inline]
    fn http<'py>(
        &self,
        py: Python<'py>,
        call: &Call<'_, 'py>,
        asked: &mut PyRequest,
        moment: Moment<'_, AsgiPolicy>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if asked.method(py) == b"OPTIONS"
            && let Some(known) = moment.made.preflights.find(py, &asked.lines)
            && let Some(known) = known.as_deref()
        {
            let denied = known.decision.allowed() == Some(false);
            if denied || moment.is_shared() || self.settings.counters.is_some() {
                let decision = known.decision.decision(moment.made.policy());
                moment.tell(py, &decision, asked, &asked.request(py), None)?;
                self.count(&decision);
            }
            return answer(py, call, known.message(py)?);
        }
        let request = asked.request(py);
        let decision = match (
            moment.made.policy().begin(&request),
            &self.settings.predicate,
        ) {
            (Evaluation::Decided(decision), _) => decision,
            (Evaluation::NeedsVerdict(open), None) => open.resume(None),
            (Evaluation::NeedsVerdict(open), Some(_)) => {
                let origin = open.origin().to_owned();
                let question = Question::Http(Box::new(open.to_owned_needs_verdict()));
                drop(request);
                let moment = moment.into_owned();
                return self.ask(py, call, mem::take(asked), moment, &origin, question);
            }
        };
        self.decided(call, asked, &request, &moment, &decision, None)
    }

    /// Answers the request, or calls the application.
    #[inline]
    fn decided<'py>(
        &self,
        call: &Call<'_, 'py>,
        asked: &PyRequest,
        request: &Request<'_>,
        moment: &Moment<'_, AsgiPolicy>,
        decision: &Decision<'_>,
        verdict: Option<Verdict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = call.scope.py();
        moment.tell(py, decision, asked, request, verdict)?;
        self.count(decision);
        let (policy, origin) = (&moment.made, asked.lines.origin());
        if decision.action() == Action::Forward {
            let templates = policy.templates.clone();
            let pending = PendingDecision::new(py, templates, decision, origin);
            let counters = &self.settings.counters;
            let counters = counters.as_ref().map(|counters| counters.clone_ref(py));
            let send = Send::new(pending, counters, call.send.clone().unbind());
            let send = callable(py, send)?;
            return self.app.bind(py).call1((call.scope, call.receive, send));
        }
        let message = policy.start_message(py, decision, origin)?;
        if decision.kind() == RequestKind::Preflight {
            policy
                .preflights
                .remember(py, &asked.lines, decision, &message)?;
        }
        answer(py, call, message)
    }

    fn websocket<'py>(
        &self,
        py: Python<'py>,
        call: &Call<'_, 'py>,
        asked: &mut PyRequest,
        moment: Moment<'_, AsgiPolicy>,
        access: SocketAccess,
    ) -> PyResult<Bound<'py, PyAny>> {
        let request = asked.request(py);
        if self.settings.predicate.is_some()
            && let Some(origin) = moment.made.policy().needs_verdict(&request)
        {
            let (origin, question) = (origin.to_owned(), Question::WebSocket(access));
            drop(request);
            let (asked, moment) = (mem::take(asked), moment.into_owned());
            return self.ask(py, call, asked, moment, &origin, question);
        }
        self.handshake(py, call, &request, &moment, access, None)
    }

    /// Refuses a WebSocket handshake, or calls the application.
    fn handshake<'py>(
        &self,
        py: Python<'py>,
        call: &Call<'_, 'py>,
        request: &Request<'_>,
        moment: &Moment<'_, AsgiPolicy>,
        access: SocketAccess,
        verdict: Option<Verdict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let policy = moment.made.policy();
        match policy.check_websocket_with(request.origin(), access, verdict) {
            Ok(WebSocketCheck::Deny) => {
                coroutine(py, &CLOSE, "close")?.call1((call.scope, call.send))
            }
            _ => self
                .app
                .bind(py)
                .call1((call.scope, call.receive, call.send)),
        }
    }

    fn count(&self, decision: &Decision<'_>) {
        if let Some(counters) = &self.settings.counters {
            counters
                .get()
                .add(decision.reason(), decision.hit_regex_step_limit());
        }
    }

    /// The coroutine that asks the predicate and then goes on with the request.
    #[cold]
    fn ask<'py>(
        &self,
        py: Python<'py>,
        call: &Call<'_, 'py>,
        asked: PyRequest,
        moment: Moment<'static, AsgiPolicy>,
        origin: &str,
        question: Question,
    ) -> PyResult<Bound<'py, PyAny>> {
        let pending = PendingRequest {
            configured: Configured {
                app: self.app.clone_ref(py),
                settings: self.settings.clone(),
            },
            asked,
            moment,
            question,
            scope: call.scope.clone().unbind(),
            receive: call.receive.clone().unbind(),
            send: call.send.clone().unbind(),
        };
        let (predicate, timeout) = (&self.settings.predicate, self.settings.verdict_timeout);
        coroutine(py, &ASK, "ask")?.call1((pending, predicate, timeout, origin))
    }
}

/// Sends a response without a body.
fn answer<'py>(
    py: Python<'py>,
    call: &Call<'_, 'py>,
    start: Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(Bound::new(py, EmptyResponse::new(call.send, start))?.into_any())
}

/// A request that waits for the application's verdict on its origin. It goes on with the policy
/// that it began with, even if a SharedPolicy was replaced meanwhile.
#[pyclass(module = "crossgate._crossgate", frozen)]
pub(crate) struct PendingRequest {
    configured: Configured,
    asked: PyRequest,
    moment: Moment<'static, AsgiPolicy>,
    question: Question,
    scope: Py<PyAny>,
    receive: Py<PyAny>,
    send: Py<PyAny>,
}

/// What the verdict is for.
enum Question {
    Http(Box<OwnedNeedsVerdict>),
    WebSocket(SocketAccess),
}

#[pymethods]
impl PendingRequest {
    /// Whether what the application's function answered allows the origin, and what is wrong with
    /// the answer, or None.
    #[pyo3(signature = (origin, answer, /))]
    fn _judge(&self, origin: &str, answer: &Bound<'_, PyAny>) -> PyResult<(bool, Option<String>)> {
        let socket = match self.question {
            Question::Http(_) => None,
            Question::WebSocket(access) => Some(access),
        };
        judge(self.moment.made.policy(), origin, socket, answer)
    }

    /// Goes on with the verdict; None if the application has none, because its function failed.
    #[pyo3(signature = (allowed, /))]
    fn _resume<'py>(&self, py: Python<'py>, allowed: Option<bool>) -> PyResult<Bound<'py, PyAny>> {
        if let (None, Some(counters)) = (allowed, &self.configured.settings.counters) {
            counters.get().add_predicate_failed();
        }
        let verdict = Some(if allowed == Some(true) {
            Verdict::Allow
        } else {
            Verdict::Deny
        });
        let call = Call {
            scope: self.scope.bind(py),
            receive: self.receive.bind(py),
            send: self.send.bind(py),
        };
        let (request, moment) = (self.asked.request(py), &self.moment);
        match &self.question {
            Question::Http(open) => {
                let decision = open.as_ref().clone().resume(verdict);
                let decision = decision.decision(moment.made.policy());
                self.configured
                    .decided(&call, &self.asked, &request, moment, &decision, verdict)
            }
            Question::WebSocket(access) => self
                .configured
                .handshake(py, &call, &request, moment, *access, verdict),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.configured.app)?;
        visit.call(&self.scope)?;
        visit.call(&self.receive)?;
        visit.call(&self.send)
    }
}
