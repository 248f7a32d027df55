//! A regex as an automaton that still knows its alternatives: what the compiler's own automata
//! have forgotten, because they merge what reads alike.

use std::collections::BTreeMap;
use std::ops::Range;

use regex_syntax::ast::{self, AssertionKind, Ast, Flag, RepetitionKind, RepetitionRange};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::UNICODE;

/// A regex with more states is refused: nobody can say what it lets in.
pub(super) const MAX_STATES: usize = 100_000;

/// A set of ASCII bytes, a bit each. Other bytes stand in no origin.
pub(super) type Bytes = u128;

/// A condition on what stands before and after a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Start,
    End,
    Word(AssertionKind),
}

/// One state. The states are numbered, and each says which are next.
#[derive(Clone, Debug)]
pub(super) enum State {
    Match,
    /// One of these, and nothing is read.
    Split(Vec<u32>),
    /// One byte of the set is read.
    Read(Bytes, u32),
    Look(Look, u32),
    /// An alternative of `|` ends; its number.
    BranchEnd(u32, u32),
    /// It begins.
    BranchStart(u32, u32),
}

/// One alternative of `|`.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    /// Where it stands in the text.
    pub(super) span: Range<usize>,
    /// The alternation that it belongs to.
    pub(super) alternation: u32,
}

/// The whole regex. It must match the whole origin.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) states: Vec<State>,
    pub(super) start: u32,
    pub(super) branches: Vec<Branch>,
    /// Some look-around asks for words.
    pub(super) has_words: bool,
}

impl Program {
    /// # Errors
    /// The parser's words, or that it is too large.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let ast = ast::parse::Parser::new()
            .parse(text)
            .map_err(|error| error.to_string())?;
        let mut compiler = Compiler {
            text,
            program: Program {
                states: vec![State::Match],
                start: 0,
                branches: Vec::new(),
                has_words: false,
            },
            alternations: BTreeMap::new(),
            classes: BTreeMap::new(),
        };
        let (start, _) = compiler.node(&ast, Flags::default(), 0)?;
        compiler.program.start = start;
        Ok(compiler.program)
    }
}

/// The flags that decide which bytes match.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    case_insensitive: bool,
    ignore_whitespace: bool,
}

impl Flags {
    fn with(mut self, flags: &ast::Flags) -> Self {
        if let Some(set) = flags.flag_state(Flag::CaseInsensitive) {
            self.case_insensitive = set;
        }
        if let Some(set) = flags.flag_state(Flag::IgnoreWhitespace) {
            self.ignore_whitespace = set;
        }
        self
    }

    /// The flags after an item of a sequence.
    fn after(self, item: &Ast) -> Self {
        match item {
            Ast::Flags(set) => self.with(&set.flags),
            Ast::Concat(concat) => concat.asts.iter().fold(self, Flags::after),
            _ => self,
        }
    }
}

struct Compiler<'a> {
    text: &'a str,
    program: Program,
    /// The first branch of each alternation, by where it stands.
    alternations: BTreeMap<(usize, usize), usize>,
    /// What each class matches, by where it stands and whether case and white space count.
    classes: BTreeMap<(usize, bool, bool), Bytes>,
}

impl Compiler<'_> {
    fn push(&mut self, state: State) -> Result<u32, String> {
        if self.program.states.len() >= MAX_STATES {
            return Err(format!("it is too large: more than {MAX_STATES} states"));
        }
        self.program.states.push(state);
        Ok(self.program.states.len() as u32 - 1)
    }

    /// The state from which `ast` is matched and then `next`; and the flags after it.
    fn node(&mut self, ast: &Ast, flags: Flags, next: u32) -> Result<(u32, Flags), String> {
        let start = match ast {
            Ast::Empty(_) | Ast::Flags(_) => next,
            Ast::Literal(literal) => {
                self.push(State::Read(literal_bytes(literal.c, flags), next))?
            }
            Ast::Dot(_) => self.push(State::Read(Bytes::MAX, next))?,
            Ast::Assertion(assertion) => {
                let look = match &assertion.kind {
                    AssertionKind::StartLine | AssertionKind::StartText => Look::Start,
                    AssertionKind::EndLine | AssertionKind::EndText => Look::End,
                    kind => Look::Word(kind.clone()),
                };
                self.program.has_words |= matches!(look, Look::Word(_));
                self.push(State::Look(look, next))?
            }
            Ast::ClassUnicode(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_) => {
                let bytes = self.class(span(ast), flags)?;
                self.push(State::Read(bytes, next))?
            }
            Ast::Repetition(repetition) => self.repetition(repetition, flags, next)?,
            Ast::Group(group) => {
                let inner = group.flags().map_or(flags, |set| flags.with(set));
                self.node(&group.ast, inner, next)?.0
            }
            Ast::Alternation(alternation) => {
                return self.alternation(alternation, flags, next);
            }
            Ast::Concat(concat) => {
                let mut at = flags;
                let mut items = Vec::with_capacity(concat.asts.len());
                for item in &concat.asts {
                    items.push((item, at));
                    at = at.after(item);
                }
                let mut start = next;
                for (item, flags) in items.into_iter().rev() {
                    start = self.node(item, flags, start)?.0;
                }
                start
            }
        };
        Ok((start, flags.after(ast)))
    }

    fn class(&mut self, place: Range<usize>, flags: Flags) -> Result<Bytes, String> {
        let key = (place.start, flags.case_insensitive, flags.ignore_whitespace);
        if let Some(bytes) = self.classes.get(&key) {
            return Ok(*bytes);
        }
        let bytes = class_bytes(&self.text[place], flags)?;
        self.classes.insert(key, bytes);
        Ok(bytes)
    }

    fn alternation(
        &mut self,
        alternation: &ast::Alternation,
        flags: Flags,
        next: u32,
    ) -> Result<(u32, Flags), String> {
        // The copies of a counted repetition are the same alternatives.
        let number = self.alternations.len() as u32;
        let branches = &mut self.program.branches;
        let place = span_of(&alternation.span);
        let first = *self
            .alternations
            .entry((place.start, place.end))
            .or_insert_with(|| {
                let first = branches.len();
                branches.extend(alternation.asts.iter().map(|ast| Branch {
                    span: span(ast),
                    alternation: number,
                }));
                first
            });
        let (mut starts, mut at) = (Vec::new(), flags);
        for (index, ast) in alternation.asts.iter().enumerate() {
            let branch = (first + index) as u32;
            let end = self.push(State::BranchEnd(branch, next))?;
            let (start, after) = self.node(ast, at, end)?;
            starts.push(self.push(State::BranchStart(branch, start))?);
            at = after;
        }
        Ok((self.push(State::Split(starts))?, at))
    }

    fn repetition(
        &mut self,
        repetition: &ast::Repetition,
        flags: Flags,
        next: u32,
    ) -> Result<u32, String> {
        let (least, most) = match &repetition.op.kind {
            RepetitionKind::ZeroOrOne => (0, Some(1)),
            RepetitionKind::ZeroOrMore => (0, None),
            RepetitionKind::OneOrMore => (1, None),
            RepetitionKind::Range(RepetitionRange::Exactly(count)) => (*count, Some(*count)),
            RepetitionKind::Range(RepetitionRange::AtLeast(count)) => (*count, None),
            RepetitionKind::Range(RepetitionRange::Bounded(least, most)) => (*least, Some(*most)),
        };
        let mut start = next;
        match most {
            Some(most) => {
                for _ in least..most {
                    let (body, _) = self.node(&repetition.ast, flags, start)?;
                    start = self.push(State::Split(vec![body, next]))?;
                }
            }
            None => {
                let again = self.push(State::Split(Vec::new()))?;
                let (body, _) = self.node(&repetition.ast, flags, again)?;
                self.program.states[again as usize] = State::Split(vec![body, next]);
                start = again;
            }
        }
        for _ in 0..least {
            // A copy that reads nothing makes no state, and no limit would end its copies.
            let (copy, _) = self.node(&repetition.ast, flags, start)?;
            if copy == start {
                break;
            }
            start = copy;
        }
        Ok(start)
    }
}

fn span(ast: &Ast) -> Range<usize> {
    span_of(ast.span())
}

fn span_of(span: &ast::Span) -> Range<usize> {
    span.start.offset..span.end.offset
}

fn bit(byte: u8) -> Bytes {
    if byte.is_ascii() { 1 << byte } else { 0 }
}

fn literal_bytes(literal: char, flags: Flags) -> Bytes {
    let Ok(byte) = u8::try_from(literal) else {
        return 0;
    };
    if flags.case_insensitive {
        bit(byte.to_ascii_lowercase()) | bit(byte.to_ascii_uppercase())
    } else {
        bit(byte)
    }
}

fn class_bytes(class: &str, flags: Flags) -> Result<Bytes, String> {
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(UNICODE)
        .utf8(false)
        .case_insensitive(flags.case_insensitive)
        .ignore_whitespace(flags.ignore_whitespace)
        .build()
        .parse(class)
        .map_err(|error| error.to_string())?;
    Ok(hir_bytes(&hir))
}

/// The bytes that a text matches which reads one byte; `None` for every other.
pub(super) fn bytes_of(text: &str, case_insensitive: bool) -> Option<Bytes> {
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(UNICODE)
        .utf8(false)
        .case_insensitive(case_insensitive)
        .build()
        .parse(text)
        .ok()?;
    match hir.kind() {
        HirKind::Literal(literal) if literal.0.len() == 1 => Some(hir_bytes(&hir)),
        HirKind::Class(_) => Some(hir_bytes(&hir)),
        _ => None,
    }
}

fn hir_bytes(hir: &Hir) -> Bytes {
    let range = |start: u32, end: u32| {
        (start..=end.min(127))
            .filter_map(|byte| u8::try_from(byte).ok())
            .fold(0, |set, byte| set | bit(byte))
    };
    match hir.kind() {
        HirKind::Class(Class::Bytes(class)) => class.iter().fold(0, |set, part| {
            set | range(part.start().into(), part.end().into())
        }),
        HirKind::Class(Class::Unicode(class)) => class.iter().fold(0, |set, part| {
            set | range(part.start().into(), part.end().into())
        }),
        HirKind::Literal(literal) => match &*literal.0 {
            [byte] => bit(*byte),
            _ => 0,
        },
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_hold_to_the_end_of_their_group() {
        let read = |text: &str| {
            let program = Program::new(text).unwrap();
            let mut sets = program.states.iter().filter_map(|state| match state {
                State::Read(bytes, _) => Some(bytes.count_ones()),
                _ => None,
            });
            let mut sets: Vec<u32> = sets.by_ref().collect();
            sets.sort_unstable();
            sets
        };
        assert_eq!(read("(?i)a|b"), [2, 2]);
        assert_eq!(read("a((?i)b)c"), [1, 1, 2]);
        assert_eq!(read("(?i:a)b"), [1, 2]);
        assert_eq!(read("(?x) [a b] # c\n d"), [1, 2]);
        assert_eq!(read("(?i)[a-c]é"), [0, 6]);
    }

    #[test]
    fn copies_are_counted_and_bounded() {
        assert_eq!(Program::new("(a|b){3}").unwrap().branches.len(), 2);
        assert!(Program::new("((a{100}){100}){100}").is_err());
        assert!(Program::new("(((){1000}){1000}){1000}").is_ok());
    }
}
