//! Tokens and comma-separated lists, as HTTP field values have them.

use std::ops::ControlFlow;

/// Whether a byte may stand in a token ([RFC 9110, 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
    ) || byte.is_ascii_alphanumeric()
}

/// Whether a text is a token ([RFC 9110, 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)).
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| is_token_byte(*b))
}

/// An element of a list without the SP and HTAB around it, which are no part of it.
#[inline(always)]
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    if has_low_end(value) {
        trim_spaces(value, usize::MAX)
    } else {
        value
    }
}

/// So much white space on each side of a field value is passed over. More stays, and is a fault of
/// the value: nobody makes the look at one field long.
pub(crate) const MAX_WHITE_SPACE: usize = 330;

/// A field value without the SP and HTAB around it, which are no part of it
/// ([RFC 9110, 5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5)). Many servers leave them in.
#[inline(always)]
pub(crate) fn trim_field(value: &[u8]) -> &[u8] {
    if has_low_end(value) {
        trim_spaces(value, MAX_WHITE_SPACE)
    } else {
        value
    }
}

/// The first or last byte may be white space: all that may have to go, and little else.
#[inline(always)]
fn has_low_end(value: &[u8]) -> bool {
    let is_low = |byte: &u8| *byte <= b' ';
    value.first().is_some_and(is_low) || value.last().is_some_and(is_low)
}

#[cold]
fn trim_spaces(value: &[u8], most: usize) -> &[u8] {
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let front = value.iter().take(most).take_while(is_space).count();
    let value = &value[front..];
    let end = value.iter().rev().take(most).take_while(is_space).count();
    &value[..value.len() - end]
}

#[inline]
pub(crate) fn each_of_line(
    line: &[u8],
    each: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut start = 0;
    for end in memchr::memchr_iter(b',', line).chain([line.len()]) {
        each(trim(&line[start..end]))?;
        start = end + 1;
    }
    ControlFlow::Continue(())
}

pub(crate) fn names(line: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    line.split(|byte| *byte == b',')
        .map(trim)
        .filter(|name| !name.is_empty())
}

/// The parts of a text that holds a list, split at commas and white space.
pub(crate) fn split_list(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty())
}
