#![doc = include_str!("../README.md")]
//!
//! # Where to begin reading
//!
//! Folders are layers: each uses only those above it in this list, and a test holds that
//! (`tests/arrows.rs`).
//!
//! 1. `text`, `fetch`: header values; the words and tables of the Fetch standard.
//! 2. `origin`: does an origin match an entry? Exact bytes first; then, behind the grammar gate
//!    (`origin/serialized.rs`), patterns and regexes.
//! 3. `policy`: what was configured, compiled, and the header sets of every outcome.
//! 4. `decide`: [`Policy::evaluate`], from a request to a [`Decision`].
//! 5. `config`: from options and documents to a policy, and everything that can be wrong with them.
//! 6. `live`: a policy while it serves: swapped, shadowed, counted, traced, reloaded.
//! 7. `middleware`, then `tower` and `actix`: the policy around a service.
//!
//! # Features
//!
//! | feature | what it adds | default |
//! |---|---|---|
//! | `config` | the policy document as JSON, TOML and files | yes |
//! | `regex` | `allow_origin_regexes` | yes |
//! | `idna` | U-labels in configured origins become A-labels | yes |
//! | `psl` | the public-suffix list, for sub-domain patterns and regexes with credentials | yes |
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

/// What only bindings of other languages need. Exempt from the promises of semantic versioning.
#[doc(hidden)]
pub mod binding {
    pub use crate::config::unset_option::unset_option;
    pub use crate::decide::binding::*;
    pub use crate::live::answer::{Answer, Judged, judge};
    #[cfg(feature = "regex")]
    pub use crate::origin::regex::path::PathRegex;
}

#[cfg(feature = "config")]
pub use config::LoadError;
pub use config::{Document, OptionValue, PolicyBuilder};
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
pub use origin::public_suffix::public_suffix_list_date;
pub use origin::regex_dialect::RegexDialect;
pub use policy::Policy;
pub use policy::digest::PolicyDigest;
pub use policy::settings::{
    DeniedActual, ListSeparator, SafetyException, SingleOrigin, UpstreamHeaders,
};
pub use problem::{PolicyError, Problem, ProblemCode, Severity};
pub use text::merge::{merge_names, merge_vary};
