//! Options and problems, from and to JavaScript.

use crossgate::binding::{Answer, Judged};
use crossgate::{
    Document, OptionValue, PolicyError, Problem, ProblemCode, RegexDialect, Severity, Verdict,
};
use napi::bindgen_prelude::{Array, Either, Null, Object, Unknown};
use napi::{Error, JsValue, Result, ValueType};
use napi_derive::napi;

/// A problem as a plain object.
#[napi(object, object_from_js = false)]
pub(crate) struct PlainProblem {
    pub severity: &'static str,
    pub code: &'static str,
    pub path: String,
    pub value: String,
    pub message: String,
    pub hint: Option<String>,
}

impl From<&Problem> for PlainProblem {
    fn from(problem: &Problem) -> Self {
        PlainProblem {
            severity: problem.severity.as_str(),
            code: problem.code.as_str(),
            path: problem.path.clone(),
            value: problem.value.clone(),
            message: problem.message.clone(),
            hint: problem.hint.clone(),
        }
    }
}

/// Why a policy was not made: its problems, or (`code`) a file that cannot be read.
#[napi(object, object_from_js = false)]
pub(crate) struct Failure {
    pub message: String,
    pub problems: Vec<PlainProblem>,
    pub omitted: u32,
    pub code: Option<&'static str>,
    pub errno: Option<i32>,
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        Failure {
            message: error.to_string(),
            problems: error.problems().iter().map(PlainProblem::from).collect(),
            omitted: u32::try_from(error.omitted()).unwrap_or(u32::MAX),
            code: None,
            errno: None,
        }
    }
}

impl Failure {
    /// The options are not one object.
    pub(crate) fn no_document(type_name: &str) -> Self {
        let problem = Problem::new(
            Severity::Error,
            ProblemCode::DocumentInvalid,
            String::new(),
            type_name.escape_debug().to_string(),
            "the options of a policy are one object, like { allowOrigins: \
                ['https://a.example'] }"
                .to_owned(),
            None,
        );
        Failure {
            message: format!("invalid CORS policy: 1 error\n  {problem}"),
            problems: vec![PlainProblem::from(&problem)],
            omitted: 0,
            code: None,
            errno: None,
        }
    }
}

/// What an application's answer comes to.
#[napi(object, object_from_js = false)]
pub(crate) struct JudgedAnswer {
    pub allowed: bool,
    /// What is wrong with the answer; null if nothing is.
    pub fault: Either<String, Null>,
}

impl From<Judged> for JudgedAnswer {
    fn from(judged: Judged) -> Self {
        JudgedAnswer {
            allowed: judged.verdict == Verdict::Allow,
            fault: judged.fault.map_or(Either::B(Null), Either::A),
        }
    }
}

/// An application's answer, as `lib/answers/judge.cjs` writes it.
pub(crate) fn answer<'a>(is_list: bool, kinds: &str, texts: &'a [String]) -> Result<Answer<'a>> {
    let mut texts = texts.iter().map(String::as_str);
    let mut text = || {
        let missing = || Error::from_reason("an answer lacks a text");
        texts.next().ok_or_else(missing)
    };
    let mut answers = kinds.chars().map(|kind| {
        Ok(match kind {
            't' => Answer::Yes,
            'f' => Answer::No,
            's' => Answer::Text(text()?),
            'r' => Answer::Regex {
                source: text()?,
                flags: text()?,
                dialect: RegexDialect::JavaScript,
            },
            _ => Answer::Other(text()?),
        })
    });
    if is_list {
        return Ok(Answer::List(answers.collect::<Result<_>>()?));
    }
    answers.next().unwrap_or(Ok(Answer::No))
}

/// Name, value, name, value, …
pub(crate) fn pairs(flat: Vec<String>) -> impl Iterator<Item = (String, String)> {
    let mut flat = flat.into_iter();
    std::iter::from_fn(move || Some((flat.next()?, flat.next()?)))
}

/// The options as name, value, name, value, … `lib/engine/policy.cjs` has left undefined ones out
/// and replaced a RegExp by `{ source, flags }` and what no option takes by `{ type }`.
pub(crate) fn document(entries: &Array<'_>) -> Result<Document> {
    let mut document = Document::new();
    for index in (0..entries.len()).step_by(2) {
        if let (Some(name), Some(option)) = (
            entries.get::<String>(index)?,
            entries.get::<Unknown<'_>>(index + 1)?,
        ) {
            document.push(name, value(&option)?);
        }
    }
    Ok(document.snake_case())
}

fn value(from: &Unknown<'_>) -> Result<OptionValue> {
    // SAFETY: every cast is to the type that the value was just found to have.
    unsafe {
        Ok(match from.get_type()? {
            ValueType::Null => OptionValue::Null,
            ValueType::Boolean => OptionValue::Bool(from.cast()?),
            ValueType::Number => number(from.cast()?),
            ValueType::String => OptionValue::Str(from.cast()?),
            ValueType::Object if from.is_array()? => {
                let list: Array<'_> = from.cast()?;
                let items = (0..list.len()).map(|index| {
                    list.get::<Unknown<'_>>(index)?
                        .map_or(Ok(OptionValue::Null), |item| value(&item))
                });
                OptionValue::List(items.collect::<Result<_>>()?)
            }
            ValueType::Object => {
                let object: Object<'_> = from.cast()?;
                match object.get::<String>("source")? {
                    Some(source) => OptionValue::Regex {
                        source,
                        flags: object.get("flags")?.unwrap_or_default(),
                        dialect: RegexDialect::JavaScript,
                    },
                    None => OptionValue::Other(object.get("type")?.unwrap_or_default()),
                }
            }
            other => OptionValue::Other(other.to_string().to_lowercase()),
        })
    }
}

/// JavaScript has one type of number; up to 2^53 a whole one is exact.
fn number(number: f64) -> OptionValue {
    if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
        OptionValue::Int(number as i64)
    } else {
        OptionValue::Float(number)
    }
}
