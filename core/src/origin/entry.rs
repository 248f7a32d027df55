//! One configured origin: canonicalised with a warning, or refused with the corrected text. It never silently fails
//! to match.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use super::grammar::{is_app_host, parse_port};
use super::host::{MAX_HOST, ends_in_a_number, is_label_byte, parse_ipv4, serialize_ipv6};
use super::pattern::{Class, HostPattern, Pattern, PortPattern};
use super::public_suffix::is_public_suffix;
use crate::config::options::split_list;
use crate::problem::{Code, Problems, Severity};

/// What an entry of `allow_origins` or `own_origins` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// One origin in its serialised form.
    Exact(String),
    /// Many.
    Pattern(Pattern),
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Entry::Exact(origin) => f.write_str(origin),
            Entry::Pattern(pattern) => pattern.fmt(f),
        }
    }
}

/// Schemes that are origins of no page: `origin_scheme` with `//`, `origin_invalid` without.
const REFUSED: [&str; 4] = ["javascript", "data", "blob", "about"];
/// Pages that open these have an http or https origin.
const NEVER_SENT: [(&str, &str); 3] = [("ws", "http"), ("wss", "https"), ("ftp", "https")];

/// Reads an entry. `None` if it was refused; what is wrong is reported either way.
pub(crate) fn read(text: &str, path: &str, problems: &mut Problems) -> Option<Entry> {
    let before = problems.error_count();
    let mut reader = Reader { path, text, problems, hints: true };
    let entry = reader.read();
    (problems.error_count() == before).then_some(entry).flatten()
}

struct Reader<'a> {
    path: &'a str,
    /// The entry as configured, for the problems' `value`.
    text: &'a str,
    problems: &'a mut Problems,
    /// A hint is read without hints of its own.
    hints: bool,
}

impl Reader<'_> {
    #[cold]
    #[inline(never)]
    fn error(&mut self, code: Code, message: impl Into<Cow<'static, str>>, hint: Option<String>) {
        self.problems.push(Severity::Error, code, self.path, self.text, message, hint);
    }

    /// The canonical form of a text, if it is a good entry: the hint.
    fn canonical(&self, text: &str) -> Option<String> {
        if !self.hints {
            return None;
        }
        let mut problems = Problems::default();
        let entry = Reader { path: "", text, problems: &mut problems, hints: false }.read()?;
        (problems.error_count() == 0).then(|| entry.to_string())
    }

    #[cold]
    #[inline(never)]
    fn warn(&mut self, code: Code, message: impl Into<Cow<'static, str>>, hint: Option<String>) {
        // Upper case in scheme and host is one finding.
        if !self.problems.has(code, self.path) {
            self.problems.push(Severity::Warning, code, self.path, self.text, message, hint);
        }
    }

    fn read(&mut self) -> Option<Entry> {
        let text = self.text;
        let trimmed = text.trim();
        if trimmed.is_empty() {
            self.error(Code::OriginBlank, "an empty entry: often an environment variable that is not set", None);
            return None;
        }
        if trimmed != text {
            let hint = self.canonical(trimmed).unwrap_or_else(|| trimmed.to_owned());
            self.error(Code::OriginWhitespace, "white space around the entry; it would never match", Some(hint));
        }
        let unquoted = unquote(trimmed);
        if unquoted != trimmed {
            let hint = self.canonical(unquoted).unwrap_or_else(|| unquoted.to_owned());
            self.error(Code::OriginQuoted, "quotes or brackets around the entry belong to another syntax", Some(hint));
        }
        if let Some(parts) = as_list(unquoted) {
            let hint = parts.iter().map(|part| format!("{:?}", self.canonical(part).unwrap_or_else(|| (*part).to_owned())));
            let hint = hint.collect::<Vec<_>>().join(", ");
            self.error(Code::OriginIsList, "several origins in one string; list them one by one", Some(hint));
            return None;
        }
        if unquoted.eq_ignore_ascii_case("null") {
            let message = "`null` is what every sandboxed frame, data: and file: page sends; nobody in particular is behind it. \
                If they all are meant, set allow_null_origin";
            self.error(Code::OriginNull, message, Some("allow_null_origin".into()));
            return None;
        }
        if would_match_everybody(unquoted) {
            self.error(Code::PatternTooBroad, "this would match every host; list the origins that are meant", None);
        }
        let Some((scheme, rest)) = unquoted.split_once("://") else {
            self.without_scheme(unquoted);
            return None;
        };
        let scheme = self.scheme(scheme, rest)?;
        self.authority(&scheme, rest)
    }

    /// An entry with no `://`.
    fn without_scheme(&mut self, text: &str) {
        let (name, rest) = text.split_once(':').map_or(("", text), |(name, rest)| (name, rest));
        let name = name.to_ascii_lowercase();
        if name == "file" {
            self.file();
        } else if REFUSED.contains(&name.as_str()) {
            self.error(Code::OriginInvalid, "pages of this scheme send `Origin: null`, never an origin of their own", None);
        } else if text.contains(['*', '{', '}']) {
            let hint = text.starts_with("*.").then(|| self.canonical(&format!("https://{text}"))).flatten();
            self.error(Code::PatternUnsupported, UNSUPPORTED, hint);
        } else {
            let bare = if matches!(name.as_str(), "http" | "https") { rest } else { text };
            let bare = bare.trim_start_matches('/');
            let http = name == "http" || (name != "https" && is_local(bare));
            let hint = self.canonical(&format!("{}://{bare}", if http { "http" } else { "https" }));
            self.error(Code::OriginMissingScheme, "an origin starts with `scheme://`; without it the entry would never match", hint);
        }
    }

    fn file(&mut self) {
        self.error(Code::OriginFile, "pages opened from files send `Origin: null`; serve the page over http instead", None);
    }

    fn scheme(&mut self, scheme: &str, rest: &str) -> Option<String> {
        let lower = scheme.to_ascii_lowercase();
        if scheme.is_empty() {
            let hint = self.canonical(&format!("https://{rest}"));
            self.error(Code::OriginMissingScheme, "an origin starts with `scheme://`; without it the entry would never match", hint);
            return None;
        }
        if let Some((outer, inner)) = lower.split_once(':') {
            if outer == "file" {
                self.file();
            } else {
                let hint = self.canonical(&format!("{inner}://{}", rest.split(['/', '?', '#']).next().unwrap_or_default()));
                self.error(Code::OriginInvalid, "a scheme in front of an origin: the page's origin is what is inside, or null", hint);
            }
            return None;
        }
        if lower.contains(['*', '{', '}']) {
            self.error(Code::PatternUnsupported, "the scheme cannot be a pattern; list the schemes that are meant", None);
            return None;
        }
        if lower == "file" {
            self.file();
            return None;
        }
        if let Some((_, instead)) = NEVER_SENT.iter().find(|(never, _)| *never == lower) {
            let message = format!("no page has a {lower}: origin; the page that opens the connection has an http or https one");
            self.error(Code::OriginSchemeNeverSent, message, self.canonical(&format!("{instead}://{rest}")));
            return None;
        }
        let well_formed =
            lower.starts_with(|c: char| c.is_ascii_lowercase()) && lower.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'));
        if REFUSED.contains(&lower.as_str()) || !well_formed {
            self.error(Code::OriginScheme, "no page has an origin of this scheme", None);
            return None;
        }
        if lower != scheme {
            self.warn(Code::OriginNotCanonical, "browsers send the scheme in lower case; canonicalised", self.canonical(&format!("{lower}://{rest}")));
        }
        Some(lower)
    }

    fn authority(&mut self, scheme: &str, rest: &str) -> Option<Entry> {
        let (mut authority, tail) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        self.tail(scheme, authority, tail);
        if let Some((_, host)) = authority.rsplit_once('@') {
            self.error(Code::OriginHasUserinfo, "an origin has no user name or password", self.canonical(&format!("{scheme}://{host}")));
            authority = host;
        }
        let web = matches!(scheme, "http" | "https");
        let (host, port) = if authority.starts_with('[') {
            let Some(close) = authority.find(']') else {
                self.error(Code::OriginInvalidHost, "`[` without `]`", None);
                return None;
            };
            let (host, after) = authority.split_at(close + 1);
            if !after.is_empty() && !after.starts_with(':') {
                self.error(Code::OriginInvalidHost, "after `]` only a port may follow", None);
                return None;
            }
            (host, after.strip_prefix(':'))
        } else {
            match authority.rsplit_once(':') {
                Some((host, _)) if host.contains(':') => {
                    let hint = authority.parse::<Ipv6Addr>().ok().map(|ip| format!("{scheme}://[{}]", serialize_ipv6(ip)));
                    self.error(Code::OriginInvalidHost, "an IPv6 address stands in brackets", hint);
                    return None;
                }
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            }
        };
        let port = self.port(scheme, host, port);
        let host = if web { self.web_host(host) } else { self.app_host(host) };
        let (host, port) = (host?, port?);
        Some(match (host, port) {
            (HostPattern::Exactly(host), PortPattern::Exactly(port)) => {
                Entry::Exact(port.map_or_else(|| format!("{scheme}://{host}"), |port| format!("{scheme}://{host}:{port}")))
            }
            (host, port) => Entry::Pattern(Pattern { scheme: scheme.to_owned(), host, port }),
        })
    }

    /// What follows the authority.
    fn tail(&mut self, scheme: &str, authority: &str, tail: &str) {
        if tail.is_empty() {
            return;
        }
        let hint = self.canonical(&format!("{scheme}://{authority}"));
        let (before_fragment, fragment) = tail.split_once('#').map_or((tail, false), |(before, _)| (before, true));
        let (path, query) = before_fragment.split_once('?').map_or((before_fragment, false), |(before, _)| (before, true));
        if !path.is_empty() {
            self.error(Code::OriginHasPath, "an origin has no path, not even a lone `/`", hint.clone());
        }
        if query {
            self.error(Code::OriginHasQuery, "an origin has no query", hint.clone());
        }
        if fragment {
            self.error(Code::OriginHasFragment, "an origin has no fragment", hint);
        }
        if tail.contains('*') {
            self.error(Code::PatternUnsupported, UNSUPPORTED, None);
        }
    }

    fn port(&mut self, scheme: &str, host: &str, port: Option<&str>) -> Option<PortPattern> {
        let Some(port) = port else { return Some(PortPattern::Exactly(None)) };
        if port == "*" {
            return Some(PortPattern::Any);
        }
        if port.contains(['*', '{', '}']) {
            self.error(Code::PatternUnsupported, "a port pattern is `:*` and nothing else", self.canonical(&format!("{scheme}://{host}:*")));
            return None;
        }
        let Some(number) = parse_port(port) else {
            let without = port.trim_start_matches('0');
            let hint = if port.is_empty() {
                self.canonical(&format!("{scheme}://{host}"))
            } else {
                (without != port && !without.is_empty()).then(|| self.canonical(&format!("{scheme}://{host}:{without}"))).flatten()
            };
            self.error(Code::OriginBadPort, "a port is a number from 1 to 65535 without leading zeros", hint);
            return None;
        };
        if (scheme, number) == ("http", 80) || (scheme, number) == ("https", 443) {
            let hint = self.canonical(&format!("{scheme}://{host}"));
            self.warn(Code::OriginDefaultPort, "browsers leave the scheme's default port out; canonicalised", hint);
            return Some(PortPattern::Exactly(None));
        }
        Some(PortPattern::Exactly(Some(number)))
    }

    /// The host of an application scheme keeps its bytes.
    fn app_host(&mut self, host: &str) -> Option<HostPattern> {
        if host == "*" {
            return Some(HostPattern::Any);
        }
        if host.contains(['*', '{', '}']) {
            self.error(Code::PatternUnsupported, "with a scheme other than http and https the only host pattern is `*` alone", None);
            return None;
        }
        if !is_app_host(host) {
            self.error(Code::OriginInvalidHost, "the host of an application scheme is made of letters, digits, `.`, `_` and `-`", None);
            return None;
        }
        Some(HostPattern::Exactly(host.to_owned()))
    }

    fn web_host(&mut self, host: &str) -> Option<HostPattern> {
        if host.starts_with('[') {
            return self.ipv6(host);
        }
        if host.contains(['{', '}']) {
            return self.placeholder(host);
        }
        if let Some(base) = host.strip_prefix("*.")
            && !base.contains('*')
        {
            let base = self.name(base, true)?;
            return Some(HostPattern::Below(base));
        }
        if host.contains('*') {
            self.stray_wildcard(host);
            return None;
        }
        self.name(host, false).map(HostPattern::Exactly)
    }

    fn stray_wildcard(&mut self, host: &str) {
        let label_below = host.split_once('.').filter(|(label, base)| label.contains('*') && *label != "*" && !base.contains('*'));
        if let Some((label, base)) = label_below
            && is_public_suffix(base)
            && !base.is_empty()
            && !ends_in_a_number(base)
        {
            let message = format!("anybody can register a name like {label:?} below {base}");
            self.error(Code::PatternTenantControlled, message, None);
        }
        self.error(Code::PatternUnsupported, UNSUPPORTED, None);
    }

    fn placeholder(&mut self, host: &str) -> Option<HostPattern> {
        let found = Class::ALL.iter().find_map(|(text, class)| host.split_once(text).map(|(before, after)| (before, *class, after)));
        let Some((before, class, after)) = found.filter(|(before, _, after)| !before.contains(['{', '}', '*']) && !after.contains(['{', '}', '*'])) else {
            self.error(Code::PatternUnsupported, UNSUPPORTED, None);
            return None;
        };
        // A stand-in that is always a good piece of a label takes part in the checks of the name.
        let digit = "0";
        self.name(&format!("{before}{digit}{after}"), true)?;
        if !before.is_ascii() || !after.is_ascii() {
            self.error(Code::PatternUnsupported, "beside a placeholder write the name in its ASCII form (A-labels)", None);
            return None;
        }
        let (before, after) = (before.to_ascii_lowercase(), after.to_ascii_lowercase());
        if !after.contains('.') {
            self.error(Code::PatternTooBroad, "a placeholder in the last label matches every top-level name", None);
            return None;
        }
        Some(HostPattern::Placeholder { before, class, after })
    }

    fn ipv6(&mut self, host: &str) -> Option<HostPattern> {
        let inner = host.trim_start_matches('[').trim_end_matches(']');
        if inner.contains(['*', '{', '}']) {
            self.error(Code::PatternUnsupported, "an IP address cannot be a pattern", None);
            return None;
        }
        if inner.contains('%') {
            self.error(Code::OriginIpZone, "browsers send no zone id in an origin", None);
            return None;
        }
        let Ok(address) = inner.parse::<Ipv6Addr>() else {
            self.error(Code::OriginInvalidHost, "not an IPv6 address", None);
            return None;
        };
        let serialized = serialize_ipv6(address);
        if serialized != inner && serialized == inner.to_ascii_lowercase() {
            let hint = self.canonical(&self.text.trim().replacen(inner, &serialized, 1));
            self.warn(Code::OriginNotCanonical, "browsers send the host in lower case; canonicalised", hint);
            return Some(HostPattern::Exactly(format!("[{serialized}]")));
        }
        if serialized != inner {
            let hint = self.text.trim().replacen(inner, &serialized, 1);
            self.error(Code::OriginIpNotCanonical, "browsers write this address another way", Some(hint));
            return None;
        }
        Some(HostPattern::Exactly(host.to_owned()))
    }

    /// A domain name or IPv4 address in its serialised form.
    fn name(&mut self, given: &str, in_pattern: bool) -> Option<String> {
        if given.is_empty() {
            self.error(Code::OriginInvalidHost, "the host is missing", None);
            return None;
        }
        let name = self.ascii(given)?;
        let bare = name.strip_suffix('.').unwrap_or(&name);
        if let Some(byte) = bare.bytes().find(|b| !is_label_byte(*b) && *b != b'.') {
            let message = format!("{:?} cannot stand in a host", char::from(byte));
            self.error(Code::OriginInvalidHost, message, None);
            return None;
        }
        if bare.split('.').any(|label| label.is_empty() || label.len() > 63) || bare.len() > MAX_HOST {
            self.error(Code::OriginInvalidHost, "a label is 1 to 63 bytes long, a name at most 253", None);
            return None;
        }
        if ends_in_a_number(&name) {
            return self.ipv4(&name, given, in_pattern);
        }
        if name != given && given.is_ascii() {
            let hint = self.canonical(&self.text.trim().to_ascii_lowercase());
            self.warn(Code::OriginNotCanonical, "browsers send the host in lower case; canonicalised", hint);
        }
        if name.ends_with('.') {
            let hint = self.canonical(&self.text.trim().replacen(given, given.trim_end_matches('.'), 1));
            self.warn(Code::OriginTrailingDot, "a name with a trailing dot is another origin than the one without", hint);
        }
        Some(name)
    }

    fn ipv4(&mut self, name: &str, given: &str, in_pattern: bool) -> Option<String> {
        if in_pattern {
            self.error(Code::PatternUnsupported, "an IP address cannot be a pattern", None);
            return None;
        }
        let Some(address) = parse_ipv4(name) else {
            self.error(Code::OriginInvalidHost, "a host whose last label is a number must be an IPv4 address", None);
            return None;
        };
        let serialized = address.to_string();
        if serialized != name {
            let hint = self.canonical(&self.text.trim().replacen(given, &serialized, 1));
            self.error(Code::OriginIpNotCanonical, "browsers write this address another way", hint);
            return None;
        }
        Some(serialized)
    }

    /// URL standard, domain to ASCII.
    fn ascii(&mut self, given: &str) -> Option<String> {
        if given.contains(['%', ' ']) || given.bytes().any(|b| b.is_ascii_control()) {
            self.error(Code::OriginInvalidHost, "white space, control bytes and `%` cannot stand in a host", None);
            return None;
        }
        let encoded = given.to_ascii_lowercase().split('.').any(|label| label.starts_with("xn--"));
        if given.is_ascii() && !encoded {
            return Some(given.to_ascii_lowercase());
        }
        self.idna(given)
    }

    #[cfg(feature = "idna")]
    fn idna(&mut self, given: &str) -> Option<String> {
        match idna::domain_to_ascii_cow(given.as_bytes(), idna::AsciiDenyList::URL) {
            Ok(name) => {
                if !given.is_ascii() {
                    let hint = self.canonical(&self.text.trim().replacen(given, &name, 1));
                    self.warn(Code::OriginNotAscii, "browsers send the A-label of a name; canonicalised", hint);
                }
                Some(name.into_owned())
            }
            Err(_) => {
                self.error(Code::OriginBadIdna, "not a valid domain name in IDNA; no browser sends it", None);
                None
            }
        }
    }

    #[cfg(not(feature = "idna"))]
    fn idna(&mut self, given: &str) -> Option<String> {
        if given.is_ascii() {
            return Some(given.to_ascii_lowercase());
        }
        self.error(Code::FeatureMissing, "a name that is not ASCII needs the feature `idna`; write its A-label (xn--…) instead", None);
        None
    }
}

const UNSUPPORTED: &str = "a pattern is `*.` before the whole host, `:*` as the whole port, or one of {digits}, {hex}, {slug} inside one label";

fn unquote(text: &str) -> &str {
    let inner = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    let inner = inner.or_else(|| text.strip_prefix('[')?.strip_suffix(']').filter(|inner| inner.parse::<Ipv6Addr>().is_err() && !inner.contains('[')));
    inner.map_or(text, |inner| unquote(inner.trim()))
}

/// The parts, if the text is several origins in one string.
fn as_list(text: &str) -> Option<Vec<&str>> {
    if text.contains(['{', '}']) {
        return None;
    }
    let parts: Vec<&str> = split_list(text).collect();
    let origins = parts.iter().filter(|part| part.contains("://")).count();
    // A comma never stands in a host; white space may be a slip inside one.
    let list = text.contains(',') || origins > 1 || (parts.len() > 1 && parts.iter().all(|part| part.contains('.') && !part.contains("://")));
    (list && !parts.is_empty()).then_some(parts)
}

/// As a shell glob the entry would match any http or https origin there is.
fn would_match_everybody(text: &str) -> bool {
    let all_hosts = |scheme: &str, port: &str| {
        // Two top-level names: `https://*.example` is a pattern of its own, not everybody.
        ["example", "test"].iter().all(|top| glob(text.as_bytes(), format!("{scheme}://unpredictable-4f1c.{top}{port}").as_bytes()))
    };
    text.contains('*') && ["http", "https"].iter().any(|scheme| ["", ":8443"].iter().any(|port| all_hosts(scheme, port)))
}

/// `*` stands for any bytes. Linear in text times the number of stars; configuration only.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let mut pieces = pattern.split(|b| *b == b'*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(at) = (0..=rest.len()).find(|at| rest[*at..].starts_with(piece)) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty()
}

fn is_local(bare: &str) -> bool {
    let host = bare.split(['/', ':', '?', '#']).next().unwrap_or_default();
    host == "localhost" || host.ends_with(".localhost") || bare.starts_with('[') || ends_in_a_number(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> (Option<String>, Vec<&'static str>) {
        let mut problems = Problems::default();
        let entry = read(text, "allow_origins[0]", &mut problems).map(|entry| entry.to_string());
        (entry, problems.into_vec().iter().map(|p| p.code.as_str()).collect())
    }

    fn hint(text: &str) -> Option<String> {
        let mut problems = Problems::default();
        read(text, "", &mut problems);
        problems.into_vec().into_iter().next().and_then(|p| p.hint)
    }

    #[test]
    fn canonicalises_with_a_warning() {
        for (text, canonical, warnings) in [
            ("https://Example.COM", "https://example.com", vec!["origin_not_canonical"]),
            ("HTTPS://example.com:443", "https://example.com", vec!["origin_not_canonical", "origin_default_port"]),
            ("HTTP://EXAMPLE.com", "http://example.com", vec!["origin_not_canonical"]),
            ("http://example.com:80", "http://example.com", vec!["origin_default_port"]),
            ("https://example.com.", "https://example.com.", vec!["origin_trailing_dot"]),
            ("https://*.Example.com:*", "https://*.example.com:*", vec!["origin_not_canonical"]),
            ("capacitor://LocalHost", "capacitor://LocalHost", vec![]),
            ("moz-extension://*", "moz-extension://*", vec![]),
            ("https://deploy-preview-{digits}--app.netlify.app", "https://deploy-preview-{digits}--app.netlify.app", vec![]),
            ("https://{slug}.Example.com:8443", "https://{slug}.example.com:8443", vec!["origin_not_canonical"]),
            ("http://[::ffff:7f00:1]", "http://[::ffff:7f00:1]", vec![]),
        ] {
            assert_eq!(codes(text), (Some(canonical.to_owned()), warnings), "{text}");
        }
    }

    #[test]
    #[cfg(feature = "idna")]
    fn u_labels_become_a_labels() {
        assert_eq!(codes("https://münchen.example"), (Some("https://xn--mnchen-3ya.example".into()), vec!["origin_not_ascii"]));
        assert_eq!(codes("https://xn--a.example").1, ["origin_bad_idna"]);
    }

    #[test]
    fn refuses_with_the_corrected_text() {
        for (text, code, fixed) in [
            (" https://a.example", "origin_whitespace", Some("https://a.example")),
            ("\"https://a.example\"", "origin_quoted", Some("https://a.example")),
            ("[\"https://a.example\"]", "origin_quoted", Some("https://a.example")),
            ("https://a.example, https://B.example", "origin_is_list", Some("\"https://a.example\", \"https://b.example\"")),
            ("a.example", "origin_missing_scheme", Some("https://a.example")),
            ("//a.example", "origin_missing_scheme", Some("https://a.example")),
            ("localhost:3000", "origin_missing_scheme", Some("http://localhost:3000")),
            ("10.0.0.1:3000", "origin_missing_scheme", Some("http://10.0.0.1:3000")),
            ("[::1]:3000", "origin_missing_scheme", Some("http://[::1]:3000")),
            ("[::1]", "origin_missing_scheme", Some("http://[::1]")),
            ("https:a.example", "origin_missing_scheme", Some("https://a.example")),
            ("https://a.example/", "origin_has_path", Some("https://a.example")),
            ("https://u:p@a.example", "origin_has_userinfo", Some("https://a.example")),
            ("http://127.1:8080", "origin_ip_not_canonical", Some("http://127.0.0.1:8080")),
            ("http://[0:0:0:0:0:0:0:1]:80", "origin_default_port", None),
            ("wss://a.example", "origin_scheme_never_sent", Some("https://a.example")),
            ("https://a.example:0080", "origin_bad_port", Some("https://a.example:80")),
            ("https://a.example:", "origin_bad_port", Some("https://a.example")),
            ("blob:https://a.example/x", "origin_invalid", Some("https://a.example")),
            ("*.a.example", "pattern_unsupported", Some("https://*.a.example")),
            ("http://::1", "origin_invalid_host", Some("http://[::1]")),
            ("null", "origin_null", Some("allow_null_origin")),
        ] {
            let (_, found) = codes(text);
            assert!(found.first() == Some(&code), "{text}: {found:?}");
            assert_eq!(hint(text).as_deref(), fixed, "{text}");
        }
    }

    #[test]
    fn every_problem_of_an_entry_is_reported() {
        assert_eq!(codes(" https://a.example/x?y#z").1, ["origin_whitespace", "origin_has_path", "origin_has_query", "origin_has_fragment"]);
        assert_eq!(codes("https://u@a.example:0/").1, ["origin_has_path", "origin_has_userinfo", "origin_bad_port"]);
    }

    #[test]
    fn broad_patterns() {
        for text in ["h*", "http*", "https://*", "*://*", "https://*:*", "**", "https://*.*", "http*://*"] {
            let found = codes(text).1;
            assert!(found.contains(&"pattern_too_broad") && found.contains(&"pattern_unsupported"), "{text}: {found:?}");
        }
        for text in [
            "https://**.example.com",
            "https://*.127.0.0.1",
            "https://a.*.example.com",
            "https://{digits}-{hex}.example.com",
            "https://*.{hex}.example.com",
            "https://{any}.example.com",
            "http://10.0.0.{digits}",
            "app://*.x",
            "https://a.example:80{digits}",
            "http://[*]",
        ] {
            assert_eq!(codes(text).1, ["pattern_unsupported"], "{text}");
        }
        assert_eq!(codes("https://*example.com").1, ["pattern_tenant_controlled", "pattern_unsupported"]);
        assert_eq!(codes("https://x*.example.com").1, ["pattern_unsupported"]);
    }
}
