//! The slot of the C library in every interleaving of its threads, memory that is not in order included (loom). The
//! model finds what is used after it was freed, and what is never freed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

/// The slot's parts, as the model checker has them.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicUsize};
    pub(crate) use loom::sync::{Arc, Mutex};
    pub(crate) use loom::thread::yield_now;
}

#[path = "../src/slot.rs"]
mod slot;

use loom::cell::UnsafeCell;
use loom::thread;

use slot::Slot;
use sync::Arc;

/// Written when it is made and when it is dropped: a reader at the same time is a race that the model reports.
struct Value(UnsafeCell<u32>);

// SAFETY: the cell is written only by whoever has the value alone; the model checks that.
unsafe impl Sync for Value {}

impl Value {
    fn new(number: u32) -> Arc<Self> {
        Arc::new(Value(UnsafeCell::new(number)))
    }

    fn number(&self) -> u32 {
        // SAFETY: nobody writes while the value is shared; the model checks that.
        self.0.with(|number| unsafe { *number })
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: the last reference is being dropped.
        self.0.with_mut(|number| unsafe { *number = 0 });
    }
}

fn model(bound: usize, check: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(bound);
    model.check(check);
}

fn read(slot: &Slot<Value>) -> u32 {
    slot.load().map_or(0, |value| value.number())
}

#[test]
fn a_reader_and_a_writer() {
    model(5, || {
        let slot = Arc::new(Slot::new(Some(Value::new(1))));
        let reader = {
            let slot = slot.clone();
            thread::spawn(move || {
                let (first, second) = (read(&slot), read(&slot));
                assert!(matches!((first, second), (1, 1 | 2) | (2, 2)), "{first} {second}");
            })
        };
        slot.swap(Some(Value::new(2)));
        assert_eq!(read(&slot), 2);
        reader.join().unwrap();
    });
}

#[test]
fn two_readers_and_a_writer() {
    model(3, || {
        let slot = Arc::new(Slot::new(Some(Value::new(1))));
        let readers = [(); 2].map(|()| {
            let slot = slot.clone();
            thread::spawn(move || assert!(matches!(read(&slot), 1 | 2)))
        });
        slot.swap(Some(Value::new(2)));
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        assert_eq!(read(&slot), 2);
    });
}

#[test]
fn two_writers_and_a_reader() {
    model(2, || {
        let slot = Arc::new(Slot::new(None));
        let writer = {
            let slot = slot.clone();
            thread::spawn(move || slot.swap(Some(Value::new(1))))
        };
        let reader = {
            let slot = slot.clone();
            thread::spawn(move || assert!(matches!(read(&slot), 0..=2)))
        };
        slot.swap(Some(Value::new(2)));
        writer.join().unwrap();
        reader.join().unwrap();
        assert!(matches!(read(&slot), 1 | 2));
    });
}

#[test]
fn a_snapshot_outlives_the_slot() {
    model(5, || {
        let slot = Arc::new(Slot::new(Some(Value::new(1))));
        let reader = {
            let slot = slot.clone();
            thread::spawn(move || slot.load())
        };
        slot.swap(None);
        drop(slot);
        assert!(matches!(reader.join().unwrap().map_or(0, |value| value.number()), 0 | 1));
    });
}
