//! What is wrong with a configuration.

use std::ffi::c_char;

use crossgate::{PolicyError, Problem, Severity};

use crate::growable::{Growable, caller_size, init, write_common};
use crate::status::{
    CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NULL_ARGUMENT, Outcome, crossgate_status, guard,
    guard_or,
};
use crate::text::crossgate_str;

/// The policy is not built.
pub const CROSSGATE_SEVERITY_ERROR: i32 = 0;
/// The policy is built in spite of it; look at it.
pub const CROSSGATE_SEVERITY_WARNING: i32 = 1;
/// True of the policy, and nothing needs to be done.
pub const CROSSGATE_SEVERITY_NOTE: i32 = 2;

/// Why no policy was built: every problem found, errors, warnings and
/// notes. Immutable; the caller's own,
/// until crossgate_error_free().
pub struct crossgate_error {
    text: String,
    problems: Vec<Texts>,
    omitted: usize,
}

/// One finding about a configuration. Made ready by crossgate_problem_init(). The strings are those
/// of the policy or error that it comes from, live as long, and have a NUL behind them.
#[repr(C)]
pub struct crossgate_problem {
    /// sizeof (crossgate_problem).
    pub struct_size: u32,
    /// CROSSGATE_SEVERITY_...
    pub severity: i32,
    /// The stable code, like "origin_has_path".
    pub code: crossgate_str,
    /// The place, like "allow_origins[2]"; empty for the document as a whole.
    pub path: crossgate_str,
    /// The value found there, escaped: printable ASCII, of a bounded length.
    pub value: crossgate_str,
    /// What is wrong and why it matters.
    pub message: crossgate_str,
    /// The corrected text; absent (data NULL) if there is none. Not escaped: it goes into a file,
    /// not into a log.
    pub hint: crossgate_str,
}

// SAFETY: `repr(C)`, the size first.
unsafe impl Growable for crossgate_problem {
    const LEAST: usize = std::mem::offset_of!(crossgate_problem, hint);
}

/// Makes a problem ready to be filled: struct_size is set, the rest is 0. size is
/// sizeof (crossgate_problem). One problem may be filled again and again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_problem_init(
    problem: *mut crossgate_problem,
    size: usize,
) -> crossgate_status {
    // SAFETY: NULL or the caller's memory, of that size.
    guard(|| unsafe { init(problem, size) })
}

/// The strings of a problem, each with a NUL behind it.
pub(crate) struct Texts {
    severity: Severity,
    code: String,
    path: String,
    value: String,
    message: String,
    hint: Option<String>,
}

fn with_nul(text: &str) -> String {
    format!("{text}\0")
}

fn view(text: &str) -> crossgate_str {
    crossgate_str {
        data: text.as_ptr().cast(),
        len: text.len() - 1,
    }
}

impl Texts {
    pub(crate) fn of(problem: &Problem) -> Self {
        Texts {
            severity: problem.severity,
            code: with_nul(problem.code.as_str()),
            path: with_nul(&problem.path),
            value: with_nul(&problem.value),
            message: with_nul(&problem.message),
            hint: problem.hint.as_deref().map(with_nul),
        }
    }
}

/// Fills in the problem at an index.
///
/// # Safety
/// `out` is NULL or a writable struct whose `struct_size` is set.
pub(crate) unsafe fn fill(
    problems: &[Texts],
    index: usize,
    out: *mut crossgate_problem,
) -> Outcome {
    // SAFETY: this function's own contract.
    unsafe { caller_size(out) }?;
    let problem = problems.get(index).ok_or(CROSSGATE_ERR_INVALID_ARGUMENT)?;
    let filled = crossgate_problem {
        struct_size: size_of::<crossgate_problem>() as u32,
        severity: match problem.severity {
            Severity::Error => CROSSGATE_SEVERITY_ERROR,
            Severity::Warning => CROSSGATE_SEVERITY_WARNING,
            Severity::Note => CROSSGATE_SEVERITY_NOTE,
        },
        code: view(&problem.code),
        path: view(&problem.path),
        value: view(&problem.value),
        message: view(&problem.message),
        hint: problem.hint.as_deref().map_or(crossgate_str::ABSENT, view),
    };
    // SAFETY: this function's own contract.
    unsafe { write_common(&filled, out) }
}

impl crossgate_error {
    /// Without problems.
    pub(crate) fn new(text: &str) -> Self {
        // C reads the text to its first NUL.
        crossgate_error {
            text: with_nul(&text.replace('\0', "\\0")),
            problems: Vec::new(),
            omitted: 0,
        }
    }

    pub(crate) fn of(error: &PolicyError) -> Self {
        crossgate_error {
            problems: error.problems().iter().map(Texts::of).collect(),
            omitted: error.omitted(),
            ..Self::new(&error.to_string())
        }
    }
}

/// The number of problems; 0 if the file could not be read. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_error_count(error: *const crossgate_error) -> usize {
    guard_or(0, || {
        // SAFETY: NULL or an error of this library that is not freed.
        unsafe { error.as_ref() }.map_or(0, |error| error.problems.len())
    })
}

/// How many problems were counted and are not in the error, because there were more than 1,000. 0
/// for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_error_omitted(error: *const crossgate_error) -> usize {
    guard_or(0, || {
        // SAFETY: NULL or an error of this library that is not freed.
        unsafe { error.as_ref() }.map_or(0, |error| error.omitted)
    })
}

/// Fills in one problem, in the order of the document; index counts from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_error_problem(
    error: *const crossgate_error,
    index: usize,
    problem: *mut crossgate_problem,
) -> crossgate_status {
    guard(|| {
        // SAFETY: NULL or an error of this library that is not freed.
        let error = unsafe { error.as_ref() }.ok_or(CROSSGATE_ERR_NULL_ARGUMENT)?;
        // SAFETY: NULL or the caller's struct.
        unsafe { fill(&error.problems, index, problem) }
    })
}

/// Everything as text of several lines, for a person to read. Lives as long as the error; never
/// NULL, empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_error_text(error: *const crossgate_error) -> *const c_char {
    guard_or(c"".as_ptr(), || {
        // SAFETY: NULL or an error of this library that is not freed.
        unsafe { error.as_ref() }.map_or(c"".as_ptr(), |error| error.text.as_ptr().cast())
    })
}

/// Frees an error. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_error_free(error: *mut crossgate_error) {
    guard_or((), || {
        if !error.is_null() {
            // SAFETY: it came from `Box::into_raw` in `policy::build_into`, and the caller gives it
            // up.
            drop(unsafe { Box::from_raw(error) });
        }
    });
}
