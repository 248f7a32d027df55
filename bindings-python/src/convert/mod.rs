//! From Python's values to the engine's and back. Nothing here knows a class of the package, or a
//! framework.

pub(crate) mod answer;
pub(crate) mod lenient_headers;
pub(crate) mod options;
pub(crate) mod problem;
pub(crate) mod regex;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod text;
