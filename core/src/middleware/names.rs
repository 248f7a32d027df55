//! Header names as the types of `http`: tower has version 1 of that crate, actix its own 0.2.

/// `name` and `asked_name` for the constants of one version: comparing those costs no text.
macro_rules! header_names {
    ($($header:ident)::+) => {
        use $($header)::+::{self as header_constants, HeaderName as Name};

        static ALLOW_PRIVATE_NETWORK: Name = Name::from_static("access-control-allow-private-network");
        static REQUEST_PRIVATE_NETWORK: Name = Name::from_static("access-control-request-private-network");
        static SEC_FETCH_SITE: Name = Name::from_static("sec-fetch-site");

        #[inline]
        fn name(name: $crate::headers::HeaderName) -> &'static Name {
            use $crate::headers::HeaderName;
            match name {
                HeaderName::AllowOrigin => &header_constants::ACCESS_CONTROL_ALLOW_ORIGIN,
                HeaderName::AllowCredentials => &header_constants::ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderName::AllowMethods => &header_constants::ACCESS_CONTROL_ALLOW_METHODS,
                HeaderName::AllowHeaders => &header_constants::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderName::ExposeHeaders => &header_constants::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderName::MaxAge => &header_constants::ACCESS_CONTROL_MAX_AGE,
                HeaderName::AllowPrivateNetwork => &ALLOW_PRIVATE_NETWORK,
                HeaderName::Vary => &header_constants::VARY,
            }
        }

        #[inline]
        fn known(index: u8) -> header_constants::HeaderValue {
            use $crate::middleware::prebuilt::KNOWN;
            use header_constants::HeaderValue;
            match index {
                0 => const { HeaderValue::from_static(KNOWN[0]) },
                1 => const { HeaderValue::from_static(KNOWN[1]) },
                2 => const { HeaderValue::from_static(KNOWN[2]) },
                3 => const { HeaderValue::from_static(KNOWN[3]) },
                4 => const { HeaderValue::from_static(KNOWN[4]) },
                5 => const { HeaderValue::from_static(KNOWN[5]) },
                _ => const { HeaderValue::from_static(KNOWN[6]) },
            }
        }

        #[inline]
        fn asked_name(of: $crate::middleware::decide::Asked) -> &'static Name {
            use $crate::middleware::decide::Asked;
            match of {
                Asked::Origin => &header_constants::ORIGIN,
                Asked::Method => &header_constants::ACCESS_CONTROL_REQUEST_METHOD,
                Asked::Names => &header_constants::ACCESS_CONTROL_REQUEST_HEADERS,
                Asked::PrivateNetwork => &REQUEST_PRIVATE_NETWORK,
                Asked::SecFetchSite => &SEC_FETCH_SITE,
            }
        }
    };
}

pub(crate) use header_names;
