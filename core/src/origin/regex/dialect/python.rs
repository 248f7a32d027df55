//! Python's `re`: <https://docs.python.org/3/library/re.html#regular-expression-syntax>. And the
//! escapes of the engine's dialect, for regexes that only the engine that backtracks runs.

use super::class::{Item, named_set};
use super::parser::{Parser, Read};
use super::tree::{Node, VISIBLE};

/// Flags for the whole regex stand at its start.
pub(super) fn flags_at_start(parser: &mut Parser<'_>) -> Read<()> {
    loop {
        let rest = &parser.text[parser.at..];
        let skipped = if parser.flags.verbose {
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
        parser.at += rest.len() - skipped.len() + flags.len() + 3;
        for flag in flags.chars() {
            parser.flag(flag)?;
        }
    }
}

/// Behind a backslash, outside of classes.
pub(super) fn escape(parser: &mut Parser<'_>) -> Read<Node> {
    let start = parser.at - 1;
    let letter = parser.next().ok_or("it ends in a backslash")?;
    if let Some(set) = named_set(letter) {
        let written = parser.text[start..parser.at].to_owned();
        return Ok(Node::Set(set & VISIBLE, written));
    }
    let character = match letter {
        'A' => return Ok(Node::Start),
        // `\z` is Python 3.14's.
        'Z' | 'z' => return Ok(Node::End),
        'b' => return Ok(Node::WordBoundary(true)),
        'B' => return Ok(Node::WordBoundary(false)),
        '0' => {
            let digits = parser.take_while(2, is_octal);
            octal(&format!("0{digits}"))?
        }
        '1'..='9' => {
            let rest = parser.take_while(2, |c| c.is_ascii_digit());
            let all = format!("{letter}{rest}");
            if all.len() == 3 && all.chars().all(is_octal) {
                octal(&all)?
            } else {
                // At most two digits are a group's number.
                parser.at -= rest.len().saturating_sub(1);
                let number = all[..all.len().min(2)].parse().unwrap_or(0);
                return parser.reference(number);
            }
        }
        letter => plain_escape(parser, letter)?,
    };
    parser.character(character, start)
}

/// Behind a backslash in a class.
pub(super) fn class_escape(parser: &mut Parser<'_>) -> Read<Item> {
    let letter = parser.next().ok_or("a class does not end")?;
    if let Some(set) = named_set(letter) {
        return Ok(Item::Set(set));
    }
    Ok(Item::Character(match letter {
        'b' => '\u{8}',
        '0'..='7' => {
            let rest = parser.take_while(2, is_octal);
            octal(&format!("{letter}{rest}"))?
        }
        '8' | '9' => return Err(format!("\\{letter} is no escape")),
        letter => plain_escape(parser, letter)?,
    }))
}

fn plain_escape(parser: &mut Parser<'_>, letter: char) -> Read<char> {
    let by_digits = |parser: &mut Parser<'_>, digits| {
        let value = parser.hex(digits).and_then(char::from_u32);
        value.ok_or(format!("\\{letter} needs {digits} hexadecimal digits"))
    };
    Ok(match letter {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => by_digits(parser, 2)?,
        'u' => by_digits(parser, 4)?,
        'U' => by_digits(parser, 8)?,
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
pub(super) fn rust_escape(parser: &mut Parser<'_>) -> Read<Node> {
    let start = parser.at - 1;
    match parser.peek() {
        Some('A') => return one(parser, Node::Start),
        Some('z') => return one(parser, Node::End),
        Some('b') => return one(parser, Node::WordBoundary(true)),
        Some('B') => return one(parser, Node::WordBoundary(false)),
        Some('1'..='9') => {
            let digits = parser.take_while(3, |c| c.is_ascii_digit());
            return parser.reference(digits.parse().unwrap_or(0));
        }
        Some('k') => {
            parser.at += 1;
            let rest = &parser.text[parser.at..];
            let name = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
            let (name, _) = name.ok_or("\\k needs the name of a group, as in \\k<name>")?;
            parser.at += name.len() + 2;
            return parser.reference_by_name(name);
        }
        _ => {}
    }
    match rust_class_escape(parser)? {
        Item::Set(set) => {
            let written = parser.text[start..parser.at].to_owned();
            Ok(Node::Set(set & VISIBLE, written))
        }
        Item::Character(character) => parser.character(character, start),
    }
}

fn one(parser: &mut Parser<'_>, node: Node) -> Read<Node> {
    parser.at += 1;
    Ok(node)
}

pub(super) fn rust_class_escape(parser: &mut Parser<'_>) -> Read<Item> {
    let letter = parser.next().ok_or("it ends in a backslash")?;
    if let Some(set) = named_set(letter) {
        return Ok(Item::Set(set));
    }
    match letter {
        'U' => Err("\\U is no escape".to_owned()),
        letter => plain_escape(parser, letter).map(Item::Character),
    }
}
