//! The pair of policies behind `SharedPolicy` in every interleaving of its threads (loom).
//! `arc-swap` itself cannot be modelled, since it uses the standard library's atomics and keeps
//! records of threads; what stands for it here does what its documentation says: a load gives the
//! value of one moment, `rcu` tries again until nobody came between. The model finds an update that
//! is lost, a policy that is used after it was dropped, and one that is never dropped.
//! `tests/shared.rs` has the real thing under load.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

/// What the pair stands on, as the model checker has it.
mod sync {
    pub(crate) use loom::sync::Arc;

    /// A load that is not counted.
    pub(crate) type Guard<T> = T;

    #[derive(Debug)]
    pub(crate) struct ArcSwap<T>(loom::sync::Mutex<Arc<T>>);

    impl<T> ArcSwap<T> {
        pub(crate) fn from_pointee(value: T) -> Self {
            ArcSwap(loom::sync::Mutex::new(Arc::new(value)))
        }

        pub(crate) fn load(&self) -> Guard<Arc<T>> {
            self.load_full()
        }

        pub(crate) fn load_full(&self) -> Arc<T> {
            self.0.lock().unwrap().clone()
        }

        pub(crate) fn rcu(&self, change: impl Fn(&Arc<T>) -> T) {
            loop {
                let before = self.load_full();
                let after = Arc::new(change(&before));
                let mut current = self.0.lock().unwrap();
                if Arc::ptr_eq(&*current, &before) {
                    let old = std::mem::replace(&mut *current, after);
                    drop(current);
                    return drop(old);
                }
            }
        }
    }
}

mod model;
#[path = "../src/live/swap.rs"]
mod swap;

use loom::thread;
use model::Watched;
use swap::Swapped;
use sync::Arc;

/// The numbers of the live policy and of the shadow, 0 for none.
fn read(shared: &Swapped<Watched>) -> (u32, u32) {
    let pair = shared.load();
    (
        pair.live.number(),
        pair.shadow.as_ref().map_or(0, |shadow| shadow.number()),
    )
}

#[test]
fn two_writers_lose_nothing_and_readers_see_one_moment() {
    model::check(3, || {
        let shared = Arc::new(Swapped::new(Watched::new(1)));
        let writers = [
            thread::spawn({
                let shared = shared.clone();
                move || shared.replace(&Watched::new(2))
            }),
            thread::spawn({
                let shared = shared.clone();
                move || shared.set_shadow(&Some(Watched::new(3)))
            }),
        ];
        let (first, second) = (read(&shared), read(&shared));
        for (live, shadow) in [first, second] {
            assert!(
                matches!(live, 1 | 2) && matches!(shadow, 0 | 3),
                "{live} {shadow}"
            );
        }
        assert!(
            second.0 >= first.0 && second.1 >= first.1,
            "time goes on: {first:?} {second:?}"
        );
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        assert_eq!(read(&shared), (2, 3));
    });
}

#[test]
fn a_snapshot_outlives_the_swap_and_nothing_outlives_it() {
    model::check(4, || {
        let shared = Arc::new(Swapped::new(Watched::new(1)));
        let reader = thread::spawn({
            let shared = shared.clone();
            move || {
                let snapshot = shared.load_full();
                let before = snapshot.live.number();
                thread::yield_now();
                assert_eq!(snapshot.live.number(), before, "it is the same to the end");
            }
        });
        shared.replace(&Watched::new(2));
        shared.replace(&Watched::new(3));
        assert_eq!(read(&shared).0, 3);
        reader.join().unwrap();
        // What is still there when the model ends would be reported as a leak.
    });
}
