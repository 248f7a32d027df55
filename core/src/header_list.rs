//! `Access-Control-Request-Headers`: one linear pass over any order, case, white space, duplicates
//! and empty elements.

use std::hash::BuildHasher;
use std::ops::ControlFlow;

use foldhash::fast::RandomState;

use crate::config::ListSeparator;
use crate::decision::Reason;
use crate::header_names::HeaderNames;
use crate::method::{is_token, is_token_byte};
use crate::request::{Lines, trim};

/// Longer lists are refused before work is spent, unless twice the configured list is longer.
const MAX_BYTES: usize = 4096;
/// More names are refused, unless more are configured.
const MAX_NAMES: usize = 256;
/// More empty elements are refused.
const MAX_EMPTY: usize = 64;

/// The bytes that an echoed list can need: every name and its `, `.
pub(crate) const fn max_echo(max_bytes: usize) -> usize {
    max_bytes + MAX_NAMES
}

/// The rule for request-header names.
#[derive(Clone, Debug)]
pub(crate) enum NameRule {
    /// Only these.
    Listed {
        names: HeaderNames,
        max_bytes: usize,
        max_names: usize,
    },
    /// A literal `*`: everything but `Authorization`, unless that is listed.
    Any { authorization: bool },
    /// `*` with credentials: everything, echoed.
    Echo,
}

impl NameRule {
    pub(crate) fn new(names: HeaderNames, credentials: bool) -> Self {
        match (names.any, credentials) {
            (false, _) => {
                let max_bytes = MAX_BYTES.max(2 * names.joined_length);
                let max_names = MAX_NAMES.max(names.list.len());
                NameRule::Listed {
                    names,
                    max_bytes,
                    max_names,
                }
            }
            (true, false) => NameRule::Any {
                authorization: names.contains(b"authorization"),
            },
            (true, true) => NameRule::Echo,
        }
    }

    /// What a decision's scratch buffer must hold for an echoed list.
    pub(crate) const fn scratch_size(&self) -> usize {
        match self {
            NameRule::Echo => max_echo(MAX_BYTES),
            _ => 0,
        }
    }

    /// See [`Policy::request_headers_limit`](crate::Policy::request_headers_limit).
    pub(crate) const fn read_limit(&self) -> Option<usize> {
        match self {
            NameRule::Listed { max_bytes, .. } => Some(*max_bytes),
            NameRule::Any {
                authorization: true,
            } => Some(0),
            NameRule::Any {
                authorization: false,
            } => None,
            NameRule::Echo => Some(MAX_BYTES),
        }
    }

    /// Whether a list is as browsers send it and every name is listed. No list names nothing that
    /// is not.
    #[inline(always)]
    pub(crate) fn lists(&self, lines: &Lines<'_>) -> bool {
        let NameRule::Listed {
            names,
            max_bytes,
            max_names,
        } = self
        else {
            return false;
        };
        match lines {
            Lines::Absent => true,
            Lines::One(line) => line.len() <= *max_bytes && names.are_all_of(line, *max_names),
            Lines::Many(_) | Lines::Collected(_) => false,
        }
    }

    /// Fetch, CORS-preflight fetch, steps on CORS-unsafe request-header names.
    pub(crate) fn check(&self, lines: &Lines<'_>) -> Result<(), Reason> {
        match self {
            NameRule::Listed { .. } if self.lists(lines) => Ok(()),
            NameRule::Listed {
                names,
                max_bytes,
                max_names,
            } => walk(lines, *max_bytes, *max_names, |name| names.contains(name)),
            NameRule::Any {
                authorization: true,
            } => Ok(()),
            NameRule::Any {
                authorization: false,
            } => check_any(lines),
            NameRule::Echo => walk(lines, MAX_BYTES, MAX_NAMES, is_token),
        }
    }
}

/// Every name must be a token and `allowed`; the reason is the first in the order too long,
/// malformed, not allowed.
fn walk(
    lines: &Lines<'_>,
    max_bytes: usize,
    max_names: usize,
    mut allowed: impl FnMut(&[u8]) -> bool,
) -> Result<(), Reason> {
    if let Lines::Absent = lines {
        return Ok(());
    }
    let (mut bytes, mut first) = (0usize, true);
    lines.each(|line| {
        bytes += line.len() + if first { 0 } else { 2 };
        first = false;
        bytes <= max_bytes
    });
    if bytes > max_bytes {
        return Err(Reason::HeaderListTooLong);
    }
    let (mut count, mut empty) = (0usize, 0usize);
    let (mut malformed, mut refused) = (false, false);
    let within = each_element(lines, |element| {
        if element.is_empty() {
            empty += 1;
        } else {
            count += 1;
            // What is allowed is a token; only the rest needs the look.
            if !malformed && (refused || !allowed(element)) {
                malformed = !is_token(element);
                refused = true;
            }
        }
        if count > max_names || empty > MAX_EMPTY {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    if within.is_break() {
        Err(Reason::HeaderListTooLong)
    } else if malformed {
        Err(Reason::HeaderListMalformed)
    } else if refused {
        Err(Reason::HeaderNotAllowed)
    } else {
        Ok(())
    }
}

/// Calls `each` with every element of the list, trimmed. The end of a line ends an element.
fn each_element(
    lines: &Lines<'_>,
    mut each: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut flow = ControlFlow::Continue(());
    lines.each(|line| {
        flow = each_of_line(line, &mut each);
        flow.is_continue()
    });
    flow
}

#[inline]
fn each_of_line(line: &[u8], each: &mut impl FnMut(&[u8]) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut start = 0;
    for end in memchr::memchr_iter(b',', line).chain([line.len()]) {
        each(trim(&line[start..end]))?;
        start = end + 1;
    }
    ControlFlow::Continue(())
}

/// Under a literal `*` only `Authorization` needs to be named (Fetch, CORS non-wildcard
/// request-header name). The list is scanned, not copied, so it needs no bound.
fn check_any(lines: &Lines<'_>) -> Result<(), Reason> {
    let found = each_element(lines, |element| {
        if element.eq_ignore_ascii_case(b"authorization") {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    if found.is_break() {
        Err(Reason::HeaderNotAllowed)
    } else {
        Ok(())
    }
}

/// Writes the names of a list that passed [`NameRule::Echo`]: lower-cased, the first occurrence of
/// each, in request order, joined. `None` if there are none or the buffer is too small.
pub(crate) fn write_echo<'b>(
    lines: &Lines<'_>,
    separator: ListSeparator,
    seed: &RandomState,
    buffer: &'b mut [u8],
) -> Option<&'b str> {
    let mut echo = Echo {
        buffer,
        separator: separator.as_str().as_bytes(),
        used: 0,
        names: 0,
        overflow: false,
        slots: None,
    };
    let _ = each_element(lines, |element| {
        if !element.is_empty() {
            echo.push(element, seed);
        }
        ControlFlow::Continue(())
    });
    let (used, overflow) = (echo.used, echo.overflow);
    if used == 0 || overflow {
        return None;
    }
    std::str::from_utf8(&buffer[..used]).ok()
}

struct Echo<'b> {
    buffer: &'b mut [u8],
    separator: &'static [u8],
    used: usize,
    names: usize,
    overflow: bool,
    /// Offsets of names plus one, open addressing; only made for lists too long to compare pair by
    /// pair.
    slots: Option<[u16; SLOTS]>,
}

/// Twice [`MAX_NAMES`], a power of two.
const SLOTS: usize = 512;
/// Up to so many names are compared one by one.
const LINEAR: usize = 8;

impl Echo<'_> {
    fn push(&mut self, name: &[u8], seed: &RandomState) {
        let start = if self.used == 0 {
            0
        } else {
            self.used + self.separator.len()
        };
        let end = start + name.len();
        if end > self.buffer.len() {
            self.overflow = true;
            return;
        }
        // Written behind the list first, so that its lower-case form can be compared in place.
        self.buffer[self.used..start].copy_from_slice(&self.separator[..start - self.used]);
        self.buffer[start..end].copy_from_slice(name);
        self.buffer[start..end].make_ascii_lowercase();
        if !self.is_known(start, end, seed) {
            self.used = end;
            self.names += 1;
        }
    }

    fn is_known(&mut self, start: usize, end: usize, seed: &RandomState) -> bool {
        if self.names < LINEAR {
            return self
                .written()
                .any(|known| known == &self.buffer[start..end]);
        }
        if self.slots.is_none() {
            self.slots = Some([0; SLOTS]);
            let mut offset = 0;
            while offset < self.used {
                let length = self.name_at(offset).len();
                self.insert(offset, offset + length, seed);
                offset += length + self.separator.len();
            }
        }
        !self.insert(start, end, seed)
    }

    fn written(&self) -> impl Iterator<Item = &[u8]> {
        let written = if self.used == 0 {
            None
        } else {
            Some(&self.buffer[..self.used])
        };
        written
            .into_iter()
            .flat_map(|list| list.split(|b| *b == b','))
            .map(trim)
    }

    fn name_at(&self, offset: usize) -> &[u8] {
        let rest = &self.buffer[offset..];
        let end = rest
            .iter()
            .position(|b| !is_token_byte(*b))
            .unwrap_or(rest.len());
        &rest[..end]
    }

    /// Takes the name between the offsets into the table; false if an equal one is there.
    fn insert(&mut self, start: usize, end: usize, seed: &RandomState) -> bool {
        let Some(slots) = &mut self.slots else {
            return true;
        };
        let name = &self.buffer[start..end];
        let mut index = seed.hash_one(name) as usize % SLOTS;
        loop {
            let Some(taken) = usize::from(slots[index]).checked_sub(1) else {
                slots[index] = start as u16 + 1;
                return true;
            };
            if self.buffer[taken..].starts_with(name)
                && !self
                    .buffer
                    .get(taken + name.len())
                    .is_some_and(|b| is_token_byte(*b))
            {
                return false;
            }
            index = (index + 1) % SLOTS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options::items;
    use crate::header_names::Use;
    use crate::problem::Problems;

    fn echo(text: &str) -> Option<String> {
        let mut buffer = [0u8; max_echo(MAX_BYTES)];
        write_echo(
            &Lines::One(text.as_bytes()),
            ListSeparator::default(),
            &RandomState::default(),
            &mut buffer,
        )
        .map(str::to_owned)
    }

    #[test]
    fn echoes_lower_case_once_in_order() {
        assert_eq!(
            echo("X-B, x-a,,X-b\t,x-C").as_deref(),
            Some("x-b, x-a, x-c")
        );
        assert_eq!(echo(" ,, "), None);
        let many: Vec<String> = (0..200).map(|n| format!("x-{}", n % 100)).collect();
        let expected: Vec<String> = (0..100).map(|n| format!("x-{n}")).collect();
        assert_eq!(echo(&many.join(",")), Some(expected.join(", ")));
        // A name that is the front of another is another name.
        let fronts: Vec<String> = (1..40).map(|n| "a".repeat(n)).collect();
        assert_eq!(echo(&fronts.join(",")), Some(fronts.join(", ")));
    }

    /// The short way says yes only where the long way does, and always to what browsers send.
    #[test]
    fn lists_as_browsers_send_them_are_the_same_the_long_way() {
        let listed = [
            "X-A",
            "x-ab",
            "DPR",
            "Content-Type",
            "X-12345",
            "X-123456",
            "X-A-Name-Longer-Than-Sixteen",
            "Authorization",
        ];
        let rule = |count: usize| {
            NameRule::new(
                HeaderNames::read(
                    &items(listed[..count].to_vec()),
                    "allow_headers",
                    Use::Request,
                    &mut Problems::default(),
                ),
                true,
            )
        };
        let pieces = [
            "x-a",
            "x-ab",
            "dpr",
            "content-type",
            "x-12345",
            "x-123456",
            "x-a-name-longer-than-sixteen",
            "authorization",
            "X-A",
            "",
            " ",
            "x-a ",
            "x",
            "x-a\0",
        ];
        let mut seed = 7u32;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as usize % below
        };
        let mut passed = 0;
        for _ in 0..20_000 {
            let rule = rule(1 + random(listed.len()));
            let line = (0..1 + random(4))
                .map(|_| pieces[random(pieces.len())])
                .collect::<Vec<_>>()
                .join(",");
            let long_way = rule.check(&Lines::Many(&vec![line.as_str()]));
            if rule.lists(&Lines::One(line.as_bytes())) {
                passed += 1;
                assert_eq!(long_way, Ok(()), "{line:?}");
            } else if long_way.is_ok() {
                // Browsers send lower case, no white space and no empty elements.
                assert!(
                    line.contains(' ') || line.contains('X') || line.split(',').any(str::is_empty),
                    "{line:?}"
                );
            }
        }
        assert!(passed > 1000, "{passed}");
    }

    #[test]
    fn the_separator_is_the_policys() {
        let names: Vec<String> = (0..40).map(|n| format!("x-{}", n % 20)).collect();
        let mut buffer = [0u8; max_echo(MAX_BYTES)];
        let echoed = write_echo(
            &Lines::One(names.join(" , ").as_bytes()),
            ListSeparator::Comma,
            &RandomState::default(),
            &mut buffer,
        );
        assert_eq!(echoed, Some(names[..20].join(",").as_str()));
    }

    #[test]
    fn a_list_of_the_longest_kind_fits_its_buffer() {
        let names: Vec<String> = (0..256).map(|n| format!("{n:0>15}")).collect();
        let text = names.join(",");
        assert!(text.len() <= MAX_BYTES && text.len() > MAX_BYTES - 16);
        assert_eq!(echo(&text), Some(names.join(", ")));
    }
}
