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

/// So many states can ask for a label, a host or an origin that is too long.
const LONG: usize = 63;

/// What may be next.
const WORD: u8 = 1;
const NO_WORD: u8 = 2;
const END: u8 = 4;
const ANYTHING: u8 = WORD | NO_WORD | END;

/// A state of the regex and of the gate after the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) state: u32,
    pub(super) gate: Gate,
    /// The last byte was one of a word, where the regex asks.
    after_word: bool,
    /// What the conditions on the way let follow.
    allowed: u8,
}

/// What leads from one place to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Nothing,
    BranchStart(u32),
    BranchEnd(u32),
    Read(Bytes),
}

/// Every place through which an origin goes that is matched.
#[derive(Debug, Default)]
pub(super) struct WellFormed {
    pub(super) places: Vec<Place>,
    /// The ways into each place.
    pub(super) into: Vec<Vec<(u32, Way)>>,
    /// The ways out of each place.
    pub(super) out: Vec<Vec<(u32, Way)>>,
    /// Where an origin ends.
    pub(super) ends: Vec<(u32, Kind, Host)>,
}

impl WellFormed {
    /// `None` if there are too many places to look at. `lengths`: the length of labels counts.
    fn new(program: &Program, lengths: bool) -> Option<Self> {
        let mut all = WellFormed::default();
        let mut known: HashMap<Place, u32, RandomState> = HashMap::default();
        let mut place = |all: &mut WellFormed, place: Place| {
            *known.entry(place).or_insert_with(|| {
                all.places.push(place);
                all.into.push(Vec::new());
                all.out.push(Vec::new());
                all.places.len() as u32 - 1
            })
        };
        place(
            &mut all,
            Place {
                state: program.start,
                gate: Gate::START,
                after_word: false,
                allowed: ANYTHING,
            },
        );
        let (mut next, mut ways) = (0, Vec::new());
        while let Some(from) = all.places.get(next).copied() {
            if all.places.len() > MAX_PLACES {
                return None;
            }
            from.ways(program, lengths, &mut ways);
            for (to, way) in ways.drain(..) {
                let to = place(&mut all, to);
                all.out[next].push((to, way));
                all.into[to as usize].push((next as u32, way));
            }
            if let Some((kind, host)) = from.end(program) {
                all.ends.push((next as u32, kind, host));
            }
            next += 1;
        }
        all.trim();
        Some(all)
    }

    /// Leaves out every place from which no end is reached.
    fn trim(&mut self) {
        let mut reaches = vec![false; self.places.len()];
        let mut pending: Vec<u32> = self.ends.iter().map(|(end, ..)| *end).collect();
        while let Some(place) = pending.pop() {
            if !std::mem::replace(&mut reaches[place as usize], true) {
                pending.extend(self.into[place as usize].iter().map(|(from, _)| *from));
            }
        }
        let dead = |(place, _): &(u32, Way)| reaches[*place as usize];
        for (place, reaches) in reaches.iter().enumerate() {
            if *reaches {
                self.into[place].retain(dead);
                self.out[place].retain(dead);
            } else {
                self.into[place].clear();
                self.out[place].clear();
            }
        }
    }

    /// Each place's least length, from the start or to an end; `None` for what is not reached.
    fn lengths(&self, from: &[(u32, u32)], ways: &[Vec<(u32, Way)>], back: bool) -> Vec<u32> {
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
            for (to, way) in &ways[place as usize] {
                let (a, b) = if back { (*to, place) } else { (place, *to) };
                let cost = match way {
                    Way::Read(_) => self.places[a as usize]
                        .gate
                        .cost(self.places[b as usize].gate),
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
    fn ways(self, program: &Program, lengths: bool, ways: &mut Vec<(Place, Way)>) {
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
                let first = ways.len();
                let mut left = *bytes;
                while left != 0 {
                    let byte = left.trailing_zeros() as u8;
                    left &= left - 1;
                    let is_word = byte.is_ascii_alphanumeric() || byte == b'_';
                    if self.allowed & if is_word { WORD } else { NO_WORD } == 0 {
                        continue;
                    }
                    let Some(gate) = self.gate.step(byte, lengths) else {
                        continue;
                    };
                    let to = Place {
                        state: *next,
                        gate,
                        after_word: program.has_words && is_word,
                        allowed: ANYTHING,
                    };
                    let same = ways[first..].iter_mut().find(|(known, _)| *known == to);
                    match same {
                        Some((_, Way::Read(set))) => *set |= 1 << byte,
                        _ => ways.push((to, Way::Read(1 << byte))),
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
            Look::Start => if_so(self.gate == Gate::START, ANYTHING),
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
    fn end(self, program: &Program) -> Option<(Kind, Host)> {
        let ends = matches!(program.states[self.state as usize], State::Match);
        self.gate.end().filter(|_| ends && self.allowed & END != 0)
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
}

/// Lays a regex over the gate. The length of labels is left out of the places, for they would be
/// sixty times as many; it is looked at for what matches at all.
///
/// # Errors
/// If there is too much to look at.
pub(super) fn well_formed(program: &Program) -> Result<(WellFormed, Life), String> {
    let places =
        WellFormed::new(program, false).ok_or("it is too large: what it lets in cannot be seen")?;
    let exact = if program.states.len() > LONG {
        WellFormed::new(program, true)
    } else {
        None
    };
    let life = life(program, exact.as_ref().unwrap_or(&places));
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
    let before = places.lengths(&[(0, 0)], &places.out, false);
    let after = places.lengths(&ends, &places.into, true);
    let fits = |from: u32, to: u32| {
        before[from as usize]
            .checked_add(after[to as usize])
            .is_some_and(|length| length <= bounded)
    };
    let mut alive = vec![false; program.branches.len()];
    for (from, ways) in places.out.iter().enumerate() {
        for (to, way) in ways {
            if let Way::BranchStart(branch) = way {
                alive[*branch as usize] |= fits(from as u32, *to);
            }
        }
    }
    let is_dead = |branch: &u32| !alive[*branch as usize];
    let all = 0..program.branches.len() as u32;
    let span = |branch: u32| &program.branches[branch as usize].span;
    let is_inside = |inner: u32, outer: u32| {
        inner != outer
            && span(outer).start <= span(inner).start
            && span(inner).end <= span(outer).end
            // An empty alternative stands at the end of its neighbour.
            && program.branches[inner as usize].alternation
                != program.branches[outer as usize].alternation
    };
    let never = !fits(0, 0);
    let mut dead: Vec<u32> = Vec::new();
    if !never {
        for branch in all.filter(is_dead) {
            // Outer alternatives are numbered before the ones inside them.
            if !dead.iter().any(|outer| is_inside(branch, *outer)) {
                dead.push(branch);
            }
        }
    }
    Life { never, dead }
}
