//! The CPU time that a thread spends. What else the machine does is not in it, so growth can be
//! compared on a busy machine, too.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time that this thread has spent until now.
pub(crate) fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).expect("a thread's time begins at 0"),
        u32::try_from(time.tv_nsec).expect("less than a second"),
    )
}

/// What `work` takes, the least of three rounds.
pub(crate) fn least(mut work: impl FnMut()) -> Duration {
    (0..3)
        .map(|_| {
            let before = spent();
            work();
            spent() - before
        })
        .min()
        .unwrap_or_default()
}
