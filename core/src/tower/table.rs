//! `http::HeaderMap` as the core reads and writes it.

use http::header::{HeaderMap, HeaderValue};

use crate::headers::{Block, HeaderName};
use crate::middleware::decide::Asked;
use crate::middleware::names::header_names;
use crate::middleware::prebuilt::{Prebuilt, Present, Table};

header_names!(http::header);

impl Table for HeaderMap {
    type Value = HeaderValue;

    #[inline]
    fn prebuilt(block: &Block) -> &Prebuilt<HeaderValue> {
        &block.tower
    }

    #[inline]
    fn asked(&self, of: Asked) -> impl Iterator<Item = &HeaderValue> {
        self.get_all(asked_name(of)).iter()
    }

    fn value(text: &str) -> HeaderValue {
        // The core's texts are ASCII without control characters.
        HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
    }

    #[inline]
    fn known(index: u8) -> HeaderValue {
        known(index)
    }

    fn merged(names: Vec<u8>) -> HeaderValue {
        // What stood in such values, and commas and spaces.
        HeaderValue::try_from(names).unwrap_or(HeaderValue::from_static(""))
    }

    #[inline]
    fn present(&self) -> Present {
        let mut present = Present::default();
        self.keys()
            .for_each(|name| present.add_named(name.as_str()));
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

    fn remove(&mut self, of: HeaderName) {
        self.remove(name(of));
    }
}
