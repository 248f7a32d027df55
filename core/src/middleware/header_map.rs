//! A framework's map of headers, as the middleware reads and writes it.

use crate::fetch::header::{HeaderFlags, HeaderName};
use crate::fetch::request::RequestHeader;
use crate::policy::attachments::Slot;

/// A framework's map of headers.
pub(crate) trait HeaderMap: Send + Sync + Sized + 'static {
    /// A header's value; cheap to clone.
    type Value: Clone + AsRef<[u8]> + Send + Sync + 'static;

    /// Where this framework's templates stand in a policy.
    const SLOT: Slot;

    /// All headers of an answer without the handler, if the framework copies a whole map faster
    /// than it fills one.
    fn whole_answer(lines: Vec<(HeaderName, Self::Value)>, status: u16) -> Option<Self>;

    /// The values of a request header.
    fn requested(&self, name: RequestHeader) -> impl Iterator<Item = &Self::Value>;

    /// A value of the policy's text.
    fn value(text: &str) -> Self::Value;
    /// A value of names that were merged.
    fn merged(names: Vec<u8>) -> Self::Value;
    /// The value of a text in [`KNOWN_TEXTS`](crate::policy::header_line::KNOWN_TEXTS), which needs
    /// no memory of its own.
    fn known(place: u8) -> Self::Value;
    /// Which of the headers that crossgate writes the map has: one look at each name.
    fn present(&self) -> HeaderFlags;
    /// The values of a response header.
    fn values(&self, name: HeaderName) -> impl Iterator<Item = &Self::Value>;
    /// Adds the first line of a name.
    fn add(&mut self, name: HeaderName, value: Self::Value);
    /// Replaces every line of the name.
    fn insert(&mut self, name: HeaderName, value: Self::Value);
    /// Removes every line of the name.
    fn remove(&mut self, name: HeaderName);
}

/// The whole of [`HeaderMap`] for one version of the crate `http`: tower has 1.x, actix its own
/// 0.2. Names are the constants of that version: comparing those costs no text.
macro_rules! impl_header_map {
    ($($http:ident)::+, slot: $slot:literal, add: $add:item, insert: $insert:item,
     whole_answer: $whole_answer:item, get_all: |$map:ident, $name:ident| $get_all:expr) => {
        use $($http)::+::{self as names, HeaderMap, HeaderName as Name, HeaderValue};

        use $crate::fetch::header::{HeaderFlags, HeaderName};
        use $crate::fetch::request::RequestHeader;
        use $crate::middleware::header_map as map;
        use $crate::policy::attachments::Slot;
        use $crate::policy::header_line::KNOWN_TEXTS;

        static ALLOW_PRIVATE_NETWORK: Name =
            Name::from_static("access-control-allow-private-network");
        static REQUEST_PRIVATE_NETWORK: Name =
            Name::from_static("access-control-request-private-network");
        static SEC_FETCH_SITE: Name = Name::from_static("sec-fetch-site");

        #[inline]
        fn name(name: HeaderName) -> &'static Name {
            match name {
                HeaderName::AllowOrigin => &names::ACCESS_CONTROL_ALLOW_ORIGIN,
                HeaderName::AllowCredentials => &names::ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderName::AllowMethods => &names::ACCESS_CONTROL_ALLOW_METHODS,
                HeaderName::AllowHeaders => &names::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderName::ExposeHeaders => &names::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderName::MaxAge => &names::ACCESS_CONTROL_MAX_AGE,
                HeaderName::AllowPrivateNetwork => &ALLOW_PRIVATE_NETWORK,
                HeaderName::Vary => &names::VARY,
            }
        }

        #[inline]
        fn request_name(name: RequestHeader) -> &'static Name {
            match name {
                RequestHeader::Origin => &names::ORIGIN,
                RequestHeader::Method => &names::ACCESS_CONTROL_REQUEST_METHOD,
                RequestHeader::Headers => &names::ACCESS_CONTROL_REQUEST_HEADERS,
                RequestHeader::PrivateNetwork => &REQUEST_PRIVATE_NETWORK,
                RequestHeader::SecFetchSite => &SEC_FETCH_SITE,
            }
        }

        impl map::HeaderMap for HeaderMap {
            type Value = HeaderValue;

            const SLOT: Slot = Slot($slot);

            $whole_answer

            #[inline]
            fn requested(&self, of: RequestHeader) -> impl Iterator<Item = &HeaderValue> {
                let ($map, $name) = (self, request_name(of));
                $get_all
            }

            fn value(text: &str) -> HeaderValue {
                // The core's texts are ASCII without control characters.
                HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
            }

            #[inline]
            fn known(place: u8) -> HeaderValue {
                match place {
                    0 => const { HeaderValue::from_static(KNOWN_TEXTS[0]) },
                    1 => const { HeaderValue::from_static(KNOWN_TEXTS[1]) },
                    2 => const { HeaderValue::from_static(KNOWN_TEXTS[2]) },
                    3 => const { HeaderValue::from_static(KNOWN_TEXTS[3]) },
                    4 => const { HeaderValue::from_static(KNOWN_TEXTS[4]) },
                    5 => const { HeaderValue::from_static(KNOWN_TEXTS[5]) },
                    _ => const { HeaderValue::from_static(KNOWN_TEXTS[6]) },
                }
            }

            fn merged(names: Vec<u8>) -> HeaderValue {
                // What stood in such values, and commas and spaces.
                HeaderValue::try_from(names).unwrap_or(HeaderValue::from_static(""))
            }

            #[inline]
            fn present(&self) -> HeaderFlags {
                let mut present = HeaderFlags::default();
                self.keys().for_each(|name| present.add_named(name.as_str()));
                present
            }

            fn values(&self, of: HeaderName) -> impl Iterator<Item = &HeaderValue> {
                let ($map, $name) = (self, name(of));
                $get_all
            }

            #[inline]
            $add

            $insert

            fn remove(&mut self, of: HeaderName) {
                self.remove(name(of));
            }
        }
    };
}

pub(crate) use impl_header_map;

#[cfg(test)]
mod tests {
    use super::HeaderMap;
    use crate::policy::header_line::KNOWN_TEXTS;

    #[test]
    fn every_known_text_is_its_value() {
        for (place, text) in KNOWN_TEXTS.into_iter().enumerate() {
            #[cfg(feature = "tower")]
            assert_eq!(http::HeaderMap::known(place as u8), text);
            #[cfg(feature = "actix")]
            assert_eq!(actix_web::http::header::HeaderMap::known(place as u8), text);
        }
    }
}
