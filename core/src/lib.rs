#![doc = include_str!("../README.md")]
//!
//! # From request to decision
//!
//! Read the modules in this order and you have followed a request to its answer:
//!
//! 1. [`Request`] (`request.rs`): the method and the five headers that CORS reads, and what
//!    [`Kind`] of request it is.
//! 2. `evaluate.rs`: [`Policy::evaluate`], the way as a whole.
//! 3. `origin/matcher.rs`: is the origin allowed? Exact bytes first; then, behind the grammar gate
//!    (`origin/grammar.rs`), patterns (`origin/pattern.rs`) and regexes (`origin/regex.rs`).
//! 4. `method.rs` and `header_list.rs`: what a preflight asks for.
//! 5. `policy.rs` and `headers.rs`: the prepared headers of every outcome; [`Decision`] fills in
//!    what is the request's.
//!
//! How a policy comes to be stands in `config/` (options, document, check) and `origin/entry.rs`;
//! what can be wrong with it in `problem.rs`.
//!
//! # Features
//!
//! | feature | what it adds | default |
//! |---|---|---|
//! | `config` | the policy document as JSON, TOML and files | yes |
//! | `regex` | `allow_origin_regexes` | yes |
//! | `idna` | U-labels in configured origins become A-labels | yes |
//! | `psl` | the public-suffix list, which sub-domain patterns and regexes with credentials need | yes |
//! | `tower` | middleware for axum, hyper, tonic and every other tower service | no |
//! | `actix` | middleware for actix-web 4 | no |
//! | `watch` | `PolicyWatcher`: a policy file is reloaded when it changes | no |
//! | `tracing` | `Decision::trace`: an event for every decision; the middlewares emit it | no |
//!
//! A configuration that needs a feature that was left out is refused with the problem
//! `feature_missing`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// The README's Rust code is a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

/// So is that of the page about policies that change while serving.
#[cfg(all(doctest, feature = "watch", feature = "tracing"))]
#[doc = include_str!("../../docs/rust-live.md")]
mod live {}

#[cfg(feature = "actix")]
pub mod actix;
mod config;
mod counters;
mod decision;
mod digest;
mod evaluate;
mod header_list;
mod header_names;
mod headers;
mod http1;
mod kept;
mod method;
#[cfg(any(feature = "tower", feature = "actix"))]
mod middleware;
mod operations;
mod origin;
mod pair;
mod policy;
mod prepared;
mod problem;
mod request;
mod response;
mod shadow;
mod shared;
mod sync;
mod tag;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "tracing")]
pub mod trace;
mod vary;
#[cfg(feature = "watch")]
mod watch;
mod websocket;

#[cfg(feature = "config")]
pub use config::LoadError;
pub use config::{
    DeniedActual, Document, Gate, ListSeparator, PolicyBuilder, SingleOrigin, Upstream, Value,
};
pub use counters::Counters;
pub use decision::{Action, Decision, Reason};
pub use digest::Digest;
pub use evaluate::{Verdict, VerdictError};
pub use headers::{Header, HeaderName, Op, Source};
pub use kept::KeptDecision;
#[cfg(any(feature = "tower", feature = "actix"))]
pub use middleware::source::LayerPolicy;
#[cfg(any(feature = "tower", feature = "actix"))]
pub use middleware::verdict::IntoVerdict;
#[cfg(any(feature = "tower", feature = "actix"))]
pub use middleware::{Decided, OverwroteUpstream};
pub use policy::Policy;
pub use prepared::PreparedValue;
pub use problem::{Code, PolicyError, Problem, Severity};
pub use request::{Field, Kind, LineSource, Lines, Request, RequestHeader};
pub use response::ResponseHeaders;
pub use shadow::{DecisionSummary, ShadowDifference};
pub use shared::{SharedPolicy, Snapshot};
pub use vary::{merge_bytes, merge_names, merge_vary};
#[cfg(feature = "watch")]
pub use watch::PolicyWatcher;
pub use websocket::WebSocketCheck;
