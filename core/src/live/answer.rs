//! What an application's function answered when it was asked about an origin, read as a verdict.
//!
//! Applications answer in the values of their language: `true`, an origin, a regex, a list. Every
//! binding hands the answer over as an [`Answer`], and here alone stands what it means, because
//! each reading of its own has let strangers in.

use super::answered_regexes::{self, AnsweredRegex};
use crate::config::RegexDialect;
use crate::decide::{SocketAccess, Verdict};
use crate::fetch::request::Request;
use crate::policy::Policy;

/// What an application's function answered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer<'a> {
    /// `true`.
    Yes,
    /// `false`, or no value at all.
    No,
    /// Text: an origin, or `*`.
    Text(&'a str),
    /// A regex of the language.
    Regex {
        /// Its text, without flags.
        source: &'a str,
        /// The letters of its flags.
        flags: &'a str,
        /// Whose rules it follows.
        dialect: RegexDialect,
    },
    /// Several answers.
    List(Vec<Answer<'a>>),
    /// A value that is no answer: the name of its type in its language.
    Other(&'a str),
}

/// The verdict of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// What the application's author should be told: an answer that can mean nothing, or a regex
    /// that configuration would refuse. A regex is told of once.
    pub fault: Option<String>,
}

/// Reads an answer about an origin. Allowed are `true`; the origin itself, byte for byte, alone or
/// in a list; a regex that configuration accepts and that matches the whole origin, alone or in a
/// list; and, without credentials, `*` alone. Everything else denies.
///
/// `socket`: the question was about a handshake. That carries cookies, so that an answer about a
/// private socket is read as with credentials. A plain-http origin is denied by
/// [`NeedsVerdict::resume`](crate::NeedsVerdict::resume) and
/// [`Policy::check_websocket_with`], whatever the answer.
///
/// ```
/// use crossgate::binding::{Answer, judge};
/// use crossgate::{Policy, Verdict};
/// let policy = Policy::builder().origin_predicate(true).allow_credentials(true).build()?;
/// let origin = "https://a.example";
/// assert_eq!(judge(&policy, origin, None, &Answer::Text(origin)).verdict, Verdict::Allow);
/// let judged = judge(&policy, origin, None, &Answer::Text("*"));
/// assert_eq!(judged.verdict, Verdict::Deny);
/// assert!(judged.fault.is_some());
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
pub fn judge(
    policy: &Policy,
    origin: &str,
    socket: Option<SocketAccess>,
    answer: &Answer<'_>,
) -> Judged {
    let mut question = Question {
        policy,
        origin,
        credentials: policy.allows_credentials() || socket == Some(SocketAccess::Private),
        fault: None,
    };
    let allows = match answer {
        Answer::Yes => true,
        Answer::Text("*") => question.any(),
        Answer::List(answers) => {
            // Each is read, so that what is wrong with one is told whatever the others allow.
            let allowing = answers.iter().filter(|answer| question.element(answer));
            allowing.count() > 0
        }
        single => question.element(single),
    };
    Judged {
        verdict: if allows {
            Verdict::Allow
        } else {
            Verdict::Deny
        },
        fault: question.fault,
    }
}

struct Question<'a> {
    policy: &'a Policy,
    origin: &'a str,
    credentials: bool,
    fault: Option<String>,
}

impl Question<'_> {
    fn any(&mut self) -> bool {
        if self.credentials {
            self.told("\"*\" is no answer with credentials: answer the origin, or true".to_owned());
        }
        !self.credentials
    }

    /// An answer that may stand in a list.
    fn element(&mut self, answer: &Answer<'_>) -> bool {
        match *answer {
            Answer::Text("*") => self.not_listed("\"*\""),
            Answer::Yes => self.not_listed("true"),
            Answer::List(_) => self.not_listed("another list"),
            Answer::No => false,
            Answer::Text(text) => text == self.origin,
            Answer::Regex {
                source,
                flags,
                dialect,
            } => self.regex(&AnsweredRegex {
                source,
                flags,
                dialect,
                credentials: self.credentials,
                exceptions: self.policy.safety_exceptions(),
            }),
            Answer::Other(kind) => {
                self.told(format!(
                    "it answered a value of type {kind:?}, which allows nobody: answer true, \
                        false, the origin, a regex, or a list of origins and regexes"
                ));
                false
            }
        }
    }

    fn not_listed(&mut self, what: &str) -> bool {
        self.told(format!(
            "it answered a list that holds {what}, which allows nobody there"
        ));
        false
    }

    fn regex(&mut self, regex: &AnsweredRegex<'_>) -> bool {
        let (policy, first) = answered_regexes::policy(regex);
        match &*policy {
            Ok(policy) => {
                let request = Request::new("GET").header("Origin", self.origin);
                let decision = policy.evaluate(&request);
                if decision.hit_regex_step_limit() {
                    self.told("the regex that it answered ran out of steps".to_owned());
                }
                decision.allowed() == Some(true)
            }
            Err(error) => {
                if first {
                    self.told(format!(
                        "it answered a regex that is refused, so that it allows nobody: {error}"
                    ));
                }
                false
            }
        }
    }

    fn told(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}
