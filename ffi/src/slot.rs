//! A place for one policy that is swapped while others read it.
//!
//! Readers never wait, take no lock, allocate nothing and leave nothing behind for their thread;
//! the crates for this keep a record for every thread that ever read, which an embedded library
//! should not. A writer waits until nobody is still between reading the pointer and counting his
//! reference, which takes a few instructions. `ffi/tests/slot.rs` runs it through every
//! interleaving.

use std::ptr;
use std::sync::atomic::Ordering;

use crate::sync::{Arc, AtomicPtr, AtomicUsize, Mutex, yield_now};

pub(crate) struct Slot<T> {
    /// NULL, or one reference of an `Arc`.
    current: AtomicPtr<T>,
    /// How many readers are between the pointer and its reference; new ones enter at `phase`.
    readers: [AtomicUsize; 2],
    phase: AtomicUsize,
    writers: Mutex<()>,
}

// SAFETY: it is an `Option<Arc<T>>` that is handed around by reference count.
unsafe impl<T: Send + Sync> Send for Slot<T> {}
// SAFETY: as above; readers and writers are kept apart as `load` and `swap` say.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

fn into_raw<T>(value: Option<Arc<T>>) -> *mut T {
    value.map_or(ptr::null_mut(), |value| Arc::into_raw(value).cast_mut())
}

impl<T> Slot<T> {
    pub(crate) fn new(value: Option<Arc<T>>) -> Self {
        Slot {
            current: AtomicPtr::new(into_raw(value)),
            readers: [AtomicUsize::new(0), AtomicUsize::new(0)],
            phase: AtomicUsize::new(0),
            writers: Mutex::new(()),
        }
    }

    /// The value of this moment.
    pub(crate) fn load(&self) -> Option<Arc<T>> {
        // An old phase does no harm: `swap` waits for both counts.
        let readers = &self.readers[self.phase.load(Ordering::Relaxed) & 1];
        readers.fetch_add(1, Ordering::Acquire);
        let current = self.current.load(Ordering::Acquire);
        let value = (!current.is_null()).then(|| {
            // SAFETY: the slot's own reference is still there: `swap` gives it up only after both
            // counts of readers were 0 behind its exchange, and this reader was counted before it
            // read the pointer.
            unsafe {
                Arc::increment_strong_count(current);
                Arc::from_raw(current)
            }
        });
        readers.fetch_sub(1, Ordering::Release);
        value
    }

    /// Puts another value there. The old one is dropped by this or by the last reader that has it.
    pub(crate) fn swap(&self, value: Option<Arc<T>>) {
        let writing = self
            .writers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let old = self.current.swap(into_raw(value), Ordering::AcqRel);
        // Each count is read by writing it (`fetch_add(0)`), so it has one order with the readers'
        // steps: who was counted before has left, with his reference, if it is 0; who is counted
        // after sees the exchange, so the new pointer. A plain load may be older than a reader. The
        // phase sends newcomers to the other count, so each gets to 0.
        for _ in 0..2 {
            let entered = self.phase.fetch_xor(1, Ordering::Relaxed) & 1;
            while self.readers[entered].fetch_add(0, Ordering::AcqRel) != 0 {
                yield_now();
            }
        }
        drop(writing);
        if !old.is_null() {
            // SAFETY: the reference that the slot had, which no reader can reach any more.
            drop(unsafe { Arc::from_raw(old) });
        }
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        let last = self.current.load(Ordering::Relaxed);
        if !last.is_null() {
            // SAFETY: the reference that the slot has, and nobody else uses the slot.
            drop(unsafe { Arc::from_raw(last) });
        }
    }
}
