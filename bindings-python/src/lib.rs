//! The Python module `crossgate._crossgate`: the engine's values as Python's. It holds no CORS
//! rule.
//!
//! A folder uses only what stands above it (`tests/test_arrows.py` holds this):
//!
//! 1. `convert/`: text, options, problems, requests and responses between Python and the engine.
//! 2. `api/`: the classes `Policy`, `Decision`, `SharedPolicy` and `Counters`.
//! 3. `templates.rs`: the header sets of a policy as Python's pairs, of bytes or of str.
//! 4. `asgi/` and `wsgi/`: the middlewares. Neither uses the other.
//!
//! Code that is `unsafe` stands in `asgi/cpython/` and nowhere else.
#![deny(unsafe_code)]

mod api;
mod asgi;
mod convert;
mod templates;
mod wsgi;

/// The native part of `crossgate`; import that.
#[pyo3::pymodule(gil_used = false)]
mod _crossgate {
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_export]
    use crate::api::counters::Counters;
    #[pymodule_export]
    use crate::api::decision::Decision;
    #[pymodule_export]
    use crate::api::path_regex::PathRegex;
    #[pymodule_export]
    use crate::api::policy::Policy;
    #[pymodule_export]
    use crate::api::shared::{ShadowDifference, ShadowRequest, SharedPolicy};
    #[pymodule_export]
    use crate::asgi::middleware::{Middleware, PendingRequest};
    #[pymodule_export]
    use crate::convert::problem::{PolicyError, Problem, unset_option};
    #[pymodule_export]
    use crate::convert::regex::PythonRegex;
    #[pymodule_export]
    use crate::wsgi::middleware::WsgiMiddleware;
    #[pymodule_export]
    use crate::wsgi::responder::{NeedsVerdict, Outcome, Responder};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        // For a PolicyError that Python code raises; those of this module set their own.
        py.get_type::<PolicyError>()
            .setattr("problems", PyTuple::empty(py))?;
        py.get_type::<PolicyError>().setattr("omitted", 0)?;
        module.add(
            "PUBLIC_SUFFIX_LIST_DATE",
            crossgate::public_suffix_list_date().unwrap_or_default(),
        )?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
