//! A regex as an automaton that reads from the end of the origin to its start.

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

use super::state_set::StateSet;
use crate::origin::host::is_label_byte;

/// States that are looked at before a regex counts as "too many hosts to list": for hosts, for what
/// stands below a registrable domain, and for schemes. More than a list of names has whose text is
/// not refused for its length.
pub(super) const BUDGET: usize = 100_000;

/// A range of as many neighbouring bytes is a class ("any letter"), not a list of alternatives.
pub(super) const CLASS_WIDTH: u8 = 5;

/// Which transitions of a step count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Narrow,
    Wide,
    Both,
}

/// The regex as an automaton that reads from the end to the start.
pub(super) struct ReverseNfa {
    nfa: NFA,
    /// The ways into each state.
    before: Vec<Vec<Edge>>,
}

impl ReverseNfa {
    pub(super) fn new(nfa: NFA) -> Self {
        let mut backward = ReverseNfa {
            before: Vec::new(),
            nfa,
        };
        let mut before: Vec<Vec<Edge>> = std::iter::repeat_with(Vec::new)
            .take(backward.nfa.states().len())
            .collect();
        for from in (0..before.len()).filter_map(|index| StateID::new(index).ok()) {
            backward.empty_moves(from, |next| {
                before[next.as_usize()].push(Edge { from, bytes: None })
            });
            backward.byte_moves(from, |start, end, next| {
                before[next.as_usize()].push(Edge {
                    from,
                    bytes: Some((start, end)),
                })
            });
        }
        backward.before = before;
        backward
    }

    pub(super) fn start(&self) -> StateSet {
        self.closure([self.nfa.start_anchored()])
    }

    /// Everything reachable without reading. Anchors and boundaries count as met.
    pub(super) fn closure(&self, from: impl IntoIterator<Item = StateID>) -> StateSet {
        let mut states = StateSet::default();
        let mut pending: Vec<StateID> = from.into_iter().collect();
        while let Some(id) = pending.pop() {
            if states.insert(id) {
                self.empty_moves(id, |next| pending.push(next));
            }
        }
        states
    }

    pub(super) fn empty_moves(&self, id: StateID, mut each: impl FnMut(StateID)) {
        match self.nfa.state(id) {
            State::Look { next, .. } | State::Capture { next, .. } => each(*next),
            State::Union { alternates } => alternates.iter().copied().for_each(each),
            State::BinaryUnion { alt1, alt2 } => {
                each(*alt1);
                each(*alt2);
            }
            State::ByteRange { .. }
            | State::Sparse(_)
            | State::Dense(_)
            | State::Fail
            | State::Match { .. } => {}
        }
    }

    pub(super) fn byte_moves(&self, id: StateID, mut each: impl FnMut(u8, u8, StateID)) {
        match self.nfa.state(id) {
            State::ByteRange { trans } => each(trans.start, trans.end, trans.next),
            State::Sparse(sparse) => sparse
                .transitions
                .iter()
                .for_each(|t| each(t.start, t.end, t.next)),
            State::Dense(dense) => {
                dense
                    .transitions
                    .iter()
                    .zip(0..=255u8)
                    .for_each(|(next, byte)| {
                        if *next != StateID::ZERO {
                            each(byte, byte, *next);
                        }
                    })
            }
            _ => {}
        }
    }

    pub(super) fn step(&self, states: &StateSet, byte: u8, width: Width) -> StateSet {
        let mut next = Vec::new();
        for id in states.iter() {
            self.byte_moves(id, |start, end, target| {
                let wide = end - start >= CLASS_WIDTH - 1;
                let counts = match width {
                    Width::Both => true,
                    Width::Wide => wide,
                    Width::Narrow => !wide,
                };
                if counts && (start..=end).contains(&byte) {
                    next.push(target);
                }
            });
        }
        self.closure(next)
    }

    /// The ASCII bytes whose transitions, of a width, lead from one of `states` into `targets`.
    /// Where `targets` holds whatever leads into it by reading nothing, these are the bytes after
    /// which the way goes on there.
    pub(super) fn bytes(&self, states: &StateSet, width: Width, targets: &StateSet) -> Vec<u8> {
        let mut found = [false; 128];
        for id in states.iter() {
            self.byte_moves(id, |start, end, target| {
                let counts = (end - start >= CLASS_WIDTH - 1) == (width == Width::Wide);
                if counts && targets.contains(target) {
                    found
                        .iter_mut()
                        .take(usize::from(end) + 1)
                        .skip(usize::from(start))
                        .for_each(|found| *found = true);
                }
            });
        }
        (0..128).filter(|b| found[usize::from(*b)]).collect()
    }

    pub(super) fn read(&self, states: &StateSet, bytes: impl IntoIterator<Item = u8>) -> StateSet {
        bytes.into_iter().fold(states.clone(), |states, byte| {
            self.step(&states, byte, Width::Both)
        })
    }

    /// Everything reachable by reading bytes of a kind, any number of times.
    pub(super) fn loops(&self, states: &StateSet, kind: impl Fn(u8) -> bool) -> StateSet {
        let mut all = states.clone();
        let mut pending: Vec<StateID> = states.iter().collect();
        while let Some(id) = pending.pop() {
            let mut next = Vec::new();
            self.empty_moves(id, |target| next.push(target));
            self.byte_moves(id, |start, end, target| {
                if (start..=end).any(&kind) {
                    next.push(target);
                }
            });
            pending.extend(next.into_iter().filter(|state| all.insert(*state)));
        }
        all
    }

    /// The states in front of a port, digits and colon read.
    pub(super) fn before_port(&self, end: &StateSet) -> StateSet {
        self.step(&self.loops(end, |b| b.is_ascii_digit()), b':', Width::Both)
    }

    /// The schemes that the regex spells out in front of any host; `None` if they are too many to
    /// list.
    pub(super) fn schemes(&self, end: &StateSet) -> Option<Vec<String>> {
        let is_host = |b: u8| is_label_byte(b) || b == b'.' || b.is_ascii_uppercase();
        let mut hosts = self.loops(end, is_host);
        hosts.extend(self.loops(&self.before_port(end), is_host).iter());
        let front = self.read(&hosts, *b"//:");
        let (mut found, mut pending, mut budget) =
            (Vec::new(), vec![(front, String::new())], BUDGET);
        while let Some((states, scheme)) = pending.pop() {
            budget = budget.checked_sub(states.len().max(1))?;
            if !scheme.is_empty() && self.is_match(&states) {
                found.push(scheme.clone());
            }
            let bytes = (b'+'..=b'z')
                .filter(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'));
            for (byte, next) in bytes
                .map(|byte| (byte, self.step(&states, byte, Width::Narrow)))
                .filter(|(_, next)| !next.is_empty() && scheme.len() < 64)
            {
                pending.push((next, format!("{}{scheme}", char::from(byte))));
            }
        }
        Some(found)
    }

    pub(super) fn is_match(&self, states: &StateSet) -> bool {
        states
            .iter()
            .any(|id| matches!(self.nfa.state(id), State::Match { .. }))
    }

    /// The states from which `text`, read backwards, is the rest of the origin.
    pub(super) fn opening(&self, text: &str) -> StateSet {
        let mut states = StateSet::default();
        for index in 0..self.before.len() {
            let Ok(id) = StateID::new(index) else {
                continue;
            };
            if matches!(self.nfa.state(id), State::Match { .. }) {
                states.insert(id);
            }
        }
        self.widen(&mut states, |_| false);
        for byte in text.bytes() {
            let mut before = StateSet::default();
            for state in states.iter() {
                before.extend(
                    self.before[state.as_usize()]
                        .iter()
                        .filter(|edge| edge.reads(|b| b == byte))
                        .map(|edge| edge.from),
                );
            }
            states = before;
            self.widen(&mut states, |_| false);
        }
        states
    }

    /// The states from which a host can go on and end in front of `scheme://`.
    pub(super) fn completing(&self, scheme: &str) -> StateSet {
        let mut states = self.opening(&format!("{scheme}://"));
        self.widen(&mut states, |b| {
            is_label_byte(b) || b == b'.' || b.is_ascii_uppercase()
        });
        states
    }

    /// Adds every state from which one of `states` is reached by bytes of a kind or by reading
    /// nothing.
    pub(super) fn widen(&self, states: &mut StateSet, kind: impl Fn(u8) -> bool) {
        let mut pending: Vec<StateID> = states.iter().collect();
        while let Some(id) = pending.pop() {
            for edge in &self.before[id.as_usize()] {
                if (edge.bytes.is_none() || edge.reads(&kind)) && states.insert(edge.from) {
                    pending.push(edge.from);
                }
            }
        }
    }
}

/// A way into a state: from where, reading what.
pub(super) struct Edge {
    from: StateID,
    bytes: Option<(u8, u8)>,
}

impl Edge {
    pub(super) fn reads(&self, kind: impl Fn(u8) -> bool) -> bool {
        self.bytes
            .is_some_and(|(start, end)| (start..=end).any(kind))
    }
}
