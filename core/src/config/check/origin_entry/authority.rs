//! What follows the scheme: host and port, and what no origin has behind them.

use std::net::Ipv6Addr;

use super::reader::{Entry, Hint, Reader, UNSUPPORTED};
use crate::origin::host::serialize_ipv6;
use crate::origin::pattern::{HostPattern, Pattern, PortPattern};
use crate::origin::serialized::{MAX_ORIGIN, parse_port};
use crate::problem::ProblemCode;

impl Reader<'_> {
    pub(super) fn authority(&mut self, scheme: &str, rest: &str) -> Option<Entry> {
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
        let entry = match (host, port) {
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
        };
        // What is not spelled out can be nothing (`:*`), or is one byte (`*`).
        let text = entry.to_string();
        let spelled_out = text.strip_suffix(":*").unwrap_or(&text);
        if spelled_out.len() > MAX_ORIGIN {
            let message = format!("no origin is longer than {MAX_ORIGIN} bytes");
            self.error(ProblemCode::OriginInvalidHost, message, Hint::None);
            return None;
        }
        Some(entry)
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
}
