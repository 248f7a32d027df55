//! actix's map of headers as the middleware reads and writes it.

use crate::middleware::header_map::impl_header_map;

impl_header_map!(
    actix_web::http::header,
    slot: 1,
    add: fn add(&mut self, of: HeaderName, value: HeaderValue) {
        self.append(name(of).clone(), value);
    },
    insert: fn insert(&mut self, of: HeaderName, value: HeaderValue) {
        self.insert(name(of).clone(), value);
    },
    // The map of a new response is a used one that has room: filling it is cheap.
    whole_answer: fn whole_answer(
        _lines: Vec<(HeaderName, HeaderValue)>,
        _status: u16,
    ) -> Option<Self> {
        None
    },
    get_all: |map, name| map.get_all(name)
);
