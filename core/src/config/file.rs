//! Policies from files: the one place that reads a file for a policy. The ending of its name
//! decides how its text is read.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::document;
use crate::policy::Policy;
use crate::problem::{PolicyError, ProblemCode, Problems};
use crate::text::escape::escape;

/// More bytes are not read. A policy of two million origins has half of them.
const LIMIT: u64 = 128 << 20;

impl Policy {
    /// Builds a policy from a file; `.json` or `.toml` decides how it is read. Symbolic links are
    /// followed. Only a regular file of at most 128 MiB is read, and nothing is waited for: a FIFO
    /// or a device is an error at once.
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
        let read: fn(&str) -> Result<Policy, PolicyError> =
            match path.extension().and_then(|ending| ending.to_str()) {
                Some(ending) if ending.eq_ignore_ascii_case("json") => Self::from_json,
                Some(ending) if ending.eq_ignore_ascii_case("toml") => Self::from_toml,
                _ => {
                    return Err(LoadError::Io {
                        path: path.to_owned(),
                        error: io::Error::new(
                            io::ErrorKind::InvalidInput,
                            "a policy file ends in .json or .toml",
                        ),
                    });
                }
            };
        let text = String::from_utf8(bytes_of(path)?).map_err(|error| {
            LoadError::Policy(not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))
        })?;
        read(&text).map_err(LoadError::Policy)
    }
}

/// Everything in a regular file.
fn bytes_of(path: &Path) -> Result<Vec<u8>, LoadError> {
    let io = |error| LoadError::Io {
        path: path.to_owned(),
        error,
    };
    let file = open(path).map_err(|error| match path.metadata() {
        // A socket cannot be opened, nor a directory on Windows.
        Ok(found) if !found.is_file() => not_a_file(path, &found.file_type()),
        _ => io(error),
    })?;
    // What was opened is asked, not the name: the name may stand for something else by now.
    let found = file.metadata().map_err(io)?;
    if !found.is_file() {
        return Err(not_a_file(path, &found.file_type()));
    }
    if found.len() > LIMIT {
        return Err(too_large(path));
    }
    let mut bytes = Vec::new();
    // One more shows that there is more: the length may have changed, and in /proc it is 0.
    let mut all = file.take(LIMIT + 1);
    all.read_to_end(&mut bytes).map_err(io)?;
    if all.limit() == 0 {
        return Err(too_large(path));
    }
    Ok(bytes)
}

/// Opens without waiting: not for the writer of a FIFO, nor for what a device may say, and without
/// taking a terminal over.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cold]
fn not_a_file(path: &Path, found: &std::fs::FileType) -> LoadError {
    let what = kind_of(found);
    refused(
        path,
        ProblemCode::DocumentNotAFile,
        format!("this is {what}, and a policy is read from a regular file"),
    )
}

#[cold]
fn too_large(path: &Path) -> LoadError {
    refused(
        path,
        ProblemCode::DocumentTooLarge,
        format!(
            "this file is larger than {} MiB; more is not read",
            LIMIT >> 20
        ),
    )
}

fn refused(path: &Path, code: ProblemCode, message: String) -> LoadError {
    let mut problems = Problems::default();
    problems.error(code, "", &path.to_string_lossy(), message, None);
    LoadError::Policy(PolicyError::new(problems))
}

fn kind_of(found: &std::fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if found.is_fifo() {
            return "a named pipe";
        }
        if found.is_socket() {
            return "a socket";
        }
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
    }
    if found.is_dir() {
        "a directory"
    } else {
        "no regular file"
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
    PolicyError::new(problems)
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
    /// It is no regular file, too large, or its text is no valid policy.
    Policy(PolicyError),
    /// The system does not tell when the file changes
    /// ([`PolicyWatcher`](https://docs.rs/crossgate/latest/crossgate/struct.PolicyWatcher.html)).
    Watch {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
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
            LoadError::Watch { path, error } => write!(
                f,
                "changes of the policy file {} are not seen at once: {error}",
                escape(&path.to_string_lossy())
            ),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LoadError::Io { error, .. } | LoadError::Watch { error, .. } => Some(error),
            LoadError::Policy(error) => Some(error),
        }
    }
}
