//! Judges `allow_origin_regexes`: whether each compiles, and what it lets in.

#[cfg(feature = "regex")]
use std::cell::Cell;
#[cfg(feature = "regex")]
use std::collections::HashSet;

#[cfg(feature = "regex")]
use foldhash::fast::RandomState;

use super::Check;
#[cfg(feature = "regex")]
use super::regex_reach::JudgedRegex;
#[cfg(feature = "regex")]
use super::regex_rewritings::as_patterns;
#[cfg(feature = "regex")]
use crate::config::options::RegexItem;
use crate::origin::matcher::Matcher;
#[cfg(feature = "regex")]
use crate::origin::matcher::PolicyRegexes;
#[cfg(feature = "regex")]
use crate::origin::regex::backtracking::{BacktrackingRegexes, MAX_REGEXES};
#[cfg(feature = "regex")]
use crate::origin::regex::dialect::{Translation, translate};
#[cfg(feature = "regex")]
use crate::origin::regex::reach::{MAX_STEPS, reach};
#[cfg(feature = "regex")]
use crate::origin::regex::{self, Regexes};
use crate::problem::ProblemCode;
#[cfg(feature = "regex")]
use crate::problem::Severity;

/// What was read of the regexes.
#[cfg(feature = "regex")]
#[derive(Default)]
struct ReadRegexes {
    /// In the dialect of documents.
    texts: Vec<String>,
    known: HashSet<String, RandomState>,
    linear: Vec<String>,
    /// Of these, those that are safe with credentials.
    safe: Vec<String>,
    backtracking: Vec<String>,
}

#[cfg(feature = "regex")]
impl ReadRegexes {
    fn compile(&self) -> Result<Option<PolicyRegexes>, String> {
        if self.linear.is_empty() && self.backtracking.is_empty() {
            return Ok(None);
        }
        let backtracking = if self.backtracking.is_empty() {
            None
        } else {
            Some(BacktrackingRegexes::compile(&self.backtracking)?)
        };
        Ok(Some(PolicyRegexes {
            all: Regexes::compile(&self.linear)?,
            safe: Regexes::compile(&self.safe)?,
            backtracking,
        }))
    }
}

impl Check<'_> {
    /// The regexes in the dialect of documents.
    #[cfg(feature = "regex")]
    pub(crate) fn regexes(&mut self, matcher: &mut Matcher) -> Vec<String> {
        let mut read = ReadRegexes::default();
        for item in &self.options.allow_origin_regexes {
            self.regex(item, &mut read);
        }
        match read.compile() {
            Ok(regexes) => matcher.regexes = regexes,
            Err(error) => self.problems.error(
                ProblemCode::RegexInvalid,
                "allow_origin_regexes",
                "",
                format!("together the regexes are too large: {error}"),
                None,
            ),
        }
        read.texts
    }

    #[cfg(feature = "regex")]
    fn regex(&mut self, item: &RegexItem, read: &mut ReadRegexes) {
        let (text, path) = (
            item.text.as_str(),
            format!("allow_origin_regexes[{}]", item.index),
        );
        if let Some(patterns) = as_patterns(text) {
            self.misread = true;
            self.regex_is_pattern(text, &path, &patterns);
            return;
        }
        let translated = if text.trim().is_empty() {
            Err("it is empty".to_owned())
        } else {
            translate(text, &item.flags, item.dialect)
        };
        let Translation {
            text: translation,
            backtracking,
        } = match translated {
            Ok(translation) => translation,
            Err(error) => return self.regex_invalid(text, &path, &error),
        };
        // Nor may the document's be read so.
        if let Some(patterns) = as_patterns(&translation) {
            self.misread = true;
            self.regex_is_pattern(text, &path, &patterns);
            return;
        }
        if !read.known.insert(translation.clone()) {
            self.problems.warning(
                ProblemCode::OriginDuplicate,
                &path,
                text,
                "this regex stands twice",
                None,
            );
            return;
        }
        if let Some(program) = backtracking {
            return self.regex_unsupported(text, &path, translation, program, read);
        }
        let steps = Cell::new(0);
        let reach_of = |text: &str| {
            let mut taken = steps.get();
            let reach = reach(text, &mut taken);
            steps.set(taken);
            reach
        };
        let compiled = regex::whole(&translation)
            .and_then(|program| Regexes::compile(&[&program]).map(|_| program))
            .and_then(|program| reach_of(&translation).map(|reach| (program, reach)));
        let (program, found) = match compiled {
            Ok(compiled) => compiled,
            Err(error) => {
                self.steps += steps.get();
                return self.regex_invalid(text, &path, &error);
            }
        };
        self.regex_reach(&JudgedRegex {
            text,
            path: &path,
            reach: &found,
            // A hint is not worth more than the judgement itself.
            reach_of: &|text| {
                let other = (steps.get() <= MAX_STEPS)
                    .then(|| translate(text, &item.flags, item.dialect).ok())??;
                other
                    .backtracking
                    .is_none()
                    .then(|| reach_of(&other.text).ok())?
            },
            verbatim: translation == text,
        });
        self.steps += steps.get();
        read.safe
            .extend(self.is_safe_regex(&found).then(|| program.clone()));
        read.texts.push(translation);
        read.linear.push(program);
    }

    #[cfg(feature = "regex")]
    fn regex_invalid(&mut self, text: &str, path: &str, error: &str) {
        self.misread = true;
        let message = format!("the regex does not compile: {error}");
        self.problems
            .error(ProblemCode::RegexInvalid, path, text, message, None);
    }

    /// Look-around, back references and what gives nothing back.
    #[cfg(feature = "regex")]
    fn regex_unsupported(
        &mut self,
        text: &str,
        path: &str,
        translation: String,
        program: String,
        read: &mut ReadRegexes,
    ) {
        if let Err(error) = BacktrackingRegexes::compile(&[&program]) {
            return self.regex_invalid(text, path, &error);
        }
        if read.backtracking.len() == MAX_REGEXES {
            let message = format!(
                "more than {MAX_REGEXES} regexes need look-around, a back reference or a \
                    possessive repeat"
            );
            self.problems
                .error(ProblemCode::RegexInvalid, path, text, message, None);
            return;
        }
        let severity = self.danger_severity(false);
        let message = if severity == Severity::Error {
            "it needs look-around, a back reference or a possessive repeat: nobody can check what \
                it lets in, so it does not go with credentials; write it without"
        } else {
            "it needs look-around, a back reference or a possessive repeat: nobody can check what \
                it lets in, and an origin that takes it too many steps is denied"
        };
        let code = ProblemCode::RegexUnsupported;
        self.problems
            .push(severity, code, path, text, message, None);
        read.texts.push(translation);
        read.backtracking.push(program);
    }

    #[cfg(feature = "regex")]
    fn regex_is_pattern(&mut self, text: &str, path: &str, patterns: &[String]) {
        let quoted: Vec<String> = patterns.iter().map(|text| format!("\"{text}\"")).collect();
        let (message, hint) = match quoted.as_slice() {
            [] => (
                "it is written as a wildcard, not as a regex, and would match every host; list the \
                    origins that are meant in allow_origins",
                None,
            ),
            _ => (
                "it is a pattern, not a regex: put it into allow_origins",
                Some(quoted.join(", ")),
            ),
        };
        self.problems
            .error(ProblemCode::RegexIsPattern, path, text, message, hint);
    }

    #[cfg(not(feature = "regex"))]
    pub(crate) fn regexes(&mut self, _matcher: &mut Matcher) -> Vec<String> {
        for item in &self.options.allow_origin_regexes {
            let path = format!("allow_origin_regexes[{}]", item.index);
            self.problems.error(
                ProblemCode::FeatureMissing,
                &path,
                &item.text,
                "regexes need the feature `regex`; a pattern may do",
                None,
            );
        }
        Vec::new()
    }
}
