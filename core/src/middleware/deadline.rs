//! A time limit for what the application is asked, without a runtime: one thread for the whole
//! process wakes the tasks whose time is over. It starts with the first that waits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// When it is over, and a number that tells two of one moment apart.
type Key = (Instant, u64);

struct Waiting {
    wakers: BTreeMap<Key, Waker>,
    has_thread: bool,
}

static WAITING: Mutex<Waiting> = Mutex::new(Waiting {
    wakers: BTreeMap::new(),
    has_thread: false,
});
static CHANGED: Condvar = Condvar::new();

// Nothing panics while it is held.
fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A moment that a task waits for, beside something better. `None`: it never comes.
#[derive(Debug)]
pub(crate) struct Deadline(Option<Key>);

impl Deadline {
    /// From now on.
    pub(crate) fn after(time: Duration) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let end = Instant::now().checked_add(time);
        Deadline(end.map(|end| (end, NEXT.fetch_add(1, Ordering::Relaxed))))
    }

    /// Whether the time is over; if not, the task is woken when it is.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let Some(key) = self.0 else {
            return Poll::Pending;
        };
        if key.0 <= Instant::now() {
            return Poll::Ready(());
        }
        let mut waiting = waiting();
        waiting.wakers.insert(key, context.waker().clone());
        let is_first = waiting.wakers.keys().next() == Some(&key);
        if !waiting.has_thread {
            // Without a thread (there are systems that have none) nobody is woken.
            let thread = std::thread::Builder::new().name("crossgate-deadlines".to_owned());
            waiting.has_thread = thread.spawn(wake_in_time).is_ok();
        }
        drop(waiting);
        if is_first {
            CHANGED.notify_one();
        }
        Poll::Pending
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let waker = self.0.and_then(|key| waiting().wakers.remove(&key));
        // What dropping a waker does is the runtime's business, so the lock is released before.
        drop(waker);
    }
}

/// What the thread does, for as long as the process lives.
fn wake_in_time() {
    let mut guard = waiting();
    loop {
        let now = Instant::now();
        match guard.wakers.first_entry() {
            Some(first) if first.key().0 <= now => {
                let waker = first.remove();
                drop(guard);
                waker.wake();
                guard = waiting();
            }
            Some(first) => {
                let time = first.key().0 - now;
                guard = CHANGED
                    .wait_timeout(guard, time)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            None => guard = CHANGED.wait(guard).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;
    use std::thread::{self, Thread};

    use super::*;

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    /// Waits until the deadline has woken this thread.
    fn wait_for(deadline: &Deadline) {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        while deadline.poll(&mut Context::from_waker(&waker)).is_pending() {
            thread::park();
        }
    }

    #[test]
    fn who_waits_is_woken_and_not_before() {
        thread::scope(|scope| {
            for milliseconds in [30, 10, 20, 0] {
                scope.spawn(move || {
                    let time = Duration::from_millis(milliseconds);
                    let start = Instant::now();
                    wait_for(&Deadline::after(time));
                    assert!(start.elapsed() >= time);
                });
            }
        });
    }

    #[test]
    fn what_is_given_up_leaves_nothing_behind() {
        let deadline = Deadline::after(Duration::from_secs(3600));
        let key = deadline.0.unwrap();
        let pending = deadline.poll(&mut Context::from_waker(Waker::noop()));
        assert!(pending.is_pending() && waiting().wakers.contains_key(&key));
        drop(deadline);
        assert!(!waiting().wakers.contains_key(&key));
    }

    #[test]
    fn a_time_without_end_never_comes() {
        let deadline = Deadline::after(Duration::MAX);
        assert!(
            deadline
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }
}
