//! The Python module `crossgate._crossgate`: the engine's values as Python's. No rule of CORS
//! stands here.
//!
//! 1. `options.rs`: keyword arguments become a policy document.
//! 2. `policy.rs`: the class `Policy`.
//! 3. `text.rs` and `request.rs`: a method and header pairs of str or bytes become a request.
//! 4. `decision.rs`: the class `Decision`, and its headers applied to a response's.
//! 5. `problem.rs`: the class `Problem`, and the exceptions.
//! 6. `shared.rs` and `counters.rs`: a policy that is swapped while serving, and decisions counted.
//! 7. `asgi.rs`: the ASGI middleware; `scan.rs` reads its header lists, `wire.rs` has prepared
//!    header pairs, `send.rs` and `callable.rs` put them into responses, `written.rs` knows odd
//!    shapes of those, `reply.rs` is the awaitable of its own answers.
//! 8. `environ.rs`, `gate.rs` and `response.rs`: the same for WSGI environs, with header sets that
//!    are made once.
//! 9. `wsgi.rs`: the middleware around a WSGI application.
#![deny(unsafe_code)]

mod asgi;
mod callable;
mod counters;
mod decision;
mod environ;
mod gate;
mod options;
mod policy;
mod problem;
mod reply;
mod request;
mod response;
mod scan;
mod send;
mod shared;
mod text;
mod wire;
mod written;
mod wsgi;

/// The native part of `crossgate`; import that.
#[pyo3::pymodule(gil_used = false)]
mod _crossgate {
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_export]
    use crate::asgi::Middleware;
    #[pymodule_export]
    use crate::counters::Counters;
    #[pymodule_export]
    use crate::decision::Decision;
    #[pymodule_export]
    use crate::gate::{Answer, Gate};
    #[pymodule_export]
    use crate::policy::Policy;
    #[pymodule_export]
    use crate::problem::{PolicyError, Problem};
    #[pymodule_export]
    use crate::shared::SharedPolicy;
    #[pymodule_export]
    use crate::wsgi::Wsgi;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        // For whoever raises one himself; those of this module bring their own.
        py.get_type::<PolicyError>()
            .setattr("problems", PyTuple::empty(py))?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
