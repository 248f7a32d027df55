//! Texts in the syntax of something else: quoted, several origins in one, globs.

use std::net::Ipv6Addr;

/// Without the quotes and brackets of another syntax. A lone quote goes, too, and a lone bracket
/// beside a quote: they are what is left where a list was split at its commas.
pub(super) fn unquote(mut text: &str) -> &str {
    let is_quote = |c: char| matches!(c, '"' | '\'');
    let is_address = |inner: &str| {
        inner
            .split('%')
            .next()
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
    };
    // Nobody nests them deeper by mistake.
    for _ in 0..4 {
        let inner = text.trim_matches(is_quote);
        let both = inner
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'));
        let inner = both
            .filter(|inner| !is_address(inner) && (!inner.contains('[') || inner.contains("://")))
            .unwrap_or(inner);
        let inner = inner
            .strip_prefix('[')
            .filter(|inner| inner.starts_with(is_quote))
            .unwrap_or(inner);
        let inner = inner
            .strip_suffix(']')
            .filter(|inner| inner.ends_with(is_quote))
            .unwrap_or(inner);
        if inner.len() == text.len() {
            break;
        }
        text = inner.trim();
    }
    text
}

/// The parts, if the text is several origins in one string.
pub(super) fn as_list(text: &str) -> Option<Vec<&str>> {
    let mut depth = 0i32;
    let outside = |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth <= 0 && (matches!(c, ',' | ';' | '|') || c.is_whitespace())
    };
    let parts: Vec<&str> = text
        .split(outside)
        .map(unquote)
        .filter(|part| !part.is_empty())
        .collect();
    let is_whole = |part: &str| part.contains("://");
    let is_like_one = |part: &str| {
        is_whole(part) || part.contains(['.', ':']) || matches!(part, "*" | "null" | "localhost")
    };
    let (first, others) = parts.split_first()?;
    let list = if others.is_empty() {
        first.len() < text.len() && (text.ends_with([',', ';']) || text.starts_with([',', ';']))
    } else if text.contains([';', '|']) && !text.contains(',') {
        others.iter().any(|part| is_whole(part))
    } else if text.contains(',') {
        // Behind a `://` a comma can stand in a path.
        !is_whole(first) || others.iter().all(|part| is_like_one(part))
    } else {
        // White space may be a slip inside one entry.
        is_like_one(first)
            && if is_whole(first) {
                others.iter().any(|part| is_whole(part))
            } else {
                others.iter().all(|part| is_like_one(part))
            }
    };
    list.then_some(parts)
}

/// As a shell glob the entry would match any http or https host there is.
pub(super) fn would_match_everybody(text: &str) -> bool {
    if !text.contains('*') {
        return false;
    }
    // A port or a path narrows no host.
    let authority = text.find("://").map_or(0, |at| at + 3);
    let host = text[authority..]
        .find(['/', '?', '#', ':'])
        .map_or(text, |at| &text[..authority + at]);
    // Two top-level names: `https://*.example` is a pattern of its own, not everybody.
    let all_hosts = |text: &str, scheme: &str| {
        ["example", "test"].iter().all(|top| {
            glob(
                text.as_bytes(),
                format!("{scheme}://unpredictable-4f1c.{top}").as_bytes(),
            )
        })
    };
    [text, host]
        .iter()
        .any(|text| all_hosts(text, "http") || all_hosts(text, "https"))
}

/// `*` stands for any bytes. Linear in text times the number of stars; configuration only.
pub(super) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let mut pieces = pattern.split(|b| *b == b'*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(at) = (0..=rest.len()).find(|at| rest[*at..].starts_with(piece)) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty()
}
