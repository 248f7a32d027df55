//! Where a reader is in the text of a regex, by which rules it reads, and which groups it has seen.

use super::super::super::regex_dialect::RegexDialect;
use super::super::program::Bytes;
use super::tree::{Node, VISIBLE, both_cases, set_of};

/// The flags that change what an origin matches. Others are about line breaks or about searching.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    /// White space and comments are left out.
    pub(super) verbose: bool,
    /// JavaScript's `u` or `v`.
    pub(super) unicode: bool,
    /// JavaScript's `v`.
    pub(super) sets: bool,
}

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) dialect: RegexDialect,
    pub(super) flags: Flags,
    /// Capturing groups begun so far, and of each whether it has ended.
    pub(super) closed: Vec<bool>,
    pub(super) names: Vec<(String, usize)>,
    /// Capturing groups of the whole text, and whether one has a name: JavaScript reads escapes by
    /// them.
    pub(super) all_groups: usize,
    pub(super) has_names: bool,
    pub(super) depth: usize,
}

pub(super) type Read<T> = Result<T, String>;

impl<'a> Reader<'a> {
    /// # Errors
    /// A flag that the dialect does not have, or that has no translation.
    pub(super) fn new(text: &'a str, flags: &str, dialect: RegexDialect) -> Read<Self> {
        let mut reader = Reader {
            text,
            at: 0,
            dialect,
            flags: Flags::default(),
            closed: Vec::new(),
            names: Vec::new(),
            all_groups: 0,
            has_names: false,
            depth: 0,
        };
        for flag in flags.chars() {
            reader.flag(flag)?;
        }
        Ok(reader)
    }

    pub(super) fn flag(&mut self, flag: char) -> Read<()> {
        match (self.dialect, flag) {
            (_, 'i') => self.flags.ignore_case = true,
            // What they change no origin has.
            (_, 'm' | 's') => {}
            (RegexDialect::Python | RegexDialect::Rust, 'x') => self.flags.verbose = true,
            (RegexDialect::Python, 'a' | 'u') => {}
            // About searching and about what is reported.
            (RegexDialect::JavaScript, 'd' | 'g' | 'y') => {}
            (RegexDialect::JavaScript, 'u') => self.flags.unicode = true,
            (RegexDialect::JavaScript, 'v') => {
                (self.flags.unicode, self.flags.sets) = (true, true);
            }
            _ => return Err(format!("it has the flag {flag:?}, which is not known here")),
        }
        Ok(())
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.text[self.at..].starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// The characters that follow and of which `is_one` holds, `most` at most.
    pub(super) fn take_while(&mut self, most: usize, is_one: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let count = rest.chars().take(most).take_while(|c| is_one(*c)).count();
        let end = rest
            .char_indices()
            .nth(count)
            .map_or(rest.len(), |(at, _)| at);
        self.at += end;
        &rest[..end]
    }

    /// A character by `digits` hexadecimal digits, exactly.
    pub(super) fn hex(&mut self, digits: usize) -> Option<u32> {
        let start = self.at;
        let text = self.take_while(digits, |c| c.is_ascii_hexdigit());
        let value = u32::from_str_radix(text, 16).ok();
        if text.len() != digits || value.is_none() {
            self.at = start;
            return None;
        }
        value
    }

    /// One character, in both cases if that is asked for.
    ///
    /// # Errors
    /// Some characters beyond ASCII are other cases of ASCII letters, and which ones differs.
    pub(super) fn literal(&self, character: char) -> Read<Bytes> {
        if self.flags.ignore_case && !character.is_ascii() {
            return Err(format!(
                "{character:?} and flag i: write the letters of origins, which are ASCII"
            ));
        }
        Ok(self.cased(set_of(character)))
    }

    pub(super) fn cased(&self, set: Bytes) -> Bytes {
        if self.flags.ignore_case {
            both_cases(set)
        } else {
            set
        }
    }

    /// A literal that was read from `start` on.
    pub(super) fn character(&self, character: char, start: usize) -> Read<Node> {
        let written = self.text[start..self.at].to_owned();
        Ok(Node::Set(self.literal(character)? & VISIBLE, written))
    }

    /// The same text once more.
    pub(super) fn reference(&self, number: usize) -> Read<Node> {
        match self.closed.get(number.wrapping_sub(1)) {
            Some(true) if self.flags.ignore_case => {
                Err("a back reference with flag i has no translation".to_owned())
            }
            Some(true) => Ok(Node::BackReference(number)),
            Some(false) => Err(format!("group {number} refers to itself")),
            None => Err(format!(
                "there is no group {number} in front of its reference"
            )),
        }
    }

    /// `<name>` behind `\k`.
    pub(super) fn named_reference(&mut self) -> Read<Node> {
        let rest = &self.text[self.at..];
        let name = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let (name, _) = name.ok_or("\\k needs the name of a group, as in \\k<name>")?;
        self.at += name.len() + 2;
        self.reference_by_name(name)
    }

    pub(super) fn reference_by_name(&self, name: &str) -> Read<Node> {
        let found = self.names.iter().find(|(known, _)| known == name);
        match found {
            Some((_, number)) => self.reference(*number),
            None => Err(format!(
                "there is no group {name:?} in front of its reference"
            )),
        }
    }
}
