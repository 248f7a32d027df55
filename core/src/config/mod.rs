//! From options to a policy: what the document says, whether it is right, and what is compiled from
//! it.

mod builder;
mod check;
pub(crate) mod document;
mod env;
mod load;
pub(crate) mod options;
#[cfg(feature = "config")]
mod text;

pub use builder::PolicyBuilder;
pub use document::{Document, Value};
#[cfg(feature = "config")]
pub use load::LoadError;
pub use options::{DeniedActual, Gate, ListSeparator, SingleOrigin, Upstream};
