//! A live policy and its shadow, swapped together while others read them.
//!
//! `tests/swap.rs` runs this file through every interleaving of readers and writers with the model
//! checker loom. `arc-swap` itself cannot be modelled (it uses the standard library's atomics and
//! records of threads), so the model has a stand-in with the same contract.

use super::sync::{Arc, ArcSwap, Guard};

/// The policies of one moment.
#[derive(Clone, Debug)]
pub(crate) struct Pair<P> {
    pub(crate) live: Arc<P>,
    pub(crate) shadow: Option<Arc<P>>,
}

#[derive(Debug)]
pub(crate) struct Swapped<P> {
    current: ArcSwap<Pair<P>>,
}

impl<P> Swapped<P> {
    pub(crate) fn new(live: Arc<P>) -> Self {
        Swapped {
            current: ArcSwap::from_pointee(Pair { live, shadow: None }),
        }
    }

    /// For a look that is short: nothing is counted.
    #[inline]
    pub(crate) fn load(&self) -> Guard<Arc<Pair<P>>> {
        self.current.load()
    }

    /// For as long as it takes.
    #[inline]
    pub(crate) fn load_full(&self) -> Arc<Pair<P>> {
        self.current.load_full()
    }

    /// Puts another live policy beside the shadow that is there.
    pub(crate) fn replace(&self, live: &Arc<P>) {
        self.current.rcu(|pair| Pair {
            live: live.clone(),
            shadow: pair.shadow.clone(),
        });
    }

    /// Puts another shadow, or none, beside the live policy that is there.
    pub(crate) fn set_shadow(&self, shadow: &Option<Arc<P>>) {
        self.current.rcu(|pair| Pair {
            live: pair.live.clone(),
            shadow: shadow.clone(),
        });
    }
}
