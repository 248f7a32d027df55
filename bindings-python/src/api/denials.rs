//! The logger `crossgate.decisions`: at DEBUG it has a line for each request that an adapter
//! denies.

use crossgate::{Decision, Policy, Request};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::convert::problem::report;

/// `logging.DEBUG`
const DEBUG: u8 = 10;

/// The logger, and what it remembers of the levels that it is enabled for.
struct Logger {
    logger: Py<PyAny>,
    levels: Option<Py<PyDict>>,
}

static LOGGER: PyOnceLock<Logger> = PyOnceLock::new();

impl Logger {
    fn get(py: Python<'_>) -> PyResult<&Logger> {
        LOGGER.get_or_try_init(py, || {
            let logger = py
                .import("logging")?
                .call_method1("getLogger", ("crossgate.decisions",))?;
            let levels = logger.getattr("_cache").ok();
            let levels = levels.and_then(|levels| levels.cast_into::<PyDict>().ok());
            Ok(Logger {
                logger: logger.unbind(),
                levels: levels.map(Bound::unbind),
            })
        })
    }

    /// Whether somebody listens. Calling the logger for that would cost more than the decision.
    fn is_enabled(&self, py: Python<'_>) -> PyResult<bool> {
        if let Some(levels) = &self.levels
            && let Some(known) = levels.bind(py).get_item(DEBUG)?
        {
            return known.is_truthy();
        }
        self.logger
            .bind(py)
            .call_method1("isEnabledFor", (DEBUG,))?
            .is_truthy()
    }
}

/// Tells who listens of a denial. What fails in the logger is reported as unraisable: no request
/// fails because of it.
#[cold]
pub(crate) fn tell(
    py: Python<'_>,
    policy: &Policy,
    request: &Request<'_>,
    decision: &Decision<'_>,
) -> PyResult<()> {
    let logger = Logger::get(py)?;
    let told = logger.is_enabled(py).and_then(|enabled| {
        if enabled {
            let line = decision.describe(policy, request);
            let arguments = ("CORS denied: %s", line);
            logger.logger.bind(py).call_method1("debug", arguments)?;
        }
        Ok(())
    });
    told.or_else(|error| report(py, error, logger.logger.bind(py)))
}
