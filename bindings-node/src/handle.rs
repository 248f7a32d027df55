//! Making a policy and looking into it.
#![expect(unreachable_pub, reason = "#[napi] takes only pub methods")]

use std::io::ErrorKind;
use std::sync::Arc;

use crossgate::binding::{self, TemplateValue};
use crossgate::{
    Field, ListSeparator, LoadError, OptionValue, Policy, PolicyBuilder, PolicyError, SocketAccess,
};
use napi::bindgen_prelude::{Array, Either, Unknown};
use napi::{Env, Error, Result};
use napi_derive::napi;

use crate::value::{self, Failure, PlainProblem};
use crate::{arguments, evaluate};

/// A compiled policy.
#[napi]
pub(crate) struct Handle {
    policy: Arc<Policy>,
    /// Roughly the bytes that the policy holds, for the garbage collector.
    size: usize,
}

type Made = Either<Handle, Failure>;

/// `size`: see [`Handle::size`].
fn made(policy: std::result::Result<Policy, PolicyError>, size: usize) -> Made {
    match policy {
        Ok(policy) => Either::A(Handle {
            policy: Arc::new(policy),
            size: SMALLEST + size,
        }),
        Err(error) => Either::B(error.into()),
    }
}

/// The bytes of a policy whose configuration is short.
const SMALLEST: usize = 8192;

/// Roughly the bytes that a policy holds of an option.
fn size_of_value(value: &OptionValue) -> usize {
    match value {
        OptionValue::Str(text) | OptionValue::Regex { source: text, .. } => 2 * (64 + text.len()),
        OptionValue::List(items) => items.iter().map(size_of_value).sum(),
        _ => 0,
    }
}

/// Roughly the bytes that a policy holds of a configuration that is text of this length.
fn size_of_text(length: usize) -> usize {
    6 * length
}

/// From options: name, value, name, value, … `comma`: lists in answers are joined by a comma alone.
#[napi(catch_unwind)]
pub(crate) fn from_options(entries: Array<'_>, comma: bool) -> Result<Made> {
    let separator = if comma {
        ListSeparator::Comma
    } else {
        ListSeparator::CommaSpace
    };
    let document = value::document(&entries)?;
    let values = document.entries().iter();
    let size = values.map(|(_, value)| size_of_value(value)).sum();
    let builder = PolicyBuilder::from_document(&document).list_separator(separator);
    Ok(made(builder.build(), size))
}

/// The names of a response's `Vary` lines and of the policy's, as one value.
#[napi(catch_unwind)]
pub(crate) fn merge_vary(lines: Vec<String>, added: String) -> String {
    crossgate::merge_vary(lines.iter().map(String::as_str), &added)
}

/// What `from_options` would say to a value that has no options at all.
#[napi(catch_unwind)]
pub(crate) fn no_options(type_name: String) -> Failure {
    Failure::no_document(&type_name)
}

/// The problem of an option that is written and has no value, if it needs one.
#[napi(catch_unwind)]
pub(crate) fn unset_option(path: String, value: String) -> Option<PlainProblem> {
    binding::unset_option(&path, &value)
        .as_ref()
        .map(PlainProblem::from)
}

/// From JSON text.
#[napi(catch_unwind)]
pub(crate) fn from_json(text: String) -> Made {
    made(Policy::from_json(&text), size_of_text(text.len()))
}

/// From TOML text.
#[napi(catch_unwind)]
pub(crate) fn from_toml(text: String) -> Made {
    made(Policy::from_toml(&text), size_of_text(text.len()))
}

/// From variables: name, value, name, value, …
#[napi(catch_unwind)]
pub(crate) fn from_variables(prefix: String, variables: Vec<String>) -> Made {
    let named = |pair: &[String]| pair[0].starts_with(&prefix);
    let size = variables.chunks(2).filter(|pair| named(pair));
    let size = size
        .map(|pair| size_of_text(pair.last().map_or(0, String::len)))
        .sum();
    made(
        Policy::from_variables(&prefix, value::pairs(variables)),
        size,
    )
}

/// From a file.
#[napi(catch_unwind)]
pub(crate) fn from_file(path: String) -> Made {
    let length = std::fs::metadata(&path).map_or(0, |file| file.len());
    let error = match Policy::from_file(path) {
        Ok(policy) => return made(Ok(policy), size_of_text(length as usize)),
        Err(LoadError::Policy(error)) => return made(Err(error), 0),
        Err(error) => error,
    };
    let (code, errno) = match &error {
        LoadError::Io { error, .. } => (
            system_code(error.kind()),
            error.raw_os_error().map(|number| -number),
        ),
        _ => ("EIO", None),
    };
    Either::B(Failure {
        message: format!("{code}: {error}"),
        problems: Vec::new(),
        omitted: 0,
        code: Some(code),
        errno,
    })
}

/// The names that Node gives to errors of the system.
fn system_code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "ENOENT",
        ErrorKind::PermissionDenied => "EACCES",
        ErrorKind::IsADirectory => "EISDIR",
        ErrorKind::NotADirectory => "ENOTDIR",
        // Neither .json nor .toml.
        ErrorKind::InvalidInput => "EINVAL",
        // Not UTF-8.
        ErrorKind::InvalidData => "EILSEQ",
        _ => "EIO",
    }
}

#[napi]
impl Handle {
    /// The raw function of `evaluate.rs` for this policy.
    #[napi(catch_unwind)]
    pub fn function<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        evaluate::function(env, Arc::clone(&self.policy), None, self.size)
    }

    /// The same with a shadow policy, for the question whether that one decides otherwise.
    #[napi(catch_unwind)]
    pub fn function_with_shadow<'env>(
        &self,
        env: &'env Env,
        shadow: &Handle,
    ) -> Result<Unknown<'env>> {
        let policy = Arc::clone(&self.policy);
        evaluate::function(env, policy, Some(Arc::clone(&shadow.policy)), self.size)
    }

    /// Longer lists of requested header names get one and the same decision.
    #[napi(catch_unwind)]
    pub fn request_headers_limit(&self) -> Option<u32> {
        self.policy
            .request_headers_limit()
            .and_then(|limit| u32::try_from(limit).ok())
    }

    /// Whether some response holds requested header names. If none does, they change the reason of
    /// a decision and nothing that is sent.
    #[napi(catch_unwind)]
    pub fn echoes_request_headers(&self) -> bool {
        self.policy.header_sets().any(|set| {
            set.headers()
                .any(|header| header.value == TemplateValue::Names)
        })
    }

    /// Whether the policy takes verdicts.
    #[napi(catch_unwind)]
    pub fn has_origin_predicate(&self) -> bool {
        self.policy.has_origin_predicate()
    }

    /// The problems that did not stop the build.
    #[napi(catch_unwind)]
    pub fn warnings(&self) -> Vec<PlainProblem> {
        self.policy
            .warnings()
            .iter()
            .map(PlainProblem::from)
            .collect()
    }

    /// What is true of the policy and needs nothing done.
    #[napi(catch_unwind)]
    pub fn notes(&self) -> Vec<PlainProblem> {
        self.policy.notes().iter().map(PlainProblem::from).collect()
    }

    /// How many of both were counted and not listed.
    #[napi(catch_unwind)]
    pub fn omitted_problems(&self) -> u32 {
        u32::try_from(self.policy.omitted_problems()).unwrap_or(u32::MAX)
    }

    /// 16 hexadecimal digits that equal policies share.
    #[napi(catch_unwind)]
    pub fn digest(&self) -> String {
        self.policy.digest().to_string()
    }

    /// The canonical document, as JSON text.
    #[napi(catch_unwind)]
    pub fn document(&self) -> String {
        self.policy.document().to_json()
    }

    /// Whether the canonical documents are the same.
    #[napi(catch_unwind)]
    pub fn equals(&self, other: &Handle) -> bool {
        self.policy == other.policy
    }

    /// What an application's function answered about an origin: one letter a value
    /// (`lib/answers/judge.cjs` writes them), and what each says. `is_list`: the values were in a
    /// list, else there is one.
    #[napi(catch_unwind)]
    pub fn judge(
        &self,
        origin: String,
        is_list: bool,
        kinds: String,
        texts: Vec<String>,
    ) -> Result<value::JudgedAnswer> {
        let answer = value::answer(is_list, &kinds, &texts)?;
        Ok(binding::judge(&self.policy, &origin, None, &answer).into())
    }

    /// `allow`, `deny` or `absent` for the lines of a handshake's `Origin`.
    #[napi(catch_unwind)]
    pub fn check_web_socket(
        &self,
        lines: Vec<String>,
        public: bool,
        verdict: i32,
    ) -> Result<&'static str> {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| arguments::latin1(line.as_bytes()))
            .collect();
        let mut origin = Field::ABSENT;
        lines.iter().for_each(|line| origin.push(line));
        let access = if public {
            SocketAccess::Public
        } else {
            SocketAccess::Private
        };
        let check = self
            .policy
            .check_websocket_with(origin, access, arguments::verdict(verdict))
            .map_err(|error| Error::from_reason(error.to_string()))?;
        Ok(check.as_str())
    }
}
