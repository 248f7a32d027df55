//! What the dialects have in common: alternatives, sequences, groups and repetitions. Characters,
//! escapes and classes are read by each dialect's own rules.

use super::super::super::regex_dialect::RegexDialect;
use super::reader::{Flags, Read, Reader};
use super::tree::{Count, Node, VISIBLE};

/// Groups in groups beyond this are refused.
const MAX_DEPTH: usize = 200;

impl Reader<'_> {
    /// Reads all of it; and whether the case of letters is ignored outside of all groups.
    ///
    /// # Errors
    /// What is wrong, or has no translation.
    pub(super) fn whole(mut self) -> Read<(Node, bool)> {
        match self.dialect {
            RegexDialect::Python => super::python::flags_at_start(&mut self)?,
            RegexDialect::JavaScript => {
                (self.all_groups, self.has_names) = super::javascript::groups(self.text);
            }
            RegexDialect::Rust => {}
        }
        let ignore_case = self.flags.ignore_case;
        let tree = self.alternation()?;
        if self.peek().is_some() {
            return Err("a parenthesis is closed that was not opened".to_owned());
        }
        if self.dialect == RegexDialect::JavaScript {
            super::javascript::back_references_are_set(&tree, &mut Vec::new(), false)?;
        }
        // In Rust's dialect flags may follow later: the printer is not asked then.
        Ok((tree, ignore_case))
    }

    fn alternation(&mut self) -> Read<Node> {
        let mut branches = vec![self.concat()?];
        while self.take("|") {
            branches.push(self.concat()?);
        }
        Ok(match branches.len() {
            1 => branches.swap_remove(0),
            _ => Node::Alternation(branches),
        })
    }

    fn concat(&mut self) -> Read<Node> {
        let mut parts = Vec::new();
        loop {
            self.skip_comments()?;
            match self.peek() {
                None | Some('|' | ')') => break,
                Some(_) => {}
            }
            if let Some(part) = self.atom()? {
                self.skip_comments()?;
                parts.push(self.repeated(part)?);
            }
        }
        Ok(match parts.len() {
            1 => parts.swap_remove(0),
            _ => Node::Concat(parts),
        })
    }

    /// What stands between two parts, or between a part and its repetition, and means nothing.
    fn skip_comments(&mut self) -> Read<()> {
        loop {
            if self.flags.verbose {
                self.take_while(usize::MAX, |c| c.is_ascii_whitespace() || c == '\u{b}');
                if self.take("#") {
                    self.take_while(usize::MAX, |c| c != '\n');
                    continue;
                }
            }
            if self.dialect != RegexDialect::Python || !self.take("(?#") {
                return Ok(());
            }
            self.take_while(usize::MAX, |c| c != ')');
            if !self.take(")") {
                return Err("a comment does not end".to_owned());
            }
        }
    }

    /// One part; `None` if it only sets flags.
    fn atom(&mut self) -> Read<Option<Node>> {
        let start = self.at;
        let part = match self.next().ok_or("it ends too early")? {
            '(' => return self.group(),
            '[' => {
                let set = match self.dialect {
                    RegexDialect::JavaScript => super::javascript::class(self)?,
                    RegexDialect::Python => super::class::class(self, super::python::class_escape)?,
                    RegexDialect::Rust => {
                        super::class::class(self, super::python::rust_class_escape)?
                    }
                };
                Node::Set(set & VISIBLE, self.text[start..self.at].to_owned())
            }
            '.' => Node::Set(VISIBLE, ".".to_owned()),
            '^' => Node::Start,
            '$' => Node::LineEnd,
            '\\' => match self.dialect {
                RegexDialect::JavaScript => super::javascript::escape(self)?,
                RegexDialect::Python => super::python::escape(self)?,
                RegexDialect::Rust => super::python::rust_escape(self)?,
            },
            '*' | '+' | '?' => return Err("there is nothing to repeat".to_owned()),
            '{' if self.is_count(start) => return Err("there is nothing to repeat".to_owned()),
            character @ ('{' | '}' | ']') if self.flags.unicode => {
                return Err(format!(
                    "{character:?} stands alone; write a backslash in front"
                ));
            }
            character => self.character(character, start)?,
        };
        Ok(Some(part))
    }

    fn is_count(&mut self, start: usize) -> bool {
        let at = std::mem::replace(&mut self.at, start);
        let found = self.count();
        self.at = at;
        matches!(found, Ok(Some(_)) | Err(_))
    }

    fn repeated(&mut self, part: Node) -> Read<Node> {
        let Some(count) = self.count()? else {
            return Ok(part);
        };
        if matches!(
            part,
            Node::Start | Node::LineEnd | Node::End | Node::WordBoundary(_)
        ) && self.dialect != RegexDialect::Rust
        {
            return Err("there is nothing to repeat".to_owned());
        }
        let is_look = matches!(part, Node::Look { .. });
        let lazy = self.take("?");
        let possessive = !lazy && self.take("+");
        if possessive && self.dialect != RegexDialect::Python {
            return Err("a repetition is repeated, as in `a++`".to_owned());
        }
        self.skip_comments()?;
        if self.count()?.is_some() {
            return Err("a repetition is repeated, as in `a**`".to_owned());
        }
        // Looking once is as good as looking often.
        if is_look {
            return Ok(if count.least == 0 {
                Node::Concat(Vec::new())
            } else {
                part
            });
        }
        let repeat = Node::Repeat(Box::new(part), Count { lazy, ..count });
        Ok(if possessive {
            Node::Atomic(Box::new(repeat))
        } else {
            repeat
        })
    }

    /// `*`, `+`, `?` or `{…}`, if it stands here.
    fn count(&mut self) -> Read<Option<Count>> {
        let start = self.at;
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.at += 1;
                let number = |text: &str| {
                    let too_large = |_| "it repeats too often".to_owned();
                    text.parse::<u32>().map_err(too_large)
                };
                let least = self.take_while(usize::MAX, |c| c.is_ascii_digit());
                let comma = self.take(",");
                let most = if comma {
                    self.take_while(usize::MAX, |c| c.is_ascii_digit())
                } else {
                    least
                };
                let no_least = least.is_empty() && (self.dialect != RegexDialect::Python || !comma);
                if no_least || !self.take("}") {
                    self.at = start;
                    return Ok(None);
                }
                let least = if least.is_empty() { 0 } else { number(least)? };
                let most = if most.is_empty() {
                    None
                } else {
                    Some(number(most)?)
                };
                if most.is_some_and(|most| most < least) {
                    return Err(format!(
                        "{} has its numbers in the wrong order",
                        &self.text[start..self.at]
                    ));
                }
                return Ok(Some(Count {
                    least,
                    most,
                    lazy: false,
                }));
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(Count {
            least,
            most,
            lazy: false,
        }))
    }

    /// Behind a parenthesis; `None` if it only sets flags.
    fn group(&mut self) -> Read<Option<Node>> {
        if !self.take("?") {
            return self.capture(None, "(".to_owned()).map(Some);
        }
        let python = self.dialect == RegexDialect::Python;
        for (text, ahead, negative) in [
            ("=", true, false),
            ("!", true, true),
            ("<=", false, false),
            ("<!", false, true),
        ] {
            if self.take(text) {
                let inner = Box::new(self.inner(self.flags)?);
                if !ahead && python && width(&inner).is_none() {
                    return Err("a look-behind must have a fixed width".to_owned());
                }
                return Ok(Some(Node::Look {
                    ahead,
                    negative,
                    inner,
                }));
            }
        }
        if self.dialect != RegexDialect::JavaScript {
            if self.take(">") {
                let inner = self.inner(self.flags)?;
                return Ok(Some(Node::Atomic(Box::new(inner))));
            }
            if self.take("P<") {
                return self.named("(?P<");
            }
        }
        if python && self.take("P=") {
            let name = self.take_while(usize::MAX, |c| c != ')');
            if !self.take(")") {
                return Err("a back reference does not end".to_owned());
            }
            return self.reference_by_name(name).map(Some);
        }
        if !python && self.take("<") {
            return self.named("(?<");
        }
        if self.take("(") {
            return Err("a group that depends on another has no translation".to_owned());
        }
        self.flag_group()
    }

    /// `(?i:…)`, `(?-i:…)`, `(?:…)`; and in Rust's dialect `(?i)`.
    fn flag_group(&mut self) -> Read<Option<Node>> {
        let outer = self.flags;
        let on = self.take_while(usize::MAX, |c| c.is_ascii_alphabetic());
        for flag in on.chars() {
            let is_global = matches!(flag, 'u' | 'v' | 'g' | 'd' | 'y' | 'x')
                && self.dialect == RegexDialect::JavaScript;
            if is_global {
                return Err(format!("(?{on}: is not known here"));
            }
            self.flag(flag)?;
        }
        let off = if self.take("-") {
            self.take_while(usize::MAX, |c| c.is_ascii_alphabetic())
        } else {
            ""
        };
        for flag in off.chars() {
            match flag {
                'i' => self.flags.ignore_case = false,
                'x' if self.dialect != RegexDialect::JavaScript => self.flags.verbose = false,
                'm' | 's' => {}
                _ => return Err(format!("(?-{off}: is not known here")),
            }
        }
        let inner = std::mem::replace(&mut self.flags, outer);
        if self.dialect == RegexDialect::Rust && self.take(")") {
            self.flags = inner;
            return Ok(None);
        }
        if !self.take(":") {
            return Err("a group begins with (? and what is not known".to_owned());
        }
        let opener = match (outer.ignore_case, inner.ignore_case) {
            (false, true) => "(?i:",
            (true, false) => "(?-i:",
            _ => "(?:",
        };
        let body = self.inner(inner)?;
        Ok(Some(Node::Group(Box::new(body), None, opener.to_owned())))
    }

    fn named(&mut self, opener: &str) -> Read<Option<Node>> {
        let name = self.take_while(usize::MAX, |c| c == '_' || c.is_ascii_alphanumeric());
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !self.take(">") {
            return Err("the name of a group is none".to_owned());
        }
        if self.names.iter().any(|(known, _)| known == name) {
            return Err(format!("two groups have the name {name:?}"));
        }
        let opener = format!("{opener}{name}>");
        self.capture(Some(name.to_owned()), opener).map(Some)
    }

    fn capture(&mut self, name: Option<String>, opener: String) -> Read<Node> {
        self.closed.push(false);
        let number = self.closed.len();
        if let Some(name) = name {
            self.names.push((name, number));
        }
        let inner = self.inner(self.flags)?;
        self.closed[number - 1] = true;
        Ok(Node::Group(Box::new(inner), Some(number), opener))
    }

    /// What stands in a group, and its end.
    fn inner(&mut self, flags: Flags) -> Read<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} groups stand in each other"));
        }
        let outer = std::mem::replace(&mut self.flags, flags);
        let inner = self.alternation()?;
        self.flags = outer;
        self.depth -= 1;
        if self.take(")") {
            Ok(inner)
        } else {
            Err("a group does not end".to_owned())
        }
    }
}

/// How many bytes it matches, if that is always the same.
fn width(node: &Node) -> Option<u64> {
    match node {
        Node::Set(..) => Some(1),
        Node::Start | Node::LineEnd | Node::End | Node::WordBoundary(_) | Node::Look { .. } => {
            Some(0)
        }
        Node::Concat(parts) => parts.iter().map(width).sum(),
        Node::Alternation(branches) => {
            let mut widths = branches.iter().map(width);
            let first = widths.next()??;
            widths.all(|other| other == Some(first)).then_some(first)
        }
        Node::Group(inner, ..) | Node::Atomic(inner) => width(inner),
        Node::Repeat(inner, count) => {
            let width = width(inner)?;
            (count.most == Some(count.least) || width == 0).then(|| width * u64::from(count.least))
        }
        // A group's width is not known here; Python asks for it, too.
        Node::BackReference(_) => None,
    }
}
