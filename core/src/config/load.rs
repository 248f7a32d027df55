//! Policies from documents, text, files and the environment.

use super::builder::PolicyBuilder;
use super::check;
use super::document::Document;
use super::env;
use super::options::Options;
use crate::policy::Policy;
use crate::problem::{PolicyError, Problems};

impl Policy {
    /// Builds a policy from a document.
    ///
    /// # Errors
    /// Every problem of the document.
    pub fn from_document(document: &Document) -> Result<Policy, PolicyError> {
        PolicyBuilder::from_document(document).build()
    }

    fn from_read(document: &Document, mut problems: Problems) -> Result<Policy, PolicyError> {
        let options = Options::read(document, &mut problems);
        check::compile(&options, problems)
    }

    /// Builds a policy from environment variables: `PREFIX_ALLOW_ORIGINS`,
    /// `PREFIX_ALLOW_CREDENTIALS` and so on. Lists are split at commas and trimmed. A variable
    /// whose name is nearly an option's is an error.
    ///
    /// # Errors
    /// Every problem of the values.
    ///
    /// ```
    /// // Nothing is set: nobody is allowed, and that is an error.
    /// let error = crossgate::Policy::from_env("CROSSGATE_DOC_EXAMPLE").unwrap_err();
    /// assert_eq!(error.problems()[0].code.as_str(), "origins_empty");
    /// ```
    pub fn from_env(prefix: &str) -> Result<Policy, PolicyError> {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((
                name.into_string().ok()?,
                value.to_string_lossy().into_owned(),
            ))
        });
        Self::from_variables(prefix, variables)
    }

    /// The same from given variables, for hosts that keep their own.
    ///
    /// # Errors
    /// As [`Policy::from_env`].
    ///
    /// ```
    /// use crossgate::Policy;
    /// let variables = [(
    ///     "CORS_ALLOW_ORIGINS".to_string(),
    ///     "https://a.example, https://b.example".to_string(),
    /// )];
    /// assert!(Policy::from_variables("CORS", variables).is_ok());
    /// ```
    pub fn from_variables(
        prefix: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Policy, PolicyError> {
        let mut problems = Problems::default();
        let document = env::read(prefix, variables, &mut problems);
        Self::from_read(&document, problems)
    }
}

#[cfg(feature = "config")]
mod files {
    use std::fmt;
    use std::path::{Path, PathBuf};

    use super::super::document;
    use super::{Document, Policy, PolicyError, Problems};
    use crate::problem::escape;

    impl Policy {
        /// Builds a policy from JSON text.
        ///
        /// # Errors
        /// Every problem of the text or the document.
        ///
        /// ```
        /// let policy = crossgate::Policy::from_json(r#"{"allow_origins": ["https://a.example"], "max_age": 600}"#)?;
        /// # Ok::<(), crossgate::PolicyError>(())
        /// ```
        pub fn from_json(text: &str) -> Result<Policy, PolicyError> {
            Self::from_document(&Document::from_json(text)?)
        }

        /// Builds a policy from TOML text.
        ///
        /// # Errors
        /// Every problem of the text or the document.
        ///
        /// ```
        /// let policy = crossgate::Policy::from_toml("allow_origins = ['https://a.example']\nmax_age = 600")?;
        /// # Ok::<(), crossgate::PolicyError>(())
        /// ```
        pub fn from_toml(text: &str) -> Result<Policy, PolicyError> {
            let (document, problems) = Document::read_toml(text)?;
            Self::from_read(&document, problems)
        }

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
    ///     Ok(_) => unreachable!(),
    /// }
    /// ```
    #[derive(Debug)]
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
}

#[cfg(feature = "config")]
pub use files::LoadError;
