//! `http::HeaderMap` as the core reads and writes it.

use http::header::{self, HeaderMap, HeaderName as Name, HeaderValue};

use crate::headers::{Block, HeaderName};
use crate::middleware::decide::Asked;
use crate::middleware::prebuilt::{Prebuilt, Present, Table};

static ALLOW_PRIVATE_NETWORK: Name = Name::from_static("access-control-allow-private-network");
static REQUEST_PRIVATE_NETWORK: Name = Name::from_static("access-control-request-private-network");
static SEC_FETCH_SITE: Name = Name::from_static("sec-fetch-site");

#[inline]
fn name(name: HeaderName) -> &'static Name {
    match name {
        HeaderName::AllowOrigin => &header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderName::AllowCredentials => &header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderName::AllowMethods => &header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderName::AllowHeaders => &header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderName::ExposeHeaders => &header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderName::MaxAge => &header::ACCESS_CONTROL_MAX_AGE,
        HeaderName::AllowPrivateNetwork => &ALLOW_PRIVATE_NETWORK,
        HeaderName::Vary => &header::VARY,
    }
}

impl Table for HeaderMap {
    type Value = HeaderValue;

    #[inline]
    fn prebuilt(block: &Block) -> &Prebuilt<HeaderValue> {
        &block.tower
    }

    #[inline]
    fn asked(&self, of: Asked) -> impl Iterator<Item = &HeaderValue> {
        let name = match of {
            Asked::Origin => &header::ORIGIN,
            Asked::Method => &header::ACCESS_CONTROL_REQUEST_METHOD,
            Asked::Names => &header::ACCESS_CONTROL_REQUEST_HEADERS,
            Asked::PrivateNetwork => &REQUEST_PRIVATE_NETWORK,
            Asked::SecFetchSite => &SEC_FETCH_SITE,
        };
        self.get_all(name).iter()
    }

    fn value(text: &str) -> HeaderValue {
        // The core's texts are ASCII without control characters.
        HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
    }

    fn static_value(text: &'static str) -> HeaderValue {
        HeaderValue::from_static(text)
    }

    #[inline]
    fn bytes(value: &HeaderValue) -> &[u8] {
        value.as_bytes()
    }

    #[inline]
    fn present(&self) -> Present {
        let mut present = Present::default();
        self.keys().for_each(|name| present.add_named(name.as_str()));
        present
    }

    fn values(&self, of: HeaderName) -> impl Iterator<Item = &HeaderValue> {
        self.get_all(name(of)).iter()
    }

    #[inline]
    fn add(&mut self, of: HeaderName, value: HeaderValue) {
        self.insert(name(of), value);
    }

    fn insert(&mut self, of: HeaderName, value: HeaderValue) {
        self.insert(name(of), value);
    }

    fn append(&mut self, of: HeaderName, value: HeaderValue) {
        self.append(name(of), value);
    }

    fn remove(&mut self, of: HeaderName) {
        self.remove(name(of));
    }
}
