//! The response headers, and the blocks of them that a policy prepares once for every outcome.

use std::fmt;

use crate::http1::Http1;
#[cfg(any(feature = "tower", feature = "actix"))]
use crate::middleware::prebuilt::Prebuilt;
use crate::vary::{merge_names, merge_vary};

/// A response header that crossgate writes.
///
/// ```
/// use crossgate::HeaderName;
/// assert_eq!(HeaderName::MaxAge.as_str(), "Access-Control-Max-Age");
/// assert_eq!(HeaderName::MaxAge.lower(), "access-control-max-age");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeaderName {
    /// `Access-Control-Allow-Origin`
    AllowOrigin,
    /// `Access-Control-Allow-Credentials`
    AllowCredentials,
    /// `Access-Control-Allow-Methods`
    AllowMethods,
    /// `Access-Control-Allow-Headers`
    AllowHeaders,
    /// `Access-Control-Expose-Headers`
    ExposeHeaders,
    /// `Access-Control-Max-Age`
    MaxAge,
    /// `Access-Control-Allow-Private-Network`
    AllowPrivateNetwork,
    /// `Vary`
    Vary,
}

impl HeaderName {
    /// Every header; the position of each is its number in bindings.
    pub const ALL: [HeaderName; 8] = [
        HeaderName::AllowOrigin,
        HeaderName::AllowCredentials,
        HeaderName::AllowMethods,
        HeaderName::AllowHeaders,
        HeaderName::ExposeHeaders,
        HeaderName::MaxAge,
        HeaderName::AllowPrivateNetwork,
        HeaderName::Vary,
    ];

    /// The headers that belong to CORS alone, in the order in which they are removed.
    pub(crate) fn owned() -> impl Iterator<Item = HeaderName> {
        Self::ALL
            .into_iter()
            .filter(|name| *name != HeaderName::Vary)
    }

    /// The name as it is written in documents, followed in memory by a NUL.
    #[inline]
    pub const fn as_str(self) -> &'static str {
        without_nul(self.with_nul())
    }

    /// The name in lower case (HTTP/2, ASGI, Node), followed in memory by a NUL.
    #[inline]
    pub const fn lower(self) -> &'static str {
        without_nul(self.lower_with_nul())
    }

    /// The name and a NUL, for C.
    pub const fn with_nul(self) -> &'static str {
        match self {
            HeaderName::AllowOrigin => "Access-Control-Allow-Origin\0",
            HeaderName::AllowCredentials => "Access-Control-Allow-Credentials\0",
            HeaderName::AllowMethods => "Access-Control-Allow-Methods\0",
            HeaderName::AllowHeaders => "Access-Control-Allow-Headers\0",
            HeaderName::ExposeHeaders => "Access-Control-Expose-Headers\0",
            HeaderName::MaxAge => "Access-Control-Max-Age\0",
            HeaderName::AllowPrivateNetwork => "Access-Control-Allow-Private-Network\0",
            HeaderName::Vary => "Vary\0",
        }
    }

    /// The lower-case name and a NUL, for C.
    pub const fn lower_with_nul(self) -> &'static str {
        match self {
            HeaderName::AllowOrigin => "access-control-allow-origin\0",
            HeaderName::AllowCredentials => "access-control-allow-credentials\0",
            HeaderName::AllowMethods => "access-control-allow-methods\0",
            HeaderName::AllowHeaders => "access-control-allow-headers\0",
            HeaderName::ExposeHeaders => "access-control-expose-headers\0",
            HeaderName::MaxAge => "access-control-max-age\0",
            HeaderName::AllowPrivateNetwork => "access-control-allow-private-network\0",
            HeaderName::Vary => "vary\0",
        }
    }
}

const fn without_nul(text: &'static str) -> &'static str {
    text.split_at(text.len() - 1).0
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is done with a header of the decision.
///
/// ```
/// use crossgate::{HeaderName, Op, Policy, Request};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// let decision = policy.evaluate(&Request::new("GET"));
/// let vary = decision.headers().next().unwrap();
/// assert_eq!((vary.name, vary.op), (HeaderName::Vary, Op::Merge));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Replaces every line of that name.
    Set,
    /// Its names are added to those that the response has, each once.
    Merge,
}

/// Whose memory a header's value is.
///
/// ```
/// use crossgate::{Policy, Request, Source};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example", "https://*.b.example"])
///     .build()?;
/// let origin = |origin| {
///     policy
///         .evaluate(&Request::new("GET").header("Origin", origin))
///         .headers()
///         .next()
///         .unwrap()
///         .source
/// };
/// assert_eq!(origin("https://a.example"), Source::Policy); // listed to the letter
/// assert_eq!(origin("https://x.b.example"), Source::Request);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The policy's; followed by a NUL.
    Policy,
    /// The request's: an origin or method whose bytes matched.
    Request,
    /// A list of names made for this decision.
    Scratch,
}

/// One header of a decision.
///
/// ```
/// use crossgate::{Op, Policy, Request, Source};
/// let policy = Policy::builder().allow_origins(["https://*.a.example"]).build()?;
/// let request = Request::new("GET").header("Origin", "https://x.a.example");
/// let decision = policy.evaluate(&request);
/// let headers: Vec<_> = decision.headers().map(|h| (h.op, h.source)).collect();
/// assert_eq!(headers, [(Op::Set, Source::Request), (Op::Merge, Source::Policy)]); // the origin, Vary
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'d> {
    /// The name.
    pub name: HeaderName,
    /// The value; ASCII.
    pub value: &'d str,
    /// Set or merge.
    pub op: Op,
    /// Whose memory the value is.
    pub source: Source,
}

impl Header<'_> {
    /// The value to send in place of the lines that the response has: both lists of names, each
    /// name once ([`Op::Merge`]). A `*` in `Vary` stays alone.
    ///
    /// ```
    /// # use crossgate::{Policy, Request};
    /// # let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
    /// let decision = policy.evaluate(&Request::new("GET"));
    /// let vary = decision.headers().next().unwrap();
    /// assert_eq!(vary.merge(["Accept-Encoding", "origin"]), "Accept-Encoding, origin");
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn merge<'a>(&'a self, existing: impl IntoIterator<Item = &'a str>) -> String {
        if self.name == HeaderName::Vary {
            merge_vary(existing, self.value)
        } else {
            merge_names(existing, self.value)
        }
    }
}

/// A text with a NUL behind it, so that C can borrow it as it is.
#[derive(Clone, Debug)]
pub(crate) struct Text(Box<str>);

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        Text(format!("{text}\0").into_boxed_str())
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        &self.0[..self.0.len() - 1]
    }
}

/// The value of a line: known to the policy, or the request's.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Fixed(Text),
    /// The origin that matched.
    Origin,
    /// The requested method, if it passed.
    Method,
    /// The requested names, if they passed and there are any.
    Names,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: HeaderName,
    pub(crate) op: Op,
    pub(crate) value: Value,
}

/// What a policy sends for one outcome.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub(crate) lines: Vec<Line>,
    pub(crate) remove: Vec<HeaderName>,
    pub(crate) http1: Http1,
    /// Its place in `Blocks::all`.
    pub(crate) index: usize,
    #[cfg(feature = "tower")]
    pub(crate) tower: Prebuilt<http::HeaderValue>,
    /// All headers of a preflight's answer, but for the origin if that is the request's, for
    /// policies that echo no list.
    #[cfg(feature = "tower")]
    pub(crate) answer: Option<http::HeaderMap>,
    #[cfg(feature = "actix")]
    pub(crate) actix: Prebuilt<actix_web::http::header::HeaderValue>,
}

impl Block {
    pub(crate) fn new(lines: Vec<Line>) -> Self {
        let has = |name: HeaderName| lines.iter().any(|line| line.name == name);
        // A handler's own list of exposed headers survives where the response can be read at all.
        let remove = HeaderName::owned()
            .filter(|name| {
                !has(*name) && (*name != HeaderName::ExposeHeaders || !has(HeaderName::AllowOrigin))
            })
            .collect();
        let http1 = Http1::new(&lines);
        let block = Block {
            lines,
            remove,
            http1,
            ..Block::default()
        };
        #[cfg(feature = "tower")]
        let block = Block {
            tower: Prebuilt::new::<http::HeaderMap>(&block),
            ..block
        };
        #[cfg(feature = "actix")]
        let block = Block {
            actix: Prebuilt::new::<actix_web::http::header::HeaderMap>(&block),
            ..block
        };
        block
    }

    /// The headers of a preflight's answer.
    pub(crate) fn preflight(lines: Vec<Line>, status: u16) -> Self {
        let block = Block::new(lines);
        #[cfg(feature = "tower")]
        let block = Block {
            answer: crate::tower::prepared_answer(&block.tower, status),
            ..block
        };
        #[cfg(not(feature = "tower"))]
        let _ = status;
        block
    }
}
