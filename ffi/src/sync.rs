//! What the slot is made of. Its test (`ffi/tests/slot.rs`) puts the model checker's own in this
//! place.

pub(crate) use std::sync::atomic::{AtomicPtr, AtomicUsize};
pub(crate) use std::sync::{Arc, Mutex};
pub(crate) use std::thread::yield_now;
