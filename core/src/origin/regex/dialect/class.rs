//! Classes of Python, and the plain ones of the engine's dialect.

use super::super::super::regex_dialect::RegexDialect;
use super::super::program::Bytes;
use super::reader::{Read, Reader};
use super::tree::{DIGITS, SPACE, WORD, range};

/// One item of a class.
pub(super) enum Item {
    Character(char),
    /// `\d` and its like.
    Set(Bytes),
}

/// Behind its bracket; `escape` reads what stands behind a backslash.
pub(super) fn class(
    reader: &mut Reader<'_>,
    escape: fn(&mut Reader<'_>) -> Read<Item>,
) -> Read<Bytes> {
    let negative = reader.take("^");
    let mut set = 0;
    let mut first = true;
    loop {
        if !first && reader.take("]") {
            break;
        }
        first = false;
        let item = item(reader, escape)?;
        let start = reader.at;
        if !reader.take("-") {
            set |= alone(reader, &item)?;
            continue;
        }
        if reader.peek() == Some(']') {
            // A hyphen before the end stands for itself.
            reader.at = start;
            set |= alone(reader, &item)?;
            continue;
        }
        let (Item::Character(low), Item::Character(high)) = (item, self::item(reader, escape)?)
        else {
            return Err("a range begins or ends with a class".to_owned());
        };
        if low > high {
            return Err(format!("the range {low}-{high} is in the wrong order"));
        }
        reader.literal(low)?;
        reader.literal(high)?;
        set |= reader.cased(range(low, high));
    }
    Ok(if negative { !set } else { set })
}

fn alone(reader: &Reader<'_>, item: &Item) -> Read<Bytes> {
    match item {
        Item::Character(character) => reader.literal(*character),
        Item::Set(set) => Ok(*set),
    }
}

fn item(reader: &mut Reader<'_>, escape: fn(&mut Reader<'_>) -> Read<Item>) -> Read<Item> {
    let character = reader.next().ok_or("a class does not end")?;
    if character == '\\' {
        return escape(reader);
    }
    let operator = ["&&", "--", "~~"]
        .iter()
        .any(|operator| reader.text[reader.at - character.len_utf8()..].starts_with(operator));
    if reader.dialect == RegexDialect::Rust && (character == '[' || operator) {
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
