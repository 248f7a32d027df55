//! Decisions counted by reason.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::decide::Decision;
use crate::fetch::reason::Reason;

/// Counts decisions by reason. Cheap and without locks; any number of threads may record at once,
/// and seldom meet: each counts in one of 16 places (2 KiB in all), and reading adds them up. A
/// policy does not count by itself: a server that wants numbers keeps counters beside it, or gives
/// them to its middleware.
///
/// ```
/// use crossgate::{Counters, Policy, Reason, Request};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// let counters = Counters::new();
/// counters.record(&policy.evaluate(&Request::new("GET").header("Origin", b"null")));
/// assert_eq!(counters.get(Reason::OriginNull), 1);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
pub struct Counters {
    shards: [Shard; SHARDS],
}

const SHARDS: usize = 16;

/// Threads that write to one line of the cache wait for each other; processors fetch lines in
/// pairs.
#[repr(align(128))]
struct Shard {
    reasons: [AtomicU64; Reason::ALL.len()],
    overwrote: AtomicU64,
    regex_step_limit: AtomicU64,
    predicate_failed: AtomicU64,
}

/// The place of this thread. The cell has nothing to drop, so nothing is left behind for a thread.
#[inline]
fn shard() -> usize {
    thread_local! {
        static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    #[cold]
    fn assign() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let shard = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
        SHARD.set(shard);
        shard
    }
    let shard = SHARD.get();
    if shard < SHARDS { shard } else { assign() }
}

impl Counters {
    /// All zero.
    pub const fn new() -> Self {
        Counters {
            shards: [const {
                Shard {
                    reasons: [const { AtomicU64::new(0) }; Reason::ALL.len()],
                    overwrote: AtomicU64::new(0),
                    regex_step_limit: AtomicU64::new(0),
                    predicate_failed: AtomicU64::new(0),
                }
            }; SHARDS],
        }
    }

    /// Counts a decision.
    #[inline]
    pub fn record(&self, decision: &Decision<'_>) {
        self.add(decision.reason());
        if decision.hit_regex_step_limit() {
            self.add_regex_step_limit();
        }
    }

    /// Counts a decision for which a regex ran out of steps
    /// ([`Decision::hit_regex_step_limit`]).
    #[cold]
    pub fn add_regex_step_limit(&self) {
        self.shards[shard()]
            .regex_step_limit
            .fetch_add(1, Ordering::Relaxed);
    }

    /// For how many decisions a regex with look-around or back references ran out of steps. Many of
    /// them are an attack, or a regex that should be written without.
    pub fn regex_step_limit(&self) -> u64 {
        let count = |shard: &Shard| shard.regex_step_limit.load(Ordering::Relaxed);
        self.shards.iter().map(count).sum()
    }

    /// Counts a question about an origin that the application did not answer: its function failed,
    /// took too long, or answered what means nothing. The decision's reason is
    /// [`Reason::OriginNotListed`].
    #[cold]
    pub fn add_predicate_failed(&self) {
        self.shards[shard()]
            .predicate_failed
            .fetch_add(1, Ordering::Relaxed);
    }

    /// How many questions about an origin the application did not answer. Many of them are a
    /// database that is away, rather than strangers.
    pub fn predicate_failed(&self) -> u64 {
        let count = |shard: &Shard| shard.predicate_failed.load(Ordering::Relaxed);
        self.shards.iter().map(count).sum()
    }

    /// Counts a reason.
    #[inline]
    pub fn add(&self, reason: Reason) {
        self.shards[shard()].reasons[reason.number()].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a response whose own CORS headers the policy replaced or removed
    /// (`overwrote_upstream`).
    #[inline]
    pub fn add_overwrote_upstream(&self) {
        self.shards[shard()]
            .overwrote
            .fetch_add(1, Ordering::Relaxed);
    }

    /// How many responses had CORS headers of their own that the policy replaced or removed.
    pub fn overwrote_upstream(&self) -> u64 {
        let count = |shard: &Shard| shard.overwrote.load(Ordering::Relaxed);
        self.shards.iter().map(count).sum()
    }

    /// How many decisions had this reason.
    pub fn get(&self, reason: Reason) -> u64 {
        self.shards
            .iter()
            .map(|shard| shard.reasons[reason.number()].load(Ordering::Relaxed))
            .sum()
    }

    /// Every reason with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL
            .iter()
            .copied()
            .map(|reason| (reason, self.get(reason)))
    }

    /// The counts as Prometheus text (and OpenMetrics but for its `# EOF`): the counter
    /// `crossgate_decisions_total` with the label `reason`, every reason, also those that are 0.
    /// And `crossgate_regex_step_limit_total` and
    /// `crossgate_predicate_failed_total`. Nothing of a request is in it.
    pub fn to_prometheus(&self) -> String {
        let mut text = String::from(
            "# HELP crossgate_decisions_total CORS decisions by reason.\n# TYPE \
                crossgate_decisions_total counter\n",
        );
        for (reason, count) in self.iter() {
            let _ = writeln!(
                text,
                "crossgate_decisions_total{{reason=\"{reason}\"}} {count}"
            );
        }
        for (name, help, count) in [
            (
                "regex_step_limit",
                "Regexes that ran out of steps.",
                self.regex_step_limit(),
            ),
            (
                "predicate_failed",
                "Origins that the application was asked about and did not answer for.",
                self.predicate_failed(),
            ),
        ] {
            let _ = write!(
                text,
                "# HELP crossgate_{name}_total {help}\n# TYPE crossgate_{name}_total \
                    counter\ncrossgate_{name}_total {count}\n"
            );
        }
        text
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(reason, count)| (reason.as_str(), count)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_its_own_index() {
        assert!(
            Reason::ALL
                .iter()
                .copied()
                .enumerate()
                .all(|(index, reason)| reason as usize == index)
        );
    }

    #[test]
    fn prometheus_text_has_every_reason() {
        let counters = Counters::new();
        counters.add(Reason::Allowed);
        let text = counters.to_prometheus();
        assert!(text.contains("crossgate_decisions_total{reason=\"allowed\"} 1\n"));
        assert_eq!(text.lines().count(), 2 + Reason::ALL.len() + 2 * 3);
        counters.add_regex_step_limit();
        counters.add_predicate_failed();
        counters.add_predicate_failed();
        let text = counters.to_prometheus();
        assert!(text.contains("\ncrossgate_regex_step_limit_total 1\n"));
        assert!(text.ends_with("\ncrossgate_predicate_failed_total 2\n"));
    }

    #[test]
    fn threads_lose_no_count() {
        static COUNTERS: Counters = Counters::new();
        // More threads than places, so that some share one.
        std::thread::scope(|scope| {
            for thread in 0..2 * SHARDS {
                scope.spawn(move || {
                    (0..5_000).for_each(|_| COUNTERS.add(Reason::ALL[thread % 2]));
                    let mine = COUNTERS.get(Reason::ALL[thread % 2]);
                    assert!(
                        mine >= 5_000 && COUNTERS.get(Reason::ALL[thread % 2]) >= mine,
                        "counts never fall"
                    );
                });
            }
        });
        let each = 5_000 * SHARDS as u64;
        assert_eq!(
            COUNTERS.iter().map(|(_, count)| count).collect::<Vec<_>>()[..3],
            [each, each, 0]
        );
    }
}
