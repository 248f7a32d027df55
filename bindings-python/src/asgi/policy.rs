//! What the ASGI middleware makes of a policy.

use std::sync::Arc;

use crossgate::{Decision, Policy};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::preflight_cache::PreflightCache;
use super::start_message::StartMessages;
use crate::api::source::OfPolicy;
use crate::convert::text::Text;
use crate::templates::{HeaderText, Templates};

/// A policy with its templates, the first messages of its own responses, and its preflight cache.
pub(crate) struct AsgiPolicy {
    pub(crate) templates: Arc<Templates<PyBytes>>,
    pub(crate) preflights: PreflightCache,
    starts: StartMessages,
}

impl OfPolicy for AsgiPolicy {
    fn policy(&self) -> &Arc<Policy> {
        self.templates.policy()
    }
}

impl AsgiPolicy {
    pub(crate) fn new(py: Python<'_>, policy: Arc<Policy>) -> PyResult<Self> {
        let preflights = PreflightCache::new(&policy);
        let templates = Templates::new(py, policy, |name| name.lower())?;
        Ok(AsgiPolicy {
            starts: StartMessages::new(&templates),
            templates: Arc::new(templates),
            preflights,
        })
    }

    /// The first message of a response to a request that is not forwarded. `origin`: the request's
    /// first `Origin` line.
    pub(crate) fn start_message<'py>(
        &self,
        py: Python<'py>,
        decision: &Decision<'_>,
        origin: Option<&Text>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let origin = origin.and_then(PyBytes::of_request);
        self.starts.message(py, &self.templates, decision, origin)
    }
}
