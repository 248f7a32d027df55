//! What a policy is asked about: the method and the few request headers that CORS reads.

/// The first line of a header field and whether there are more. An empty field is present.
///
/// ```
/// use crossgate::Field;
/// let mut field = Field::one(b" https://a.example ");
/// assert_eq!(field.single(), Some(&b"https://a.example"[..]));
/// field.push(b"https://b.example");
/// assert!(field.is_repeated() && field.single().is_none());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Field<'a> {
    first: Option<&'a [u8]>,
    more: bool,
}

impl<'a> Field<'a> {
    /// No line.
    pub const ABSENT: Field<'static> = Field {
        first: None,
        more: false,
    };

    /// One line.
    #[inline]
    pub const fn one(value: &'a [u8]) -> Self {
        Field {
            first: Some(value),
            more: false,
        }
    }

    /// Takes another line.
    #[inline]
    pub fn push(&mut self, value: &'a [u8]) {
        match self.first {
            None => self.first = Some(value),
            Some(_) => self.more = true,
        }
    }

    /// Whether there is a line, an empty one included.
    #[inline]
    pub const fn is_present(&self) -> bool {
        self.first.is_some()
    }

    /// Whether there are several lines.
    #[inline]
    pub const fn is_repeated(&self) -> bool {
        self.more
    }

    /// The first line, as it was sent.
    #[cfg(feature = "tracing")]
    pub(crate) fn first(&self) -> Option<&'a [u8]> {
        self.first
    }

    /// The only line, without white space around it; `None` if there is none or more than one.
    #[inline]
    pub fn single(&self) -> Option<&'a [u8]> {
        if self.more {
            None
        } else {
            self.first.map(trim)
        }
    }
}

/// Leading and trailing SP and HTAB are no part of a field value (RFC 9110, 5.5); many hosts leave
/// them in.
#[inline(always)]
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    // All that may have to go, and little else.
    let is_low = |byte: &u8| *byte <= b' ';
    if value.first().is_some_and(is_low) || value.last().is_some_and(is_low) {
        trim_spaces(value)
    } else {
        value
    }
}

#[cold]
fn trim_spaces(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The lines of a field that may have several, for hosts that keep them in a shape of their own.
/// `Sync`, so that a request may be held across an `await`.
///
/// ```
/// use crossgate::{Lines, Request};
/// let lines = vec!["x-a", "x-b"]; // a host's own shape; Vec implements it
/// let request = Request { acrh: Lines::Many(&lines), ..Request::new("OPTIONS") };
/// ```
pub trait LineSource: Sync {
    /// Calls `each` with every line in order, until it returns false.
    fn each_line(&self, each: &mut dyn FnMut(&[u8]) -> bool);
}

impl<T: AsRef<[u8]> + Sync> LineSource for Vec<T> {
    fn each_line(&self, each: &mut dyn FnMut(&[u8]) -> bool) {
        let _ = self.iter().all(|line| each(line.as_ref()));
    }
}

/// The lines of `Access-Control-Request-Headers`.
///
/// ```
/// use crossgate::{Lines, Policy, Request};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example"])
///     .allow_headers(["X-A"])
///     .build()?;
/// let asked = |acrh| {
///     let request = Request::new("OPTIONS")
///         .header("Origin", "https://a.example")
///         .header("Access-Control-Request-Method", "GET");
///     policy.evaluate(&Request { acrh, ..request }).allowed()
/// };
/// assert_eq!(asked(Lines::Absent), Some(true));
/// assert_eq!(asked(Lines::One(b"x-a")), Some(true));
/// assert_eq!(asked(Lines::Many(&vec!["x-a", "x-b"])), Some(false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub enum Lines<'a> {
    /// No line.
    #[default]
    Absent,
    /// One line.
    One(&'a [u8]),
    /// Several lines, borrowed.
    Many(&'a dyn LineSource),
    /// Several lines, collected by [`Request::header`].
    Collected(Vec<&'a [u8]>),
}

impl<'a> Lines<'a> {
    fn push(&mut self, value: &'a [u8]) {
        match self {
            Lines::Absent => *self = Lines::One(value),
            Lines::One(first) => *self = Lines::Collected(vec![first, value]),
            Lines::Collected(lines) => lines.push(value),
            Lines::Many(_) => {}
        }
    }

    /// Calls `each` with every line in order, until it returns false.
    #[inline]
    pub(crate) fn each(&self, mut each: impl FnMut(&[u8]) -> bool) {
        match self {
            Lines::Absent => {}
            Lines::One(line) => {
                each(line);
            }
            Lines::Many(source) => source.each_line(&mut each),
            Lines::Collected(lines) => lines.each_line(&mut each),
        }
    }
}

impl std::fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut list = f.debug_list();
        self.each(|line| {
            list.entry(&line.escape_ascii().to_string());
            true
        });
        list.finish()
    }
}

/// A request, as far as CORS reads it. Nothing is copied.
///
/// ```
/// use crossgate::{Kind, Policy, Request};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).allow_methods(["PUT"]).build()?;
/// let request = Request::new("OPTIONS")
///     .header("Origin", b"https://a.example")
///     .header("Access-Control-Request-Method", b"PUT");
/// assert_eq!(policy.evaluate(&request).kind(), Kind::Preflight);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// The method, its bytes as sent.
    pub method: &'a [u8],
    /// `Origin`
    pub origin: Field<'a>,
    /// `Access-Control-Request-Method`
    pub acrm: Field<'a>,
    /// `Access-Control-Request-Headers`
    pub acrh: Lines<'a>,
    /// `Access-Control-Request-Private-Network`
    pub acrpn: Field<'a>,
    /// `Sec-Fetch-Site`, read only by policies that reject.
    pub sec_fetch_site: Field<'a>,
}

impl<'a> Request<'a> {
    /// The lower-case names of the headers that are read, for hosts that look them up.
    pub const NAMES: [&'static str; 5] = [
        "origin",
        "access-control-request-method",
        "access-control-request-headers",
        "access-control-request-private-network",
        "sec-fetch-site",
    ];

    /// A request without headers.
    #[inline]
    pub fn new(method: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Request {
            method: method.as_ref(),
            ..Request::default()
        }
    }

    /// Takes one header line; names that CORS does not read are passed over.
    #[must_use]
    #[inline]
    pub fn header(
        mut self,
        name: impl AsRef<[u8]>,
        value: &'a (impl AsRef<[u8]> + ?Sized),
    ) -> Self {
        self.push(name.as_ref(), value.as_ref());
        self
    }

    /// Takes one header line, for hosts that iterate.
    #[inline]
    pub fn push(&mut self, name: &[u8], value: &'a [u8]) {
        match RequestHeader::from_name(name) {
            Some(RequestHeader::Origin) => self.origin.push(value),
            Some(RequestHeader::SecFetchSite) => self.sec_fetch_site.push(value),
            Some(RequestHeader::Method) => self.acrm.push(value),
            Some(RequestHeader::Headers) => self.acrh.push(value),
            Some(RequestHeader::PrivateNetwork) => self.acrpn.push(value),
            None => {}
        }
    }

    /// Takes every header line of an iterator.
    pub fn from_pairs(
        method: &'a [u8],
        pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Self {
        let mut request = Request::new(method);
        for (name, value) in pairs {
            request.push(name, value);
        }
        request
    }

    /// What kind of request it is (Fetch, CORS request and CORS-preflight request).
    #[inline]
    pub fn kind(&self) -> Kind {
        if !self.origin.is_present() {
            Kind::NotCors
        } else if self.method == b"OPTIONS" && self.acrm.is_present() {
            Kind::Preflight
        } else {
            Kind::Actual
        }
    }
}

/// The request headers that CORS reads.
///
/// ```
/// use crossgate::RequestHeader;
/// assert_eq!(RequestHeader::from_name(b"origin"), Some(RequestHeader::Origin));
/// assert_eq!(RequestHeader::from_name(b"Host"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestHeader {
    /// `Origin`
    Origin,
    /// `Access-Control-Request-Method`
    Method,
    /// `Access-Control-Request-Headers`
    Headers,
    /// `Access-Control-Request-Private-Network`
    PrivateNetwork,
    /// `Sec-Fetch-Site`
    SecFetchSite,
}

impl RequestHeader {
    /// Which one a name is, whatever its case.
    #[inline]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        // The length tells the five names apart, so most headers cost one comparison of integers.
        match name.len() {
            6 if name.eq_ignore_ascii_case(b"origin") => Some(RequestHeader::Origin),
            14 if name.eq_ignore_ascii_case(b"sec-fetch-site") => Some(RequestHeader::SecFetchSite),
            29 if name.eq_ignore_ascii_case(b"access-control-request-method") => {
                Some(RequestHeader::Method)
            }
            30 if name.eq_ignore_ascii_case(b"access-control-request-headers") => {
                Some(RequestHeader::Headers)
            }
            38 if name.eq_ignore_ascii_case(b"access-control-request-private-network") => {
                Some(RequestHeader::PrivateNetwork)
            }
            _ => None,
        }
    }
}

/// The kinds of requests.
///
/// ```
/// use crossgate::{Kind, Request};
/// let request = Request::new("OPTIONS").header("Origin", "https://a.example");
/// assert_eq!(request.kind(), Kind::Actual); // no Access-Control-Request-Method: an ordinary OPTIONS
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No `Origin`.
    NotCors,
    /// `Origin`, and not a preflight: cross-origin or a same-origin request that carries the header
    /// all the same.
    Actual,
    /// Method exactly OPTIONS, `Origin` and `Access-Control-Request-Method` present.
    Preflight,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 3] = [Kind::NotCors, Kind::Actual, Kind::Preflight];

    /// `not_cors`, `actual`, `preflight`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::NotCors => "not_cors",
            Kind::Actual => "actual",
            Kind::Preflight => "preflight",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_decisions_cross_threads() {
        fn crosses<T: Send + Sync>() {}
        crosses::<Request<'_>>();
        crosses::<crate::Decision<'_>>();
        crosses::<crate::Policy>();
        crosses::<crate::SharedPolicy>();
    }

    #[test]
    fn kinds() {
        let kind = |method: &'static str, names: &[&str]| {
            names
                .iter()
                .fold(Request::new(method), |r, n| r.header(n, b""))
                .kind()
        };
        assert_eq!(
            kind("OPTIONS", &["origin", "access-control-request-method"]),
            Kind::Preflight
        );
        assert_eq!(
            kind("options", &["origin", "access-control-request-method"]),
            Kind::Actual
        );
        assert_eq!(kind("OPTIONS", &["origin"]), Kind::Actual);
        assert_eq!(
            kind("OPTIONS", &["access-control-request-method"]),
            Kind::NotCors
        );
    }

    #[test]
    fn names_are_told_apart_by_their_lengths() {
        let headers = Request::NAMES.map(|name| RequestHeader::from_name(name.as_bytes()));
        let known = [
            RequestHeader::Origin,
            RequestHeader::Method,
            RequestHeader::Headers,
            RequestHeader::PrivateNetwork,
            RequestHeader::SecFetchSite,
        ];
        assert_eq!(headers, known.map(Some));
    }

    #[test]
    fn white_space_around_a_value_is_no_part_of_it() {
        assert_eq!(Field::one(b" \ta b\t ").single(), Some(&b"a b"[..]));
        assert_eq!(Field::one(b" \t").single(), Some(&b""[..]));
    }
}
