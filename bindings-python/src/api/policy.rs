//! The class `Policy`.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;

use crossgate::binding::{HeaderTemplate, TemplateValue};
use crossgate::{Document, Field, OptionValue, Reason, SocketAccess};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::decision::Decision;
use crate::convert::answer::judge;
use crate::convert::request::{PyRequest, origin_lines, verdict};
use crate::convert::{options, problem};

/// A compiled CORS policy. It never changes, and any number of threads may use it at once.
///
/// The keyword arguments are the options of the policy document. A list is a list or tuple of str,
/// or any other iterable (a set is sorted, so that every process sends the same headers). "*"
/// stands for everything. Raises PolicyError with every problem found.
#[pyclass(module = "crossgate", frozen)]
pub(crate) struct Policy(pub(crate) Arc<crossgate::Policy>);

impl Policy {
    /// Builds with the interpreter released, because a list of a million origins takes its time.
    pub(crate) fn build(
        py: Python<'_>,
        build: impl FnOnce() -> Result<crossgate::Policy, crossgate::PolicyError> + Send,
    ) -> PyResult<Self> {
        match py.detach(build) {
            Ok(policy) => Ok(Policy(Arc::new(policy))),
            Err(error) => Err(problem::policy_error(py, &error)),
        }
    }

    pub(crate) fn load_file(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        let file: PathBuf = path.extract()?;
        match py.detach(|| crossgate::Policy::from_file(file)) {
            Ok(policy) => Ok(Policy(Arc::new(policy))),
            Err(error) => Err(problem::load_error(
                py,
                py.import("os")?.call_method1("fspath", (path,))?,
                &error,
            )),
        }
    }
}

#[pymethods]
impl Policy {
    #[new]
    #[pyo3(signature = (**options))]
    pub(crate) fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let document = options::document(options)?;
        Self::build(py, move || crossgate::Policy::from_document(&document))
    }

    /// Builds a policy from JSON text.
    #[classmethod]
    #[pyo3(signature = (text, /))]
    fn from_json(_class: &Bound<'_, PyType>, py: Python<'_>, text: &str) -> PyResult<Self> {
        Self::build(py, || crossgate::Policy::from_json(text))
    }

    /// Builds a policy from TOML text.
    #[classmethod]
    #[pyo3(signature = (text, /))]
    fn from_toml(_class: &Bound<'_, PyType>, py: Python<'_>, text: &str) -> PyResult<Self> {
        Self::build(py, || crossgate::Policy::from_toml(text))
    }

    /// Builds a policy from a file whose name ends in .json or .toml. Raises OSError if the file
    /// cannot be read.
    #[classmethod]
    #[pyo3(signature = (path, /))]
    fn from_file(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        path: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        Self::load_file(py, path)
    }

    /// Builds a policy from environment variables: PREFIX_ALLOW_ORIGINS, PREFIX_MAX_AGE, and so on.
    /// Lists are split at commas.
    #[classmethod]
    #[pyo3(signature = (prefix, /))]
    fn from_env(_class: &Bound<'_, PyType>, py: Python<'_>, prefix: &str) -> PyResult<Self> {
        // Python's own copy of the environment. Reading the process's would race with code that
        // changes it.
        let variables: HashMap<String, String> = py
            .import("os")?
            .getattr("environ")?
            .call_method0("items")?
            .try_iter()?
            .try_fold(HashMap::new(), |mut variables, item| -> PyResult<_> {
                let (name, value): (Bound<'_, PyString>, Bound<'_, PyString>) = item?.extract()?;
                variables.insert(
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                );
                Ok(variables)
            })?;
        Self::build(py, move || {
            crossgate::Policy::from_variables(prefix, variables)
        })
    }

    /// The headers of every allowed request, or preflight, that do not depend on the request.
    fn _constant_headers(&self, is_preflight: bool) -> Vec<(&'static str, String)> {
        let set = self.0.allowed_header_set(is_preflight);
        let constant = |header: HeaderTemplate<'_>| match header.value {
            TemplateValue::Fixed(value) => Some((header.name.as_str(), value.to_owned())),
            _ => None,
        };
        set.headers().filter_map(constant).collect()
    }

    /// The problems that deserve a look, although the policy is built.
    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        problem::tuple(py, self.0.warnings())
    }

    /// The findings that need no action.
    #[getter]
    fn notes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        problem::tuple(py, self.0.notes())
    }

    /// How many warnings and notes were counted and not listed, because there were more than 1,000.
    #[getter]
    fn omitted_problems(&self) -> usize {
        self.0.omitted_problems()
    }

    /// 16 hexadecimal digits that name the meaning of the policy, for logs and metrics. Equal
    /// policies have equal digests, in every process and language.
    #[getter]
    fn digest(&self) -> String {
        self.0.digest().to_string()
    }

    /// The canonical document, with every option. A policy built from it is equal to this one.
    fn document<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        options::to_dict(py, &self.0.document())
    }

    /// Decides about a request.
    ///
    /// headers: an iterable of (name, value) pairs of str or of bytes. verdict: "allow" or "deny",
    /// what the application says about the origin that `needs_verdict` returned. Raises ValueError
    /// if there is a verdict and the policy has no `origin_predicate`.
    #[pyo3(signature = (method, headers, verdict = None))]
    fn evaluate(
        &self,
        py: Python<'_>,
        method: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        verdict: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Decision> {
        let verdict = self::verdict(verdict)?;
        let asked = PyRequest::read(method, headers)?;
        match self.0.evaluate_with(&asked.request(py), verdict) {
            Ok(decision) => Ok(Decision::new(
                self.0.clone(),
                decision.to_owned_decision(),
                asked.bytes,
            )),
            Err(error) => Err(PyValueError::new_err(error.to_string())),
        }
    }

    /// The origin that the application has to judge before `evaluate`, or None.
    #[pyo3(signature = (method, headers))]
    fn needs_verdict<'py>(
        &self,
        py: Python<'py>,
        method: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyString>>> {
        let asked = PyRequest::read(method, headers)?;
        let request = asked.request(py);
        let origin = self.0.needs_verdict(&request);
        Ok(origin.map(|origin| PyString::new(py, origin)))
    }

    /// Whether what the application's function answered allows an origin, and what is wrong with
    /// the answer, or None. private_socket: the question is about the handshake of a WebSocket that
    /// reads cookies.
    #[pyo3(signature = (origin, answer, private_socket = false, /))]
    fn _judge(
        &self,
        origin: &str,
        answer: &Bound<'_, PyAny>,
        private_socket: bool,
    ) -> PyResult<(bool, Option<String>)> {
        let socket = private_socket.then_some(SocketAccess::Private);
        judge(&self.0, origin, socket, answer)
    }

    /// The method or header name that a preflight was refused for, escaped for a log, or None.
    /// reason: that of the decision about this request.
    #[pyo3(signature = (method, headers, reason))]
    fn denied_name(
        &self,
        py: Python<'_>,
        method: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        reason: &str,
    ) -> PyResult<Option<String>> {
        let known = Reason::ALL.iter().find(|known| known.as_str() == reason);
        let Some(reason) = known else {
            return Err(PyValueError::new_err(format!("no reason is {reason:?}")));
        };
        let asked = PyRequest::read(method, headers)?;
        Ok(self.0.denied_name(&asked.request(py), *reason))
    }

    /// Checks the origin of a WebSocket handshake: "allow", "deny", or "absent" without an origin.
    ///
    /// origin_lines: None, a str, bytes, or a sequence of them, one for each Origin line. public:
    /// the socket serves everybody alike and reads no cookie.
    #[pyo3(signature = (origin_lines, public = false, verdict = None))]
    fn check_websocket(
        &self,
        py: Python<'_>,
        origin_lines: &Bound<'_, PyAny>,
        public: bool,
        verdict: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<&'static str> {
        let verdict = self::verdict(verdict)?;
        let lines = self::origin_lines(origin_lines)?;
        let mut origin = Field::ABSENT;
        lines.iter().for_each(|line| origin.push(line.as_bytes(py)));
        let access = if public {
            SocketAccess::Public
        } else {
            SocketAccess::Private
        };
        match self.0.check_websocket_with(origin, access, verdict) {
            Ok(check) => Ok(check.as_str()),
            Err(error) => Err(PyValueError::new_err(error.to_string())),
        }
    }

    fn __eq__(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.digest().hash(&mut hasher);
        hasher.finish()
    }

    /// Shows the options that differ from the defaults, long lists shortened.
    pub(crate) fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let plain = crossgate::Policy::builder()
            .allow_origins(["*"])
            .build()
            .map(|policy| policy.document())
            .unwrap_or_default();
        let mut shown = Document::new();
        for (name, value) in self.0.document().entries() {
            if name == "allow_origins" || plain.get(name) != Some(value) {
                shown.push(name, value.clone());
            }
        }
        let parts: Vec<_> = shown
            .entries()
            .iter()
            .map(|(name, value)| Ok(format!("{name}={}", shortened(py, value)?)))
            .collect::<PyResult<_>>()?;
        Ok(format!("Policy({})", parts.join(", ")))
    }

    /// Pickles as the document.
    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let rebuild = py.import("copyreg")?.getattr("__newobj_ex__")?;
        let arguments =
            (slf.get_type(), PyTuple::empty(py), slf.get().document(py)?).into_pyobject(py)?;
        Ok((rebuild, arguments))
    }
}

/// How many items of a list `repr` shows.
const SHOWN: usize = 8;

fn shortened(py: Python<'_>, value: &OptionValue) -> PyResult<String> {
    match value {
        OptionValue::List(values) if values.len() > SHOWN => {
            let first = OptionValue::List(values[..SHOWN].to_vec());
            let list = options::to_python(py, &first)?.repr()?.to_string();
            Ok(format!(
                "{}, ... {} more]",
                list.trim_end_matches(']'),
                values.len() - SHOWN
            ))
        }
        value => Ok(options::to_python(py, value)?.repr()?.to_string()),
    }
}
