//! Labels in the places of a regex: which bytes they have, where they begin and end, and which
//! alternatives spell whole ones out.

use std::collections::{BTreeMap, BTreeSet};

use super::gate::Gate;
use super::program::{Bytes, Program};
use super::well_formed::{Way, WellFormed};
use crate::origin::host::is_label_byte;

pub(super) const LABEL_BYTES: Bytes = {
    let (mut set, mut byte) = (0, 0u8);
    while byte < 128 {
        if is_label_byte(byte) {
            set |= 1 << byte;
        }
        byte += 1;
    }
    set
};

pub(super) const DIGITS: Bytes = 0x3ff << b'0';
pub(super) const HEX_DIGITS: Bytes = DIGITS | 0x3f << b'a';

pub(super) fn bytes(mut set: Bytes) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let byte = set.trailing_zeros() as u8;
        (set != 0).then(|| {
            set &= set - 1;
            byte
        })
    })
}

/// Which alternatives spell whole labels out: each begins and ends where a label, the host or the
/// port does.
pub(super) fn choices(program: &Program, places: &WellFormed) -> Vec<bool> {
    let mut good = vec![true; program.branches.len()];
    let inside = inside_labels(places);
    let (mut outside_port, mut in_host) = (vec![false; good.len()], vec![false; good.len()]);
    for from in 0..places.count() as u32 {
        let gate = places.gate(from);
        let starts = gate.is_label_start() || !gate.is_host();
        for (to, way) in places.out(from) {
            match way {
                Way::BranchStart(branch) => {
                    good[*branch as usize] &= starts || !inside[*to as usize];
                    outside_port[*branch as usize] |= !gate.is_port();
                }
                Way::BranchEnd(branch) => {
                    good[*branch as usize] &= starts || !inside[*to as usize];
                    in_host[*branch as usize] |= !gate.is_scheme();
                }
                Way::Nothing | Way::Read(_) => {}
            }
        }
    }
    // All of an alternation, or none.
    let mut whole: BTreeMap<u32, bool> = BTreeMap::new();
    for (branch, good) in program.branches.iter().zip(&good) {
        *whole.entry(branch.alternation).or_insert(true) &= good;
    }
    let branches = program.branches.iter().enumerate();
    branches
        .map(|(index, branch)| whole[&branch.alternation] && outside_port[index] && in_host[index])
        .collect()
}

/// The places from which something else may be read next than what ends a label.
fn inside_labels(places: &WellFormed) -> Vec<bool> {
    let ends: Bytes = 1 << b'.' | 1 << b':' | 1 << b']';
    let goes_on = |place: &u32| {
        let mut ways = places.out(*place).iter();
        ways.any(|(_, way)| matches!(way, Way::Read(bytes) if bytes & !ends != 0))
    };
    let mut inside = vec![false; places.count()];
    let mut pending: Vec<u32> = (0..places.count() as u32).filter(goes_on).collect();
    while let Some(place) = pending.pop() {
        if !std::mem::replace(&mut inside[place as usize], true) {
            let into = places.into(place).iter();
            let unread = into.filter(|(_, way)| !matches!(way, Way::Read(_)));
            pending.extend(unread.map(|(from, _)| *from));
        }
    }
    inside
}

/// The places in labels that begin with `xn--`.
pub(super) fn encoded(places: &WellFormed) -> BTreeSet<u32> {
    let is_start = |place: &u32| places.gate(*place).is_label_start();
    let is_inner = |place: u32| matches!(places.gate(place), Gate::Name(_));
    let all = 0..places.count() as u32;
    let mut at: BTreeSet<u32> = all.filter(is_start).collect();
    for byte in b"xn--" {
        at = forward(places, at, |bytes| bytes >> byte & 1 == 1, false);
        at.retain(|place| is_inner(*place));
    }
    forward(places, at, |bytes| bytes & LABEL_BYTES != 0, true)
        .into_iter()
        .filter(|place| is_inner(*place))
        .collect()
}

/// What is reached by reading one byte, or any number of them, of a kind.
fn forward(
    places: &WellFormed,
    from: BTreeSet<u32>,
    is_read: impl Fn(Bytes) -> bool,
    repeated: bool,
) -> BTreeSet<u32> {
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    let mut pending: Vec<u32> = from.into_iter().collect();
    if repeated {
        found.extend(&pending);
    }
    while let Some(place) = pending.pop() {
        if !seen.insert(place) {
            continue;
        }
        for (to, way) in places.out(place) {
            match way {
                Way::Read(bytes) if is_read(*bytes) => {
                    found.insert(*to);
                    if repeated {
                        pending.push(*to);
                    }
                }
                Way::Read(_) => {}
                _ => {
                    if repeated {
                        found.insert(*to);
                    }
                    pending.push(*to);
                }
            }
        }
    }
    found
}
