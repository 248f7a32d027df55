//! The operations of a decision (set, merge, remove) carried out on a response's headers: the one
//! place for every kind of response, a server's own as well as those of tower and actix.

use super::Decision;
use crate::fetch::header::{HeaderName, HeaderOp};
use crate::policy::settings::UpstreamHeaders;
use crate::text::merge::{Star, merge_lines};

/// A response's headers. `V` is a value of the decision in the form in which the response takes it.
pub trait Response<V> {
    /// What merged names are collected in, piece by piece.
    type Merged: Default + for<'t> Extend<&'t u8>;

    /// Whether there is a line of the name.
    fn has(&self, name: HeaderName) -> bool;
    /// Every line of the name.
    fn lines(&self, name: HeaderName) -> impl Iterator<Item: AsRef<[u8]>>;
    /// Replaces every line of the name by one.
    fn set(&mut self, name: HeaderName, value: V);
    /// The same with names that were merged.
    fn set_merged(&mut self, name: HeaderName, merged: Self::Merged);
    /// Removes every line of the name.
    fn remove(&mut self, name: HeaderName);
}

/// What a response keeps of what it says of CORS itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Nothing,
    /// `Access-Control-Allow-Origin`, which is `*`, and `-Expose-Headers`.
    Public,
    /// Every header.
    All,
}

impl Kept {
    /// The one place where `keep` and `keep_public` are told apart. `sets_origin`: the decision
    /// sets `Access-Control-Allow-Origin`.
    fn of<V>(upstream: UpstreamHeaders, sets_origin: bool, response: &impl Response<V>) -> Self {
        let has = |name| response.has(name);
        match upstream {
            UpstreamHeaders::Keep if has(HeaderName::AllowOrigin) => Kept::All,
            UpstreamHeaders::KeepPublic if !sets_origin && has(HeaderName::AllowOrigin) => {
                let mut origins = response.lines(HeaderName::AllowOrigin);
                let is_any = origins.next().is_some_and(|line| line.as_ref() == b"*");
                if is_any && origins.next().is_none() && !has(HeaderName::AllowCredentials) {
                    Kept::Public
                } else {
                    Kept::Nothing
                }
            }
            _ => Kept::Nothing,
        }
    }

    fn has(self, name: HeaderName) -> bool {
        match self {
            Kept::Nothing => false,
            Kept::Public => matches!(name, HeaderName::AllowOrigin | HeaderName::ExposeHeaders),
            Kept::All => name != HeaderName::Vary,
        }
    }
}

/// Removes, then sets and merges, but for what the response keeps. Returns whether that replaced or
/// removed something that the application or an upstream had said.
pub fn apply<V: AsRef<[u8]>>(
    response: &mut impl Response<V>,
    upstream: UpstreamHeaders,
    remove: impl Iterator<Item = HeaderName> + Clone,
    lines: impl IntoIterator<Item = (HeaderName, HeaderOp, V)>,
) -> bool {
    let kept = if upstream == UpstreamHeaders::Replace {
        Kept::Nothing
    } else {
        // What is not removed is set.
        let sets_origin = remove.clone().all(|name| name != HeaderName::AllowOrigin);
        Kept::of(upstream, sets_origin, response)
    };
    let mut overwrote = false;
    for name in remove.filter(|name| !kept.has(*name)) {
        if response.has(name) {
            overwrote = true;
            response.remove(name);
        }
    }
    for (name, op, value) in lines.into_iter().filter(|(name, ..)| !kept.has(*name)) {
        match op {
            HeaderOp::Merge => merge(response, name, value),
            HeaderOp::Set => {
                overwrote |= response
                    .lines(name)
                    .any(|line| line.as_ref() != value.as_ref());
                response.set(name, value);
            }
        }
    }
    overwrote
}

/// What a `*` means in a header that is merged.
pub(super) fn star(name: HeaderName) -> Star {
    if name == HeaderName::Vary {
        Star::Alone
    } else {
        Star::Name
    }
}

/// Adds names to those that the response has, each once.
pub(crate) fn merge<V: AsRef<[u8]>>(response: &mut impl Response<V>, name: HeaderName, value: V) {
    let merged = {
        let mut lines = response.lines(name).fuse();
        // Nearly every response has one or none, and few need no allocation.
        let few: [_; 4] = std::array::from_fn(|_| lines.next());
        match &few {
            [None, ..] => None,
            // As the policy writes it, its separator too.
            [Some(line), None, ..] if line.as_ref() == value.as_ref() => return,
            _ => {
                let more: Vec<_> = lines.collect();
                // No line is as good as an empty one.
                let few = few
                    .each_ref()
                    .map(|line| line.as_ref().map_or(&[][..], AsRef::as_ref));
                let (value, star) = (value.as_ref(), star(name));
                Some(if more.is_empty() {
                    merge_lines(&few, value, star)
                } else {
                    let more = more.iter().map(AsRef::as_ref);
                    merge_lines(
                        &few.into_iter().chain(more).collect::<Vec<_>>(),
                        value,
                        star,
                    )
                })
            }
        }
    };
    match merged {
        None => response.set(name, value),
        Some(merged) => response.set_merged(name, merged),
    }
}

/// A response's headers, as a server keeps them. Names are given in lower case; a server that keeps
/// the case compares without it. A `Vec` of pairs implements it.
///
/// ```
/// use std::collections::BTreeMap;
/// use crossgate::{HeaderName, Policy, Request, ResponseHeaders};
///
/// struct Map(BTreeMap<&'static str, String>);
///
/// impl ResponseHeaders for Map {
///     fn get_all(&self, name: HeaderName) -> Vec<String> {
///         self.0.get(name.lower()).cloned().into_iter().collect()
///     }
///     fn remove(&mut self, name: HeaderName) {
///         self.0.remove(name.lower());
///     }
///     fn set(&mut self, name: HeaderName, value: &str) {
///         self.0.insert(name.lower(), value.to_owned());
///     }
/// }
///
/// let policy = Policy::builder().allow_origins(["*"]).build()?;
/// let mut response = Map(BTreeMap::new());
/// policy.evaluate(&Request::new("GET")).apply(&mut response);
/// assert_eq!(response.0["access-control-allow-origin"], "*");
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
pub trait ResponseHeaders {
    /// Every value of a name, in order.
    fn get_all(&self, name: HeaderName) -> Vec<String>;
    /// Removes every line of a name.
    fn remove(&mut self, name: HeaderName);
    /// Replaces every line of a name by one.
    fn set(&mut self, name: HeaderName, value: &str);
}

impl<N: AsRef<str> + for<'a> From<&'a str>, V: AsRef<str> + for<'a> From<&'a str>> ResponseHeaders
    for Vec<(N, V)>
{
    fn get_all(&self, name: HeaderName) -> Vec<String> {
        self.iter()
            .filter(|(n, _)| n.as_ref().eq_ignore_ascii_case(name.lower()))
            .map(|(_, v)| v.as_ref().to_owned())
            .collect()
    }

    fn remove(&mut self, name: HeaderName) {
        self.retain(|(n, _)| !n.as_ref().eq_ignore_ascii_case(name.lower()));
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        ResponseHeaders::remove(self, name);
        self.push((name.lower().into(), value.into()));
    }
}

impl Decision<'_> {
    /// Sets, merges and removes: afterwards the response says what the policy says and nothing else
    /// about CORS. Returns whether that replaced or removed something that the application or an
    /// upstream had said (`overwrote_upstream`). With `upstream = "keep"` a response that already
    /// has `Access-Control-Allow-Origin` is left whole, `Vary` aside; see [`UpstreamHeaders`].
    ///
    /// ```
    /// # use crossgate::{Policy, Request};
    /// # let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
    /// let mut response = vec![
    ///     ("access-control-allow-origin".to_string(), "*".to_string()),
    ///     ("Vary".into(), "Accept".into()),
    /// ];
    /// let request = Request::new("GET").header("Origin", b"https://evil.example");
    /// assert!(policy.evaluate(&request).apply(&mut response));
    /// assert_eq!(
    ///     response,
    ///     [("vary".to_string(), "Accept, Origin".to_string())]
    /// );
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn apply(&self, response: &mut impl ResponseHeaders) -> bool {
        let lines = self
            .headers()
            .map(|header| (header.name, header.op, header.value));
        apply(
            &mut Server(response),
            self.upstream,
            self.remove().iter().copied(),
            lines,
        )
    }
}

struct Server<'r, R>(&'r mut R);

impl<R: ResponseHeaders> Response<&str> for Server<'_, R> {
    type Merged = Vec<u8>;

    fn has(&self, name: HeaderName) -> bool {
        !self.0.get_all(name).is_empty()
    }

    fn lines(&self, name: HeaderName) -> impl Iterator<Item: AsRef<[u8]>> {
        self.0.get_all(name).into_iter()
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        self.0.set(name, value);
    }

    fn set_merged(&mut self, name: HeaderName, merged: Vec<u8>) {
        // Names that the server gave as text and names of the policy, cut at commas and white space
        // alone.
        self.0
            .set(name, &String::from_utf8(merged).unwrap_or_default());
    }

    fn remove(&mut self, name: HeaderName) {
        self.0.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use crate::{ListSeparator, Policy, Request};

    #[test]
    fn merging_leaves_the_policys_separator_where_the_response_says_nothing_else() {
        let policy = Policy::builder()
            .allow_origins(["*"])
            .expose_headers(["X-A", "X-B"])
            .list_separator(ListSeparator::Comma)
            .build()
            .unwrap();
        let expose =
            |value: &str| vec![("access-control-expose-headers".to_owned(), value.to_owned())];
        for (before, after) in [
            (vec![], "X-A,X-B"),
            (expose("X-A,X-B"), "X-A,X-B"),
            (expose("X-C"), "X-C, X-A, X-B"),
        ] {
            let mut response = before;
            policy.evaluate(&Request::new("GET")).apply(&mut response);
            let exposed = response
                .iter()
                .find(|(name, _)| name == "access-control-expose-headers");
            assert_eq!(exposed.map(|(_, value)| value.as_str()), Some(after));
        }
    }
}
