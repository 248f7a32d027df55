//! Python's `re`: <https://docs.python.org/3/library/re.html#regular-expression-syntax>. And the
//! escapes of the engine's dialect, for regexes that only the engine that backtracks runs.

use super::class::{Item, named_set};
use super::reader::{Read, Reader};
use super::tree::{Node, VISIBLE};

/// Flags for the whole regex stand at its start.
pub(super) fn flags_at_start(reader: &mut Reader<'_>) -> Read<()> {
    loop {
        let rest = &reader.text[reader.at..];
        let skipped = if reader.flags.verbose {
            rest.trim_start()
        } else {
            rest
        };
        let Some((flags, _)) = skipped
            .strip_prefix("(?")
            .and_then(|rest| rest.split_once(')'))
            .filter(|(flags, _)| {
                !flags.is_empty() && flags.chars().all(|flag| flag.is_ascii_alphabetic())
            })
        else {
            return Ok(());
        };
        reader.at += rest.len() - skipped.len() + flags.len() + 3;
        for flag in flags.chars() {
            reader.flag(flag)?;
        }
    }
}

/// Behind a backslash, outside of classes.
pub(super) fn escape(reader: &mut Reader<'_>) -> Read<Node> {
    let start = reader.at - 1;
    let letter = reader.next().ok_or("it ends in a backslash")?;
    if let Some(set) = named_set(letter) {
        let written = reader.text[start..reader.at].to_owned();
        return Ok(Node::Set(set & VISIBLE, written));
    }
    let character = match letter {
        'A' => return Ok(Node::Start),
        // `\z` is Python 3.14's.
        'Z' | 'z' => return Ok(Node::End),
        'b' => return Ok(Node::WordBoundary(true)),
        'B' => return Ok(Node::WordBoundary(false)),
        '0' => {
            let digits = reader.take_while(2, is_octal);
            octal(&format!("0{digits}"))?
        }
        '1'..='9' => {
            let rest = reader.take_while(2, |c| c.is_ascii_digit());
            let all = format!("{letter}{rest}");
            if all.len() == 3 && all.chars().all(is_octal) {
                octal(&all)?
            } else {
                // At most two digits are a group's number.
                reader.at -= rest.len().saturating_sub(1);
                let number = all[..all.len().min(2)].parse().unwrap_or(0);
                return reader.reference(number);
            }
        }
        letter => plain_escape(reader, letter)?,
    };
    reader.character(character, start)
}

/// Behind a backslash in a class.
pub(super) fn class_escape(reader: &mut Reader<'_>) -> Read<Item> {
    let letter = reader.next().ok_or("a class does not end")?;
    if let Some(set) = named_set(letter) {
        return Ok(Item::Set(set));
    }
    Ok(Item::Character(match letter {
        'b' => '\u{8}',
        '0'..='7' => {
            let rest = reader.take_while(2, is_octal);
            octal(&format!("{letter}{rest}"))?
        }
        '8' | '9' => return Err(format!("\\{letter} is no escape")),
        letter => plain_escape(reader, letter)?,
    }))
}

fn plain_escape(reader: &mut Reader<'_>, letter: char) -> Read<char> {
    let by_digits = |reader: &mut Reader<'_>, digits| {
        let value = reader.hex(digits).and_then(char::from_u32);
        value.ok_or(format!("\\{letter} needs {digits} hexadecimal digits"))
    };
    Ok(match letter {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => by_digits(reader, 2)?,
        'u' => by_digits(reader, 4)?,
        'U' => by_digits(reader, 8)?,
        letter if letter.is_ascii_alphabetic() => return Err(format!("\\{letter} is no escape")),
        other => other,
    })
}

fn is_octal(character: char) -> bool {
    matches!(character, '0'..='7')
}

fn octal(digits: &str) -> Read<char> {
    let value = u32::from_str_radix(digits, 8)
        .ok()
        .filter(|value| *value < 0o400);
    value
        .and_then(char::from_u32)
        .ok_or_else(|| format!("\\{digits} is above \\377"))
}

/// Behind a backslash in the engine's dialect.
pub(super) fn rust_escape(reader: &mut Reader<'_>) -> Read<Node> {
    let start = reader.at - 1;
    match reader.peek() {
        Some('A') => return one(reader, Node::Start),
        Some('z') => return one(reader, Node::End),
        Some('b') => return one(reader, Node::WordBoundary(true)),
        Some('B') => return one(reader, Node::WordBoundary(false)),
        Some('1'..='9') => {
            let digits = reader.take_while(3, |c| c.is_ascii_digit());
            return reader.reference(digits.parse().unwrap_or(0));
        }
        Some('k') => {
            reader.at += 1;
            return reader.named_reference();
        }
        _ => {}
    }
    match rust_class_escape(reader)? {
        Item::Set(set) => {
            let written = reader.text[start..reader.at].to_owned();
            Ok(Node::Set(set & VISIBLE, written))
        }
        Item::Character(character) => reader.character(character, start),
    }
}

fn one(reader: &mut Reader<'_>, node: Node) -> Read<Node> {
    reader.at += 1;
    Ok(node)
}

pub(super) fn rust_class_escape(reader: &mut Reader<'_>) -> Read<Item> {
    let letter = reader.next().ok_or("it ends in a backslash")?;
    if let Some(set) = named_set(letter) {
        return Ok(Item::Set(set));
    }
    match letter {
        'U' => Err("\\U is no escape".to_owned()),
        letter => plain_escape(reader, letter).map(Item::Character),
    }
}
