//! Preflights whose answers are remembered. The browsers of one site send the same few preflights
//! all day.
//!
//! An entry is keyed by the values that its decision depends on, which the decision says itself
//! ([`Dependencies`]). A request that is not remembered is decided as usual, so the cache changes
//! nothing but the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::{ArcSwapOption, Guard};
use crossgate::{Decision, Dependencies, OwnedDecision, Policy};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::start_message::with_headers;
use crate::convert::request::{COUNT, HeaderLines};

/// Each preflight has the slot of the length of its values. One more slot is for preflights whose
/// list of header names exceeds the policy's limit.
const SLOTS: usize = 8;

/// A preflight takes the slot of another only once in so many that are not remembered. So two
/// preflights that share a slot, and a flood of new ones, seldom pay for a copy, and a few new ones
/// do not displace what is remembered. An empty slot is taken at once.
const TURN: usize = 16;

/// A longer list of names is not remembered. No page asks for so many.
const MOST_BYTES_OF_NAMES: usize = 1024;

/// The remembered preflights of one policy.
pub(crate) struct PreflightCache {
    slots: [ArcSwapOption<Remembered>; SLOTS + 1],
    misses: AtomicUsize,
    /// All longer lists of names are alike to the policy.
    names_limit: usize,
}

/// A preflight and its answer.
pub(crate) struct Remembered {
    key: Key<Py<PyBytes>>,
    depends_on: Dependencies,
    pub(crate) decision: OwnedDecision,
    message: Py<PyDict>,
    headers: Py<PyList>,
}

/// The values of a preflight, in the order of `Request::NAMES`.
struct Key<T> {
    values: [Option<T>; COUNT],
    /// The list of names exceeds the limit, so its value does not count.
    names_too_long: bool,
}

/// The places of the values in a key.
const ORIGIN: usize = 0;
const ACRM: usize = 1;
const ACRH: usize = 2;

/// Which values of a key count.
fn counting(depends_on: Dependencies) -> [bool; COUNT] {
    [
        depends_on.origin(),
        depends_on.acrm(),
        depends_on.acrh(),
        depends_on.acrpn(),
        depends_on.sec_fetch_site(),
    ]
}

impl PreflightCache {
    pub(crate) fn new(policy: &Policy) -> Self {
        PreflightCache {
            slots: [const { ArcSwapOption::const_empty() }; SLOTS + 1],
            misses: AtomicUsize::new(0),
            names_limit: policy.request_headers_limit().unwrap_or(usize::MAX),
        }
    }

    /// The key of a request with method OPTIONS, if it is a preflight and each header came once and
    /// in bytes; and its slot.
    fn key<'a>(
        &self,
        py: Python<'_>,
        lines: &'a HeaderLines,
    ) -> Option<(Key<&'a Py<PyBytes>>, usize)> {
        let values = lines.single_bytes()?;
        let length = |place: usize| values[place].map_or(0, |value| value.as_bytes(py).len());
        if values[ORIGIN].is_none() || values[ACRM].is_none() {
            return None;
        }
        let names_too_long = length(ACRH) > self.names_limit;
        let slot = if names_too_long {
            SLOTS
        } else {
            (length(ORIGIN) + length(ACRM) + length(ACRH)) % SLOTS
        };
        let key = Key {
            values,
            names_too_long,
        };
        Some((key, slot))
    }

    /// The remembered answer to a request with method OPTIONS.
    #[inline(never)]
    pub(crate) fn find(
        &self,
        py: Python<'_>,
        lines: &HeaderLines,
    ) -> Option<Guard<Option<Arc<Remembered>>>> {
        let (key, slot) = self.key(py, lines)?;
        let known = self.slots[slot].load();
        let is_known = known.as_ref().is_some_and(|known| known.is(py, &key));
        is_known.then_some(known)
    }

    /// Remembers the answer to a preflight, if it is worth it.
    #[inline(never)]
    pub(crate) fn remember(
        &self,
        py: Python<'_>,
        lines: &HeaderLines,
        decision: &Decision<'_>,
        message: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let Some((key, slot)) = self.key(py, lines) else {
            return Ok(());
        };
        let depends_on = decision.depends_on();
        let names = key.values[ACRH].map_or(0, |names| names.as_bytes(py).len());
        let is_worth_it = if key.names_too_long {
            depends_on.acrh()
        } else {
            decision.allowed() == Some(true) && names <= MOST_BYTES_OF_NAMES
        };
        if !is_worth_it || depends_on.verdict() {
            return Ok(());
        }
        let slot = &self.slots[slot];
        let turn = self.misses.fetch_add(1, Ordering::Relaxed);
        if !turn.is_multiple_of(TURN) && slot.load().is_some() {
            return Ok(());
        }
        let Some(Ok(headers)) = message
            .get_item(intern!(py, "headers"))?
            .map(Bound::cast_into::<PyList>)
        else {
            return Ok(());
        };
        let mut values = [const { None }; COUNT];
        for (place, counts) in counting(depends_on).into_iter().enumerate() {
            if counts && !(place == ACRH && key.names_too_long) {
                values[place] = key.values[place].map(|value| value.clone_ref(py));
            }
        }
        let remembered = Remembered {
            key: Key {
                values,
                names_too_long: key.names_too_long,
            },
            depends_on,
            decision: decision.to_owned_decision(),
            message: message.copy()?.unbind(),
            headers: headers.get_slice(0, headers.len()).unbind(),
        };
        drop(slot.swap(Some(Arc::new(remembered))));
        Ok(())
    }
}

impl Remembered {
    /// Whether the answer to a request with this key is this one.
    fn is(&self, py: Python<'_>, key: &Key<&Py<PyBytes>>) -> bool {
        let is_same = |place: usize| match (&self.key.values[place], key.values[place]) {
            (Some(one), Some(other)) => one.as_bytes(py) == other.as_bytes(py),
            (None, None) => true,
            _ => false,
        };
        self.key.names_too_long == key.names_too_long
            && counting(self.depends_on)
                .into_iter()
                .enumerate()
                .all(|(place, counts)| {
                    !counts || (place == ACRH && key.names_too_long) || is_same(place)
                })
    }

    /// A new first message of the answer.
    pub(crate) fn message<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let headers = self.headers.bind(py);
        with_headers(self.message.bind(py), headers.get_slice(0, headers.len()))
    }
}
