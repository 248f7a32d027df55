//! What frameworks make of a policy's header sets: their own header values, made once per policy.
//!
//! The policy does not know what is attached. A framework's middleware owns a slot, fills it the
//! first time it sees a policy, and finds its values there afterwards. They live as long as the
//! policy, so a policy that is replaced while serving brings its own.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The number of frameworks in this crate.
const SLOTS: usize = 2;

/// The place of one framework; each has its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot(pub(crate) usize);

/// The slots of one policy. A clone of the policy has the same header sets, so it shares them.
#[derive(Clone, Default)]
pub(crate) struct Attachments([OnceLock<Arc<dyn Any + Send + Sync>>; SLOTS]);

impl Attachments {
    /// What stands in the slot; `make` fills it if nothing does.
    #[inline]
    pub(crate) fn get_or_make<T: Any + Send + Sync>(
        &self,
        Slot(slot): Slot,
        make: impl FnOnce() -> T,
    ) -> &T {
        self.0[slot]
            .get_or_init(|| Arc::new(make()))
            .downcast_ref()
            .expect("a slot has one owner, so it holds one type")
    }
}

impl fmt::Debug for Attachments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filled = self.0.iter().filter(|slot| slot.get().is_some()).count();
        write!(f, "Attachments({filled})")
    }
}
