//! `Access-Control-Request-Headers` against `allow_headers`: one linear pass over any order, case,
//! white space, duplicates and empty elements.

use std::ops::ControlFlow;

use super::header_names::HeaderNameSet;
use crate::fetch::lines::{Lines, each_element};
use crate::fetch::reason::Reason;
use crate::text::list::is_token;

/// Longer lists are refused before work is spent, unless twice the configured list is longer.
pub(crate) const MAX_BYTES: usize = 4096;

/// More names are refused, unless more are configured.
pub(crate) const MAX_NAMES: usize = 256;

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
        names: HeaderNameSet,
        max_bytes: usize,
        max_names: usize,
    },
    /// A literal `*`: everything but `Authorization`, unless that is listed.
    Any { authorization: bool },
    /// `*` with credentials: everything, echoed.
    Echo,
}

impl NameRule {
    pub(crate) fn new(names: HeaderNameSet, credentials: bool) -> Self {
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
                authorization: names.contains(AUTHORIZATION),
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

    /// Whether every list passes.
    pub(crate) const fn allows_everything(&self) -> bool {
        matches!(
            self,
            NameRule::Any {
                authorization: true
            }
        )
    }

    /// Whether the requested names pass ([CORS-preflight fetch][preflight], the steps on
    /// CORS-unsafe request-header names).
    ///
    /// [preflight]: https://fetch.spec.whatwg.org/#cors-preflight-fetch
    pub(crate) fn check(&self, lines: &Lines<'_>) -> Result<(), Reason> {
        if self.lists(lines) {
            Ok(())
        } else {
            self.check_unlisted(lines)
        }
    }

    /// [`NameRule::check`] of lines that [`NameRule::lists`] said no to.
    pub(crate) fn check_unlisted(&self, lines: &Lines<'_>) -> Result<(), Reason> {
        match self {
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

    /// Calls `put` with the first name that was refused for this reason, if a name was.
    pub(crate) fn refused(&self, lines: &Lines<'_>, reason: Reason, put: impl FnOnce(&[u8])) {
        let passes = |name: &[u8]| match (reason, self) {
            (Reason::HeaderListMalformed, _) => is_token(name),
            (Reason::HeaderNotAllowed, NameRule::Listed { names, .. }) => names.contains(name),
            (Reason::HeaderNotAllowed, NameRule::Any { authorization }) => {
                *authorization || !name.eq_ignore_ascii_case(AUTHORIZATION)
            }
            _ => true,
        };
        let mut put = Some(put);
        let _ = each_element(lines, |name| {
            if name.is_empty() || passes(name) {
                return ControlFlow::Continue(());
            }
            if let Some(put) = put.take() {
                put(name);
            }
            ControlFlow::Break(())
        });
    }
}

/// The one name that a literal `*` does not cover.
const AUTHORIZATION: &[u8] = b"authorization";

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

/// Under a literal `*` only `Authorization` needs to be named
/// ([CORS non-wildcard request-header name](https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name)).
/// The list is scanned, not copied, so it needs no bound.
fn check_any(lines: &Lines<'_>) -> Result<(), Reason> {
    let found = each_element(lines, |element| {
        if element.eq_ignore_ascii_case(AUTHORIZATION) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
            let mut names = HeaderNameSet::default();
            listed[..count].iter().for_each(|name| names.push(name));
            NameRule::new(names, true)
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
}
