//! Corrected texts of regexes, in the spelling in which they were written: each rewriting mends one
//! mistake, and is a hint only if what comes out is better.

use crate::config::check::origin_entry;

/// The corrected text, if the mistake is there.
type Rewriting = fn(&str) -> Option<String>;

/// Rewritings of a regex that no origin matches, with what is wrong with such a text. They are
/// tried in this order, each on what the ones before it made.
const REWRITINGS: [(Rewriting, &str); 11] = [
    (trimmed, "there is white space around it"),
    (
        without_slashes,
        "`/…/` is JavaScript's way to write a regex, and no part of it",
    ),
    (
        without_tilde,
        "`~` and `~*` belong to nginx's configuration, and to no regex",
    ),
    (
        without_doubled_backslashes,
        "each backslash is doubled, so that it stands for itself",
    ),
    (
        alternatives,
        "it is a list; alternatives are separated by `|`",
    ),
    (whole_slashes, "behind the scheme stands `://`"),
    (
        star,
        "in a regex `*` repeats what stands in front of it; any text is `.*`",
    ),
    (lower_case, "browsers send origins in lower case"),
    (
        without_path,
        "an origin ends with its host or port: no path follows, not even a `/`",
    ),
    (
        without_default_port,
        "browsers leave the scheme's default port out",
    ),
    (
        with_scheme,
        "a regex matches the whole origin, from its scheme to its end",
    ),
];

/// What is wrong with a regex that matches nothing, and the text that mends it.
pub(super) fn mended(text: &str, is_good: impl Fn(&str) -> bool) -> Option<(&'static str, String)> {
    let mut text = text.to_owned();
    let mut first = None;
    for (rewrite, wrong) in REWRITINGS {
        if let Some(rewritten) = rewrite(&text) {
            first = first.or(Some(wrong));
            if is_good(&rewritten) {
                return first.map(|wrong| (wrong, rewritten));
            }
            text = rewritten;
        }
    }
    None
}

/// The whole text means the origin `null`.
pub(super) fn is_null(text: &str) -> bool {
    text.trim_matches(|c| matches!(c, '^' | '$' | '(' | ')')) == "null"
}

/// The patterns that a text is, which was written as a regex; an empty list if it is a wildcard
/// that no pattern is.
pub(super) fn as_patterns(text: &str) -> Option<Vec<String>> {
    let bare = text.strip_prefix('^').unwrap_or(text);
    let bare = bare.strip_suffix('$').unwrap_or(bare);
    let bare = ["\\.", "\\/", "\\-", "\\:"]
        .iter()
        .fold(bare.to_owned(), |bare, escaped| {
            bare.replace(escaped, &escaped[1..])
        });
    let (schemes, rest): (&[&str], &str) = [
        ("https?:", &["http", "https"][..]),
        ("http(s)?:", &["http", "https"]),
        ("(http|https):", &["http", "https"]),
        ("(https|http):", &["http", "https"]),
        ("(?:http|https):", &["http", "https"]),
        ("(?:https|http):", &["http", "https"]),
    ]
    .iter()
    .find_map(|(head, schemes)| Some((*schemes, bare.strip_prefix(head)?)))
    .unwrap_or((&[], &bare));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '/' | '-' | '_');
    if !rest.contains('*') || !rest.chars().all(|c| is_plain(c) || c == '*') {
        return None;
    }
    // A star that is no wildcard repeats a byte that is spelled out: `a*`, `-*`, or `.*`.
    let stars = rest.match_indices('*');
    let is_wildcard =
        |(at, _): (usize, &str)| matches!(rest[..at].chars().last(), None | Some('/' | ':'));
    if !stars.clone().all(is_wildcard) || rest.ends_with("//*") && !schemes.is_empty() {
        return stars.into_iter().all(is_wildcard).then(Vec::new);
    }
    let texts: Vec<String> = if schemes.is_empty() {
        vec![rest.to_owned()]
    } else {
        schemes
            .iter()
            .map(|scheme| format!("{scheme}:{rest}"))
            .collect()
    };
    let patterns = texts.iter().map(|text| origin_entry::corrected(text));
    Some(
        patterns
            .collect::<Option<Vec<String>>>()
            .unwrap_or_default(),
    )
}

/// Texts that let less in: plain http left out.
pub(super) fn without_plain_http(text: &str) -> Vec<String> {
    [
        ("https?", "https"),
        ("http(s)?", "https"),
        ("http(?:s)?", "https"),
        ("(http|https)", "https"),
        ("(https|http)", "https"),
        ("(?:http|https)", "https"),
        ("(?:https|http)", "https"),
        ("http:", "https:"),
    ]
    .iter()
    .filter(|(from, _)| text.contains(from))
    .map(|(from, to)| text.replace(from, to))
    .collect()
}

/// A text whose literal end (`example.com`) begins at a label.
pub(super) fn at_a_label(text: &str, end: &str) -> Option<String> {
    if !end.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let escaped = end.replace('.', "\\.");
    let at = text.rfind(&escaped).or_else(|| text.rfind(end))?;
    let (front, end) = text.split_at(at);
    // What may stand in front, and a dot behind it, is optional as before.
    let front = front.strip_suffix("\\.?").unwrap_or(front);
    Some(format!("{front}\\.{end}"))
}

fn changed(before: &str, after: String) -> Option<String> {
    (before != after && !after.is_empty()).then_some(after)
}

fn trimmed(text: &str) -> Option<String> {
    changed(text, text.trim().to_owned())
}

fn without_slashes(text: &str) -> Option<String> {
    let (body, flags) = text.strip_prefix('/')?.rsplit_once('/')?;
    if body.is_empty() || !flags.chars().all(|c| c.is_ascii_lowercase()) {
        return None;
    }
    // Browsers send lower case, whatever the flag says.
    Some(body.to_owned())
}

fn without_tilde(text: &str) -> Option<String> {
    let bare = text.strip_prefix('~')?;
    Some(
        bare.strip_prefix('*')
            .unwrap_or(bare)
            .trim_start()
            .to_owned(),
    )
}

fn without_doubled_backslashes(text: &str) -> Option<String> {
    changed(text, text.replace("\\\\", "\\"))
}

fn alternatives(text: &str) -> Option<String> {
    let parts: Vec<&str> = text
        .split([',', ';', ' '])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let whole = parts.len() > 1 && parts.iter().all(|part| part.contains(":/"));
    whole.then(|| parts.join("|"))
}

fn whole_slashes(text: &str) -> Option<String> {
    let text = text.to_owned();
    for slash in ["\\/", "/"] {
        let both = format!("{slash}{slash}");
        if let Some(at) = text.find(&both) {
            let (front, rest) = text.split_at(at);
            let scheme = if front.trim_start_matches('^').is_empty() {
                "https"
            } else {
                ""
            };
            return (!front.ends_with(':')).then(|| format!("{front}{scheme}:{rest}"));
        }
        let one = format!(":{slash}");
        if let Some(at) = text.find(&one) {
            return Some(format!("{}:{both}{}", &text[..at], &text[at + one.len()..]));
        }
    }
    None
}

fn star(text: &str) -> Option<String> {
    let rewritten = text.replace("//*", "//.*").replace("\\/\\/*", "\\/\\/.*");
    let rewritten = match rewritten.strip_prefix('*') {
        Some(rest) => format!(".*{rest}"),
        None => rewritten,
    };
    changed(text, rewritten)
}

fn lower_case(text: &str) -> Option<String> {
    let mut lower = String::with_capacity(text.len());
    let (mut kept, mut before) = (0, None);
    for c in text.chars() {
        // The letter of an escape (`\D`) and of a group (`(?P<`) means something else.
        let keep = kept > 0 || before == Some('\\') || before == Some('?');
        kept = match c {
            '<' if before == Some('P') || before == Some('?') => usize::MAX,
            '>' | '}' if kept > 0 => 0,
            '{' if matches!(before, Some('p' | 'P')) => usize::MAX,
            _ => kept,
        };
        lower.push(if keep { c } else { c.to_ascii_lowercase() });
        before = if before == Some('\\') && c == '\\' {
            None
        } else {
            Some(c)
        };
    }
    changed(text, lower)
}

fn without_path(text: &str) -> Option<String> {
    let authority = ["://", ":\\/\\/"]
        .iter()
        .find_map(|mark| text.find(mark).map(|at| at + mark.len()))?;
    let (mut class, mut escaped, mut depth, mut group) = (false, None, 0, 0);
    for (at, c) in text[authority..].char_indices() {
        let at = authority + at;
        match c {
            _ if escaped.is_some() && c != '/' => {}
            '/' if !class => {
                let cut = escaped.unwrap_or(at);
                let cut = if depth == 0 {
                    cut
                } else if depth == 1 && cut == group + 1 {
                    group
                } else {
                    return None;
                };
                let end = if text.ends_with('$') { "$" } else { "" };
                return Some(format!("{}{end}", &text[..cut]));
            }
            '[' => class = true,
            ']' => class = false,
            '(' if !class => (depth, group) = (depth + 1, at),
            ')' if !class => depth -= 1,
            _ => {}
        }
        escaped = if c == '\\' && escaped.is_none() {
            Some(at)
        } else {
            None
        };
    }
    None
}

fn without_default_port(text: &str) -> Option<String> {
    let mut rewritten = text.to_owned();
    for port in [":443", ":80", "\\:443", "\\:80"] {
        for end in ["$", ")", "|", ""] {
            let found = format!("{port}{end}");
            if end.is_empty() {
                if let Some(front) = rewritten.strip_suffix(&found) {
                    rewritten = front.to_owned();
                }
            } else {
                rewritten = rewritten.replace(&found, end);
            }
        }
    }
    changed(text, rewritten)
}

fn with_scheme(text: &str) -> Option<String> {
    let alternatives: Vec<String> = top_alternatives(text).map(scheme_in_front).collect();
    changed(text, alternatives.join("|"))
}

fn scheme_in_front(alternative: &str) -> String {
    if alternative.contains(":/") || alternative.contains(":\\/") {
        return alternative.to_owned();
    }
    let body = alternative.trim_start_matches('^');
    let (anchor, body) = (&alternative[..alternative.len() - body.len()], body);
    let plain = body.trim_start_matches('(').trim_start_matches("?:");
    let scheme =
        if plain.starts_with("localhost") || plain.starts_with(|c: char| c.is_ascii_digit()) {
            "http://"
        } else {
            "https://"
        };
    // An ending: whatever stands in front of it.
    let front = if body.starts_with("\\.") { ".*" } else { "" };
    format!("{anchor}{scheme}{front}{body}")
}

/// The alternatives of the whole text.
fn top_alternatives(text: &str) -> impl Iterator<Item = &str> {
    let (mut depth, mut class, mut escaped) = (0i32, false, false);
    text.split(move |c| {
        let is_plain = !escaped;
        escaped = is_plain && c == '\\';
        if !is_plain {
            return false;
        }
        match c {
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class => depth -= 1,
            _ => {}
        }
        c == '|' && depth == 0 && !class
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::regex::reach::reach;

    fn hint(text: &str) -> Option<String> {
        let matches = |text: &str| reach(text, &mut 0).is_ok_and(|reach| !reach.never);
        assert!(!matches(text), "{text}");
        mended(text, matches).map(|(_, text)| text)
    }

    #[test]
    fn what_never_matches_is_mended() {
        for (text, expected) in [
            (r"\.acme\.org$", r"https://.*\.acme\.org$"),
            (r"acme\.org", r"https://acme\.org"),
            (r"^localhost(:\d+)?$", r"^http://localhost(:\d+)?$"),
            (
                r"^localhost|127\.0\.0\.1$",
                r"^http://localhost|http://127\.0\.0\.1$",
            ),
            (r"https://shop\.acme\.org/", r"https://shop\.acme\.org"),
            (r"https://shop\.acme\.org\/$", r"https://shop\.acme\.org$"),
            (r"https://shop\.acme\.org/.*", r"https://shop\.acme\.org"),
            (
                r"https://shop\.acme\.org(/.*)$",
                r"https://shop\.acme\.org$",
            ),
            (r"https:\/\/shop\.acme\.org\/", r"https:\/\/shop\.acme\.org"),
            (r"https://shop\.acme\.org:443$", r"https://shop\.acme\.org$"),
            (r"https://Shop\.acme\.org", r"https://shop\.acme\.org"),
            (
                r"^HTTPS://(?P<Name>\D)\.acme\.ORG$",
                r"^https://(?P<Name>\D)\.acme\.org$",
            ),
            (r"/https:\/\/.*\.acme\.org/i", r"https:\/\/.*\.acme\.org"),
            (r"~^https://shop\.acme\.org$", r"^https://shop\.acme\.org$"),
            (r"~* \.acme\.org$", r"https://.*\.acme\.org$"),
            (
                r"^https:\\/\\/.*\\.acme\\.org$",
                r"^https:\/\/.*\.acme\.org$",
            ),
            (r"https:/shop\.acme\.org", r"https://shop\.acme\.org"),
            (r"https?//.*\.acme\.org", r"https?://.*\.acme\.org"),
            (r"//shop\.acme\.org", r"https://shop\.acme\.org"),
            (
                r"https://a\.acme\.org, https://b\.acme\.org",
                r"https://a\.acme\.org|https://b\.acme\.org",
            ),
            (r"https://*\.acme\.org", r"https://.*\.acme\.org"),
        ] {
            assert_eq!(hint(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(hint(r"https://a\.\.b"), None);
    }

    #[test]
    fn patterns_that_stand_where_a_regex_belongs() {
        for (text, expected) in [
            ("https://*", Some(vec![])),
            ("http://localhost:*", Some(vec!["http://localhost:*"])),
            ("https://*.vercel.app", Some(vec!["https://*.vercel.app"])),
            (
                r"^https://*\.vercel\.app$",
                Some(vec!["https://*.vercel.app"]),
            ),
            ("*.acme.org", Some(vec!["https://*.acme.org"])),
            ("chrome-extension://*", Some(vec!["chrome-extension://*"])),
            (
                "https://*.acme.org:8443",
                Some(vec!["https://*.acme.org:8443"]),
            ),
            (
                "(http|https)://*.acme.org",
                Some(vec!["http://*.acme.org", "https://*.acme.org"]),
            ),
            ("https?://*", Some(vec![])),
            (r"https://.*\.acme\.org", None),
            (r"https://(.*\.)?acme\.org", None),
            ("https://a*.acme.org", None),
            (r"https://acme\.org", None),
        ] {
            let expected = expected.map(|texts| texts.into_iter().map(String::from).collect());
            assert_eq!(as_patterns(text), expected, "{text}");
        }
    }
}
