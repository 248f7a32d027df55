//! `allow_origin_regexes`: compiled to match the whole origin in linear time, and checked for what
//! they let in.
//!
//! The check walks the regex from its end, as an attacker reads it: which registrable domains can
//! the host have? A domain that is spelled out (alternatives included) is fine; one that holds a
//! class or a dot is not, because somebody else can register what fits.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{Compiler, Config, NFA, State, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::ast::{self, Ast};

use super::host::{MAX_HOST, ends_in_a_number, is_label_byte, is_loopback};
use super::pattern::ends_in_a_name;
use super::public_suffix::is_public_suffix;
use super::states::States;

/// A larger program is refused.
const SIZE_LIMIT: usize = 1 << 20;
/// So is a longer text, before time is spent on it.
const TEXT_LIMIT: usize = 1 << 16;
/// Origins are ASCII: classes mean their ASCII members, and the Unicode tables stay out of the
/// build.
const UNICODE: bool = false;
/// A range of as many neighbouring bytes is a class ("any letter"), not a list of alternatives.
const CLASS_WIDTH: u8 = 5;
/// A larger automaton is not walked: the regex is refused.
const WALKED_SIZE_LIMIT: usize = 1 << 18;
/// States that are looked at before a regex counts as "too many hosts to list"; for hosts, for what
/// stands below a registrable domain, and for schemes. More than a list of names has that fits
/// [`TEXT_LIMIT`].
const BUDGET: usize = 100_000;

/// What a regex that spells no scheme out is tried with.
const APP_SCHEMES: [&str; 8] = [
    "chrome-extension",
    "moz-extension",
    "safari-web-extension",
    "capacitor",
    "ionic",
    "tauri",
    "app",
    "electron",
];

/// What a regex lets in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// A registrable domain that is not spelled out at all.
    pub(crate) too_broad: bool,
    /// A registrable domain whose front can be extended.
    pub(crate) label_boundary: bool,
    /// A plain-http origin beyond loopback.
    pub(crate) insecure: bool,
    /// Any host of an application scheme.
    pub(crate) scheme_wide: bool,
}

impl Reach {
    /// Nothing that credentials do not go with, plain http aside: whether an origin is that is seen
    /// when it comes.
    pub(crate) fn is_credential_safe(self) -> bool {
        Reach {
            insecure: false,
            ..self
        } == Reach::default()
    }
}

/// The text of a regex that matches the whole input wherever `pattern` could match.
///
/// # Errors
/// The compiler's words, for a pattern that does not parse.
pub(crate) fn whole(pattern: &str) -> Result<String, String> {
    if pattern.len() > TEXT_LIMIT {
        return Err(format!(
            "it is too large: {} bytes, at most {TEXT_LIMIT}",
            pattern.len()
        ));
    }
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(UNICODE)
        .utf8(false)
        .build()
        .parse(pattern)
        .map_err(|error| error.to_string())?;
    // Printed from its syntax tree, so that no comment or flag of the pattern reaches the anchors.
    Ok(format!(r"\A(?:{hir})\z"))
}

/// Regexes as one table that is searched in one pass over the origin, whatever their number. It
/// never changes: nothing is allocated and nothing kept while serving.
#[derive(Clone, Debug)]
pub(crate) struct Regexes {
    table: dense::DFA<Vec<u32>>,
}

impl Regexes {
    /// Compiles the whole-match forms.
    ///
    /// # Errors
    /// The compiler's words, for tables that are too large.
    pub(crate) fn compile<S: AsRef<str>>(whole: &[S]) -> Result<Self, String> {
        let table = dense::Builder::new()
            .syntax(syntax::Config::new().unicode(UNICODE).utf8(false))
            .thompson(Config::new().utf8(false).nfa_size_limit(Some(SIZE_LIMIT)))
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .match_kind(MatchKind::All)
                    .dfa_size_limit(Some(SIZE_LIMIT))
                    .determinize_size_limit(Some(4 * SIZE_LIMIT)),
            )
            .build_many(whole)
            .map_err(|error| error.to_string())?;
        Ok(Regexes { table })
    }

    /// Whether one of them matches the whole text. A text on which the table gives up is no match.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        let input = Input::new(text).anchored(Anchored::Yes).earliest(true);
        matches!(self.table.try_search_fwd(&input), Ok(Some(_)))
    }
}

/// An unescaped `.` between two literal labels; the pattern with the dots escaped.
pub(crate) fn unescaped_dots(pattern: &str) -> Option<String> {
    let ast = ast::parse::Parser::new().parse(pattern).ok()?;
    let mut places = Vec::new();
    collect_dots(&ast, false, false, &mut places);
    if places.is_empty() {
        return None;
    }
    let mut fixed = pattern.to_owned();
    for place in places.into_iter().rev() {
        fixed.insert(place, '\\');
    }
    Some(fixed)
}

/// `before` and `after`: a literal byte of a label stands on that side.
fn collect_dots(ast: &Ast, before: bool, after: bool, places: &mut Vec<usize>) {
    match ast {
        Ast::Dot(span) if before && after => places.push(span.start.offset),
        Ast::Concat(concat) => {
            let literal = |index: usize, at: End| {
                concat
                    .asts
                    .get(index)
                    .is_some_and(|part| is_literal(part, at))
            };
            for (index, part) in concat.asts.iter().enumerate() {
                let before = if index == 0 {
                    before
                } else {
                    literal(index - 1, End::Last)
                };
                let after = if index + 1 == concat.asts.len() {
                    after
                } else {
                    literal(index + 1, End::First)
                };
                collect_dots(part, before, after, places);
            }
        }
        Ast::Alternation(alternation) => alternation
            .asts
            .iter()
            .for_each(|ast| collect_dots(ast, before, after, places)),
        Ast::Group(group) => collect_dots(&group.ast, before, after, places),
        // A repeated dot is meant as it stands.
        Ast::Repetition(repetition) if !matches!(*repetition.ast, Ast::Dot(_)) => {
            collect_dots(&repetition.ast, before, after, places)
        }
        _ => {}
    }
}

#[derive(Clone, Copy)]
enum End {
    First,
    Last,
}

/// An end of what is matched is a byte of a label that is spelled out.
fn is_literal(ast: &Ast, at: End) -> bool {
    match ast {
        Ast::Literal(literal) => literal.c.is_ascii_alphanumeric() || literal.c == '-',
        Ast::Group(group) => is_literal(&group.ast, at),
        Ast::Alternation(alternation) => alternation.asts.iter().all(|ast| is_literal(ast, at)),
        Ast::Concat(concat) => match at {
            End::First => concat.asts.first(),
            End::Last => concat.asts.last(),
        }
        .is_some_and(|ast| is_literal(ast, at)),
        Ast::Repetition(repetition) => is_literal(&repetition.ast, at),
        _ => false,
    }
}

/// Finds out what a regex lets in. Errs on the side of more.
///
/// # Errors
/// The compiler's words, for a program that is too large.
pub(crate) fn reach(pattern: &str) -> Result<Reach, String> {
    let nfa = Compiler::new()
        .syntax(syntax::Config::new().unicode(UNICODE).utf8(false))
        .configure(
            Config::new()
                .reverse(true)
                .which_captures(WhichCaptures::None)
                .utf8(false)
                .nfa_size_limit(Some(WALKED_SIZE_LIMIT)),
        )
        .build(pattern)
        .map_err(|error| error.to_string())?;
    let backward = Backward::new(nfa);
    let mut reach = Reach::default();
    for scheme in ["https", "http"] {
        let mut walk = Walk {
            backward: &backward,
            completes: backward.completing(scheme),
            opens: backward.opening(&format!("{scheme}://")),
            scheme,
            reach: &mut reach,
            budget: BUDGET,
            below_budget: BUDGET,
        };
        walk.hosts();
    }
    let end = backward.start();
    let schemes = backward.schemes(&end);
    reach.scheme_wide |= schemes.is_none();
    for scheme in schemes
        .iter()
        .flatten()
        .map(String::as_str)
        .chain(APP_SCHEMES)
        .filter(|scheme| !matches!(*scheme, "http" | "https"))
    {
        let completes = backward.completing(scheme);
        let open = |set: &States| {
            backward
                .bytes(set, Width::Wide, &completes)
                .iter()
                .any(|b| *b == b'.' || b.is_ascii_alphabetic())
        };
        reach.scheme_wide |= open(&end) || open(&backward.before_port(&end));
    }
    Ok(reach)
}

/// Which transitions of a step count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Narrow,
    Wide,
    Both,
}

/// The regex as an automaton that reads from the end to the start.
struct Backward {
    nfa: NFA,
    /// The ways into each state.
    before: Vec<Vec<Edge>>,
}

impl Backward {
    fn new(nfa: NFA) -> Self {
        let mut backward = Backward {
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

    fn start(&self) -> States {
        self.closure([self.nfa.start_anchored()])
    }

    /// Everything reachable without reading. Anchors and boundaries count as met.
    fn closure(&self, from: impl IntoIterator<Item = StateID>) -> States {
        let mut states = States::default();
        let mut pending: Vec<StateID> = from.into_iter().collect();
        while let Some(id) = pending.pop() {
            if states.insert(id) {
                self.empty_moves(id, |next| pending.push(next));
            }
        }
        states
    }

    fn empty_moves(&self, id: StateID, mut each: impl FnMut(StateID)) {
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

    fn byte_moves(&self, id: StateID, mut each: impl FnMut(u8, u8, StateID)) {
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

    fn step(&self, states: &States, byte: u8, width: Width) -> States {
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
    fn bytes(&self, states: &States, width: Width, targets: &States) -> Vec<u8> {
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

    fn read(&self, states: &States, bytes: impl IntoIterator<Item = u8>) -> States {
        bytes.into_iter().fold(states.clone(), |states, byte| {
            self.step(&states, byte, Width::Both)
        })
    }

    /// Everything reachable by reading bytes of a kind, any number of times.
    fn loops(&self, states: &States, kind: impl Fn(u8) -> bool) -> States {
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
    fn before_port(&self, end: &States) -> States {
        self.step(&self.loops(end, |b| b.is_ascii_digit()), b':', Width::Both)
    }

    /// The schemes that the regex spells out in front of any host; `None` if they are too many to
    /// list.
    fn schemes(&self, end: &States) -> Option<Vec<String>> {
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

    fn is_match(&self, states: &States) -> bool {
        states
            .iter()
            .any(|id| matches!(self.nfa.state(id), State::Match { .. }))
    }

    /// The states from which `text`, read backwards, is the rest of the origin.
    fn opening(&self, text: &str) -> States {
        let mut states = States::default();
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
            let mut before = States::default();
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
    fn completing(&self, scheme: &str) -> States {
        let mut states = self.opening(&format!("{scheme}://"));
        self.widen(&mut states, |b| {
            is_label_byte(b) || b == b'.' || b.is_ascii_uppercase()
        });
        states
    }

    /// Adds every state from which one of `states` is reached by bytes of a kind or by reading
    /// nothing.
    fn widen(&self, states: &mut States, kind: impl Fn(u8) -> bool) {
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
struct Edge {
    from: StateID,
    bytes: Option<(u8, u8)>,
}

impl Edge {
    fn reads(&self, kind: impl Fn(u8) -> bool) -> bool {
        self.bytes
            .is_some_and(|(start, end)| (start..=end).any(kind))
    }
}

/// Walks the hosts of one scheme from their last byte.
struct Walk<'a> {
    backward: &'a Backward,
    /// From here the host can go on.
    completes: States,
    /// Here the host can end.
    opens: States,
    scheme: &'a str,
    reach: &'a mut Reach,
    budget: usize,
    below_budget: usize,
}

impl Walk<'_> {
    fn hosts(&mut self) {
        let mut end = self.backward.start();
        end.extend(self.backward.before_port(&end).iter());
        self.ipv6(&end);
        let trailing_dot = self.backward.step(&end, b'.', Width::Both);
        end.extend(trailing_dot.iter());
        self.label(&end, "", "", false, &mut Vec::new());
    }

    fn goes_on(&self, states: &States) -> bool {
        !states.is_disjoint(&self.completes)
    }

    /// `tail` of the current label and `base`, the labels after it, are read. `owned`: a
    /// registrable domain is among them and spelled out; whatever stands below it belongs to its
    /// owner, but for another public suffix. `read`: where the walk was in this label before.
    fn label(
        &mut self,
        states: &States,
        tail: &str,
        base: &str,
        owned: bool,
        read: &mut Vec<States>,
    ) {
        if !self.goes_on(states) || tail.len() > 63 || base.len() > MAX_HOST {
            return;
        }
        let budget = if owned {
            &mut self.below_budget
        } else {
            &mut self.budget
        };
        let Some(left) = budget.checked_sub(states.len()) else {
            self.reach.too_broad = true;
            return;
        };
        *budget = left;
        let name = if base.is_empty() {
            tail.to_owned()
        } else {
            format!("{tail}.{base}")
        };
        if !tail.is_empty() {
            self.host_ends(states, &name);
            self.label_ends(states, &name, owned);
        }
        if !owned && self.class(states, tail, base) {
            return;
        }
        read.push(states.clone());
        for byte in self
            .backward
            .bytes(states, Width::Narrow, &self.completes)
            .into_iter()
            .filter(|b| is_label_byte(*b))
        {
            let next = self.backward.step(states, byte, Width::Narrow);
            let tail = format!("{}{tail}", char::from(byte));
            // What may stand there any number of times is spelled out no more than a class is
            // (`x*example\.com`), which below a registrable domain is its owner's.
            if read.contains(&next) && (owned || !ends_in_a_number(&tail)) {
                if !owned {
                    self.host("x.example");
                    self.reach.label_boundary = true;
                }
            } else {
                self.label(&next, &tail, base, owned, read);
            }
        }
        read.pop();
    }

    fn host_ends(&mut self, states: &States, name: &str) {
        if !states.is_disjoint(&self.opens) {
            self.host(name);
        }
    }

    fn label_ends(&mut self, states: &States, name: &str, owned: bool) {
        let next = self.backward.step(states, b'.', Width::Both);
        if !self.goes_on(&next) {
            return;
        }
        let suffix = ends_in_a_number(name) || is_public_suffix(name);
        if !suffix && !owned {
            self.host(&format!("x.{name}"));
        }
        self.label(&next, "", name, !suffix, &mut Vec::new());
    }

    fn host(&mut self, host: &str) {
        self.reach.insecure |= self.scheme == "http" && !is_loopback(host);
    }

    /// A class in the registrable domain. True if there is one, and the walk ends here.
    fn class(&mut self, states: &States, tail: &str, base: &str) -> bool {
        let mut wide = self.backward.bytes(states, Width::Wide, &self.completes);
        wide.retain(|b| is_label_byte(*b));
        if wide.is_empty() {
            return false;
        }
        let number = wide.iter().all(u8::is_ascii_digit)
            && tail.bytes().all(|b| b.is_ascii_digit())
            && (base.is_empty() || ends_in_a_number(base));
        if number {
            self.reach.insecure |= self.scheme == "http" && !self.only_loopback_addresses(states);
            // `[a-z]+\d+` is a name after all.
            let mut digits = States::default();
            (b'0'..=b'9').for_each(|digit| {
                digits.extend(self.backward.step(states, digit, Width::Wide).iter())
            });
            let digits = self.backward.loops(&digits, |b| b.is_ascii_digit());
            self.reach.too_broad |= self
                .backward
                .bytes(&digits, Width::Wide, &self.completes)
                .iter()
                .any(|b| is_label_byte(*b) && !b.is_ascii_digit());
            // The digits may be none (`example\.com:?\d*`), so what is spelled out in front of them
            // is still to be read.
            return false;
        } else if !base.is_empty() && self.is_named(states, tail, &wide) {
            self.host("x.example");
        } else {
            self.host("x.example");
            if tail.is_empty() {
                self.reach.too_broad = true;
            } else {
                self.reach.label_boundary = true;
            }
        }
        true
    }

    /// `prefix{hex}--name`: the host of the suffix makes such names, no tenant chooses them.
    fn is_named(&self, states: &States, tail: &str, wide: &[u8]) -> bool {
        let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if !ends_in_a_name(tail) || !wide.iter().all(|b| hex(*b)) {
            return false;
        }
        // In front of the digits only what is spelled out.
        let first = self.backward.loops(states, hex);
        let mut front = first.clone();
        for _ in 0..63 {
            let mut next = States::default();
            for byte in (0..128).filter(|b| is_label_byte(*b)) {
                let wide = self.backward.step(&front, byte, Width::Wide);
                if self.goes_on(&wide) && !(hex(byte) && first.is_superset(&wide)) {
                    return false;
                }
                next.extend(self.backward.step(&front, byte, Width::Narrow).iter());
            }
            front = next.without(&first);
            if front.is_empty() {
                break;
            }
        }
        true
    }

    /// Every address starts with `127.`.
    fn only_loopback_addresses(&self, states: &States) -> bool {
        let body = self
            .backward
            .loops(states, |b| b.is_ascii_digit() || b == b'.');
        let starts_with = |head: &str| {
            let opening: Vec<u8> = format!("{}://{head}", self.scheme).bytes().rev().collect();
            self.backward.is_match(&self.backward.read(&body, opening))
        };
        ["", "1", "12", "127"]
            .iter()
            .zip([b'1', b'2', b'7', b'.'])
            .all(|(head, good)| {
                (b'.'..=b'9')
                    .filter(|b| *b != b'/' && *b != good)
                    .all(|b| !starts_with(&format!("{head}{}", char::from(b))))
            })
    }

    /// Every address but `[::1]` is beyond the machine.
    fn ipv6(&mut self, end: &States) {
        let mut states = self.backward.step(end, b']', Width::Both);
        let is_part = |b: u8| b.is_ascii_hexdigit() || b == b':';
        let mut completes = self.backward.opening(&format!("{}://[", self.scheme));
        self.backward.widen(&mut completes, is_part);
        let mut others = false;
        for expected in [b'1', b':', b':', b'['] {
            others |= (0..128u8)
                .filter(|b| is_part(*b) && *b != expected)
                .any(|b| {
                    !self
                        .backward
                        .step(&states, b, Width::Both)
                        .is_disjoint(&completes)
                });
            states = self.backward.step(&states, expected, Width::Both);
        }
        if others {
            self.host("[::2]");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str) -> Vec<&'static str> {
        let reach = reach(pattern).unwrap();
        [
            (reach.too_broad, "broad"),
            (reach.label_boundary, "boundary"),
            (reach.insecure, "insecure"),
            (reach.scheme_wide, "wide"),
        ]
        .into_iter()
        .filter_map(|(set, name)| set.then_some(name))
        .collect()
    }

    #[test]
    fn registrable_domains_that_are_spelled_out_are_fine() {
        for pattern in [
            r"https://.*\.example\.com",
            r"^https://[a-z]+\.example\.com$",
            r"https://(www|app)\.example\.com(:\d+)?",
            r"https://[a-z0-9-]+-app\.example\.com",
            r"https://(foo|bar|baz)\.com",
            r"https://example\.(com|org|net|de|fr|it)",
            r"https://gr[ae]y\.com",
            r"https?://localhost(:\d+)?",
            r"http://([a-z]+\.)?localhost:\d+",
            r"http://127\.0\.0\.\d+:\d+",
            r"http://127\.0\.0\.1",
            r"http://\[::1\]:\d+",
            r"https://10\.0\.0\.\d+",
            r"https://deploy-preview-[0-9]+--myapp\.netlify\.app",
            r"https://[0-9a-f]{8}--myapp\.netlify\.app",
            r"https://pr-\d+\.example\.com",
            r"https://example\.com:.*",
            r"https://example\.com:?\d*",
            r"https://host\d+",
            r"(obsidian|my-app)://(host|app)(:\d+)?",
            r"capacitor://localhost:?\d*",
            r"https://exx?ample\.com",
        ] {
            assert_eq!(found(pattern), Vec::<&str>::new(), "{pattern}");
        }
    }

    #[test]
    #[cfg(feature = "psl")]
    fn registrable_domains_that_others_can_have() {
        for (pattern, expected) in [
            (r".*", vec!["broad", "insecure", "wide"]),
            (r"https://.*", vec!["broad"]),
            (r"https://[a-z]+\.com", vec!["broad"]),
            (r"https://app-.*\.com", vec!["broad"]),
            (r"https://example\..*", vec!["broad"]),
            (r"https://example\.[a-z]+", vec!["broad"]),
            (r"https://example\.com.*", vec!["broad"]),
            (r"https://[a-z-]+\.vercel\.app", vec!["broad"]),
            (r"https://[a-z]+\.co\.uk", vec!["broad"]),
            (r"https://[a-z]+\.s3\.amazonaws\.com", vec!["broad"]),
            (
                r"https://(.*\.)?(cdn|blob)\.core\.windows\.net",
                vec!["broad"],
            ),
            (r"https://.*example\.com", vec!["boundary"]),
            (r"https://.*example\.com:?\d*", vec!["boundary"]),
            (r"https://\w+\.com[:\d]*", vec!["broad"]),
            (r"https://.*\.[a-z]+\d+", vec!["broad"]),
            (r"https://x*example\.com", vec!["boundary"]),
            (r"https://(ab)*example\.com", vec!["boundary"]),
            (r"https://[a-z]*example\.com", vec!["boundary"]),
            (r"https://a.example.com", vec!["boundary"]),
            (r"https://example[0-9]\.com", vec!["broad"]),
            (r"https://.*--myapp\.netlify\.app", vec!["boundary"]),
            (
                r"https://[a-z]+[0-9]+--myapp\.netlify\.app",
                vec!["boundary"],
            ),
            (
                r"https://[a-z]+-[0-9]+--myapp\.netlify\.app",
                vec!["boundary"],
            ),
            (r"https?://.*\.example\.com", vec!["insecure"]),
            (r"http://192\.168\.1\.\d+", vec!["insecure"]),
            (r"http://1.*\.0\.0\.\d+", vec!["insecure"]),
            (r"http://\[fe80::[0-9a-f]+\]", vec!["insecure"]),
            (r"http://\[::1?\]", vec!["insecure"]),
            (r"moz-extension://[0-9a-f-]+", vec!["wide"]),
            (r"^(obsidian|my-app)://.*$", vec!["wide"]),
            (r"vscode-webview://\w+(:\d+)?", vec!["wide"]),
            (r"[a-z]+://\w+", vec!["broad", "insecure", "wide"]),
        ] {
            assert_eq!(found(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn no_regex_is_slow_to_check() {
        for pattern in [
            "(.*){1000}",
            "(a|b|c|d){0,60}\\.com",
            "((a|b)*c?){200}",
            "(x+x+)+y",
            "https://([a-d]|e|f|g|h|i|j|k){63}\\.com",
            ".{5000}",
            r"https://(a\.|b\.)*example\.com",
            r"https://(1\.)*1",
        ] {
            let started = std::time::Instant::now();
            let _ = reach(pattern);
            assert!(
                started.elapsed().as_secs() < 20,
                "{pattern} took {:?}",
                started.elapsed()
            );
            println!("{pattern}: {:?}", started.elapsed());
        }
    }

    #[test]
    fn dots_between_labels() {
        assert_eq!(
            unescaped_dots(r"https://a.example\.com").as_deref(),
            Some(r"https://a\.example\.com")
        );
        assert_eq!(
            unescaped_dots(r"https://(a.b|c)\.example.com").as_deref(),
            Some(r"https://(a\.b|c)\.example\.com")
        );
        assert_eq!(
            unescaped_dots(r"https://(www.)?(a|b).example\.com").as_deref(),
            Some(r"https://(www\.)?(a|b)\.example\.com")
        );
        assert_eq!(
            unescaped_dots(r"https://.*\.example\.com|https://a.*b"),
            None
        );
    }

    #[test]
    fn the_whole_origin_is_matched() {
        for (pattern, text, expected) in [
            (r"https://a\.example", "https://a.example.evil.net", false),
            (
                r"https://a\.example|https://b\.example",
                "https://b.example",
                true,
            ),
            (
                r"(?x) https://a\.example # a comment",
                "https://a.example",
                true,
            ),
            (r"a|ab", "ab", true),
            (
                r"https://[a-z]+\.example\.com$",
                "https://a.example.com\n",
                false,
            ),
        ] {
            let regexes = Regexes::compile(&[whole(pattern).unwrap()]).unwrap();
            assert_eq!(regexes.is_match(text), expected, "{pattern}");
        }
        assert!(whole("https://(").is_err());
        for large in ["(a{1000}){1000}", "(a|b)*a(a|b){30}"] {
            assert!(
                Regexes::compile(&[whole(large).unwrap()]).is_err(),
                "{large}"
            );
        }
    }
}
