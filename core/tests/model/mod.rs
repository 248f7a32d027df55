//! What the models of shared pointers have in common (loom): the core's here, the C library's in
//! `ffi/tests/slot.rs`.

use loom::cell::UnsafeCell;
use loom::sync::Arc;

/// Written when it is dropped: a reader at the same time is a race that the model reports.
#[derive(Debug)]
pub(crate) struct Watched(UnsafeCell<u32>);

// SAFETY: the cell is written only by whoever drops the value, who has it alone; the model checks
// that.
unsafe impl Sync for Watched {}

impl Watched {
    pub(crate) fn new(number: u32) -> Arc<Self> {
        Arc::new(Watched(UnsafeCell::new(number)))
    }

    pub(crate) fn number(&self) -> u32 {
        // SAFETY: nobody writes while the value is shared; the model checks that.
        self.0.with(|number| unsafe { *number })
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // SAFETY: the last reference is being dropped.
        self.0.with_mut(|number| unsafe { *number = 0 });
    }
}

/// Every interleaving with so many preemptions.
pub(crate) fn check(preemptions: usize, check: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(check);
}
