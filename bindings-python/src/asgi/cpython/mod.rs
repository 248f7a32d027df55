//! What CPython offers below PyO3. All unsafe code of the package stands in this folder.

#[cfg(Py_3_10)]
pub(super) mod coroutine;
pub(super) mod send_object;
pub(super) mod walk;
