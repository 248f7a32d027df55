//! From options to a policy: what the document says, whether it is right, and what is compiled from
//! it.

mod builder;
mod canonical;
mod check;
mod compile;
mod digest;
pub(crate) mod document;
mod env;
#[cfg(feature = "config")]
mod file;
#[cfg(feature = "config")]
mod json_toml;
mod option_names;
pub(crate) mod options;
pub(crate) mod unset_option;

pub(crate) use crate::origin::regex_dialect::RegexDialect;
pub use builder::PolicyBuilder;
pub use document::{Document, OptionValue};
#[cfg(feature = "config")]
pub use file::LoadError;
