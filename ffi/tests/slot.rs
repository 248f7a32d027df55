//! The slot of the C library in every interleaving of its threads, memory that is not in order
//! included (loom). The model finds what is used after it was freed, and what is never freed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

/// The slot's parts, as the model checker has them.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicUsize};
    pub(crate) use loom::sync::{Arc, Mutex};
    pub(crate) use loom::thread::yield_now;
}

#[path = "../../core/tests/model/mod.rs"]
mod model;
#[path = "../src/slot.rs"]
mod slot;

use loom::thread;

use model::Watched;
use slot::Slot;
use sync::Arc;

fn read(slot: &Slot<Watched>) -> u32 {
    slot.load().map_or(0, |value| value.number())
}

#[test]
fn a_reader_and_a_writer() {
    model::check(5, || {
        let slot = Arc::new(Slot::new(Some(Watched::new(1))));
        let reader = {
            let slot = slot.clone();
            thread::spawn(move || {
                let (first, second) = (read(&slot), read(&slot));
                assert!(
                    matches!((first, second), (1, 1 | 2) | (2, 2)),
                    "{first} {second}"
                );
            })
        };
        slot.swap(Some(Watched::new(2)));
        assert_eq!(read(&slot), 2);
        reader.join().unwrap();
    });
}

#[test]
fn two_readers_and_a_writer() {
    model::check(3, || {
        let slot = Arc::new(Slot::new(Some(Watched::new(1))));
        let readers = [(); 2].map(|()| {
            let slot = slot.clone();
            thread::spawn(move || assert!(matches!(read(&slot), 1 | 2)))
        });
        slot.swap(Some(Watched::new(2)));
        readers
            .into_iter()
            .for_each(|reader| reader.join().unwrap());
        assert_eq!(read(&slot), 2);
    });
}

#[test]
fn two_writers_and_a_reader() {
    model::check(2, || {
        let slot = Arc::new(Slot::new(None));
        let writer = {
            let slot = slot.clone();
            thread::spawn(move || slot.swap(Some(Watched::new(1))))
        };
        let reader = {
            let slot = slot.clone();
            thread::spawn(move || assert!(matches!(read(&slot), 0..=2)))
        };
        slot.swap(Some(Watched::new(2)));
        writer.join().unwrap();
        reader.join().unwrap();
        assert!(matches!(read(&slot), 1 | 2));
    });
}

#[test]
fn a_snapshot_outlives_the_slot() {
    model::check(5, || {
        let slot = Arc::new(Slot::new(Some(Watched::new(1))));
        let reader = {
            let slot = slot.clone();
            thread::spawn(move || slot.load())
        };
        slot.swap(None);
        drop(slot);
        assert!(matches!(
            reader.join().unwrap().map_or(0, |value| value.number()),
            0 | 1
        ));
    });
}
