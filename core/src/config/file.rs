//! Policies from files; the ending of the name decides how the text is read.

use std::fmt;
use std::path::{Path, PathBuf};

use super::document;
use crate::policy::Policy;
use crate::problem::{PolicyError, Problems};
use crate::text::escape::escape;

impl Policy {
    /// Builds a policy from a file; `.json` or `.toml` decides how it is read.
    ///
    /// # Errors
    /// The file cannot be read or has another ending, or every problem of its text.
    ///
    /// ```no_run
    /// let policy = crossgate::Policy::from_file("policy.toml")?;
    /// # Ok::<(), crossgate::LoadError>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Policy, LoadError> {
        let path = path.as_ref();
        let io = |error| LoadError::Io {
            path: path.to_owned(),
            error,
        };
        let read: fn(&str) -> Result<Policy, PolicyError> =
            match path.extension().and_then(|ending| ending.to_str()) {
                Some(ending) if ending.eq_ignore_ascii_case("json") => Self::from_json,
                Some(ending) if ending.eq_ignore_ascii_case("toml") => Self::from_toml,
                _ => {
                    return Err(io(std::io::Error::new(
                        std::io::ErrorKind::InvalidInput,
                        "a policy file ends in .json or .toml",
                    )));
                }
            };
        let bytes = std::fs::read(path).map_err(io)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            LoadError::Policy(not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))
        })?;
        read(&text).map_err(LoadError::Policy)
    }
}

fn not_utf8(bytes: &[u8], offset: usize) -> PolicyError {
    let before = String::from_utf8_lossy(&bytes[..offset]);
    let mut problems = Problems::default();
    document::invalid(
        &mut problems,
        "JSON or TOML",
        Some(document::line_and_column(&before, before.len())),
        "it is not UTF-8 text",
    );
    PolicyError::new(problems.into_vec())
}

/// A policy file was not loaded.
///
/// ```
/// use crossgate::{LoadError, Policy};
/// match Policy::from_file("/no/such/policy.json") {
///     Err(LoadError::Io { path, error }) => println!("{}: {error}", path.display()),
///     Err(LoadError::Policy(error)) => println!("{error}"),
///     Err(error) => println!("{error}"), // kinds that later versions add
///     Ok(_) => unreachable!(),
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Its text is no valid policy.
    Policy(PolicyError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Io { path, error } => write!(
                f,
                "cannot read the policy file {}: {error}",
                escape(&path.to_string_lossy())
            ),
            LoadError::Policy(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LoadError::Io { error, .. } => Some(error),
            LoadError::Policy(error) => Some(error),
        }
    }
}
