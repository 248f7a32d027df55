//! `http::HeaderMap` as the middleware reads and writes it.

use http::header::CONTENT_LENGTH;

use crate::middleware::header_map::impl_header_map;

impl_header_map!(
    http::header,
    slot: 0,
    add: fn add(&mut self, of: HeaderName, value: HeaderValue) {
        self.insert(name(of), value);
    },
    insert: fn insert(&mut self, of: HeaderName, value: HeaderValue) {
        self.insert(name(of), value);
    },
    whole_answer: fn whole_answer(
        lines: Vec<(HeaderName, HeaderValue)>,
        status: u16,
    ) -> Option<Self> {
        let mut headers = HeaderMap::new();
        for (of, value) in lines {
            headers.insert(name(of), value);
        }
        add_length(status, &mut headers);
        Some(headers)
    },
    get_all: |map, name| map.get_all(name).iter()
);

/// A 204 has no length ([RFC 9110, 8.6](https://www.rfc-editor.org/rfc/rfc9110#section-8.6)).
pub(super) fn add_length(status: u16, headers: &mut HeaderMap) {
    if status != 204 {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}
