//! Judges the options. Every problem is reported in one pass, never only the first.

mod exceptions;
mod headers;
mod methods;
mod numbers;
mod origin_entry;
mod origins;
#[cfg(feature = "regex")]
mod regex_reach;
#[cfg(feature = "regex")]
mod regex_rewritings;
mod regexes;
mod scheme_names;
mod settings;

use super::options::Options;
use crate::policy::settings::SafetyException;
use crate::problem::Problems;

pub(super) struct Check<'a> {
    pub(in crate::config) options: &'a Options,
    pub(in crate::config) problems: Problems,
    /// Something that decides about origins could not be read, so that nothing is known about the
    /// whole.
    pub(in crate::config) misread: bool,
    pub(in crate::config) exceptions: Vec<SafetyException>,
    /// The gates without which something would have been refused.
    pub(in crate::config) needed: Vec<SafetyException>,
    /// Comparisons of entries and steps of regexes: what the judgement costs beyond one pass.
    pub(in crate::config) steps: usize,
}
