//! Judges `allow_origin_regexes`: whether each compiles, and what it lets in.

use super::Check;
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
                    self.regex_dangers(text, &path, reach);
                    texts.push(item.text.clone());
                    safe.extend(reach.is_credential_safe().then(|| program.clone()));
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
