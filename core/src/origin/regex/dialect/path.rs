//! Python's regexes of paths. A path is any text, unlike an origin, so a class is read again with
//! all that it matches there.
//!
//! What `\w`, `\d`, `\s` and flag i mean beyond ASCII depends on the Unicode tables of a Python. So
//! a regex is written twice: with the characters that surely match, and with all that may.

use super::super::super::regex_dialect::RegexDialect;
use super::reader::{Read, Reader};
use super::tree::{Count, Node};

/// A regex of paths in the engine's dialect.
#[derive(Debug, Default)]
pub(in crate::origin::regex) struct PathTranslation {
    /// What it matches surely.
    pub(in crate::origin::regex) sure: String,
    /// What it may match.
    pub(in crate::origin::regex) possible: String,
    /// It asks for the borders of words: beyond ASCII nobody knows them.
    pub(in crate::origin::regex) asks_for_words: bool,
    /// `$` holds in front of a line break at the end, too.
    pub(in crate::origin::regex) asks_for_line_end: bool,
}

/// Translates a regex with its flags.
///
/// # Errors
/// Why it is none, or cannot be run.
pub(in crate::origin::regex) fn translate_path(source: &str, flags: &str) -> Read<PathTranslation> {
    if flags.contains('m') {
        return Err("it has the flag m: a path has one line".to_owned());
    }
    if let Some(flag) = scoped_flag(source) {
        return Err(format!(
            "it sets the flag {flag} for a part of it; set it for the whole"
        ));
    }
    let (tree, ignore_case) = Reader::new(source, flags, RegexDialect::Python)?.whole()?;
    let mut printer = Printer {
        out: PathTranslation::default(),
        dot_all: flags.contains('s'),
        ascii: flags.contains('a'),
    };
    printer.node(&tree, ignore_case)?;
    Ok(printer.out)
}

/// The flag that a group sets and that changes what a path matches, `i` and `x` aside.
fn scoped_flag(source: &str) -> Option<char> {
    source.split("(?").skip(1).find_map(|group| {
        let end = group.find(|c: char| !c.is_ascii_alphabetic() && c != '-')?;
        let flags = group[..end].chars();
        flags
            .filter(|_| group[end..].starts_with(':'))
            .find(|c| "smau".contains(*c))
    })
}

/// Ranges of characters, by their numbers.
type Ranges = Vec<(u32, u32)>;

const LAST: u32 = 0x10_ffff;
const BEYOND_ASCII: (u32, u32) = (0x80, LAST);

/// What one place of a regex matches.
struct Characters {
    sure: Ranges,
    possible: Ranges,
}

impl Characters {
    fn push(&mut self, first: char, last: char, ignore_case: bool) -> Read<()> {
        let range = (first as u32, last as u32);
        self.sure.push(range);
        self.possible.push(range);
        if !ignore_case {
            return Ok(());
        }
        if !last.is_ascii() {
            return Err(format!("{last:?} and flag i: write both cases instead"));
        }
        for byte in first..=last {
            let other = if byte.is_ascii_lowercase() {
                byte.to_ascii_uppercase()
            } else {
                byte.to_ascii_lowercase()
            };
            self.sure.push((other as u32, other as u32));
            self.possible.push((other as u32, other as u32));
            // Some letters beyond ASCII are other cases of these.
            if matches!(other.to_ascii_lowercase(), 'i' | 'k' | 's') {
                self.possible.push(BEYOND_ASCII);
            }
        }
        Ok(())
    }

    /// `\d`, `\w`, `\s` and their opposites.
    fn push_named(&mut self, letter: char, ascii: bool) {
        let is_in = |byte: &u32| {
            let byte = *byte as u8;
            match letter.to_ascii_lowercase() {
                'd' => byte.is_ascii_digit(),
                'w' => byte.is_ascii_alphanumeric() || byte == b'_',
                // Four separators are white space of text, not of ASCII.
                _ => matches!(byte, 9..=13 | b' ') || !ascii && (0x1c..=0x1f).contains(&byte),
            }
        };
        let negative = letter.is_ascii_uppercase();
        let bytes = (0..128u32).filter(|byte| is_in(byte) != negative);
        let ranges: Ranges = bytes.map(|byte| (byte, byte)).collect();
        self.sure.extend(&ranges);
        self.possible.extend(&ranges);
        if !ascii {
            self.possible.push(BEYOND_ASCII);
        } else if negative {
            self.sure.push(BEYOND_ASCII);
            self.possible.push(BEYOND_ASCII);
        }
    }

    fn negated(self) -> Self {
        Characters {
            sure: all_but(self.possible),
            possible: all_but(self.sure),
        }
    }
}

/// In order and apart.
fn merged(mut ranges: Ranges) -> Ranges {
    ranges.sort_unstable();
    let mut merged: Ranges = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if first <= *end + 1 => *end = (*end).max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

fn all_but(ranges: Ranges) -> Ranges {
    let (mut others, mut next) = (Vec::new(), 0);
    for (first, last) in merged(ranges) {
        if first > next {
            others.push((next, first - 1));
        }
        next = last + 1;
    }
    if next <= LAST {
        others.push((next, LAST));
    }
    others
}

/// Surrogates are no characters.
fn write(ranges: Ranges, out: &mut String) {
    let apart = merged(ranges)
        .into_iter()
        .flat_map(|(first, last)| [(first, last.min(0xd7ff)), (first.max(0xe000), last)]);
    let apart: Ranges = apart.filter(|(first, last)| first <= last).collect();
    if apart.is_empty() {
        // Nothing matches.
        out.push_str("[^\\x{0}-\\x{10FFFF}]");
        return;
    }
    out.push('[');
    for (first, last) in apart {
        out.push_str(&format!("\\x{{{first:X}}}-\\x{{{last:X}}}"));
    }
    out.push(']');
}

struct Printer {
    out: PathTranslation,
    dot_all: bool,
    ascii: bool,
}

impl Printer {
    fn text(&mut self, text: &str) {
        self.out.sure.push_str(text);
        self.out.possible.push_str(text);
    }

    fn node(&mut self, node: &Node, ignore_case: bool) -> Read<()> {
        match node {
            Node::Set(_, written) => {
                let characters = self.characters(written, ignore_case)?;
                write(characters.sure, &mut self.out.sure);
                write(characters.possible, &mut self.out.possible);
            }
            Node::Start => self.text(r"\A"),
            Node::LineEnd => {
                self.out.asks_for_line_end = true;
                self.text(r"\z");
            }
            Node::End => self.text(r"\z"),
            Node::WordBoundary(is_one) => {
                self.out.asks_for_words |= !self.ascii;
                self.text(if *is_one { r"(?-u:\b)" } else { r"(?-u:\B)" });
            }
            Node::Concat(parts) => {
                for part in parts {
                    self.group(part, ignore_case)?;
                }
            }
            Node::Alternation(branches) => {
                for (index, branch) in branches.iter().enumerate() {
                    if index > 0 {
                        self.text("|");
                    }
                    self.node(branch, ignore_case)?;
                }
            }
            Node::Group(inner, _, opener) => {
                let ignore_case = match opener.as_str() {
                    "(?i:" => true,
                    "(?-i:" => false,
                    _ => ignore_case,
                };
                self.group(inner, ignore_case)?;
            }
            Node::Repeat(inner, count) => {
                self.group(inner, ignore_case)?;
                self.count(*count);
            }
            Node::Look { .. } | Node::BackReference(_) | Node::Atomic(_) => {
                let message = "it needs look-around, a back reference or a possessive repeat, \
                    which have no bound on their cost: write it without";
                return Err(message.to_owned());
            }
        }
        Ok(())
    }

    fn group(&mut self, node: &Node, ignore_case: bool) -> Read<()> {
        self.text("(?:");
        self.node(node, ignore_case)?;
        self.text(")");
        Ok(())
    }

    fn count(&mut self, count: Count) {
        let most = count.most.map_or(String::new(), |most| most.to_string());
        let lazy = if count.lazy { "?" } else { "" };
        self.text(&format!("{{{},{most}}}{lazy}", count.least));
    }

    /// What a part matches that reads one character, by how it was written.
    fn characters(&self, written: &str, ignore_case: bool) -> Read<Characters> {
        let mut found = Characters {
            sure: Vec::new(),
            possible: Vec::new(),
        };
        let mut reader = Reader::new(written, "", RegexDialect::Python)?;
        if written == "." {
            let all = Characters {
                sure: vec![(0, LAST)],
                possible: vec![(0, LAST)],
            };
            found.push('\n', '\n', false)?;
            return Ok(if self.dot_all { all } else { found.negated() });
        }
        if !reader.take("[") {
            if let Some(character) = self.item(&mut reader, &mut found)? {
                found.push(character, character, ignore_case)?;
            }
            return Ok(found);
        }
        let negative = reader.take("^");
        let mut first = true;
        while first || !reader.take("]") {
            first = false;
            let Some(low) = self.item(&mut reader, &mut found)? else {
                continue;
            };
            let start = reader.at;
            if reader.take("-") && reader.peek() != Some(']') {
                let high = self.item(&mut reader, &mut found)?;
                found.push(low, high.ok_or("a range ends with a class")?, ignore_case)?;
            } else {
                reader.at = start;
                found.push(low, low, ignore_case)?;
            }
        }
        Ok(if negative { found.negated() } else { found })
    }

    /// One character; `None` for `\d` and its like, which are taken in.
    fn item(&self, reader: &mut Reader<'_>, found: &mut Characters) -> Read<Option<char>> {
        let character = reader.next().ok_or("a class does not end")?;
        if character != '\\' {
            return Ok(Some(character));
        }
        if let Some(letter) = reader.peek().filter(|letter| "dDwWsS".contains(*letter)) {
            reader.at += 1;
            found.push_named(letter, self.ascii);
            return Ok(None);
        }
        match super::python::class_escape(reader)? {
            super::class::Item::Character(character) => Ok(Some(character)),
            super::class::Item::Set(_) => Err("a class in a place of its own".to_owned()),
        }
    }
}
