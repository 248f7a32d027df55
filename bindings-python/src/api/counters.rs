//! The class `Counters`.

use crossgate::Reason;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::decision::Decision;

/// Counts decisions by reason. Any number of threads may use it at once.
#[pyclass(module = "crossgate", frozen)]
#[derive(Default)]
pub(crate) struct Counters(crossgate::Counters);

impl Counters {
    pub(crate) fn add(&self, reason: Reason, hit_regex_step_limit: bool) {
        self.0.add(reason);
        if hit_regex_step_limit {
            self.0.add_regex_step_limit();
        }
    }

    pub(crate) fn add_overwrote_upstream(&self) {
        self.0.add_overwrote_upstream();
    }

    pub(crate) fn add_predicate_failed(&self) {
        self.0.add_predicate_failed();
    }

    fn dict<'py>(
        &self,
        py: Python<'py>,
        shows: impl Fn(u64) -> bool,
    ) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        self.0
            .iter()
            .filter(|(_, count)| shows(*count))
            .try_for_each(|(reason, count)| counts.set_item(reason.as_str(), count))?;
        Ok(counts)
    }
}

#[pymethods]
impl Counters {
    #[new]
    fn new() -> Self {
        Counters::default()
    }

    /// Counts a decision. A middleware that was given the counters counts by itself.
    #[pyo3(signature = (decision, /))]
    fn record(&self, decision: &Decision) {
        let decision = decision.get();
        self.add(decision.reason(), decision.hit_regex_step_limit());
    }

    /// The number of decisions with this reason. Raises ValueError if there is no such reason.
    #[pyo3(signature = (reason, /))]
    fn get(&self, reason: &str) -> PyResult<u64> {
        match Reason::ALL.iter().find(|known| known.as_str() == reason) {
            Some(reason) => Ok(self.0.get(*reason)),
            None => Err(PyValueError::new_err(format!(
                "there is no reason {reason:?}"
            ))),
        }
    }

    /// The number of decisions of every reason.
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.dict(py, |_| true)
    }

    /// The number of responses with CORS headers of the application's own, which a middleware
    /// replaced or removed.
    #[getter]
    fn overwrote_upstream(&self) -> u64 {
        self.0.overwrote_upstream()
    }

    /// Counts a response whose own CORS headers were replaced or removed; see
    /// `Decision.overwrites_upstream`.
    fn record_overwrote_upstream(&self) {
        self.add_overwrote_upstream();
    }

    /// The number of questions about an origin that the application did not answer.
    #[getter]
    fn predicate_failed(&self) -> u64 {
        self.0.predicate_failed()
    }

    /// Counts a question about an origin that the application did not answer: its function raised,
    /// took too long, or answered what means nothing.
    fn record_predicate_failed(&self) {
        self.add_predicate_failed();
    }

    /// The number of decisions for which a regex with look-around or back references ran out of
    /// steps.
    #[getter]
    fn regex_step_limit(&self) -> u64 {
        self.0.regex_step_limit()
    }

    /// The counts as Prometheus text.
    fn to_prometheus(&self) -> String {
        self.0.to_prometheus()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let seen = self.dict(py, |count| count > 0)?;
        Ok(format!("Counters({})", seen.repr()?))
    }
}
