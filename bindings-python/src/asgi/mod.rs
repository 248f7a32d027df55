//! The ASGI middleware. A request enters native code once, for its headers, and once more for each
//! message of its response; the awaitable that the server gets is the application's own.

#[allow(unsafe_code)]
mod cpython;
mod empty_response;
pub(crate) mod middleware;
mod policy;
mod preflight_cache;
mod scope;
mod send;
mod start_message;
