#![doc = include_str!("../README.md")]
//!
//! # From request to decision
//!
//! Read the modules in this order and you have followed a request to its answer:
//!
//! 1. [`Request`] (`request.rs`): the method and the five headers that CORS reads, and what
//!    [`RequestKind`] of request it is.
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

/// The Rust code of the page about policies that change while serving is a test. README.md and
/// docs/rust.md need frameworks: `tests/peers/rust` runs them.
#[cfg(all(doctest, feature = "watch", feature = "tracing"))]
#[doc = include_str!("../../docs/rust-live.md")]
mod rust_live_page {}

#[cfg(feature = "actix")]
pub mod actix;
mod config;
mod decide;
mod fetch;
mod live;
#[cfg(any(feature = "tower", feature = "actix"))]
mod middleware;
mod origin;
mod policy;
mod problem;
mod text;
#[cfg(feature = "tower")]
pub mod tower;

#[cfg(feature = "config")]
pub use config::LoadError;
pub use config::{Document, OptionValue, PolicyBuilder};
#[doc(hidden)]
pub use decide::binding;
pub use decide::{
    Action, BufferTooSmall, Decision, Dependencies, Evaluation, NeedsVerdict, OwnedDecision,
    OwnedNeedsVerdict, ResponseHeaders, SocketAccess, Verdict, VerdictError, WebSocketCheck,
};
pub use fetch::header::{Header, HeaderName, HeaderOp, ValueSource};
pub use fetch::lines::{Field, LineSource, Lines};
pub use fetch::reason::{FailedCheck, Reason};
pub use fetch::request::{Request, RequestHeader, RequestKind};
pub use live::counters::Counters;
pub use live::shadow::{DecisionSummary, ShadowDifference};
pub use live::shared::{SharedPolicy, Snapshot};
#[cfg(feature = "tracing")]
pub use live::trace;
#[cfg(feature = "watch")]
pub use live::watch::PolicyWatcher;
#[cfg(any(feature = "tower", feature = "actix"))]
pub use middleware::policy_source::LayerPolicy;
#[cfg(any(feature = "tower", feature = "actix"))]
pub use middleware::predicate::IntoVerdict;
#[cfg(any(feature = "tower", feature = "actix"))]
pub use middleware::{DecisionInfo, OverwroteUpstream};
pub use policy::Policy;
pub use policy::digest::PolicyDigest;
pub use policy::settings::{
    DeniedActual, ListSeparator, SafetyException, SingleOrigin, UpstreamHeaders,
};
pub use problem::{PolicyError, Problem, ProblemCode, Severity};
pub use text::merge::{merge_names, merge_vary};
