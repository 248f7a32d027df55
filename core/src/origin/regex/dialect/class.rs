//! Classes of Python, and the plain ones of the engine's dialect.

use super::super::super::regex_dialect::RegexDialect;
use super::super::program::Bytes;
use super::parser::{Parser, Read};
use super::tree::{DIGITS, SPACE, WORD, range};

/// One item of a class.
pub(super) enum Item {
    Character(char),
    /// `\d` and its like.
    Set(Bytes),
}

/// Behind its bracket.
pub(super) fn class(parser: &mut Parser<'_>) -> Read<Bytes> {
    let negative = parser.take("^");
    let mut set = 0;
    let mut first = true;
    loop {
        if !first && parser.take("]") {
            break;
        }
        first = false;
        let item = item(parser)?;
        let start = parser.at;
        if !parser.take("-") {
            set |= alone(parser, &item)?;
            continue;
        }
        if parser.peek() == Some(']') {
            // A hyphen before the end stands for itself.
            parser.at = start;
            set |= alone(parser, &item)?;
            continue;
        }
        let (Item::Character(low), Item::Character(high)) = (item, self::item(parser)?) else {
            return Err("a range begins or ends with a class".to_owned());
        };
        if low > high {
            return Err(format!("the range {low}-{high} is in the wrong order"));
        }
        parser.literal(low)?;
        parser.literal(high)?;
        set |= parser.cased(range(low, high));
    }
    Ok(if negative { !set } else { set })
}

fn alone(parser: &Parser<'_>, item: &Item) -> Read<Bytes> {
    match item {
        Item::Character(character) => parser.literal(*character),
        Item::Set(set) => Ok(*set),
    }
}

fn item(parser: &mut Parser<'_>) -> Read<Item> {
    let character = parser.next().ok_or("a class does not end")?;
    if character == '\\' {
        return match parser.dialect {
            RegexDialect::Rust => super::python::rust_class_escape(parser),
            _ => super::python::class_escape(parser),
        };
    }
    let operator = ["&&", "--", "~~"]
        .iter()
        .any(|operator| parser.text[parser.at - character.len_utf8()..].starts_with(operator));
    if parser.dialect == RegexDialect::Rust && (character == '[' || operator) {
        return Err("a class in a class, where look-around or a back reference stands".to_owned());
    }
    Ok(Item::Character(character))
}

/// `\d`, `\w`, `\s` and their opposites.
pub(super) fn named_set(letter: char) -> Option<Bytes> {
    Some(match letter {
        'd' => DIGITS,
        'D' => !DIGITS,
        'w' => WORD,
        'W' => !WORD,
        's' => SPACE,
        'S' => !SPACE,
        _ => return None,
    })
}
