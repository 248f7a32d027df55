//! One configured origin: canonicalised with a warning, or refused with the corrected text. It
//! never silently fails to match.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use super::scheme_names;
use crate::origin::host::{MAX_HOST, ends_in_a_number, is_label_byte, parse_ipv4, serialize_ipv6};
use crate::origin::pattern::{Class, HostPattern, Pattern, PortPattern};
use crate::origin::public_suffix::is_public_suffix;
use crate::origin::serialized::{is_app_host, parse_port};
use crate::problem::{ProblemCode, Problems, Severity};

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
const REFUSED: [&str; 6] = [
    "javascript",
    "data",
    "blob",
    "about",
    "filesystem",
    "view-source",
];

/// Pages that open these have an http or https origin.
const NEVER_SENT: [(&str, &str); 3] = [("ws", "http"), ("wss", "https"), ("ftp", "https")];

const MISSING_SCHEME: &str =
    "an origin starts with `scheme://`; without it the entry would never match";

const UNSUPPORTED: &str = "a pattern is `*.` before the whole host, `:*` as the whole port, or one \
    of {digits}, {hex}, {slug} inside one label";

/// A host with the placeholder that its one `*` can stand for, if that lets no stranger in. Where a
/// platform keeps names for their owners, numbers follow a word and hashes stand alone.
fn placeholder_for(host: &str) -> Option<String> {
    let (before, after) = host
        .split_once('*')
        .filter(|(_, after)| !after.contains('*'))?;
    let narrow = Class::ALL[usize::from(before.is_empty())];
    [Class::ALL[2], narrow]
        .into_iter()
        .find_map(|(text, class)| {
            let pattern = Pattern {
                scheme: "https".to_owned(),
                host: HostPattern::Placeholder {
                    before: before.to_ascii_lowercase(),
                    class,
                    after: after.to_ascii_lowercase(),
                },
                port: PortPattern::Exactly(None),
            };
            let is_safe = after.contains('.') && pattern.dangers().is_empty();
            is_safe.then(|| format!("{before}{text}{after}"))
        })
}

/// Reads an entry and reports everything that is wrong with it. What can be corrected is read as
/// corrected, so that what else is wrong with it is found in the same pass; `None` if nothing is
/// left to judge.
pub(crate) fn read(
    text: &str,
    path: &str,
    credentials: bool,
    problems: &mut Problems,
) -> Option<Entry> {
    let mut reader = Reader {
        text,
        credentials,
        found: Vec::new(),
        guessed: false,
    };
    let entry = reader.read();
    let corrected = entry
        .as_ref()
        .filter(|_| !reader.found.is_empty())
        .map(Entry::to_string);
    for Finding {
        severity,
        code,
        message,
        hint,
    } in reader.found
    {
        // What is corrected silently in a text whose scheme is a guess stands in the hint.
        if reader.guessed && severity == Severity::Warning {
            continue;
        }
        let hint = match hint {
            Hint::None => None,
            Hint::Text(text) => Some(text),
            Hint::Corrected => corrected.clone(),
            Hint::CorrectedOr(text) => corrected.clone().or(Some(text)),
            Hint::WithoutDot => corrected.as_deref().map(without_dot),
        };
        problems.push(severity, code, path, text, message, hint);
    }
    entry.filter(|_| !reader.guessed)
}

/// The corrected text of an entry, if there is one.
pub(crate) fn corrected(text: &str) -> Option<String> {
    Reader {
        text,
        credentials: false,
        found: Vec::new(),
        guessed: false,
    }
    .read()
    .map(|entry| entry.to_string())
}

/// An origin whose host ends in a dot, without it.
fn without_dot(origin: &str) -> String {
    origin
        .strip_suffix('.')
        .map_or_else(|| origin.replacen(".:", ":", 1), str::to_owned)
}

/// What was found in an entry.
struct Finding {
    severity: Severity,
    code: ProblemCode,
    message: Cow<'static, str>,
    hint: Hint,
}

/// The hint is known when the whole entry is read.
enum Hint {
    None,
    Text(String),
    /// The entry as it was read.
    Corrected,
    /// The same, or this text if the entry has more that nobody can correct.
    CorrectedOr(String),
    /// The entry without its trailing dot.
    WithoutDot,
}

struct Reader<'a> {
    text: &'a str,
    credentials: bool,
    found: Vec<Finding>,
    /// The scheme is a guess: good for a hint, not for a judgement.
    guessed: bool,
}

impl<'a> Reader<'a> {
    #[cold]
    #[inline(never)]
    fn push(
        &mut self,
        severity: Severity,
        code: ProblemCode,
        message: impl Into<Cow<'static, str>>,
        hint: Hint,
    ) {
        // Upper case in scheme and host is one finding; so is a `*` in host and path.
        if !self.found.iter().any(|found| found.code == code) {
            self.found.push(Finding {
                severity,
                code,
                message: message.into(),
                hint,
            });
        }
    }

    fn error(&mut self, code: ProblemCode, message: impl Into<Cow<'static, str>>, hint: Hint) {
        self.push(Severity::Error, code, message, hint);
    }

    fn warn(&mut self, code: ProblemCode, message: impl Into<Cow<'static, str>>, hint: Hint) {
        self.push(Severity::Warning, code, message, hint);
    }

    fn unsupported(&mut self, message: &'static str) {
        self.error(ProblemCode::PatternUnsupported, message, Hint::None);
    }

    fn read(&mut self) -> Option<Entry> {
        let text = self.text;
        let trimmed = text.trim();
        if trimmed.is_empty() {
            self.error(
                ProblemCode::OriginBlank,
                "an empty entry: often an environment variable that is not set",
                Hint::None,
            );
            return None;
        }
        if trimmed != text {
            self.error(
                ProblemCode::OriginWhitespace,
                "white space around the entry; it would never match",
                Hint::CorrectedOr(trimmed.to_owned()),
            );
        }
        let bare = unquote(trimmed);
        if bare != trimmed {
            let hint = if bare.is_empty() {
                Hint::None
            } else {
                Hint::CorrectedOr(bare.to_owned())
            };
            self.error(
                ProblemCode::OriginQuoted,
                "quotes or brackets around the entry belong to another syntax",
                hint,
            );
        }
        if bare.is_empty() {
            self.error(
                ProblemCode::OriginBlank,
                "an empty entry: often an environment variable that is not set",
                Hint::None,
            );
            return None;
        }
        if bare == "*" && bare != text {
            return None;
        }
        let name = bare
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let after = bare.get(name.len() + 1..).unwrap_or_default();
        if bare.len() > name.len() && REFUSED.contains(&name.as_str()) && !after.starts_with("//") {
            let has_inner = matches!(name.as_str(), "blob" | "filesystem" | "view-source")
                && after.starts_with("http");
            let inner = if has_inner { corrected(after) } else { None };
            let message = "pages of this scheme have the origin of the page that made them, or \
                `null`; never one of this scheme";
            self.error(
                ProblemCode::OriginInvalid,
                message,
                inner.map_or(Hint::None, Hint::Text),
            );
            return None;
        }
        if let Some(parts) = as_list(bare) {
            let hint = parts.iter().map(|part| {
                format!(
                    "{:?}",
                    corrected(part).unwrap_or_else(|| (*part).to_owned())
                )
            });
            let hint = hint.collect::<Vec<_>>().join(", ");
            self.error(
                ProblemCode::OriginIsList,
                "several origins in one string; list them one by one",
                Hint::Text(hint),
            );
            return None;
        }
        if bare.eq_ignore_ascii_case("null") {
            let message = "`null` is what every sandboxed frame, data: and file: page sends; \
                nobody in particular is behind it. If they all are meant, set allow_null_origin";
            self.error(
                ProblemCode::OriginNull,
                message,
                Hint::Text("allow_null_origin".into()),
            );
            return None;
        }
        if would_match_everybody(bare) {
            self.error(
                ProblemCode::PatternTooBroad,
                "this would match every host; list the origins that are meant",
                Hint::None,
            );
        }
        // A `://` behind the host belongs to a path or a query.
        match bare
            .split_once("://")
            .filter(|(scheme, _)| !scheme.contains(['/', '?', '#', '\\']))
        {
            Some((scheme, rest)) => {
                let (scheme, rest) = self.scheme(scheme, rest)?;
                self.authority(&scheme, rest)
            }
            None => self.without_scheme(bare, &name),
        }
    }

    /// An entry with no `scheme://`.
    fn without_scheme(&mut self, text: &'a str, name: &str) -> Option<Entry> {
        if name == "file" {
            self.file();
            return None;
        }
        let web = ["https", "http"].into_iter().find(|web| {
            *web == name
                || text
                    .strip_prefix(web)
                    .is_some_and(|rest| rest.starts_with("//") || rest.starts_with(":\\"))
        });
        let bare = web.map_or(text, |web| &text[web.len()..]);
        let bare = bare
            .strip_prefix(':')
            .filter(|_| web.is_some())
            .unwrap_or(bare);
        // A mangled `://`, but not the start of an IPv6 address.
        let bare = bare
            .strip_prefix(":")
            .filter(|rest| rest.starts_with('/'))
            .unwrap_or(bare)
            .trim_start_matches(['/', '\\']);
        if text.contains(['*', '{', '}']) && corrected(&format!("https://{bare}")).is_none() {
            self.unsupported(UNSUPPORTED);
            return None;
        }
        if bare.starts_with("*.") {
            self.error(
                ProblemCode::PatternUnsupported,
                "a pattern starts with its scheme, too",
                Hint::Corrected,
            );
        }
        self.error(
            ProblemCode::OriginMissingScheme,
            MISSING_SCHEME,
            Hint::Corrected,
        );
        self.guessed = true;
        let scheme = web.unwrap_or(if is_local(bare) { "http" } else { "https" });
        match bare.parse::<Ipv6Addr>() {
            Ok(address) => Some(Entry::Exact(format!(
                "{scheme}://[{}]",
                serialize_ipv6(address)
            ))),
            Err(_) => self.authority(scheme, bare),
        }
    }

    fn file(&mut self) {
        self.error(
            ProblemCode::OriginFile,
            "pages opened from files send `Origin: null`; serve the page over http instead",
            Hint::None,
        );
    }

    /// The scheme in lower case and what follows it.
    fn scheme(&mut self, scheme: &str, rest: &'a str) -> Option<(String, &'a str)> {
        let lower = scheme.to_ascii_lowercase();
        if scheme.is_empty() {
            self.error(
                ProblemCode::OriginMissingScheme,
                MISSING_SCHEME,
                Hint::Corrected,
            );
            self.guessed = true;
            return Some((
                if is_local(rest) { "http" } else { "https" }.to_owned(),
                rest,
            ));
        }
        if lower.contains(['*', '{', '}']) {
            self.unsupported("the scheme cannot be a pattern; list the schemes that are meant");
            return None;
        }
        if lower == "file" || lower.starts_with("file:") {
            self.file();
            return None;
        }
        if let Some((_, inner)) = lower.rsplit_once(':') {
            let hint = corrected(&format!("{inner}://{rest}")).map_or(Hint::None, Hint::Text);
            self.error(
                ProblemCode::OriginInvalid,
                "a scheme in front of an origin: the page's origin is what is inside, or null",
                hint,
            );
            return None;
        }
        if let Some((_, instead)) = NEVER_SENT.iter().find(|(never, _)| *never == lower) {
            let message = format!(
                "no page has a {lower}: origin; the page that opens the connection has an http or \
                    https one"
            );
            self.error(ProblemCode::OriginSchemeNeverSent, message, Hint::Corrected);
            self.guessed = true;
            return Some(((*instead).to_owned(), rest));
        }
        let well_formed = lower.starts_with(|c: char| c.is_ascii_lowercase())
            && lower
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'));
        if REFUSED.contains(&lower.as_str()) || !well_formed {
            self.error(
                ProblemCode::OriginScheme,
                "no page has an origin of this scheme",
                Hint::None,
            );
            return None;
        }
        if let Some(known) = scheme_names::misspelt(&lower) {
            let hint = corrected(&format!("{known}://{rest}")).map_or(Hint::None, Hint::Text);
            let message = format!("no browser sends this scheme; `{known}` is nearly the same");
            self.warn(ProblemCode::OriginSchemeMisspelt, message, hint);
        }
        if lower != scheme {
            self.warn(
                ProblemCode::OriginNotCanonical,
                "browsers send the scheme in lower case; canonicalised",
                Hint::Corrected,
            );
        }
        Some((lower, rest))
    }

    fn authority(&mut self, scheme: &str, rest: &str) -> Option<Entry> {
        let (mut authority, tail) =
            rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        self.tail(tail);
        if let Some((_, host)) = authority.rsplit_once('@') {
            self.error(
                ProblemCode::OriginHasUserinfo,
                "an origin has no user name or password",
                Hint::Corrected,
            );
            authority = host;
        }
        let address = authority.rsplit_once(']').map(|(address, _)| address);
        if address.is_some_and(|address| address.contains('[') && address.contains(['*', '{', '}']))
        {
            self.unsupported("an IP address cannot be a pattern");
            return None;
        }
        let web = matches!(scheme, "http" | "https");
        let (host, port) = if authority.starts_with('[') {
            let Some(close) = authority.find(']') else {
                self.error(
                    ProblemCode::OriginInvalidHost,
                    "`[` without `]`",
                    Hint::None,
                );
                return None;
            };
            let (host, after) = authority.split_at(close + 1);
            if !after.is_empty() && !after.starts_with(':') {
                self.error(
                    ProblemCode::OriginInvalidHost,
                    "after `]` only a port may follow",
                    Hint::None,
                );
                return None;
            }
            (host, after.strip_prefix(':'))
        } else {
            match authority.rsplit_once(':') {
                Some((host, _)) if host.contains(':') => {
                    self.error(
                        ProblemCode::OriginInvalidHost,
                        "an IPv6 address stands in brackets",
                        Hint::Corrected,
                    );
                    let address = authority.parse::<Ipv6Addr>().ok().filter(|_| web)?;
                    return Some(Entry::Exact(format!(
                        "{scheme}://[{}]",
                        serialize_ipv6(address)
                    )));
                }
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            }
        };
        let port = self.port(scheme, port);
        let host = if web {
            self.web_host(host)
        } else {
            self.app_host(scheme, host)
        };
        let (host, port) = (host?, port?);
        Some(match (host, port) {
            (HostPattern::Exactly(host), PortPattern::Exactly(port)) => {
                Entry::Exact(port.map_or_else(
                    || format!("{scheme}://{host}"),
                    |port| format!("{scheme}://{host}:{port}"),
                ))
            }
            (host, port) => Entry::Pattern(Pattern {
                scheme: scheme.to_owned(),
                host,
                port,
            }),
        })
    }

    /// What follows the authority.
    fn tail(&mut self, tail: &str) {
        let (before_fragment, fragment) = tail
            .split_once('#')
            .map_or((tail, false), |(before, _)| (before, true));
        let (path, query) = before_fragment
            .split_once('?')
            .map_or((before_fragment, false), |(before, _)| (before, true));
        if !path.is_empty() {
            self.error(
                ProblemCode::OriginHasPath,
                "an origin has no path, not even a lone `/`",
                Hint::Corrected,
            );
        }
        if query {
            self.error(
                ProblemCode::OriginHasQuery,
                "an origin has no query",
                Hint::Corrected,
            );
        }
        if fragment {
            self.error(
                ProblemCode::OriginHasFragment,
                "an origin has no fragment",
                Hint::Corrected,
            );
        }
        if tail.contains('*') {
            self.error(
                ProblemCode::PatternUnsupported,
                UNSUPPORTED,
                Hint::Corrected,
            );
        }
    }

    fn port(&mut self, scheme: &str, port: Option<&str>) -> Option<PortPattern> {
        let Some(port) = port else {
            return Some(PortPattern::Exactly(None));
        };
        if port == "*" {
            return Some(PortPattern::Any);
        }
        if port.contains(['*', '{', '}']) {
            self.error(
                ProblemCode::PatternUnsupported,
                "a port pattern is `:*` and nothing else",
                Hint::Corrected,
            );
            return Some(PortPattern::Any);
        }
        if parse_port(port).is_none() {
            self.error(
                ProblemCode::OriginBadPort,
                "a port is a number from 1 to 65535 without leading zeros",
                Hint::Corrected,
            );
            if port.is_empty() {
                return Some(PortPattern::Exactly(None));
            }
        }
        let number = parse_port(port.trim_start_matches('0'))?;
        if (scheme, number) == ("http", 80) || (scheme, number) == ("https", 443) {
            if !port.starts_with('0') {
                self.warn(
                    ProblemCode::OriginDefaultPort,
                    "browsers leave the scheme's default port out; canonicalised",
                    Hint::Corrected,
                );
            }
            return Some(PortPattern::Exactly(None));
        }
        Some(PortPattern::Exactly(Some(number)))
    }

    /// The host of an application scheme keeps its bytes.
    fn app_host(&mut self, scheme: &str, host: &str) -> Option<HostPattern> {
        if host == "*" {
            return Some(HostPattern::Any);
        }
        if host.contains(['*', '{', '}']) {
            let bare = host.trim_end_matches('*');
            let hint = if is_app_host(bare) {
                Hint::Text(format!("{scheme}://{bare}"))
            } else {
                Hint::None
            };
            self.error(
                ProblemCode::PatternUnsupported,
                "with a scheme other than http and https the only host pattern is `*` alone",
                hint,
            );
            return None;
        }
        if !is_app_host(host) {
            self.error(
                ProblemCode::OriginInvalidHost,
                "the host of an application scheme is made of letters, digits, `.`, `_` and `-`",
                Hint::None,
            );
            return None;
        }
        let sent = scheme_names::sent_host(scheme, host);
        if sent != host {
            self.warn(
                ProblemCode::OriginNeverMatches,
                "browsers write the identifier of an extension in lower case",
                Hint::Text(format!("{scheme}://{sent}")),
            );
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
            && !base.contains(['*', '['])
            && !base.is_empty()
        {
            return self.name(base, true).map(HostPattern::Below);
        }
        if host.contains('*') {
            return self.stray_wildcard(host);
        }
        self.name(host, false).map(HostPattern::Exactly)
    }

    fn stray_wildcard(&mut self, host: &str) -> Option<HostPattern> {
        let label_below = host
            .split_once('.')
            .filter(|(label, base)| label.contains('*') && *label != "*" && !base.contains('*'));
        if let Some((label, base)) = label_below
            && is_public_suffix(base)
            && !base.is_empty()
            && !ends_in_a_number(base)
            && placeholder_for(host).is_none()
        {
            let severity = if self.credentials {
                Severity::Error
            } else {
                Severity::Warning
            };
            let message = format!(
                "anybody can register a name like {label:?} below {base} (previews: \
                    docs/policy.md#preview-deployments)"
            );
            self.push(
                severity,
                ProblemCode::PatternTenantControlled,
                message,
                Hint::None,
            );
        }
        // `app-*.example.com`: a piece of a label is meant.
        if let Some(with_placeholder) = label_below.and_then(|_| placeholder_for(host)) {
            self.error(
                ProblemCode::PatternUnsupported,
                UNSUPPORTED,
                Hint::Corrected,
            );
            return self.placeholder(&with_placeholder);
        }
        // `example.com*`: the name itself is meant.
        let bare = host.trim_end_matches('*');
        let is_name = bare.contains('.') && !bare.ends_with('.') && !bare.contains('*');
        if is_name && bare.len() < host.len() {
            self.error(
                ProblemCode::PatternUnsupported,
                UNSUPPORTED,
                Hint::Corrected,
            );
            return self.name(bare, false).map(HostPattern::Exactly);
        }
        self.error(
            ProblemCode::PatternUnsupported,
            UNSUPPORTED,
            Hint::Corrected,
        );
        // `*example.com` and `**.example.com`: the names below are meant.
        let base = host.trim_start_matches('*').trim_start_matches('.');
        let meant = host.starts_with('*')
            && base.starts_with(|c: char| c.is_alphanumeric())
            && !base.contains('*')
            && !is_public_suffix(base);
        if meant {
            self.name(base, true).map(HostPattern::Below)
        } else {
            None
        }
    }

    fn placeholder(&mut self, host: &str) -> Option<HostPattern> {
        let found = Class::ALL.iter().find_map(|(text, class)| {
            host.split_once(text)
                .map(|(before, after)| (before, *class, after))
        });
        let Some((before, class, after)) = found.filter(|(before, _, after)| {
            !before.contains(['{', '}', '*']) && !after.contains(['{', '}', '*'])
        }) else {
            self.unsupported(UNSUPPORTED);
            return None;
        };
        // A stand-in that is always a good piece of a label takes part in the checks of the name.
        let digit = "0";
        self.name(&format!("{before}{digit}{after}"), true)?;
        if !before.is_ascii() || !after.is_ascii() {
            self.unsupported("beside a placeholder write the name in its ASCII form (A-labels)");
            return None;
        }
        let (before, after) = (before.to_ascii_lowercase(), after.to_ascii_lowercase());
        if !after.trim_end_matches('.').contains('.') {
            self.error(
                ProblemCode::PatternTooBroad,
                "a placeholder in the last label matches every top-level name",
                Hint::None,
            );
            self.unsupported(UNSUPPORTED);
            return None;
        }
        Some(HostPattern::Placeholder {
            before,
            class,
            after,
        })
    }

    fn ipv6(&mut self, host: &str) -> Option<HostPattern> {
        let inner = host
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(host);
        if inner.contains(['*', '{', '}']) {
            self.unsupported("an IP address cannot be a pattern");
            return None;
        }
        let (address, zone) = inner
            .split_once('%')
            .map_or((inner, false), |(address, _)| (address, true));
        if zone {
            self.error(
                ProblemCode::OriginIpZone,
                "browsers send no zone id in an origin",
                Hint::Corrected,
            );
        }
        let Ok(parsed) = address.parse::<Ipv6Addr>() else {
            if !zone {
                self.error(
                    ProblemCode::OriginInvalidHost,
                    "not an IPv6 address",
                    Hint::None,
                );
            }
            return None;
        };
        let serialized = serialize_ipv6(parsed);
        if serialized != address.to_ascii_lowercase() {
            self.error(
                ProblemCode::OriginIpNotCanonical,
                "browsers write this address another way",
                Hint::Corrected,
            );
        } else if serialized != address {
            self.warn(
                ProblemCode::OriginNotCanonical,
                "browsers send the host in lower case; canonicalised",
                Hint::Corrected,
            );
        }
        Some(HostPattern::Exactly(format!("[{serialized}]")))
    }

    /// A domain name or IPv4 address in its serialised form.
    fn name(&mut self, given: &str, in_pattern: bool) -> Option<String> {
        if given.is_empty() {
            self.error(
                ProblemCode::OriginInvalidHost,
                "the host is missing",
                Hint::None,
            );
            return None;
        }
        let name = self.ascii(given)?;
        let bare = name.strip_suffix('.').unwrap_or(&name);
        if let Some(byte) = bare.bytes().find(|b| !is_label_byte(*b) && *b != b'.') {
            let message = format!("{:?} cannot stand in a host", char::from(byte));
            self.error(ProblemCode::OriginInvalidHost, message, Hint::None);
            return None;
        }
        if bare
            .split('.')
            .any(|label| label.is_empty() || label.len() > 63)
            || bare.len() > MAX_HOST
        {
            self.error(
                ProblemCode::OriginInvalidHost,
                "a label is 1 to 63 bytes long, a name at most 253",
                Hint::None,
            );
            return None;
        }
        if ends_in_a_number(&name) {
            return self.ipv4(&name, in_pattern);
        }
        if name != given && given.is_ascii() {
            self.warn(
                ProblemCode::OriginNotCanonical,
                "browsers send the host in lower case; canonicalised",
                Hint::Corrected,
            );
        }
        if name.ends_with('.') {
            self.warn(
                ProblemCode::OriginTrailingDot,
                "a name with a trailing dot is another origin than the one without",
                Hint::WithoutDot,
            );
        }
        Some(name)
    }

    fn ipv4(&mut self, name: &str, in_pattern: bool) -> Option<String> {
        if in_pattern {
            self.unsupported("an IP address cannot be a pattern");
            return None;
        }
        let Some(address) = parse_ipv4(name) else {
            self.error(
                ProblemCode::OriginInvalidHost,
                "a host whose last label is a number must be an IPv4 address",
                Hint::None,
            );
            return None;
        };
        let serialized = address.to_string();
        if serialized != name {
            self.error(
                ProblemCode::OriginIpNotCanonical,
                "browsers write this address another way",
                Hint::Corrected,
            );
        }
        Some(serialized)
    }

    /// URL standard, domain to ASCII.
    fn ascii(&mut self, given: &str) -> Option<String> {
        if given.contains(['%', ' ']) || given.bytes().any(|b| b.is_ascii_control()) {
            self.error(
                ProblemCode::OriginInvalidHost,
                "white space, control bytes and `%` cannot stand in a host",
                Hint::None,
            );
            return None;
        }
        let encoded = given
            .to_ascii_lowercase()
            .split('.')
            .any(|label| label.starts_with("xn--"));
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
                    self.warn(
                        ProblemCode::OriginNotAscii,
                        "browsers send the A-label of a name; canonicalised",
                        Hint::Corrected,
                    );
                }
                Some(name.into_owned())
            }
            Err(_) => {
                self.error(
                    ProblemCode::OriginBadIdna,
                    "not a valid domain name in IDNA; no browser sends it",
                    Hint::None,
                );
                None
            }
        }
    }

    #[cfg(not(feature = "idna"))]
    fn idna(&mut self, given: &str) -> Option<String> {
        if given.is_ascii() {
            return Some(given.to_ascii_lowercase());
        }
        self.error(
            ProblemCode::FeatureMissing,
            "a name that is not ASCII needs the feature `idna`; write its A-label (xn--…) instead",
            Hint::None,
        );
        None
    }
}

/// Without the quotes and brackets of another syntax. A lone quote goes, too, and a lone bracket
/// beside a quote: they are what is left where a list was split at its commas.
fn unquote(mut text: &str) -> &str {
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
fn as_list(text: &str) -> Option<Vec<&str>> {
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
fn would_match_everybody(text: &str) -> bool {
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
fn glob(pattern: &[u8], text: &[u8]) -> bool {
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

/// A text without a scheme that names this machine or an address: http is meant.
fn is_local(bare: &str) -> bool {
    let host = bare
        .split(['/', ':', '?', '#'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || bare.starts_with('[')
        || bare.parse::<Ipv6Addr>().is_ok()
        || ends_in_a_number(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> (Option<String>, Vec<&'static str>) {
        let mut problems = Problems::default();
        let entry =
            read(text, "allow_origins[0]", false, &mut problems).map(|entry| entry.to_string());
        (
            entry,
            problems
                .into_vec()
                .iter()
                .map(|p| p.code.as_str())
                .collect(),
        )
    }

    fn hint(text: &str) -> Option<String> {
        let mut problems = Problems::default();
        read(text, "", false, &mut problems);
        problems.into_vec().into_iter().next().and_then(|p| p.hint)
    }

    #[test]
    fn canonicalises_with_a_warning() {
        for (text, canonical, warnings) in [
            (
                "https://Example.COM",
                "https://example.com",
                vec!["origin_not_canonical"],
            ),
            (
                "HTTPS://example.com:443",
                "https://example.com",
                vec!["origin_not_canonical", "origin_default_port"],
            ),
            (
                "HTTP://EXAMPLE.com",
                "http://example.com",
                vec!["origin_not_canonical"],
            ),
            (
                "http://example.com:80",
                "http://example.com",
                vec!["origin_default_port"],
            ),
            (
                "https://example.com.",
                "https://example.com.",
                vec!["origin_trailing_dot"],
            ),
            (
                "https://*.Example.com:*",
                "https://*.example.com:*",
                vec!["origin_not_canonical"],
            ),
            ("capacitor://LocalHost", "capacitor://LocalHost", vec![]),
            ("moz-extension://*", "moz-extension://*", vec![]),
            (
                "https://deploy-preview-{digits}--app.netlify.app",
                "https://deploy-preview-{digits}--app.netlify.app",
                vec![],
            ),
            (
                "https://{slug}.Example.com:8443",
                "https://{slug}.example.com:8443",
                vec!["origin_not_canonical"],
            ),
            ("http://[::ffff:7f00:1]", "http://[::ffff:7f00:1]", vec![]),
        ] {
            assert_eq!(
                codes(text),
                (Some(canonical.to_owned()), warnings),
                "{text}"
            );
        }
    }

    #[test]
    #[cfg(feature = "idna")]
    fn u_labels_become_a_labels() {
        assert_eq!(
            codes("https://münchen.example"),
            (
                Some("https://xn--mnchen-3ya.example".into()),
                vec!["origin_not_ascii"]
            )
        );
        assert_eq!(codes("https://xn--a.example").1, ["origin_bad_idna"]);
    }

    #[test]
    fn refuses_with_the_corrected_text() {
        for (text, code, fixed) in [
            (
                " https://a.example",
                "origin_whitespace",
                Some("https://a.example"),
            ),
            (
                "\"https://a.example\"",
                "origin_quoted",
                Some("https://a.example"),
            ),
            (
                "[\"https://a.example\"]",
                "origin_quoted",
                Some("https://a.example"),
            ),
            (
                "https://a.example, https://B.example",
                "origin_is_list",
                Some("\"https://a.example\", \"https://b.example\""),
            ),
            (
                "a.example",
                "origin_missing_scheme",
                Some("https://a.example"),
            ),
            (
                "//a.example",
                "origin_missing_scheme",
                Some("https://a.example"),
            ),
            (
                "localhost:3000",
                "origin_missing_scheme",
                Some("http://localhost:3000"),
            ),
            (
                "10.0.0.1:3000",
                "origin_missing_scheme",
                Some("http://10.0.0.1:3000"),
            ),
            (
                "[::1]:3000",
                "origin_missing_scheme",
                Some("http://[::1]:3000"),
            ),
            ("[::1]", "origin_missing_scheme", Some("http://[::1]")),
            (
                "https:a.example",
                "origin_missing_scheme",
                Some("https://a.example"),
            ),
            (
                "https://a.example/",
                "origin_has_path",
                Some("https://a.example"),
            ),
            (
                "https://u:p@a.example",
                "origin_has_userinfo",
                Some("https://a.example"),
            ),
            (
                "http://127.1:8080",
                "origin_ip_not_canonical",
                Some("http://127.0.0.1:8080"),
            ),
            (
                "http://[0:0:0:0:0:0:0:1]:80",
                "origin_default_port",
                Some("http://[::1]"),
            ),
            (
                "wss://a.example",
                "origin_scheme_never_sent",
                Some("https://a.example"),
            ),
            (
                "https://a.example:0080",
                "origin_bad_port",
                Some("https://a.example:80"),
            ),
            (
                "https://a.example:",
                "origin_bad_port",
                Some("https://a.example"),
            ),
            (
                "blob:https://a.example/x",
                "origin_invalid",
                Some("https://a.example"),
            ),
            (
                "*.a.example",
                "pattern_unsupported",
                Some("https://*.a.example"),
            ),
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
        assert_eq!(
            codes(" https://a.example/x?y#z").1,
            [
                "origin_whitespace",
                "origin_has_path",
                "origin_has_query",
                "origin_has_fragment"
            ]
        );
        assert_eq!(
            codes("https://u@a.example:0/").1,
            ["origin_has_path", "origin_has_userinfo", "origin_bad_port"]
        );
    }

    #[test]
    fn broad_patterns() {
        for text in [
            "h*",
            "http*",
            "https://*",
            "*://*",
            "https://*:*",
            "**",
            "https://*.*",
            "http*://*",
        ] {
            let found = codes(text).1;
            assert!(
                found.contains(&"pattern_too_broad") && found.contains(&"pattern_unsupported"),
                "{text}: {found:?}"
            );
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
        assert_eq!(
            codes("https://*example.com").1,
            ["pattern_tenant_controlled", "pattern_unsupported"]
        );
        assert_eq!(codes("https://x*.example.com").1, ["pattern_unsupported"]);
    }
}
