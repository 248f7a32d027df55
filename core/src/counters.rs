//! Decisions counted by reason.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::decision::{Decision, Reason};

/// Counts decisions by reason. Cheap and without locks; several threads may record at once. A policy does not count by
/// itself: a host that wants numbers keeps counters beside it.
///
/// ```
/// use crossgate::{Counters, Policy, Reason, Request};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// let counters = Counters::new();
/// counters.record(&policy.evaluate(&Request::new("GET").header("Origin", b"null")));
/// assert_eq!(counters.get(Reason::OriginNull), 1);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Debug, Default)]
pub struct Counters {
    counts: [AtomicU64; Reason::ALL.len()],
}

impl Counters {
    /// All zero.
    pub const fn new() -> Self {
        Counters { counts: [const { AtomicU64::new(0) }; Reason::ALL.len()] }
    }

    /// Counts a decision.
    pub fn record(&self, decision: &Decision<'_>) {
        self.add(decision.reason());
    }

    /// Counts a reason.
    pub fn add(&self, reason: Reason) {
        self.counts[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many decisions had this reason.
    pub fn get(&self, reason: Reason) -> u64 {
        self.counts[reason as usize].load(Ordering::Relaxed)
    }

    /// Every reason with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().map(|reason| (reason, self.get(reason)))
    }

    /// The counts as Prometheus text.
    pub fn to_prometheus(&self) -> String {
        let mut text = String::from("# HELP crossgate_decisions_total CORS decisions by reason.\n# TYPE crossgate_decisions_total counter\n");
        for (reason, count) in self.iter() {
            let _ = writeln!(text, "crossgate_decisions_total{{reason=\"{reason}\"}} {count}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_its_own_index() {
        assert!(Reason::ALL.into_iter().enumerate().all(|(index, reason)| reason as usize == index));
    }

    #[test]
    fn prometheus_text_has_every_reason() {
        let counters = Counters::new();
        counters.add(Reason::Allowed);
        let text = counters.to_prometheus();
        assert!(text.contains("crossgate_decisions_total{reason=\"allowed\"} 1\n"));
        assert_eq!(text.lines().count(), 2 + Reason::ALL.len());
    }
}
