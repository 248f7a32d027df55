//! The words and tables of the [Fetch standard](https://fetch.spec.whatwg.org/): requests, response
//! headers, reasons, and which methods and header names the standard treats apart.

pub(crate) mod header;
pub(crate) mod header_rules;
pub(crate) mod lines;
pub(crate) mod methods;
pub(crate) mod reason;
pub(crate) mod request;
