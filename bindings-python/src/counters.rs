//! The class `Counters`.

use std::sync::atomic::{AtomicU64, Ordering};

use crossgate::Reason;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::decision::Decision;

/// Decisions counted by reason; free to be used by any number of threads.
#[pyclass(module = "crossgate", frozen)]
#[derive(Default)]
pub(crate) struct Counters {
    reasons: crossgate::Counters,
    overwrote: AtomicU64,
}

impl Counters {
    pub(crate) fn add(&self, reason: Reason) {
        self.reasons.add(reason);
    }

    pub(crate) fn add_overwrote(&self) {
        self.overwrote.fetch_add(1, Ordering::Relaxed);
    }
}

#[pymethods]
impl Counters {
    #[new]
    fn new() -> Self {
        Counters::default()
    }

    /// Counts a decision. A middleware that was given the counters does it by itself.
    #[pyo3(signature = (decision, /))]
    fn record(&self, decision: &Decision) {
        self.add(decision.get().reason());
    }

    /// The number of decisions by reason: every reason, in its order.
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        self.reasons
            .iter()
            .try_for_each(|(reason, count)| counts.set_item(reason.as_str(), count))?;
        Ok(counts)
    }

    /// How many responses came with CORS headers of the application's own, which a middleware
    /// replaced or removed.
    #[getter]
    fn overwrote_upstream(&self) -> u64 {
        self.overwrote.load(Ordering::Relaxed)
    }

    /// Counts a response whose own CORS headers were replaced or removed; see
    /// Decision.overwrites_upstream.
    fn record_overwritten(&self) {
        self.add_overwrote();
    }

    /// The numbers as Prometheus text.
    fn to_prometheus(&self) -> String {
        self.reasons.to_prometheus()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let seen = PyDict::new(py);
        self.reasons
            .iter()
            .filter(|(_, count)| *count > 0)
            .try_for_each(|(reason, count)| seen.set_item(reason.as_str(), count))?;
        Ok(format!("Counters({})", seen.repr()?))
    }
}
