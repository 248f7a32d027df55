//! The requested names, echoed: lower case, each once, in their order.

use foldhash::fast::RandomState;
use std::hash::BuildHasher;
use std::ops::ControlFlow;

use crate::fetch::lines::{Lines, each_element};
use crate::policy::settings::ListSeparator;
use crate::text::list::{is_token_byte, trim};

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
        // Configured behind the list first, so that its lower-case form can be compared in place.
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
    use crate::policy::requested_headers::{MAX_BYTES, max_echo};

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
