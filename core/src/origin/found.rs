//! What a look for an origin found.

/// Whether something matches an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Yes,
    No,
    /// Nothing did, and a regex did not come to an end within its steps.
    OutOfSteps,
}
