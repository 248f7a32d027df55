//! Judges `max_age` and the two statuses.

use super::Check;
use crate::config::document::OptionValue;
use crate::problem::ProblemCode;

/// Above this age every browser's cache has capped it (Firefox is the last).
const MAX_AGE: i64 = 86_400;
/// Above this age Chromium has.
const CHROMIUM_MAX_AGE: i64 = 7_200;

impl Check<'_> {
    pub(crate) fn max_age(&mut self) -> Option<u32> {
        let value = self.options.max_age.as_ref()?;
        let shown = value.shown();
        let Some(seconds) = whole_number(value) else {
            let hint = match value {
                OptionValue::Str(text) => text
                    .trim()
                    .parse::<u32>()
                    .ok()
                    .map(|n| n.min(MAX_AGE as u32).to_string()),
                OptionValue::Float(number) if *number >= 0.0 && *number <= MAX_AGE as f64 => {
                    Some(number.floor().to_string())
                }
                _ => None,
            };
            self.problems.error(
                ProblemCode::MaxAgeInvalid,
                "max_age",
                &shown,
                "a whole number of seconds from 0 to 86400",
                hint,
            );
            return None;
        };
        if seconds < 0 {
            let message = "browsers ignore a negative age; 0 turns their preflight cache off";
            self.problems.error(
                ProblemCode::MaxAgeInvalid,
                "max_age",
                &shown,
                message,
                Some("0".into()),
            );
            return None;
        }
        if seconds > MAX_AGE {
            let message = "no browser keeps a preflight longer than 86400 seconds (Firefox; \
                Chromium 7200, Safari 600)";
            self.problems.error(
                ProblemCode::MaxAgeTooLong,
                "max_age",
                &shown,
                message,
                Some(MAX_AGE.to_string()),
            );
            return None;
        }
        if seconds > CHROMIUM_MAX_AGE {
            let message = "Chromium keeps a preflight for 7200 seconds at most, Safari for 600";
            self.problems.note(
                ProblemCode::MaxAgeCapped,
                "max_age",
                &shown,
                message,
                Some(CHROMIUM_MAX_AGE.to_string()),
            );
        }
        u32::try_from(seconds).ok()
    }

    pub(crate) fn status(
        &mut self,
        option: &str,
        value: Option<&OptionValue>,
        default: u16,
    ) -> u16 {
        let Some(value) = value else { return default };
        let status = whole_number(value).and_then(|number| u16::try_from(number).ok());
        let preflight = option == "preflight_status";
        let good = status.filter(|status| match status {
            205 | 206 => false,
            200..=299 if preflight => true,
            200 | 204 => true,
            401 | 407 | 408 | 421 | 425 => false,
            400..=499 => !preflight,
            _ => false,
        });
        if good.is_none() {
            let (code, message) = if preflight {
                (
                    ProblemCode::PreflightStatusNotOk,
                    "a preflight passes only with 200 to 299 (Fetch, ok status); 205 and 206 mean \
                        something else",
                )
            } else {
                (
                    ProblemCode::DeniedPreflightStatusInvalid,
                    "200, 204 or 400 to 499, without those that make a client log in or try again \
                        (401, 407, 408, 421, 425)",
                )
            };
            self.problems.error(
                code,
                option,
                &value.shown(),
                message,
                Some(default.to_string()),
            );
        }
        good.unwrap_or(default)
    }
}

fn whole_number(value: &OptionValue) -> Option<i64> {
    match value {
        OptionValue::Int(number) => Some(*number),
        // JavaScript has no other numbers; beyond 2^53, far above every limit, the cast saturates.
        OptionValue::Float(number) if number.fract() == 0.0 => Some(*number as i64),
        _ => None,
    }
}
