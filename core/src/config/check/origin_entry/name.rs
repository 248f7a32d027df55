//! Names and addresses in the form in which browsers serialise them.

use std::net::Ipv6Addr;

use super::reader::{Hint, Reader};
use crate::origin::host::{MAX_HOST, ends_in_a_number, is_label_byte, parse_ipv4, serialize_ipv6};
use crate::origin::pattern::HostPattern;
use crate::problem::ProblemCode;

impl Reader<'_> {
    pub(super) fn ipv6(&mut self, host: &str) -> Option<HostPattern> {
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
    pub(super) fn name(&mut self, given: &str, in_pattern: bool) -> Option<String> {
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
