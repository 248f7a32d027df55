//! The grammar gate: `scheme "://" host [":" port]` as browsers serialise it, and nothing else.
//!
//! Wider than Fetch's ABNF where browsers are (`_`, a hyphen at an end, a trailing dot), never
//! wider than that.

use super::host::{
    MAX_HOST, ends_in_a_number, is_canonical_ipv4, is_canonical_ipv6, is_label_byte, is_loopback,
};

/// No well-formed origin is longer.
pub(crate) const MAX_ORIGIN: usize = 330;

/// An origin that passed the gate. `host` of an IPv6 address has its brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin<'a> {
    pub(crate) text: &'a str,
    pub(crate) scheme: &'a str,
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
}

impl<'a> Origin<'a> {
    /// Parses a serialised origin. One pass, at most [`MAX_ORIGIN`] bytes are looked at.
    #[inline]
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > MAX_ORIGIN || !bytes.is_ascii() {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let (scheme, rest) = split_scheme(text)?;
        if scheme == "https" {
            web(text, scheme, rest, 443)
        } else if scheme == "http" {
            web(text, scheme, rest, 80)
        } else {
            other(text, scheme, rest)
        }
    }

    /// Plain http beyond the machine itself.
    pub(crate) fn is_insecure(&self) -> bool {
        self.scheme == "http" && !is_loopback(self.host)
    }
}

/// `lower-alpha *( lower-alpha / DIGIT / "+" / "-" / "." ) "://"`
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let end = bytes
        .iter()
        .position(|b| !matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'))?;
    if end == 0 || !bytes[0].is_ascii_lowercase() || !bytes[end..].starts_with(b"://") {
        return None;
    }
    Some((&text[..end], &text[end + 3..]))
}

fn web<'a>(text: &'a str, scheme: &'a str, rest: &'a str, default_port: u16) -> Option<Origin<'a>> {
    let host_end = if rest.starts_with('[') {
        let close = rest.find(']')?;
        is_canonical_ipv6(&rest[1..close]).then_some(close + 1)?
    } else {
        name_end(rest)?
    };
    let (host, after) = rest.split_at(host_end);
    let port = port(after)?;
    if port == Some(default_port) {
        return None;
    }
    Some(Origin {
        text,
        scheme,
        host,
        port,
    })
}

/// The end of the name or IPv4 address that starts the text.
fn name_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut label_start, mut last_label, mut end) = (0, 0, bytes.len());
    for (index, &byte) in bytes.iter().enumerate() {
        if is_label_byte(byte) {
            continue;
        }
        if byte == b'.' {
            if index == label_start || index - label_start > 63 {
                return None;
            }
            last_label = label_start;
            label_start = index + 1;
        } else if byte == b':' {
            end = index;
            break;
        } else {
            return None;
        }
    }
    let name = if label_start == end {
        // A trailing dot.
        &text[..end.checked_sub(1)?]
    } else {
        if end - label_start > 63 {
            return None;
        }
        last_label = label_start;
        &text[..end]
    };
    if name.is_empty() || name.len() > MAX_HOST {
        return None;
    }
    // Only a digit can start a number, and only then the slow look is needed.
    if bytes[last_label].is_ascii_digit()
        && ends_in_a_number(name)
        && !(name.len() == end && is_canonical_ipv4(name))
    {
        return None;
    }
    Some(end)
}

fn other<'a>(text: &'a str, scheme: &'a str, rest: &'a str) -> Option<Origin<'a>> {
    let end = rest.find(':').unwrap_or(rest.len());
    let (host, after) = rest.split_at(end);
    if !is_app_host(host) {
        return None;
    }
    Some(Origin {
        text,
        scheme,
        host,
        port: port(after)?,
    })
}

/// A host of a scheme that is not http or https: its bytes are kept as they are.
pub(crate) fn is_app_host(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Nothing, or `":"` and 1..=65535 without a leading zero.
fn port(after_host: &str) -> Option<Option<u16>> {
    if after_host.is_empty() {
        return Some(None);
    }
    parse_port(after_host.strip_prefix(':')?).map(Some)
}

/// 1..=65535, digits only, no leading zero.
pub(crate) fn parse_port(digits: &str) -> Option<u16> {
    let well_formed = (1..=5).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit());
    well_formed.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_what_browsers_send() {
        let origin = Origin::parse(b"https://a_b.example.com.:8443").unwrap();
        assert_eq!(
            (origin.scheme, origin.host, origin.port),
            ("https", "a_b.example.com.", Some(8443))
        );
        let origin = Origin::parse(b"http://[::1]:80801").map(|o| o.port);
        assert_eq!(origin, None);
        let origin = Origin::parse(b"http://[::1]:8080").unwrap();
        assert_eq!((origin.host, origin.port), ("[::1]", Some(8080)));
        let origin = Origin::parse(b"moz-extension://8B1f.x_y-z").unwrap();
        assert_eq!(
            (origin.scheme, origin.host),
            ("moz-extension", "8B1f.x_y-z")
        );
    }

    #[test]
    fn refuses_what_no_browser_sends() {
        for bad in [
            "",
            "null",
            "https:",
            "https://",
            "https://.",
            "https://..",
            "https://a..b",
            "https://.a",
            "https://A",
            "https://a:",
            "https://a:0",
            "https://a:443",
            "http://a:80",
            "https://a:08",
            "https://a:65536",
            "https://a/",
            "https://a?",
            "https://a b",
            "https://u@a",
            "https://[::1",
            "https://[::1]x",
            "https://[a]",
            "https://1.2.3",
            "https://a.1",
            "https://1.2.3.4.",
            "https://01.2.3.4",
            "https://a.0x1",
            "1a://b",
            "+a://b",
            "app://",
            "app://a/",
            "app://[::1]",
            "HTTPS://a",
        ] {
            assert_eq!(Origin::parse(bad.as_bytes()), None, "{bad}");
        }
        assert!(Origin::parse(format!("https://{}.example", "a".repeat(64)).as_bytes()).is_none());
        assert!(Origin::parse(b"https://\xff").is_none());
    }

    #[test]
    fn host_length_is_bounded_without_its_trailing_dot() {
        let label = "a".repeat(63);
        let name = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(name.len(), MAX_HOST);
        assert!(Origin::parse(format!("https://{name}:65535").as_bytes()).is_some());
        assert!(Origin::parse(format!("https://{name}.").as_bytes()).is_some());
        assert!(Origin::parse(format!("https://{name}a").as_bytes()).is_none());
    }

    #[test]
    fn insecure_is_http_beyond_loopback() {
        for (text, insecure) in [
            ("http://a.example", true),
            ("http://localhost", false),
            ("http://a.localhost:1", false),
            ("http://127.9.9.9", false),
            ("http://[::1]", false),
            ("http://10.0.0.1", true),
            ("http://evillocalhost", true),
            ("https://a.example", false),
            ("app://a", false),
        ] {
            assert_eq!(
                Origin::parse(text.as_bytes()).unwrap().is_insecure(),
                insecure,
                "{text}"
            );
        }
    }
}
