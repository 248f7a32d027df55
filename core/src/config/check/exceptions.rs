//! Judges `dangerously_allow`: which exceptions are open, and whether something needs them.

use super::Check;
use crate::policy::settings::SafetyException;
use crate::problem::ProblemCode;

impl Check<'_> {
    pub(crate) fn read_exceptions(&mut self) {
        for item in &self.options.dangerously_allow {
            let path = format!("dangerously_allow[{}]", item.index);
            match SafetyException::NAMED
                .iter()
                .find(|(name, _)| *name == item.text)
            {
                Some((_, gate)) if self.exceptions.contains(gate) => {
                    self.problems.warning(
                        ProblemCode::GateNotNeeded,
                        &path,
                        &item.text,
                        "this gate stands twice",
                        None,
                    );
                }
                Some((_, gate)) => self.exceptions.push(*gate),
                None => self.problems.error(
                    ProblemCode::GateUnknown,
                    &path,
                    &item.text,
                    "there is no such gate",
                    None,
                ),
            }
        }
    }

    /// A gate that would have to be open; true if it is. Without credentials it is open for
    /// handshakes, which carry cookies always.
    pub(crate) fn is_excepted(&mut self, gate: SafetyException) -> bool {
        self.needed.push(gate);
        self.exceptions.contains(&gate)
    }

    pub(crate) fn needed_exceptions(&mut self) -> Vec<SafetyException> {
        // What an application answers at request time is judged by them: an origin, a regex.
        if self.options.origin_predicate {
            self.needed.extend(&self.exceptions);
        }
        let (needed, unneeded): (Vec<SafetyException>, Vec<SafetyException>) = self
            .exceptions
            .iter()
            .partition(|gate| self.needed.contains(gate));
        // What was misread might have needed it.
        for gate in unneeded.into_iter().filter(|_| !self.misread) {
            let index = self
                .options
                .dangerously_allow
                .iter()
                .find(|item| item.text == gate.as_str())
                .map_or(0, |item| item.index);
            let message = "nothing in this policy needs the gate; leave it out";
            self.problems.warning(
                ProblemCode::GateNotNeeded,
                &format!("dangerously_allow[{index}]"),
                gate.as_str(),
                message,
                None,
            );
        }
        needed
    }
}
