//! Header names: what may be configured in `allow_headers` and `expose_headers`.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::config::options::{Item, split_list};
use crate::method::is_token;
use crate::problem::{Code, Problems};
use crate::tag;

/// Fetch, forbidden request-header; names that start with `proxy-` or `sec-` come on top.
const FORBIDDEN_REQUEST: [&str; 21] = [
    "accept-charset",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];
/// Fetch, forbidden response-header name.
const FORBIDDEN_RESPONSE: [&str; 2] = ["set-cookie", "set-cookie2"];
/// Fetch, CORS-safelisted response-header name.
const SAFELISTED_RESPONSE: [&str; 7] = [
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
];
/// Starts of the names of the CORS protocol's response headers.
const CORS_RESPONSE: [&str; 3] = [
    "access-control-allow-",
    "access-control-expose-",
    "access-control-max-age",
];

/// Which option a list of names belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// `allow_headers`
    Request,
    /// `expose_headers`
    Response,
}

/// A configured list of names, compared case-insensitively and written as configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderNames {
    /// `*` stands in the list.
    pub(crate) any: bool,
    /// The names in their order and case, `*` among them where it stands.
    pub(crate) list: Vec<String>,
    /// The bytes of `list` joined with `, `.
    pub(crate) joined_length: usize,
    longest: usize,
    /// Of each name of a short list.
    tags: Vec<u64>,
    /// The names of a short list as browsers send them.
    wire: Vec<WireName>,
    table: HashTable<u32>,
    seed: RandomState,
}

/// A name in lower case, its first eight bytes also as an integer.
#[derive(Clone, Debug)]
struct WireName {
    bytes: Box<[u8]>,
    first: u64,
    mask: u64,
    /// The last eight bytes, of a name that has so many.
    last: u64,
}

impl WireName {
    fn new(name: &str) -> Self {
        let bytes = name.to_ascii_lowercase().into_bytes().into_boxed_slice();
        let mask = if bytes.len() < 8 {
            (1 << (8 * bytes.len())) - 1
        } else {
            u64::MAX
        };
        WireName {
            first: tag::eight(&bytes, 0),
            mask,
            last: tag::eight(&bytes, bytes.len().saturating_sub(8)),
            bytes,
        }
    }

    /// Whether a list starts with the name, and a comma or nothing comes behind it.
    #[inline(always)]
    fn starts(&self, list: &[u8], first: u64) -> bool {
        let length = self.bytes.len();
        (first ^ self.first) & self.mask == 0
            && match length {
                ..8 => length <= list.len(),
                8..=16 => length <= list.len() && tag::eight(list, length - 8) == self.last,
                _ => list.starts_with(&self.bytes),
            }
            && matches!(list.get(length), None | Some(b','))
    }
}

/// Up to so many names a comparison each is faster than a hash.
const LINEAR: usize = 8;

impl HeaderNames {
    /// Judges a list.
    pub(crate) fn read(items: &[Item], option: &str, of: Use, problems: &mut Problems) -> Self {
        let mut names = HeaderNames::default();
        for item in items {
            let (text, path) = (item.text.as_str(), format!("{option}[{}]", item.index));
            if text == "*" {
                if names.any {
                    problems.warning(Code::HeaderDuplicate, &path, text, "`*` stands twice", None);
                } else {
                    names.any = true;
                    names.tags.push(u64::MAX);
                    names.list.push("*".into());
                }
            } else if read_one(text, &path, of, problems) {
                if names.contains(text.as_bytes()) {
                    problems.warning(
                        Code::HeaderDuplicate,
                        &path,
                        text,
                        "this name stands twice (names have no case)",
                        None,
                    );
                } else {
                    names.push(text);
                }
            }
        }
        if names.any && of == Use::Response && items.iter().any(|item| item.text != "*") {
            problems.error(
                Code::AnyMixed,
                option,
                "*",
                "`*` beside other names makes them dead text; keep one of the two",
                Some("\"*\"".into()),
            );
        }
        names.joined_length = names
            .list
            .iter()
            .map(|name| name.len() + 2)
            .sum::<usize>()
            .saturating_sub(2);
        names
    }

    fn push(&mut self, name: &str) {
        self.longest = self.longest.max(name.len());
        self.tags.push(tag::of_name(name.as_bytes()));
        if self.wire.len() < LINEAR {
            self.wire.push(WireName::new(name));
        }
        self.list.push(name.to_owned());
        let HeaderNames {
            list, table, seed, ..
        } = self;
        let index = list.len() as u32 - 1;
        table.insert_unique(hash(seed, name.as_bytes()), index, |index| {
            hash(seed, list[*index as usize].as_bytes())
        });
    }

    /// Whether a line is what browsers send (lower-case names and bare commas, at most `max` names)
    /// and every name is listed. Says no for everything else, which takes the long way.
    #[inline]
    pub(crate) fn are_all_of(&self, line: &[u8], max: usize) -> bool {
        let mut rest = line;
        for _ in 0..max {
            let first = tag::eight(rest, 0);
            let Some(name) = self.wire.iter().find(|name| name.starts(rest, first)) else {
                return false;
            };
            match rest.get(name.bytes.len() + 1..) {
                Some(next) => rest = next,
                None => return true,
            }
        }
        false
    }

    /// Whether a name is listed. The literal `*` is no name.
    #[inline]
    pub(crate) fn contains(&self, name: &[u8]) -> bool {
        if name.len() > self.longest {
            return false;
        }
        if self.list.len() <= LINEAR {
            let tag = tag::of_name(name);
            return self.tags.iter().zip(&self.list).any(|(known, listed)| {
                *known == tag && listed.as_bytes().eq_ignore_ascii_case(name)
            });
        }
        self.table
            .find(hash(&self.seed, name), |index| {
                self.list[*index as usize]
                    .as_bytes()
                    .eq_ignore_ascii_case(name)
            })
            .is_some()
    }
}

/// The hash of a name without its case.
fn hash(seed: &RandomState, name: &[u8]) -> u64 {
    let mut lower = [0u8; 64];
    match lower.get_mut(..name.len()) {
        Some(lower) => {
            lower.copy_from_slice(name);
            lower.make_ascii_lowercase();
            seed.hash_one(&*lower)
        }
        None => seed.hash_one(name.to_ascii_lowercase().as_slice()),
    }
}

fn read_one(text: &str, path: &str, of: Use, problems: &mut Problems) -> bool {
    if !is_token(text.as_bytes()) {
        let parts: Vec<&str> = split_list(text).collect();
        if text.contains(',')
            && !parts.is_empty()
            && parts.iter().all(|part| is_token(part.as_bytes()))
        {
            let hint = parts
                .iter()
                .map(|part| format!("{part:?}"))
                .collect::<Vec<_>>()
                .join(", ");
            problems.error(
                Code::HeaderIsList,
                path,
                text,
                "several names in one string; list them one by one",
                Some(hint),
            );
        } else {
            let name = text.trim().trim_end_matches(':');
            let hint = is_token(name.as_bytes()).then(|| name.to_owned());
            problems.error(
                Code::HeaderInvalid,
                path,
                text,
                "a header name is a token: letters, digits and !#$%&'*+-.^_`|~",
                hint,
            );
        }
        return false;
    }
    let lower = text.to_ascii_lowercase();
    let lower = lower.as_str();
    match of {
        Use::Request
            if FORBIDDEN_REQUEST.contains(&lower)
                || lower.starts_with("proxy-")
                || lower.starts_with("sec-") =>
        {
            let hint = (lower == "cookie").then(|| "allow_credentials".to_owned());
            problems.error(
                Code::HeaderForbidden,
                path,
                text,
                "script cannot set this request header (Fetch, forbidden request-header)",
                hint,
            );
            false
        }
        Use::Request if CORS_RESPONSE.iter().any(|start| lower.starts_with(start)) => {
            let message = "a header of responses: clients do not send it, and one that does needs \
                no more than to stop";
            problems.error(Code::HeaderResponseOnly, path, text, message, None);
            false
        }
        Use::Response if FORBIDDEN_RESPONSE.contains(&lower) => {
            problems.error(
                Code::HeaderForbidden,
                path,
                text,
                "script can never read this response \
                header (Fetch, forbidden response-header name)",
                None,
            );
            false
        }
        Use::Response if SAFELISTED_RESPONSE.contains(&lower) => {
            problems.warning(
                Code::HeaderAlreadyExposed,
                path,
                text,
                "script can read this header anyway (Fetch, CORS-safelisted response-header name)",
                None,
            );
            true
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options::items;

    #[test]
    fn names_have_no_case_with_few_and_with_many() {
        for count in [3, 40] {
            let texts: Vec<String> = (0..count).map(|n| format!("X-Name-{n}")).collect();
            let names = HeaderNames::read(
                &items(texts),
                "allow_headers",
                Use::Request,
                &mut Problems::default(),
            );
            assert!(names.contains(b"x-name-2") && names.contains(b"X-NAME-0"));
            assert!(
                !names.contains(b"x-name")
                    && !names.contains(b"*")
                    && !names.contains(&[b'x'; 5000])
            );
        }
    }

    #[test]
    fn a_long_name_is_found_too() {
        let long = "X".repeat(200);
        let mut texts: Vec<String> = (0..20).map(|n| format!("X-{n}")).collect();
        texts.push(long.clone());
        let names = HeaderNames::read(
            &items(texts),
            "allow_headers",
            Use::Request,
            &mut Problems::default(),
        );
        assert!(names.contains(long.to_ascii_lowercase().as_bytes()));
    }
}
