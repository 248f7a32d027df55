//! JavaScript's `RegExp`: <https://tc39.es/ecma262/#sec-patterns>, and its appendix for regexes
//! without flag `u`: <https://tc39.es/ecma262/#sec-regular-expressions-patterns>.

use super::super::program::Bytes;
use super::class::{Item, named_set};
use super::reader::{Read, Reader};
use super::tree::{Node, VISIBLE, range};

/// How many capturing groups there are, and whether one has a name.
pub(super) fn groups(text: &str) -> (usize, bool) {
    let (mut count, mut named, mut in_class) = (0, false, false);
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                rest.next();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => {
                let after = rest.as_str();
                let is_name = after.starts_with("?<")
                    && !after.starts_with("?<=")
                    && !after.starts_with("?<!");
                named |= is_name;
                count += usize::from(is_name || !after.starts_with('?'));
            }
            _ => {}
        }
    }
    (count, named)
}

/// A group that did not take part is empty text in JavaScript and no match elsewhere. So only
/// references to groups that have always taken part are translated.
pub(super) fn back_references_are_set(node: &Node, set: &mut Vec<usize>, behind: bool) -> Read<()> {
    match node {
        Node::BackReference(number) if behind || !set.contains(number) => Err(format!(
            "\\{number} refers to a group that may not have matched, which has no translation"
        )),
        Node::BackReference(_)
        | Node::Set(..)
        | Node::Start
        | Node::LineEnd
        | Node::End
        | Node::WordBoundary(_) => Ok(()),
        Node::Concat(parts) => parts
            .iter()
            .try_for_each(|part| back_references_are_set(part, set, behind)),
        Node::Alternation(branches) => branches
            .iter()
            .try_for_each(|branch| back_references_are_set(branch, &mut set.clone(), behind)),
        Node::Group(inner, number, _) => {
            back_references_are_set(inner, set, behind)?;
            set.extend(number);
            Ok(())
        }
        Node::Repeat(inner, _) | Node::Atomic(inner) => {
            back_references_are_set(inner, &mut set.clone(), behind)
        }
        Node::Look { ahead, inner, .. } => {
            back_references_are_set(inner, &mut set.clone(), behind || !ahead)
        }
    }
}

/// Behind a backslash, outside of classes.
pub(super) fn escape(reader: &mut Reader<'_>) -> Read<Node> {
    let start = reader.at - 1;
    match reader.peek() {
        Some('b') => {
            reader.at += 1;
            return Ok(Node::WordBoundary(true));
        }
        Some('B') => {
            reader.at += 1;
            return Ok(Node::WordBoundary(false));
        }
        Some('1'..='9') => {
            let digits = reader.take_while(usize::MAX, |c| c.is_ascii_digit());
            let number = digits.parse().unwrap_or(usize::MAX);
            if number <= reader.all_groups {
                return reader.reference(number);
            }
            if reader.flags.unicode {
                return Err(format!("there is no group {digits}"));
            }
            // An octal number, or a digit that stands for itself.
            reader.at -= digits.len();
        }
        Some('k') if reader.flags.unicode || reader.has_names => {
            reader.at += 1;
            return reader.named_reference();
        }
        _ => {}
    }
    match character_escape(reader, false)? {
        Item::Set(set) => {
            let written = reader.text[start..reader.at].to_owned();
            Ok(Node::Set(set & VISIBLE, written))
        }
        Item::Character(character) => reader.character(character, start),
    }
}

fn character_escape(reader: &mut Reader<'_>, in_class: bool) -> Read<Item> {
    let letter = reader.next().ok_or("it ends in a backslash")?;
    if let Some(set) = named_set(letter) {
        return Ok(Item::Set(set));
    }
    let unicode = reader.flags.unicode;
    Ok(Item::Character(match letter {
        'b' if in_class => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'c' => return control(reader, in_class),
        '0'..='7' if !unicode => legacy_octal(reader, letter),
        '0' if !reader.peek().is_some_and(|next| next.is_ascii_digit()) => '\0',
        'x' => match reader.hex(2).and_then(char::from_u32) {
            Some(character) => character,
            None if unicode => return Err("\\x needs two hexadecimal digits".to_owned()),
            None => 'x',
        },
        'u' => return unicode_escape(reader),
        'p' | 'P' if unicode => {
            return Err(format!(
                "\\{letter} has no translation; list the characters"
            ));
        }
        other if unicode && !is_syntax(other) && !(in_class && other == '-') => {
            return Err(format!("\\{other} is no escape"));
        }
        other => other,
    }))
}

fn is_syntax(character: char) -> bool {
    "^$\\.*+?()[]{}|/".contains(character)
}

fn control(reader: &mut Reader<'_>, in_class: bool) -> Read<Item> {
    let is_control = |next: char| {
        next.is_ascii_alphabetic()
            || in_class && !reader.flags.unicode && (next.is_ascii_digit() || next == '_')
    };
    match reader.peek().filter(|next| is_control(*next)) {
        Some(next) => {
            reader.at += 1;
            let code = u32::from(next) % 32;
            Ok(Item::Character(char::from_u32(code).unwrap_or('\0')))
        }
        None if reader.flags.unicode => Err("\\c needs a letter".to_owned()),
        None => {
            // The backslash stands for itself, and the `c` too.
            reader.at -= 1;
            Ok(Item::Character('\\'))
        }
    }
}

fn legacy_octal(reader: &mut Reader<'_>, first: char) -> char {
    let most = if first <= '3' { 2 } else { 1 };
    let rest = reader.take_while(most, |c| matches!(c, '0'..='7'));
    let value = u32::from_str_radix(&format!("{first}{rest}"), 8).ok();
    value.and_then(char::from_u32).unwrap_or('\0')
}

fn unicode_escape(reader: &mut Reader<'_>) -> Read<Item> {
    if reader.flags.unicode && reader.take("{") {
        let digits = reader.take_while(usize::MAX, |c| c.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).ok();
        let character = value.and_then(char::from_u32);
        return match character.filter(|_| reader.take("}")) {
            Some(character) => Ok(Item::Character(character)),
            None => Err("\\u{…} is no character".to_owned()),
        };
    }
    match reader.hex(4) {
        // Half of a pair: no origin has it, and two of them are one character with flag u.
        Some(code) => match char::from_u32(code) {
            Some(character) => Ok(Item::Character(character)),
            None => Err("half of a surrogate pair has no translation".to_owned()),
        },
        None if reader.flags.unicode => Err("\\u needs four hexadecimal digits".to_owned()),
        None => Ok(Item::Character('u')),
    }
}

/// Behind its bracket.
pub(super) fn class(reader: &mut Reader<'_>) -> Read<Bytes> {
    if reader.flags.sets {
        return set_class(reader);
    }
    let negative = reader.take("^");
    let mut set = 0;
    while !reader.take("]") {
        let item = item(reader)?;
        let start = reader.at;
        if !reader.take("-") || reader.peek() == Some(']') {
            reader.at = start;
            set |= alone(reader, &item)?;
            continue;
        }
        let end = self::item(reader)?;
        match (&item, &end) {
            (Item::Character(low), Item::Character(high)) => {
                set |= in_order(reader, *low, *high)?;
            }
            _ if reader.flags.unicode => {
                return Err("a range begins or ends with a class".to_owned());
            }
            _ => set |= alone(reader, &item)? | alone(reader, &end)? | 1 << b'-',
        }
    }
    Ok(if negative { !set } else { set })
}

fn item(reader: &mut Reader<'_>) -> Read<Item> {
    match reader.next().ok_or("a class does not end")? {
        '\\' => character_escape(reader, true),
        character => Ok(Item::Character(character)),
    }
}

fn alone(reader: &Reader<'_>, item: &Item) -> Read<Bytes> {
    match item {
        Item::Character(character) => reader.literal(*character),
        Item::Set(set) => Ok(*set),
    }
}

fn in_order(reader: &Reader<'_>, low: char, high: char) -> Read<Bytes> {
    if low > high {
        return Err(format!("the range {low}-{high} is in the wrong order"));
    }
    reader.literal(low)?;
    reader.literal(high)?;
    Ok(reader.cased(range(low, high)))
}

/// A class with flag `v`: unions, intersections and differences of classes.
fn set_class(reader: &mut Reader<'_>) -> Read<Bytes> {
    let negative = reader.take("^");
    let mut set = 0;
    let mut first = true;
    let mut operator = None;
    while !reader.take("]") {
        for known in ["&&", "--"] {
            if reader.take(known) {
                if first || operator.is_some_and(|operator| operator != known) {
                    return Err(format!("{known} stands beside another operator"));
                }
                operator = Some(known);
                let operand = operand(reader, false)?;
                set = if known == "&&" {
                    set & operand
                } else {
                    set & !operand
                };
            }
        }
        if reader.peek() == Some(']') {
            continue;
        }
        if ["&&", "--"]
            .iter()
            .any(|known| reader.text[reader.at..].starts_with(known))
        {
            continue;
        }
        if operator.is_some() {
            return Err("operators of classes stand between two of them".to_owned());
        }
        set |= operand(reader, true)?;
        first = false;
    }
    Ok(if negative { !set } else { set })
}

fn operand(reader: &mut Reader<'_>, with_ranges: bool) -> Read<Bytes> {
    let item = set_item(reader)?;
    if let Item::Character(low) = item {
        let is_range = with_ranges
            && reader.peek() == Some('-')
            && !reader.text[reader.at..].starts_with("--");
        if is_range {
            reader.at += 1;
            return match set_item(reader)? {
                Item::Character(high) => in_order(reader, low, high),
                Item::Set(_) => Err("a range ends with a class".to_owned()),
            };
        }
    }
    alone(reader, &item)
}

fn set_item(reader: &mut Reader<'_>) -> Read<Item> {
    const DOUBLED: &str = "&!#$%*+,.:;<=>?@^`~";
    match reader.next().ok_or("a class does not end")? {
        '[' => set_class(reader).map(Item::Set),
        '\\' => match reader.peek() {
            Some('q') => Err("\\q has no translation".to_owned()),
            Some(escaped) if "&-!#%,:;<=>@`~".contains(escaped) => {
                reader.at += 1;
                Ok(Item::Character(escaped))
            }
            _ => character_escape(reader, true),
        },
        character if "()[]{}/-|".contains(character) => Err(format!(
            "{character:?} in a class; write a backslash in front"
        )),
        character if DOUBLED.contains(character) && reader.peek() == Some(character) => Err(
            format!("{character}{character} in a class is kept for later"),
        ),
        character => Ok(Item::Character(character)),
    }
}
