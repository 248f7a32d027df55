//! The grammar gate ([`Origin::parse`](crate::origin::serialized::Origin::parse)) as an automaton:
//! the state after each byte of an origin, so that a regex can be laid over it.

use crate::origin::host::is_label_byte;

/// The longest label.
const MAX_LABEL: u8 = 63;

/// What kind of scheme an origin has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Http,
    Https,
    /// Any other.
    App,
}

/// What kind of host an origin has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Host {
    /// A name of several labels.
    Name,
    /// A name of one label.
    Single,
    /// `localhost`, `*.localhost`, 127.0.0.0/8, `[::1]`.
    Loopback,
    Ip4,
    Ip6,
    /// The host of a scheme that is not http or https.
    App,
}

/// A scheme as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    /// So many bytes of `https`.
    Web(u8),
    Other,
}

impl Scheme {
    fn kind(self) -> Kind {
        match self {
            Scheme::Web(4) => Kind::Http,
            Scheme::Web(5) => Kind::Https,
            _ => Kind::App,
        }
    }
}

/// A label as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Label {
    Empty,
    Zero,
    Digits,
    /// `0x`, and hexadecimal digits after it.
    Hex,
    /// So many bytes of `localhost`.
    Local(u8),
    Other,
}

impl Label {
    fn step(self, byte: u8) -> Label {
        match (self, byte) {
            (Label::Empty, b'0') => Label::Zero,
            (Label::Empty | Label::Zero | Label::Digits, b'0'..=b'9') => Label::Digits,
            (Label::Zero, b'x') | (Label::Hex, b'0'..=b'9' | b'a'..=b'f') => Label::Hex,
            (Label::Empty, b'l') => Label::Local(1),
            (Label::Local(read), _) if b"localhost".get(usize::from(read)) == Some(&byte) => {
                Label::Local(read + 1)
            }
            _ => Label::Other,
        }
    }

    /// URL standard, "ends in a number".
    fn is_number(self) -> bool {
        matches!(self, Label::Zero | Label::Digits | Label::Hex)
    }
}

/// One part of a canonical IPv4 address as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Octet {
    Empty,
    /// `1`
    One,
    /// `12`, first of the address.
    Twelve,
    /// `127`, first of the address.
    Loopback,
    /// `2`
    Two,
    /// `25`
    TwoFive,
    /// `3` to `9`: one more digit may follow.
    Small,
    /// `10` to `24`: any digit may follow.
    Open,
    /// Nothing may follow.
    Full,
}

impl Octet {
    fn step(self, byte: u8, first: bool) -> Option<Octet> {
        if !byte.is_ascii_digit() {
            return None;
        }
        Some(match (self, byte) {
            (Octet::Empty, b'0') => Octet::Full,
            (Octet::Empty, b'1') => Octet::One,
            (Octet::Empty, b'2') => Octet::Two,
            (Octet::Empty, _) => Octet::Small,
            (Octet::One, b'2') if first => Octet::Twelve,
            (Octet::Twelve, b'7') => Octet::Loopback,
            (Octet::One, _) | (Octet::Two, b'0'..=b'4') => Octet::Open,
            (Octet::Two, b'5') => Octet::TwoFive,
            (Octet::TwoFive, b'6'..=b'9') | (Octet::Full | Octet::Loopback, _) => return None,
            _ => Octet::Full,
        })
    }
}

/// A name or IPv4 address as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    kind: Kind,
    label: Label,
    /// Bytes of the label, where they are counted.
    length: u8,
    /// The first label, and a second is not begun.
    single: bool,
    /// In an empty label: the one before it was a number.
    after_number: bool,
    /// The number of parts before this one, this part, and whether the address is loopback.
    ip4: Option<(u8, Octet, bool)>,
}

impl Name {
    fn new(kind: Kind) -> Self {
        Name {
            kind,
            label: Label::Empty,
            length: 0,
            single: true,
            after_number: false,
            ip4: Some((0, Octet::Empty, false)),
        }
    }

    fn is_start(&self) -> bool {
        self.single && self.label == Label::Empty
    }

    fn step(mut self, byte: u8, lengths: bool) -> Option<Gate> {
        match byte {
            b'.' if self.label != Label::Empty => {
                let ip4 = self
                    .ip4
                    .filter(|(before, octet, _)| *before < 3 && *octet != Octet::Empty);
                Some(Gate::Dot(Name {
                    kind: self.kind,
                    label: Label::Empty,
                    length: 0,
                    single: self.single,
                    after_number: self.label.is_number(),
                    ip4: ip4.map(|(before, octet, loopback)| {
                        (
                            before + 1,
                            Octet::Empty,
                            loopback || octet == Octet::Loopback,
                        )
                    }),
                }))
            }
            _ if is_label_byte(byte) => {
                self.length += u8::from(lengths);
                self.label = self.label.step(byte);
                self.ip4 = self.ip4.and_then(|(before, octet, loopback)| {
                    octet
                        .step(byte, before == 0)
                        .map(|octet| (before, octet, loopback))
                });
                (self.length <= MAX_LABEL).then_some(Gate::Name(self))
            }
            b':' => Some(Gate::Port(Port::new(self.kind, self.host()?))),
            _ => None,
        }
    }

    /// The host, if it may end here.
    fn host(&self) -> Option<Host> {
        if self.label == Label::Empty {
            return None;
        }
        if self.label.is_number() {
            return match self.ip4 {
                Some((3, Octet::Empty, _)) => None,
                Some((3, _, true)) => Some(Host::Loopback),
                Some((3, _, false)) => Some(Host::Ip4),
                _ => None,
            };
        }
        Some(if self.label == Label::Local(9) {
            Host::Loopback
        } else if self.single {
            Host::Single
        } else {
            Host::Name
        })
    }
}

/// One piece of an IPv6 address as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Piece {
    None,
    Zero,
    /// So many digits, the first not zero; whether it is `1`.
    Digits(u8, bool),
}

/// An IPv6 address as far as it was read. Whether it is the canonical one depends on its runs of
/// zeros alone: the `::` stands for the first of the longest, and for two pieces at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ip6 {
    kind: Kind,
    /// How many pieces are complete.
    pieces: u8,
    /// The longest run of zeros in front of the `::`.
    longest: u8,
    /// The run of zeros that was read last.
    run: u8,
    /// Behind the `::`: so many pieces are the most, so that it stands for the longest run.
    most: Option<u8>,
    /// Nothing stands in front of the `::`.
    leading: bool,
    piece: Piece,
    /// How many colons were read last.
    colons: u8,
}

impl Ip6 {
    fn new(kind: Kind) -> Self {
        Ip6 {
            kind,
            pieces: 0,
            longest: 0,
            run: 0,
            most: None,
            leading: false,
            piece: Piece::None,
            colons: 0,
        }
    }

    fn step(mut self, byte: u8) -> Option<Gate> {
        match byte {
            b'0'..=b'9' | b'a'..=b'f' => {
                // A lone colon in front of everything.
                if self.colons == 1 && self.pieces == 0 || self.pieces == self.most.unwrap_or(8) {
                    return None;
                }
                self.piece = match self.piece {
                    // It would be part of what the `::` stands for.
                    Piece::None if byte == b'0' && self.colons == 2 => return None,
                    Piece::None if byte == b'0' => Piece::Zero,
                    Piece::None => Piece::Digits(1, byte == b'1'),
                    Piece::Digits(read, _) if read < 4 => Piece::Digits(read + 1, false),
                    Piece::Zero | Piece::Digits(..) => return None,
                };
                self.colons = 0;
            }
            b':' => {
                let after_piece = self.piece != Piece::None;
                self = self.completed()?;
                self.colons = if after_piece { 1 } else { self.colons + 1 };
                if self.colons == 2 {
                    self = self.compressed()?;
                }
                if self.colons > 2 || self.pieces > 7 {
                    return None;
                }
            }
            b']' => {
                let is_one = self.piece == Piece::Digits(1, true);
                if self.piece == Piece::None && self.colons != 2 {
                    return None;
                }
                let whole = self.completed()?;
                if whole.most.is_none() && (whole.pieces != 8 || whole.longest > 1) {
                    return None;
                }
                let loopback = is_one && whole.pieces == 1 && whole.leading;
                let host = if loopback { Host::Loopback } else { Host::Ip6 };
                return Some(Gate::Bracket(self.kind, host));
            }
            _ => return None,
        }
        Some(Gate::Ip6(self))
    }

    /// The `::` is read, and stands for what is missing of the eight pieces.
    fn compressed(mut self) -> Option<Self> {
        // A zero in front of it would belong to it.
        if self.most.is_some() || self.run > 0 {
            return None;
        }
        let most = 6.min(7 - self.longest);
        self.most = Some(most);
        self.leading = self.pieces == 0;
        self.longest = 0;
        (self.pieces <= most).then_some(self)
    }

    /// A piece ends here, if one was begun. `None` if another run is longer than what the `::` can
    /// stand for.
    fn completed(mut self) -> Option<Self> {
        let is_zero = match std::mem::replace(&mut self.piece, Piece::None) {
            Piece::None => return Some(self),
            Piece::Zero => true,
            Piece::Digits(..) => false,
        };
        self.pieces += 1;
        self.run = if is_zero { self.run + 1 } else { 0 };
        match &mut self.most {
            Some(most) => {
                *most = (*most).min(8 - self.run);
                (self.pieces <= *most).then_some(self)
            }
            None => {
                self.longest = self.longest.max(self.run);
                // The `::` and a piece between the two have no room behind it.
                (self.longest <= 3).then_some(self)
            }
        }
    }
}

/// A port as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Port {
    kind: Kind,
    host: Host,
    length: u8,
    /// Against the first digits of 65535.
    order: std::cmp::Ordering,
    /// So far the digits of the scheme's default port.
    default: bool,
}

impl Port {
    fn new(kind: Kind, host: Host) -> Self {
        Port {
            kind,
            host,
            length: 0,
            order: std::cmp::Ordering::Equal,
            default: kind != Kind::App,
        }
    }

    fn default_digits(&self) -> &'static [u8] {
        match self.kind {
            Kind::Http => b"80",
            Kind::Https => b"443",
            Kind::App => b"",
        }
    }

    fn step(mut self, byte: u8) -> Option<Gate> {
        let good = byte.is_ascii_digit() && self.length < 5 && (self.length > 0 || byte != b'0');
        if !good {
            return None;
        }
        let place = usize::from(self.length);
        self.order = self.order.then(byte.cmp(&b"65535"[place]));
        self.default &= self.default_digits().get(place) == Some(&byte);
        self.length += 1;
        (self.length < 5 || self.order.is_le()).then_some(Gate::Port(self))
    }

    fn is_whole(&self) -> bool {
        self.length > 0
            && !(self.default && usize::from(self.length) == self.default_digits().len())
    }
}

/// The gate after some bytes of an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Gate {
    Scheme(Scheme),
    /// `:` or `:/` was read.
    Slashes(Kind, u8),
    Name(Name),
    /// A dot was read: a trailing one, or a label follows.
    Dot(Name),
    Ip6(Ip6),
    /// `]` was read.
    Bracket(Kind, Host),
    /// The host of an application scheme; whether it has bytes.
    App(bool),
    Port(Port),
}

impl Gate {
    pub(super) const START: Gate = Gate::Scheme(Scheme::Web(0));

    /// The state after one more byte; `None` if no origin goes on so. `lengths`: labels are
    /// counted. Without, there are far fewer states, and labels may be of any length.
    pub(super) fn step(self, byte: u8, lengths: bool) -> Option<Gate> {
        match self {
            Gate::Scheme(scheme) => match (scheme, byte) {
                (Scheme::Web(0), b':') => None,
                (_, b':') => Some(Gate::Slashes(scheme.kind(), 1)),
                (Scheme::Web(read), _) if b"https".get(usize::from(read)) == Some(&byte) => {
                    Some(Gate::Scheme(Scheme::Web(read + 1)))
                }
                (Scheme::Web(0), b'a'..=b'z') => Some(Gate::Scheme(Scheme::Other)),
                (Scheme::Web(0), _) => None,
                (_, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.') => {
                    Some(Gate::Scheme(Scheme::Other))
                }
                _ => None,
            },
            Gate::Slashes(kind, 1) => (byte == b'/').then_some(Gate::Slashes(kind, 2)),
            Gate::Slashes(kind, _) => (byte == b'/').then(|| match kind {
                Kind::App => Gate::App(false),
                Kind::Http | Kind::Https => Gate::Name(Name::new(kind)),
            }),
            Gate::Name(name) if byte == b'[' && name.is_start() => {
                Some(Gate::Ip6(Ip6::new(name.kind)))
            }
            Gate::Name(name) => name.step(byte, lengths),
            Gate::Dot(name) if byte == b':' => {
                Some(Gate::Port(Port::new(name.kind, self.trailing()?)))
            }
            Gate::Dot(name) => is_label_byte(byte).then(|| {
                Name {
                    single: false,
                    after_number: false,
                    ..name
                }
                .step(byte, lengths)
            })?,
            Gate::Ip6(address) => address.step(byte),
            Gate::Bracket(kind, host) => (byte == b':').then(|| Gate::Port(Port::new(kind, host))),
            Gate::App(has_bytes) => match byte {
                b':' if has_bytes => Some(Gate::Port(Port::new(Kind::App, Host::App))),
                b'.' | b'_' | b'-' => Some(Gate::App(true)),
                _ if byte.is_ascii_alphanumeric() => Some(Gate::App(true)),
                _ => None,
            },
            Gate::Port(port) => port.step(byte),
        }
    }

    /// The host that ends in the dot that was read.
    fn trailing(self) -> Option<Host> {
        match self {
            Gate::Dot(name) if name.after_number => None,
            Gate::Dot(name) if name.single => Some(Host::Single),
            Gate::Dot(_) => Some(Host::Name),
            _ => None,
        }
    }

    /// The scheme and host of the origin, if it may end here.
    pub(super) fn end(self) -> Option<(Kind, Host)> {
        match self {
            Gate::Name(name) => Some((name.kind, name.host()?)),
            Gate::Dot(name) => Some((name.kind, self.trailing()?)),
            Gate::Bracket(kind, host) => Some((kind, host)),
            Gate::App(true) => Some((Kind::App, Host::App)),
            Gate::Port(port) => port.is_whole().then_some((port.kind, port.host)),
            Gate::Scheme(_) | Gate::Slashes(..) | Gate::Ip6(_) | Gate::App(false) => None,
        }
    }

    /// `scheme://` was read, and nothing of the host.
    pub(super) fn is_host_start(self) -> bool {
        match self {
            Gate::Name(name) => name.is_start(),
            Gate::App(has_bytes) => !has_bytes,
            _ => false,
        }
    }

    /// Inside the host or at one of its ends.
    pub(super) fn is_host(self) -> bool {
        !matches!(self, Gate::Scheme(_) | Gate::Slashes(..) | Gate::Port(_))
    }

    pub(super) fn is_port(self) -> bool {
        matches!(self, Gate::Port(_))
    }

    pub(super) fn is_scheme(self) -> bool {
        matches!(self, Gate::Scheme(_) | Gate::Slashes(..))
    }

    /// A label of a name begins here.
    pub(super) fn is_label_start(self) -> bool {
        matches!(self, Gate::Dot(_)) || self.is_host_start()
    }

    /// What a byte that leads to `next` adds to the length that is bounded: the whole origin for
    /// an application scheme, the host for http and https (its trailing dot aside).
    pub(super) fn cost(self, next: Gate) -> u32 {
        match (self, next) {
            (Gate::Scheme(_), Gate::Scheme(_)) => 1,
            (_, Gate::App(false)) => 3,
            (_, Gate::App(true)) => 1,
            (Gate::Dot(_), Gate::Name(_)) => 2,
            (_, Gate::Name(name)) => u32::from(!name.is_start()),
            (_, Gate::Port(port)) => u32::from(port.kind == Kind::App),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::origin::host::is_loopback;
    use crate::origin::serialized::Origin;

    fn judged(text: &[u8]) -> Option<(Kind, Host)> {
        let mut gate = Gate::START;
        for byte in text {
            gate = gate.step(*byte, true)?;
        }
        gate.end()
    }

    fn expected(text: &[u8]) -> Option<(Kind, Host)> {
        let origin = Origin::parse(text)?;
        let kind = match origin.scheme {
            "http" => Kind::Http,
            "https" => Kind::Https,
            _ => return Some((Kind::App, Host::App)),
        };
        let name = origin.host.strip_suffix('.').unwrap_or(origin.host);
        let host = if is_loopback(origin.host) {
            Host::Loopback
        } else if origin.host.starts_with('[') {
            Host::Ip6
        } else if origin.host.parse::<std::net::Ipv4Addr>().is_ok() {
            Host::Ip4
        } else if name.contains('.') {
            Host::Name
        } else {
            Host::Single
        };
        Some((kind, host))
    }

    fn piece() -> impl Strategy<Value = String> {
        let byte = "[a-z0-9:/.\\[\\]_A-]";
        prop_oneof![
            "(https?|app|ap\\+p|x)://".prop_map(String::from),
            "[a-z0-9-]{1,9}\\.?".prop_map(String::from),
            "[0-9]{1,3}\\.".prop_map(String::from),
            "(0x[0-9a-f]{0,2}|localhost|127|255|256|25|443|80|65535|65536|0)"
                .prop_map(String::from),
            "[:.]".prop_map(String::from),
            byte.prop_map(String::from),
        ]
    }

    fn address() -> impl Strategy<Value = String> {
        let piece = prop_oneof![3 => Just("0".to_owned()), 2 => "[0-9a-f]{1,4}"];
        (
            proptest::collection::vec(piece, 1..9),
            0..9usize,
            "(:[0-9]{1,5})?",
        )
            .prop_map(|(mut pieces, gap, port)| {
                if gap < pieces.len() {
                    pieces[gap] = String::new();
                }
                let inner = pieces.join(":");
                let inner = match (inner.starts_with(':'), inner.ends_with(':')) {
                    (true, true) => format!(":{inner}:"),
                    (true, false) => format!(":{inner}"),
                    (false, true) => format!("{inner}:"),
                    (false, false) => inner,
                };
                format!("https://[{inner}]{port}")
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

        #[test]
        fn it_is_the_gate(pieces in proptest::collection::vec(piece(), 1..9)) {
            let text = pieces.concat();
            prop_assert_eq!(judged(text.as_bytes()), expected(text.as_bytes()), "{}", text);
        }

        #[test]
        fn it_is_the_gate_for_ipv6(text in address()) {
            prop_assert_eq!(judged(text.as_bytes()), expected(text.as_bytes()), "{}", text);
        }

        #[test]
        fn canonical_ipv6_passes(pieces in proptest::array::uniform8(
            prop_oneof![3 => Just(0u16), 1 => Just(1), 2 => any::<u16>()]
        )) {
            let address = crate::origin::host::serialize_ipv6(pieces.into());
            let text = format!("http://[{address}]");
            prop_assert_eq!(judged(text.as_bytes()), expected(text.as_bytes()), "{}", text);
            prop_assert!(judged(text.as_bytes()).is_some(), "{}", text);
        }

        #[test]
        fn ipv4_passes(octets: [u8; 4]) {
            let text = format!("http://{}", std::net::Ipv4Addr::from(octets));
            prop_assert_eq!(judged(text.as_bytes()), expected(text.as_bytes()));
        }
    }

    #[test]
    fn labels_are_counted_where_that_is_asked_for() {
        let long = format!("https://{}.example", "a".repeat(64));
        assert_eq!(judged(long.as_bytes()), None);
        let mut gate = Some(Gate::START);
        for byte in long.bytes() {
            gate = gate.and_then(|gate| gate.step(byte, false));
        }
        assert_eq!(gate.and_then(Gate::end), Some((Kind::Https, Host::Name)));
    }
}
