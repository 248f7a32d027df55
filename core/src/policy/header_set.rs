//! The header sets of a policy: what it sends for each outcome, made once when it is built.
//!
//! A set knows everything but what comes from the request: the origin, and under `*` with
//! credentials the requested method and names. Frameworks and bindings translate the sets into
//! their own types once per policy (see [`attachments`](super::attachments)); this module knows
//! none of them.

use super::header_line::{HeaderLine, LineValue, echoed, merged, set};
use super::header_names::HeaderNameSet;
use super::http1_text::Http1Text;
use super::methods::MethodSet;
use super::settings::ListSeparator;
use super::vary::Vary;
#[cfg(any(feature = "tower", feature = "actix"))]
use crate::fetch::header::HeaderFlags;
use crate::fetch::header::HeaderName;

/// What a policy sends for one outcome, and what it removes from the response.
#[derive(Clone, Debug)]
pub(crate) struct HeaderSet {
    pub(crate) lines: Vec<HeaderLine>,
    pub(crate) remove: Vec<HeaderName>,
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) remove_flags: HeaderFlags,
    pub(crate) http1: Http1Text,
    /// Whether a header names the request's origin.
    pub(crate) names_origin: bool,
    /// Whether a header names the requested method or the requested names.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) names_lists: bool,
    /// The place of the set in [`HeaderSets::all`].
    pub(crate) number: usize,
}

impl HeaderSet {
    fn new(lines: Vec<HeaderLine>) -> Self {
        let has = |name: HeaderName| lines.iter().any(|line| line.name == name);
        let is_origin = |line: &HeaderLine| matches!(line.value, LineValue::Origin);
        #[cfg(any(feature = "tower", feature = "actix"))]
        let is_list =
            |line: &HeaderLine| matches!(line.value, LineValue::Method | LineValue::Names);
        // A handler's own list of exposed headers survives where the response can be read at all.
        let remove: Vec<HeaderName> = HeaderName::of_cors()
            .filter(|name| {
                !has(*name) && (*name != HeaderName::ExposeHeaders || !has(HeaderName::AllowOrigin))
            })
            .collect();
        HeaderSet {
            http1: Http1Text::new(&lines),
            names_origin: lines.iter().any(is_origin),
            #[cfg(any(feature = "tower", feature = "actix"))]
            names_lists: lines.iter().any(is_list),
            #[cfg(any(feature = "tower", feature = "actix"))]
            remove_flags: remove.iter().copied().collect(),
            remove,
            lines,
            number: 0,
        }
    }
}

/// The header sets of a policy, one for each outcome.
#[derive(Clone, Debug)]
pub(crate) struct HeaderSets {
    pub(crate) options: MethodSets,
    pub(crate) other: MethodSets,
    pub(crate) preflights: PreflightSets,
}

/// The sets that depend on whether the method is OPTIONS.
#[derive(Clone, Debug)]
pub(crate) struct MethodSets {
    /// An actual request whose origin is allowed.
    pub(crate) allowed: HeaderSet,
    /// `Vary` alone, or nothing: nobody is granted anything.
    pub(crate) vary_only: HeaderSet,
}

/// The preflights of allowed origins: a set for every combination of the headers that only some
/// requests get. Most policies have one set.
#[derive(Clone, Debug)]
pub(crate) struct PreflightSets {
    sets: Vec<HeaderSet>,
    /// For each of the optional headers its bit in the number of a set; 0 if the policy never
    /// sends it or always does.
    bits: [usize; 3],
}

/// Which of the optional headers the answer to a preflight has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OptionalHeaders {
    pub(crate) private_network: bool,
    /// The requested method is echoed.
    pub(crate) method: bool,
    /// The requested names are echoed.
    pub(crate) names: bool,
}

impl PreflightSets {
    fn new(settings: &HeaderSetSettings<'_>) -> Self {
        let echoed = |any: bool| any && settings.credentials;
        let varies = [
            settings.private_network,
            echoed(settings.methods.any),
            echoed(settings.allow_headers.any),
        ];
        let (mut bits, mut count) = ([0; 3], 1);
        for (bit, _) in bits.iter_mut().zip(varies).filter(|(_, varies)| *varies) {
            *bit = count;
            count *= 2;
        }
        let sets = (0..count).map(|number| {
            let [private_network, method, names] = bits.map(|bit| number & bit != 0);
            settings.preflight(OptionalHeaders {
                private_network,
                method,
                names,
            })
        });
        PreflightSets {
            sets: sets.collect(),
            bits,
        }
    }

    /// The set with these headers.
    #[inline]
    pub(crate) fn with(&self, headers: OptionalHeaders) -> &HeaderSet {
        if let [only] = &self.sets[..] {
            return only;
        }
        let has = [headers.private_network, headers.method, headers.names];
        let number: usize = self
            .bits
            .iter()
            .zip(has)
            .map(|(bit, has)| if has { *bit } else { 0 })
            .sum();
        &self.sets[number]
    }
}

/// What the header values depend on.
pub(crate) struct HeaderSetSettings<'a> {
    /// `*` or the static origin; `None` names the request's.
    pub(crate) origin: Option<&'a str>,
    pub(crate) credentials: bool,
    pub(crate) methods: &'a MethodSet,
    pub(crate) allow_headers: &'a HeaderNameSet,
    pub(crate) expose_headers: &'a HeaderNameSet,
    pub(crate) max_age: Option<u32>,
    pub(crate) private_network: bool,
    pub(crate) vary: &'a Vary,
    pub(crate) separator: ListSeparator,
}

impl HeaderSets {
    pub(crate) fn new(settings: &HeaderSetSettings<'_>) -> Self {
        let mut sets = HeaderSets {
            options: settings.of_method(Some(&settings.vary.options)),
            other: settings.of_method(settings.vary.other),
            preflights: PreflightSets::new(settings),
        };
        let HeaderSets {
            options,
            other,
            preflights,
        } = &mut sets;
        [
            &mut options.allowed,
            &mut options.vary_only,
            &mut other.allowed,
            &mut other.vary_only,
        ]
        .into_iter()
        .chain(&mut preflights.sets)
        .enumerate()
        .for_each(|(number, set)| set.number = number);
        sets
    }

    /// Every set, in the order of the numbers.
    pub(crate) fn all(&self) -> impl Iterator<Item = &HeaderSet> {
        let HeaderSets {
            options,
            other,
            preflights,
        } = self;
        [
            &options.allowed,
            &options.vary_only,
            &other.allowed,
            &other.vary_only,
        ]
        .into_iter()
        .chain(&preflights.sets)
    }

    #[cfg(any(feature = "tower", feature = "actix"))]
    /// Whether the set with this number answers preflights of allowed origins.
    pub(crate) fn is_preflight(number: usize) -> bool {
        number >= 4
    }

    /// The set with a number.
    #[inline]
    pub(crate) fn at(&self, number: usize) -> Option<&HeaderSet> {
        match number {
            0 => Some(&self.options.allowed),
            1 => Some(&self.options.vary_only),
            2 => Some(&self.other.allowed),
            3 => Some(&self.other.vary_only),
            _ => self.preflights.sets.get(number - 4),
        }
    }

    #[inline]
    pub(crate) fn of(&self, method: &[u8]) -> &MethodSets {
        if method == b"OPTIONS" {
            &self.options
        } else {
            &self.other
        }
    }
}

impl HeaderSetSettings<'_> {
    fn of_method(&self, vary: Option<&str>) -> MethodSets {
        let vary = vary.map(|vary| merged(HeaderName::Vary, vary));
        let mut lines = self.origin_lines();
        let exposed = &self.expose_headers.list;
        if !exposed.is_empty() {
            lines.push(merged(HeaderName::ExposeHeaders, &self.joined(exposed)));
        }
        lines.extend(vary.clone());
        MethodSets {
            allowed: HeaderSet::new(lines),
            vary_only: HeaderSet::new(vary.into_iter().collect()),
        }
    }

    fn preflight(&self, headers: OptionalHeaders) -> HeaderSet {
        let mut lines = self.origin_lines();
        lines.extend(match (self.methods.any, self.credentials) {
            (true, false) => Some(set(HeaderName::AllowMethods, "*")),
            (true, true) => headers
                .method
                .then(|| echoed(HeaderName::AllowMethods, LineValue::Method)),
            (false, _) => self.listed(HeaderName::AllowMethods, &self.methods.list),
        });
        lines.extend(if self.allow_headers.any && self.credentials {
            headers
                .names
                .then(|| echoed(HeaderName::AllowHeaders, LineValue::Names))
        } else {
            self.listed(HeaderName::AllowHeaders, &self.allow_headers.list)
        });
        lines.extend(
            self.max_age
                .map(|seconds| set(HeaderName::MaxAge, &seconds.to_string())),
        );
        if headers.private_network {
            lines.push(set(HeaderName::AllowPrivateNetwork, "true"));
        }
        lines.push(merged(HeaderName::Vary, &self.vary.options));
        HeaderSet::new(lines)
    }

    /// The whole configured list, if there is one: one preflight fills the browser's cache for all.
    fn listed(&self, name: HeaderName, list: &[String]) -> Option<HeaderLine> {
        (!list.is_empty()).then(|| set(name, &self.joined(list)))
    }

    fn joined(&self, names: &[String]) -> String {
        names.join(self.separator.as_str())
    }

    fn origin_lines(&self) -> Vec<HeaderLine> {
        let mut lines = vec![match self.origin {
            Some(origin) => set(HeaderName::AllowOrigin, origin),
            None => echoed(HeaderName::AllowOrigin, LineValue::Origin),
        }];
        if self.credentials {
            lines.push(set(HeaderName::AllowCredentials, "true"));
        }
        lines
    }
}
