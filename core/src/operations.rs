//! The operations of a decision (set, merge, remove) carried out on a response's headers: the one
//! place for every kind of table, a host's own as well as those of tower and actix.

use crate::headers::{HeaderName, Op};
use crate::vary::merge_lines;

/// A response's headers. `V` is a value of the decision in the form in which the table takes it.
pub(crate) trait Target<V> {
    /// Whether there is a line of the name.
    fn has(&self, name: HeaderName) -> bool;
    /// Every line of the name.
    fn lines(&self, name: HeaderName) -> impl Iterator<Item: AsRef<[u8]>>;
    /// Replaces every line of the name by one.
    fn set(&mut self, name: HeaderName, value: V);
    /// The same with names that were merged.
    fn set_merged(&mut self, name: HeaderName, merged: Vec<u8>);
    /// Removes every line of the name.
    fn remove(&mut self, name: HeaderName);
}

/// Removes, then sets and merges. Returns whether that replaced or removed something that the
/// application or an upstream had said. A response that is to be kept and has
/// `Access-Control-Allow-Origin` is left whole, `Vary` aside.
pub(crate) fn apply<V: AsRef<[u8]>>(
    target: &mut impl Target<V>,
    keeps_upstream: bool,
    remove: impl IntoIterator<Item = HeaderName>,
    lines: impl IntoIterator<Item = (HeaderName, Op, V)>,
) -> bool {
    if keeps_upstream && target.has(HeaderName::AllowOrigin) {
        lines
            .into_iter()
            .filter(|(name, ..)| *name == HeaderName::Vary)
            .for_each(|(name, _, value)| merge(target, name, value));
        return false;
    }
    let mut overwrote = false;
    for name in remove {
        if target.has(name) {
            overwrote = true;
            target.remove(name);
        }
    }
    for (name, op, value) in lines {
        match op {
            Op::Merge => merge(target, name, value),
            Op::Set => {
                overwrote |= target
                    .lines(name)
                    .any(|line| line.as_ref() != value.as_ref());
                target.set(name, value);
            }
        }
    }
    overwrote
}

/// Adds names to those that the response has, each once.
pub(crate) fn merge<V: AsRef<[u8]>>(target: &mut impl Target<V>, name: HeaderName, value: V) {
    if !target.has(name) {
        return target.set(name, value);
    }
    let merged = {
        let existing: Vec<_> = target.lines(name).collect();
        // As the policy writes it, its separator too.
        if let [line] = &*existing
            && line.as_ref() == value.as_ref()
        {
            return;
        }
        merge_lines(
            existing.iter().map(AsRef::as_ref),
            value.as_ref(),
            name == HeaderName::Vary,
        )
    };
    target.set_merged(name, merged);
}
