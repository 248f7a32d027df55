//! A tree as text: for documents and the linear engine, and for the engine that backtracks.

use std::fmt::Write;

use super::super::program::{Bytes, bytes_of};
use super::tree::{Count, Node, VISIBLE, WORD, both_cases};

/// In the dialect of documents. A part stays as it was written where it means the same there.
pub(super) fn document(tree: &Node, ignore_case: bool) -> String {
    let mut printer = Printer {
        out: String::new(),
        ignore_case,
        explicit: false,
        // A document with look-around is read by a reader that knows plain classes and escapes.
        explicit_classes: tree.needs_backtracking(),
    };
    printer.node(tree);
    if ignore_case {
        format!("(?i:{})", printer.out)
    } else {
        printer.out
    }
}

/// For the engine that backtracks, which gets nothing but sets, groups and look-around.
pub(super) fn backtracking(tree: &Node) -> String {
    let mut printer = Printer {
        out: String::new(),
        ignore_case: false,
        explicit: true,
        explicit_classes: true,
    };
    printer.node(tree);
    printer.out
}

/// Nothing but the empty text matches.
fn is_empty(node: &Node) -> bool {
    match node {
        Node::Concat(parts) | Node::Alternation(parts) => parts.iter().all(is_empty),
        Node::Group(inner, ..) | Node::Repeat(inner, _) | Node::Atomic(inner) => is_empty(inner),
        _ => false,
    }
}

struct Printer {
    out: String,
    ignore_case: bool,
    /// Sets are written as what they are.
    explicit: bool,
    /// All but single characters and escapes are.
    explicit_classes: bool,
}

impl Printer {
    fn node(&mut self, node: &Node) {
        match node {
            Node::Set(set, written) => self.set(*set, written),
            Node::Start => self.out.push('^'),
            Node::LineEnd | Node::End => self.out.push('$'),
            Node::WordBoundary(is_one) => self.word_boundary(*is_one),
            Node::Concat(parts) => parts.iter().for_each(|part| match part {
                Node::Alternation(_) => self.grouped(part),
                _ => self.node(part),
            }),
            Node::Alternation(branches) => {
                for (index, branch) in branches.iter().enumerate() {
                    if index > 0 {
                        self.out.push('|');
                    }
                    self.node(branch);
                }
            }
            Node::Group(inner, number, opener) => self.group(inner, *number, opener),
            // The engine that backtracks repeats no empty text.
            Node::Repeat(inner, _) if is_empty(inner) => self.node(inner),
            Node::Repeat(inner, count) => {
                match **inner {
                    Node::Set(..) | Node::Group(..) => self.node(inner),
                    _ => self.grouped(inner),
                }
                self.count(*count);
            }
            Node::Look {
                ahead,
                negative,
                inner,
            } => {
                self.out.push_str(match (ahead, negative) {
                    (true, false) => "(?=",
                    (true, true) => "(?!",
                    (false, false) => "(?<=",
                    (false, true) => "(?<!",
                });
                self.node(inner);
                self.out.push(')');
            }
            // A digit may follow.
            Node::BackReference(number) => self.push(format_args!("(?:\\{number})")),
            Node::Atomic(inner) => {
                self.out.push_str("(?>");
                self.node(inner);
                self.out.push(')');
            }
        }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.out.write_fmt(text);
    }

    fn grouped(&mut self, node: &Node) {
        self.out.push_str("(?:");
        self.node(node);
        self.out.push(')');
    }

    fn group(&mut self, inner: &Node, number: Option<usize>, opener: &str) {
        let outer = self.ignore_case;
        if self.explicit {
            self.out
                .push_str(if number.is_some() { "(" } else { "(?:" });
        } else {
            self.out.push_str(opener);
            match opener {
                "(?i:" => self.ignore_case = true,
                "(?-i:" => self.ignore_case = false,
                _ => {}
            }
        }
        self.node(inner);
        self.out.push(')');
        self.ignore_case = outer;
    }

    fn count(&mut self, count: Count) {
        match (count.least, count.most) {
            (0, None) => self.out.push('*'),
            (1, None) => self.out.push('+'),
            (0, Some(1)) => self.out.push('?'),
            (least, None) => self.push(format_args!("{{{least},}}")),
            (least, Some(most)) if least == most => self.push(format_args!("{{{least}}}")),
            (least, Some(most)) => self.push(format_args!("{{{least},{most}}}")),
        }
    }

    fn set(&mut self, set: Bytes, written: &str) {
        let stays = !(self.explicit || self.explicit_classes && written.chars().count() > 2);
        let same = || bytes_of(written, self.ignore_case).map(|set| set & VISIBLE) == Some(set);
        if stays && same() {
            self.out.push_str(written);
            return;
        }
        if self.ignore_case && both_cases(set) != set {
            self.out.push_str("(?-i:");
            self.bytes(set);
            self.out.push(')');
        } else {
            self.bytes(set);
        }
    }

    fn bytes(&mut self, set: Bytes) {
        // Under flag i one of two cases says it.
        let letter = 1 << (set.trailing_zeros() & 127);
        if set.count_ones() == 1 || self.ignore_case && set == both_cases(letter) && set != 0 {
            let byte = char::from(127 - set.leading_zeros() as u8);
            if regex_syntax::is_meta_character(byte) {
                self.out.push('\\');
            }
            self.out.push(byte);
            return;
        }
        if set == 0 {
            // Origins are ASCII.
            self.out.push_str(r"[^\x00-\x7F]");
            return;
        }
        self.out.push('[');
        let mut rest = set;
        while rest != 0 {
            let first = rest.trailing_zeros();
            let count = (rest >> first).trailing_ones();
            let last = first + count - 1;
            rest &= !(((1 << count) - 1) << first);
            self.class_byte(first);
            if count > 1 {
                if count > 2 {
                    self.out.push('-');
                }
                self.class_byte(last);
            }
        }
        self.out.push(']');
    }

    fn class_byte(&mut self, byte: u32) {
        match char::from_u32(byte) {
            Some(byte) if byte.is_ascii_alphanumeric() => self.out.push(byte),
            _ => self.push(format_args!("\\x{byte:02X}")),
        }
    }

    fn word_boundary(&mut self, is_one: bool) {
        if !self.explicit {
            self.out.push_str(if is_one { "\\b" } else { "\\B" });
            return;
        }
        // The engine that backtracks asks Unicode what a word is.
        let sides = if is_one {
            [("(?<=", "(?!"), ("(?<!", "(?=")]
        } else {
            [("(?<=", "(?="), ("(?<!", "(?!")]
        };
        for (index, (before, after)) in sides.into_iter().enumerate() {
            self.out.push_str(if index == 0 { "(?:" } else { "|" });
            for side in [before, after] {
                self.out.push_str(side);
                self.bytes(WORD);
                self.out.push(')');
            }
        }
        self.out.push(')');
    }
}
