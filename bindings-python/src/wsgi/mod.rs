//! The WSGI middleware, and the responder that Flask and Django use directly.

mod environ;
pub(crate) mod middleware;
pub(crate) mod responder;
