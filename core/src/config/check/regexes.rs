//! Judges `allow_origin_regexes`: whether each compiles, and what it lets in.

use super::Check;
#[cfg(feature = "regex")]
use super::regex_reach::JudgedRegex;
#[cfg(feature = "regex")]
use super::regex_rewritings::as_patterns;
use crate::origin::matcher::Matcher;
use crate::problem::ProblemCode;

impl Check<'_> {
    #[cfg(feature = "regex")]
    pub(crate) fn regexes(&mut self, matcher: &mut Matcher) -> Vec<String> {
        use crate::origin::matcher::PolicyRegexes;
        use crate::origin::regex::{self, Regexes};
        let (mut texts, mut programs, mut safe) =
            (Vec::new(), Vec::<String>::new(), Vec::<String>::new());
        for item in &self.options.allow_origin_regexes {
            let (text, path) = (
                item.text.as_str(),
                format!("allow_origin_regexes[{}]", item.index),
            );
            if texts.contains(&item.text) {
                self.problems.warning(
                    ProblemCode::OriginDuplicate,
                    &path,
                    text,
                    "this regex stands twice",
                    None,
                );
                continue;
            }
            if let Some(patterns) = as_patterns(text) {
                self.misread = true;
                self.regex_is_pattern(text, &path, &patterns);
                continue;
            }
            let compiled = if text.trim().is_empty() {
                Err("it is empty".to_owned())
            } else {
                regex::whole(text)
            };
            let compiled =
                compiled.and_then(|program| Regexes::compile(&[&program]).map(|_| program));
            let reach = compiled
                .and_then(|program| regex::reach::reach(text).map(|reach| (program, reach)));
            match reach {
                Err(error) => {
                    self.misread = true;
                    self.problems.error(
                        ProblemCode::RegexInvalid,
                        &path,
                        text,
                        format!("the regex does not compile: {error}"),
                        None,
                    );
                }
                Ok((program, reach)) => {
                    self.regex_reach(&JudgedRegex {
                        text,
                        path: &path,
                        reach: &reach,
                        reach_of: &|text| regex::reach::reach(text).ok(),
                        verbatim: true,
                    });
                    texts.push(item.text.clone());
                    safe.extend(self.is_safe_regex(&reach).then(|| program.clone()));
                    programs.push(program);
                }
            }
        }
        if !programs.is_empty() {
            match Regexes::compile(&programs).and_then(|all| {
                Ok(PolicyRegexes {
                    all,
                    safe: Regexes::compile(&safe)?,
                })
            }) {
                Ok(regexes) => matcher.regexes = Some(regexes),
                Err(error) => self.problems.error(
                    ProblemCode::RegexInvalid,
                    "allow_origin_regexes",
                    "",
                    format!("together the regexes are too large: {error}"),
                    None,
                ),
            }
        }
        texts
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
