//! A regex laid over the grammar gate: exactly the origins that pass the gate and that the regex
//! matches. From it follows what a regex lets in, and whether it lets anything in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use regex_syntax::ast::AssertionKind;

use super::gate::{Gate, Host, Kind};
use super::program::{Bytes, Look, Program, State};
use crate::origin::host::MAX_HOST;
use crate::origin::serialized::MAX_ORIGIN;

/// Places that are looked at before a regex counts as one of which nothing is known.
const MAX_PLACES: usize = 300_000;

/// So with ways between them.
const MAX_WAYS: usize = 4 * MAX_PLACES;

/// The steps that are taken at most, to lay a regex over the gate twice: places, and ways between
/// them.
pub(super) const STEPS: usize = 2 * (MAX_PLACES + MAX_WAYS);

/// So many states can ask for a label, a host or an origin that is too long.
const LONG: usize = 63;

/// What may be next.
const WORD: u8 = 1;
const NO_WORD: u8 = 2;
const END: u8 = 4;
const ANYTHING: u8 = WORD | NO_WORD | END;

/// The bytes of words.
const WORD_BYTES: Bytes = {
    let (mut set, mut byte) = (0, 0u8);
    while byte < 128 {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            set |= 1 << byte;
        }
        byte += 1;
    }
    set
};

/// The number of the gate's first state.
const START: u32 = 0;

/// A state of the regex and of the gate after the same bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    state: u32,
    /// Its number among the states of the gate.
    gate: u32,
    /// The last byte was one of a word, where the regex asks.
    after_word: bool,
    /// What the conditions on the way let follow.
    allowed: u8,
}

impl Place {
    /// The place as one number: fewer than 2^24 states are let in.
    fn key(self) -> u64 {
        u64::from(self.gate) << 32
            | u64::from(self.state) << 4
            | u64::from(self.after_word) << 3
            | u64::from(self.allowed)
    }
}

/// What leads from one place to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Nothing,
    BranchStart(u32),
    BranchEnd(u32),
    Read(Bytes),
}

/// The ways that begin, or that end, at each place, and where they lead.
#[derive(Debug, Default)]
struct Ways {
    all: Vec<(u32, Way)>,
    /// Those of a place are up to its number here.
    until: Vec<u32>,
}

impl Ways {
    fn of(&self, place: u32) -> &[(u32, Way)] {
        let place = place as usize;
        let from = if place == 0 { 0 } else { self.until[place - 1] };
        &self.all[from as usize..self.until[place] as usize]
    }

    fn places(&self) -> std::ops::Range<u32> {
        0..self.until.len() as u32
    }

    /// The ways of the next place.
    fn push(&mut self, ways: impl Iterator<Item = (u32, Way)>) {
        self.all.extend(ways);
        self.until.push(self.all.len() as u32);
    }

    /// The same ways by their other ends.
    fn turned(&self) -> Ways {
        let mut until = vec![0; self.until.len()];
        for (to, _) in &self.all {
            until[*to as usize] += 1;
        }
        // First where the ways of each place begin; filling them in moves that to where they end.
        let mut sum = 0;
        for count in &mut until {
            sum += std::mem::replace(count, sum);
        }
        let mut all = vec![(0, Way::Nothing); self.all.len()];
        for from in self.places() {
            for (to, way) in self.of(from) {
                let at = &mut until[*to as usize];
                all[*at as usize] = (from, *way);
                *at += 1;
            }
        }
        Ways { all, until }
    }

    /// Only those between places of a kind.
    fn between(&self, is_kept: &[bool]) -> Ways {
        let mut ways = Ways::default();
        for from in self.places() {
            let kept = self.of(from).iter().copied();
            ways.push(kept.filter(|(to, _)| is_kept[from as usize] && is_kept[*to as usize]));
        }
        ways
    }
}

/// The states of the gate that the regex reaches, and what leads from one to the next: worked out
/// once for each, however many states of the regex meet it.
#[derive(Debug, Default)]
struct Gates {
    all: Vec<Gate>,
    known: HashMap<Gate, u32, RandomState>,
    /// For each state the next ones, with the bytes that lead there; `None` until it is asked for.
    next: Vec<Option<Vec<(u32, Bytes)>>>,
    lengths: bool,
}

impl Gates {
    fn number(&mut self, gate: Gate) -> u32 {
        *self.known.entry(gate).or_insert_with(|| {
            self.all.push(gate);
            self.next.push(None);
            self.all.len() as u32 - 1
        })
    }

    fn next(&mut self, gate: u32) -> &[(u32, Bytes)] {
        if self.next[gate as usize].is_none() {
            self.next[gate as usize] = Some(self.steps(gate));
        }
        self.next[gate as usize].as_deref().unwrap_or(&[])
    }

    fn steps(&mut self, gate: u32) -> Vec<(u32, Bytes)> {
        let mut next: Vec<(u32, Bytes)> = Vec::new();
        let (from, mut before) = (self.all[gate as usize], None);
        for byte in 0..128u8 {
            let Some(to) = from.step(byte, self.lengths) else {
                continue;
            };
            // Neighbours lead to the same state, mostly.
            let number = match before {
                Some((gate, number)) if gate == to => number,
                _ => self.number(to),
            };
            before = Some((to, number));
            match next.iter_mut().find(|(known, _)| *known == number) {
                Some((_, bytes)) => *bytes |= 1 << byte,
                None => next.push((number, 1 << byte)),
            }
        }
        next
    }
}

/// Every place through which an origin goes that is matched.
#[derive(Debug, Default)]
pub(super) struct WellFormed {
    places: Vec<Place>,
    gates: Vec<Gate>,
    /// The ways into each place.
    into: Ways,
    /// The ways out of each place.
    out: Ways,
    /// Where an origin ends.
    pub(super) ends: Vec<(u32, Kind, Host)>,
}

impl WellFormed {
    /// `None` if there are too many places to look at. `lengths`: the length of labels counts.
    fn new(program: &Program, lengths: bool, steps: &mut usize) -> Option<Self> {
        let mut all = WellFormed::default();
        let mut gates = Gates {
            lengths,
            ..Gates::default()
        };
        let mut known: HashMap<u64, u32, RandomState> = HashMap::default();
        let mut places: Vec<Place> = Vec::new();
        let mut number = |places: &mut Vec<Place>, place: Place| {
            *known.entry(place.key()).or_insert_with(|| {
                places.push(place);
                places.len() as u32 - 1
            })
        };
        let start = Place {
            state: program.start,
            gate: gates.number(Gate::START),
            after_word: false,
            allowed: ANYTHING,
        };
        number(&mut places, start);
        let (mut next, mut ways) = (0, Vec::new());
        while let Some(from) = places.get(next).copied() {
            from.ways(program, &mut gates, &mut ways);
            if places.len() > MAX_PLACES || all.out.all.len() + ways.len() > MAX_WAYS {
                *steps += (places.len() + all.out.all.len()).min(STEPS / 2);
                return None;
            }
            let ways = ways.drain(..);
            all.out
                .push(ways.map(|(to, way)| (number(&mut places, to), way)));
            if let Some((kind, host)) = from.end(program, &gates) {
                all.ends.push((next as u32, kind, host));
            }
            next += 1;
        }
        *steps += places.len() + all.out.all.len();
        all.places = places;
        all.gates = gates.all;
        all.trim();
        Some(all)
    }

    /// How many places there are.
    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    /// The state of the gate at a place.
    pub(super) fn gate(&self, place: u32) -> Gate {
        self.gates[self.places[place as usize].gate as usize]
    }

    /// The ways into a place, and where they come from.
    pub(super) fn into(&self, place: u32) -> &[(u32, Way)] {
        self.into.of(place)
    }

    /// The ways out of a place, and where they lead.
    pub(super) fn out(&self, place: u32) -> &[(u32, Way)] {
        self.out.of(place)
    }

    /// Leaves out every place from which no end is reached.
    fn trim(&mut self) {
        let into = self.out.turned();
        let mut reaches = vec![false; self.places.len()];
        let mut pending: Vec<u32> = self.ends.iter().map(|(end, ..)| *end).collect();
        while let Some(place) = pending.pop() {
            if !std::mem::replace(&mut reaches[place as usize], true) {
                pending.extend(into.of(place).iter().map(|(from, _)| *from));
            }
        }
        self.out = self.out.between(&reaches);
        self.into = self.out.turned();
    }

    /// Each place's least length, from the start or to an end; `None` for what is not reached.
    fn lengths(&self, from: &[(u32, u32)], back: bool) -> Vec<u32> {
        let ways = if back { &self.into } else { &self.out };
        let mut least = vec![u32::MAX; self.places.len()];
        let mut pending: BinaryHeap<Reverse<(u32, u32)>> = from
            .iter()
            .map(|(place, length)| Reverse((*length, *place)))
            .collect();
        while let Some(Reverse((length, place))) = pending.pop() {
            if least[place as usize] <= length {
                continue;
            }
            least[place as usize] = length;
            for (to, way) in ways.of(place) {
                let (a, b) = if back { (*to, place) } else { (place, *to) };
                let cost = match way {
                    Way::Read(_) => self.gate(a).cost(self.gate(b)),
                    _ => 0,
                };
                if length + cost < least[*to as usize] {
                    pending.push(Reverse((length + cost, *to)));
                }
            }
        }
        least
    }
}

impl Place {
    fn ways(self, program: &Program, gates: &mut Gates, ways: &mut Vec<(Place, Way)>) {
        let at = |state: u32| Place { state, ..self };
        match &program.states[self.state as usize] {
            State::Match => {}
            State::Split(next) => ways.extend(next.iter().map(|next| (at(*next), Way::Nothing))),
            State::BranchStart(branch, next) => ways.push((at(*next), Way::BranchStart(*branch))),
            State::BranchEnd(branch, next) => ways.push((at(*next), Way::BranchEnd(*branch))),
            State::Look(look, next) => {
                let allowed = self.allowed & self.may_follow(look);
                if allowed != 0 {
                    ways.push((
                        Place {
                            allowed,
                            ..at(*next)
                        },
                        Way::Nothing,
                    ));
                }
            }
            State::Read(bytes, next) => {
                let mut bytes = *bytes;
                if self.allowed & WORD == 0 {
                    bytes &= !WORD_BYTES;
                }
                if self.allowed & NO_WORD == 0 {
                    bytes &= WORD_BYTES;
                }
                let mut way = |gate: u32, bytes: Bytes, after_word: bool| {
                    if bytes != 0 {
                        let to = Place {
                            state: *next,
                            gate,
                            after_word,
                            allowed: ANYTHING,
                        };
                        ways.push((to, Way::Read(bytes)));
                    }
                };
                for (gate, set) in gates.next(self.gate) {
                    if program.has_words {
                        way(*gate, set & bytes & WORD_BYTES, true);
                        way(*gate, set & bytes & !WORD_BYTES, false);
                    } else {
                        way(*gate, set & bytes, false);
                    }
                }
            }
        }
    }

    /// What a condition lets follow here.
    fn may_follow(self, look: &Look) -> u8 {
        let before = self.after_word;
        let if_so = |holds: bool, follows: u8| if holds { follows } else { 0 };
        match look {
            Look::Start => if_so(self.gate == START, ANYTHING),
            Look::End => END,
            Look::Word(kind) => match kind {
                AssertionKind::WordBoundary => {
                    if before {
                        NO_WORD | END
                    } else {
                        WORD
                    }
                }
                AssertionKind::NotWordBoundary => {
                    if before {
                        WORD
                    } else {
                        NO_WORD | END
                    }
                }
                AssertionKind::WordBoundaryStart | AssertionKind::WordBoundaryStartAngle => {
                    if_so(!before, WORD)
                }
                AssertionKind::WordBoundaryEnd | AssertionKind::WordBoundaryEndAngle => {
                    if_so(before, NO_WORD | END)
                }
                AssertionKind::WordBoundaryStartHalf => if_so(!before, ANYTHING),
                AssertionKind::WordBoundaryEndHalf => NO_WORD | END,
                _ => ANYTHING,
            },
        }
    }

    /// The scheme and host of the origin that ends here.
    fn end(self, program: &Program, gates: &Gates) -> Option<(Kind, Host)> {
        let ends = matches!(program.states[self.state as usize], State::Match);
        let host = gates.all[self.gate as usize].end();
        host.filter(|_| ends && self.allowed & END != 0)
    }
}

/// What of a regex matches an origin at all.
#[derive(Debug)]
pub(super) struct Life {
    /// No origin is matched.
    pub(super) never: bool,
    /// The alternatives that no matched origin goes through; of alternatives inside each other the
    /// outer one.
    pub(super) dead: Vec<u32>,
    /// The shortest origins are so long that labels in them may be too long.
    asks_for_lengths: bool,
}

/// Lays a regex over the gate. The length of labels is left out of the places, for they would be
/// sixty times as many; it is looked at for what matches at all.
///
/// # Errors
/// If there is too much to look at.
pub(super) fn well_formed(
    program: &Program,
    steps: &mut usize,
) -> Result<(WellFormed, Life), String> {
    let places = WellFormed::new(program, false, steps)
        .ok_or("it is too large: what it lets in cannot be seen")?;
    let mut life = life(program, &places);
    if life.asks_for_lengths
        && program.states.len() > LONG
        && let Some(exact) = WellFormed::new(program, true, steps)
    {
        life = self::life(program, &exact);
    }
    Ok((places, life))
}

fn life(program: &Program, places: &WellFormed) -> Life {
    // Lengths are counted up to the end of the longest origin.
    let bounded = MAX_ORIGIN as u32;
    let ends: Vec<(u32, u32)> = places
        .ends
        .iter()
        .map(|(end, kind, _)| {
            let scheme = match kind {
                Kind::Http => 4,
                Kind::Https => 5,
                Kind::App => bounded - MAX_HOST as u32,
            };
            (*end, bounded - MAX_HOST as u32 - scheme)
        })
        .collect();
    let before = places.lengths(&[(0, 0)], false);
    let after = places.lengths(&ends, true);
    // A host that has no room for a label that is too long has none.
    let sure = bounded - MAX_HOST as u32 + LONG as u32;
    let length = |from: u32, to: u32| before[from as usize].saturating_add(after[to as usize]);
    let mut least = vec![u32::MAX; program.branches.len()];
    for from in places.out.places() {
        for (to, way) in places.out(from) {
            if let Way::BranchStart(branch) = way {
                let least = &mut least[*branch as usize];
                *least = (*least).min(length(from, *to));
            }
        }
    }
    let whole = length(0, 0);
    let asks_for_lengths = least
        .iter()
        .chain([&whole])
        .any(|length| (sure + 1..=bounded).contains(length));
    let never = whole > bounded;
    let dead = if never {
        Vec::new()
    } else {
        outer_dead(program, |branch| least[branch as usize] > bounded)
    };
    Life {
        never,
        dead,
        asks_for_lengths,
    }
}

/// The dead alternatives that stand in no other dead one, in the order of the text.
fn outer_dead(program: &Program, is_dead: impl Fn(u32) -> bool) -> Vec<u32> {
    let branch = |number: u32| &program.branches[number as usize];
    let all = 0..program.branches.len() as u32;
    let mut dead: Vec<u32> = all.filter(|number| is_dead(*number)).collect();
    dead.sort_by_key(|number| {
        let span = &branch(*number).span;
        (span.start, Reverse(span.end), *number)
    });
    let mut outer: Vec<u32> = Vec::new();
    for number in dead {
        let is_inside = outer.last().is_some_and(|last| {
            let (inner, outer) = (branch(number), branch(*last));
            // An empty alternative stands at the end of its neighbour.
            inner.span.end <= outer.span.end && inner.alternation != outer.alternation
        });
        if !is_inside {
            outer.push(number);
        }
    }
    outer
}
