//! The compiled policy: immutable, shared between threads, asked about requests.

use foldhash::fast::RandomState;

use crate::config::{
    DeniedActual, Document, Gate, ListSeparator, PolicyBuilder, SingleOrigin, Upstream,
    Value as Setting,
};
use crate::digest::Digest;
use crate::header_list::NameRule;
use crate::header_names::HeaderNames;
use crate::headers::{Block, HeaderName, Line, Op, Text, Value};
use crate::method::Methods;
use crate::origin::matcher::{ExactOrigins, Matcher};
use crate::problem::Problem;
use crate::vary::Vary;

/// A compiled policy. Immutable: share it by reference or in an `Arc`, on as many threads as you
/// like.
///
/// ```
/// use crossgate::Policy;
/// let policy = Policy::builder()
///     .allow_origins(["https://app.example.com", "https://*.preview.example.com"])
///     .allow_methods(["PUT", "DELETE"])
///     .allow_headers(["Authorization", "Content-Type"])
///     .allow_credentials(true)
///     .max_age(7200)
///     .build()?;
/// assert!(policy.warnings().is_empty());
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) any_origin: bool,
    pub(crate) constant: bool,
    pub(crate) allow_null_origin: bool,
    pub(crate) host_origins: bool,
    pub(crate) matcher: Matcher,
    pub(crate) own_origins: ExactOrigins,
    pub(crate) methods: Methods,
    /// `*` with credentials: the requested method is named.
    pub(crate) echoes_method: bool,
    pub(crate) names: NameRule,
    pub(crate) list_separator: ListSeparator,
    pub(crate) allow_private_network: bool,
    pub(crate) preflight_status: u16,
    pub(crate) denied_preflight_status: u16,
    pub(crate) rejects: bool,
    pub(crate) keeps_upstream: bool,
    pub(crate) blocks: Blocks,
    pub(crate) seed: RandomState,
    /// What only the document needs.
    pub(crate) written: Written,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) digest: Digest,
}

/// The parts of the canonical document that evaluation does not read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// For each pattern the number of exact origins in front of it.
    pub(crate) pattern_places: Vec<usize>,
    pub(crate) regexes: Vec<String>,
    pub(crate) allow_headers: Vec<String>,
    pub(crate) expose_headers: HeaderNames,
    pub(crate) allow_credentials: bool,
    pub(crate) max_age: Option<u32>,
    pub(crate) single_origin: SingleOrigin,
    pub(crate) gates: Vec<Gate>,
}

impl Policy {
    /// Starts a policy; the methods are named as the options of the document.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// What is worth a look, though the policy is built.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Whether `allow_credentials` is set.
    pub fn allows_credentials(&self) -> bool {
        self.written.allow_credentials
    }

    /// Whether the policy asks the host about origins (`host_origins`).
    pub fn has_host_origins(&self) -> bool {
        self.host_origins
    }

    /// Every list of requested header names that is longer than this many bytes gets one and the
    /// same decision, whatever it holds: a host that copies the list may cut it at one byte more.
    /// `None`: the whole list counts.
    ///
    /// ```
    /// use crossgate::{Policy, Reason, Request};
    /// let policy = Policy::builder()
    ///     .allow_origins(["*"])
    ///     .allow_headers(["X-A"])
    ///     .build()?;
    /// let limit = policy.request_headers_limit().unwrap();
    /// let reason = |list: &str| {
    ///     let request = Request::new("OPTIONS")
    ///         .header("Origin", "https://a.example")
    ///         .header("Access-Control-Request-Method", "GET");
    ///     policy
    ///         .evaluate(&request.header("Access-Control-Request-Headers", list))
    ///         .reason()
    /// };
    /// assert_eq!(reason(&"x-a,".repeat(9999)), reason(&"?".repeat(limit + 1)));
    /// assert_eq!(reason("x-a"), Reason::AllowedAny);
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn request_headers_limit(&self) -> Option<usize> {
        self.names.read_limit()
    }

    /// Every response is the same, whatever the origin: `*` or `single_origin = "static"`.
    #[inline]
    pub(crate) fn is_constant(&self) -> bool {
        self.constant
    }

    /// The canonical document: every option, origins and methods as browsers write them, nothing
    /// twice. A policy built from it is equal to this one.
    ///
    /// ```
    /// use crossgate::{Policy, Value};
    /// let policy = Policy::builder().allow_origins(["HTTPS://A.example:443", "https://a.example"]).build()?;
    /// assert_eq!(policy.document().get("allow_origins"), Some(&Value::List(vec!["https://a.example".into()])));
    /// assert_eq!(Policy::from_document(&policy.document())?, policy);
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn document(&self) -> Document {
        let mut origins =
            Vec::with_capacity(self.matcher.exact.len() + self.written.pattern_places.len());
        self.each_written_origin(|origin| origins.push(Setting::from(origin)));
        self.document_with(if self.any_origin {
            Setting::from("*")
        } else {
            Setting::List(origins)
        })
    }

    /// The document with this as `allow_origins`.
    pub(crate) fn document_with(&self, allow_origins: Setting) -> Document {
        let written = &self.written;
        let number = |n: u32| Setting::Int(i64::from(n));
        let text = |text: &str| Setting::Str(text.to_owned());
        let mut document = Document::new();
        document.push("allow_origins", allow_origins);
        document.push("allow_origin_regexes", list(written.regexes.iter()));
        document.push("allow_null_origin", Setting::Bool(self.allow_null_origin));
        document.push("host_origins", Setting::Bool(self.host_origins));
        document.push(
            "allow_methods",
            if self.methods.any {
                text("*")
            } else {
                list(self.methods.list.iter())
            },
        );
        document.push("allow_headers", any_or_list(&written.allow_headers));
        document.push("expose_headers", any_or_list(&written.expose_headers.list));
        document.push(
            "allow_credentials",
            Setting::Bool(written.allow_credentials),
        );
        document.push("max_age", written.max_age.map_or(Setting::Null, number));
        document.push("preflight_status", number(self.preflight_status.into()));
        document.push(
            "denied_preflight_status",
            number(self.denied_preflight_status.into()),
        );
        let denied_actual = if self.rejects {
            DeniedActual::Reject
        } else {
            DeniedActual::Forward
        };
        document.push("denied_actual", text(denied_actual.as_str()));
        document.push("own_origins", list(self.own_origins.iter()));
        document.push("single_origin", text(written.single_origin.as_str()));
        let upstream = if self.keeps_upstream {
            Upstream::Keep
        } else {
            Upstream::Replace
        };
        document.push("upstream", text(upstream.as_str()));
        document.push(
            "allow_private_network",
            Setting::Bool(self.allow_private_network),
        );
        document.push(
            "dangerously_allow",
            list(written.gates.iter().map(|gate| gate.as_str())),
        );
        document
    }

    /// The entries of `allow_origins` in their configured order, unless they are `*`.
    pub(crate) fn each_written_origin(&self, mut each: impl FnMut(&str)) {
        let mut patterns = self
            .matcher
            .patterns
            .list()
            .iter()
            .zip(&self.written.pattern_places)
            .peekable();
        for (index, origin) in self.matcher.exact.iter().enumerate() {
            while let Some((pattern, _)) = patterns.next_if(|(_, place)| **place <= index) {
                each(&pattern.to_string());
            }
            each(origin);
        }
        patterns.for_each(|(pattern, _)| each(&pattern.to_string()));
    }

    /// What tells policies apart in logs and metrics; the same in every process and language that
    /// has an equal policy.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

fn list<S: Into<String> + AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Setting {
    Setting::List(
        texts
            .into_iter()
            .map(|text| Setting::from(text.as_ref()))
            .collect(),
    )
}

fn any_or_list(names: &[String]) -> Setting {
    if names == ["*"] {
        Setting::from("*")
    } else {
        list(names)
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.list_separator == other.list_separator && self.document() == other.document()
    }
}

/// The prepared responses of a policy.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    pub(crate) options: MethodBlocks,
    pub(crate) other: MethodBlocks,
    pub(crate) preflights: Preflights,
}

/// An allowed origin's preflight, for every set of the headers that only some requests get. Most
/// policies have one.
#[derive(Clone, Debug)]
pub(crate) struct Preflights {
    blocks: Vec<Block>,
    /// How far apart the blocks with and without each are; 0 for a header that does not vary.
    weights: [usize; 3],
}

impl Preflights {
    fn new(settings: &BlockSettings<'_>) -> Self {
        let echoed = |any: bool| any && settings.credentials;
        let varies = [
            settings.private_network,
            echoed(settings.methods.any),
            echoed(settings.allow_headers.any),
        ];
        let (mut weights, mut count) = ([0; 3], 1);
        for (weight, _) in weights.iter_mut().zip(varies).filter(|(_, varies)| *varies) {
            *weight = count;
            count *= 2;
        }
        let blocks = (0..count)
            .map(|index| {
                settings.preflight(weights.map(|weight| weight > 0 && index / weight % 2 == 1))
            })
            .collect();
        Preflights { blocks, weights }
    }

    /// The block with or without the private network, method and names.
    #[inline]
    pub(crate) fn of(&self, has: [bool; 3]) -> &Block {
        if let [only] = &self.blocks[..] {
            return only;
        }
        let index: usize = self
            .weights
            .iter()
            .zip(has)
            .map(|(weight, has)| weight * usize::from(has))
            .sum();
        &self.blocks[index]
    }
}

/// What depends on whether the method is OPTIONS.
#[derive(Clone, Debug)]
pub(crate) struct MethodBlocks {
    /// An actual request whose origin is allowed.
    pub(crate) allowed: Block,
    /// `Vary` alone.
    pub(crate) bare: Block,
}

/// What the header values depend on.
pub(crate) struct BlockSettings<'a> {
    /// `*` or the static origin; `None` names the request's.
    pub(crate) origin: Option<&'a str>,
    pub(crate) credentials: bool,
    pub(crate) methods: &'a Methods,
    pub(crate) allow_headers: &'a HeaderNames,
    pub(crate) expose_headers: &'a HeaderNames,
    pub(crate) max_age: Option<u32>,
    pub(crate) private_network: bool,
    pub(crate) preflight_status: u16,
    pub(crate) vary: &'a Vary,
    pub(crate) separator: ListSeparator,
}

impl Blocks {
    pub(crate) fn new(settings: &BlockSettings<'_>) -> Self {
        let mut blocks = Blocks {
            options: settings.of_method(Some(&settings.vary.options)),
            other: settings.of_method(settings.vary.other),
            preflights: Preflights::new(settings),
        };
        let Blocks {
            options,
            other,
            preflights,
        } = &mut blocks;
        let all = [
            &mut options.allowed,
            &mut options.bare,
            &mut other.allowed,
            &mut other.bare,
        ]
        .into_iter()
        .chain(&mut preflights.blocks);
        all.enumerate()
            .for_each(|(index, block)| block.index = index);
        blocks
    }

    /// In the order of their indices.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Block> {
        let Blocks {
            options,
            other,
            preflights,
        } = self;
        [&options.allowed, &options.bare, &other.allowed, &other.bare]
            .into_iter()
            .chain(&preflights.blocks)
    }

    /// The block with an index.
    #[cfg(any(feature = "tower", feature = "actix"))]
    #[inline]
    pub(crate) fn at(&self, index: usize) -> &Block {
        match index {
            0 => &self.options.allowed,
            1 => &self.options.bare,
            2 => &self.other.allowed,
            3 => &self.other.bare,
            _ => &self.preflights.blocks[index - 4],
        }
    }

    #[inline]
    pub(crate) fn of(&self, method: &[u8]) -> &MethodBlocks {
        if method == b"OPTIONS" {
            &self.options
        } else {
            &self.other
        }
    }
}

fn fixed(name: HeaderName, value: &str) -> Line {
    Line {
        name,
        op: Op::Set,
        value: Value::Fixed(Text::new(value)),
    }
}

fn merged(name: HeaderName, value: &str) -> Line {
    Line {
        name,
        op: Op::Merge,
        value: Value::Fixed(Text::new(value)),
    }
}

impl BlockSettings<'_> {
    fn of_method(&self, vary: Option<&str>) -> MethodBlocks {
        let vary = vary.map(|vary| merged(HeaderName::Vary, vary));
        let mut lines = self.origin_lines();
        lines.extend((!self.expose_headers.list.is_empty()).then(|| {
            merged(
                HeaderName::ExposeHeaders,
                &self.joined(&self.expose_headers.list),
            )
        }));
        lines.extend(vary.clone());
        MethodBlocks {
            allowed: Block::new(lines),
            bare: Block::new(vary.into_iter().collect()),
        }
    }

    fn preflight(&self, [private_network, method, names]: [bool; 3]) -> Block {
        let echoed = |name: HeaderName, value: Value| Line {
            name,
            op: Op::Set,
            value,
        };
        let mut lines = self.origin_lines();
        lines.extend(match (self.methods.any, self.credentials) {
            (true, false) => Some(fixed(HeaderName::AllowMethods, "*")),
            (true, true) => method.then(|| echoed(HeaderName::AllowMethods, Value::Method)),
            (false, _) => (!self.methods.list.is_empty())
                .then(|| fixed(HeaderName::AllowMethods, &self.joined(&self.methods.list))),
        });
        lines.extend(if self.allow_headers.any && self.credentials {
            names.then(|| echoed(HeaderName::AllowHeaders, Value::Names))
        } else {
            (!self.allow_headers.list.is_empty()).then(|| {
                fixed(
                    HeaderName::AllowHeaders,
                    &self.joined(&self.allow_headers.list),
                )
            })
        });
        lines.extend(
            self.max_age
                .map(|seconds| fixed(HeaderName::MaxAge, &seconds.to_string())),
        );
        lines.extend(private_network.then(|| fixed(HeaderName::AllowPrivateNetwork, "true")));
        lines.push(merged(HeaderName::Vary, &self.vary.options));
        Block::preflight(lines, self.preflight_status)
    }

    fn joined(&self, names: &[String]) -> String {
        names.join(self.separator.as_str())
    }

    fn origin_lines(&self) -> Vec<Line> {
        let value = self
            .origin
            .map_or(Value::Origin, |origin| Value::Fixed(Text::new(origin)));
        let mut lines = vec![Line {
            name: HeaderName::AllowOrigin,
            op: Op::Set,
            value,
        }];
        lines.extend(
            self.credentials
                .then(|| fixed(HeaderName::AllowCredentials, "true")),
        );
        lines
    }
}
