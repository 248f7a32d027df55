//! Hosts in the form that browsers serialise them (URL standard, host serializing).

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest host name, its dots included (RFC 1035).
pub(crate) const MAX_HOST: usize = 253;

/// A byte that may stand in a label of an http or https host.
pub(crate) const fn is_label_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')
}

/// The last label of a host, one trailing dot aside.
pub(crate) fn last_label(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.rsplit('.').next().unwrap_or(host)
}

/// URL standard, "ends in a number": such a host is an IPv4 address or nothing.
pub(crate) fn ends_in_a_number(host: &str) -> bool {
    let last = last_label(host);
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    (!last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()))
        || hex.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// URL standard, IPv4 parser: one to four parts, each decimal, octal or hexadecimal.
pub(crate) fn parse_ipv4(host: &str) -> Option<Ipv4Addr> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let parts: Vec<&str> = host.split('.').collect();
    let (last, front) = parts.split_last()?;
    if front.len() > 3 {
        return None;
    }
    let mut address: u64 = 0;
    for part in front {
        let number = ipv4_number(part)?;
        if number > 255 {
            return None;
        }
        address = address << 8 | number;
    }
    let bits = 32 - 8 * front.len() as u32;
    let number = ipv4_number(last)?;
    if number >= 1 << bits {
        return None;
    }
    u32::try_from(address << bits | number)
        .ok()
        .map(Ipv4Addr::from)
}

fn ipv4_number(part: &str) -> Option<u64> {
    let (digits, radix) =
        if let Some(hex) = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
            (if hex.is_empty() { "0" } else { hex }, 16)
        } else if part.len() > 1 && part.starts_with('0') {
            (&part[1..], 8)
        } else {
            (part, 10)
        };
    if digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// The host is a dotted quad as browsers write it.
pub(crate) fn is_canonical_ipv4(host: &str) -> bool {
    // std parses only the strict form: four decimal parts without leading zeros.
    host.parse::<Ipv4Addr>().is_ok()
}

/// URL standard, IPv6 serializer: compressed as RFC 5952 says, but never with an embedded dotted
/// quad.
pub(crate) fn serialize_ipv6(address: Ipv6Addr) -> String {
    let pieces = address.segments();
    let (mut start, mut length) = (0, 0);
    let mut index = 0;
    while index < 8 {
        let zeros = pieces[index..]
            .iter()
            .take_while(|piece| **piece == 0)
            .count();
        if zeros > length {
            (start, length) = (index, zeros);
        }
        index += zeros.max(1);
    }
    let hex = |pieces: &[u16]| {
        pieces
            .iter()
            .map(|piece| format!("{piece:x}"))
            .collect::<Vec<_>>()
            .join(":")
    };
    if length < 2 {
        return hex(&pieces);
    }
    format!(
        "{}::{}",
        hex(&pieces[..start]),
        hex(&pieces[start + length..])
    )
}

/// A text between brackets is an IPv6 address as browsers write it.
pub(crate) fn is_canonical_ipv6(text: &str) -> bool {
    text.len() <= 39
        && text
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| serialize_ipv6(address) == text)
}

/// An origin that never leaves the machine: `localhost`, `*.localhost`, 127.0.0.0/8, `[::1]`.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_is_serialised_as_the_url_standard_says() {
        for (text, expected) in [
            ("::1", "::1"),
            ("::", "::"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"),
            ("::ffff:127.0.0.1", "::ffff:7f00:1"),
            ("2001:DB8::0:1", "2001:db8::1"),
            ("1::", "1::"),
            ("1:0:0:2:3:0:0:4", "1::2:3:0:0:4"),
        ] {
            assert_eq!(serialize_ipv6(text.parse().unwrap()), expected);
        }
        assert!(!is_canonical_ipv6("::ffff:127.0.0.1") && is_canonical_ipv6("::ffff:7f00:1"));
    }

    #[test]
    fn ipv4_is_parsed_as_the_url_standard_says() {
        for text in [
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "017700000001",
            "127.0.0.1.",
        ] {
            assert_eq!(parse_ipv4(text), Some(Ipv4Addr::LOCALHOST), "{text}");
        }
        for text in [
            "127.0.0.256",
            "1.2.3.4.5",
            "256.1",
            "09",
            "4294967296",
            "1..2",
            "+1",
        ] {
            assert_eq!(parse_ipv4(text), None, "{text}");
        }
    }

    #[test]
    fn only_numbers_make_an_address() {
        assert!(
            ends_in_a_number("a.1") && ends_in_a_number("a.0x") && ends_in_a_number("1.2.3.4.")
        );
        assert!(
            !ends_in_a_number("3scale")
                && !ends_in_a_number("8b1f2c3d-0000")
                && !ends_in_a_number("a.1b")
        );
    }
}
