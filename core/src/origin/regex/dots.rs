//! Dots that were probably meant as dots.

use regex_syntax::ast::{self, Ast};

/// An unescaped `.` between two literal labels; the pattern with the dots escaped.
pub(crate) fn unescaped_dots(pattern: &str) -> Option<String> {
    let ast = ast::parse::Parser::new().parse(pattern).ok()?;
    let mut places = Vec::new();
    collect_dots(&ast, false, false, &mut places);
    if places.is_empty() {
        return None;
    }
    let mut fixed = pattern.to_owned();
    for place in places.into_iter().rev() {
        fixed.insert(place, '\\');
    }
    Some(fixed)
}

/// `before` and `after`: a literal byte of a label stands on that side.
fn collect_dots(ast: &Ast, before: bool, after: bool, places: &mut Vec<usize>) {
    match ast {
        Ast::Dot(span) if before && after => places.push(span.start.offset),
        Ast::Concat(concat) => {
            let literal = |index: usize, at: End| {
                concat
                    .asts
                    .get(index)
                    .is_some_and(|part| is_literal(part, at))
            };
            for (index, part) in concat.asts.iter().enumerate() {
                let before = if index == 0 {
                    before
                } else {
                    literal(index - 1, End::Last)
                };
                let after = if index + 1 == concat.asts.len() {
                    after
                } else {
                    literal(index + 1, End::First)
                };
                collect_dots(part, before, after, places);
            }
        }
        Ast::Alternation(alternation) => alternation
            .asts
            .iter()
            .for_each(|ast| collect_dots(ast, before, after, places)),
        Ast::Group(group) => collect_dots(&group.ast, before, after, places),
        // A repeated dot is meant as it stands.
        Ast::Repetition(repetition) if !matches!(*repetition.ast, Ast::Dot(_)) => {
            collect_dots(&repetition.ast, before, after, places)
        }
        _ => {}
    }
}

#[derive(Clone, Copy)]
enum End {
    First,
    Last,
}

/// An end of what is matched is a byte of a label that is spelled out.
fn is_literal(ast: &Ast, at: End) -> bool {
    match ast {
        Ast::Literal(literal) => literal.c.is_ascii_alphanumeric() || literal.c == '-',
        Ast::Group(group) => is_literal(&group.ast, at),
        Ast::Alternation(alternation) => alternation.asts.iter().all(|ast| is_literal(ast, at)),
        Ast::Concat(concat) => match at {
            End::First => concat.asts.first(),
            End::Last => concat.asts.last(),
        }
        .is_some_and(|ast| is_literal(ast, at)),
        Ast::Repetition(repetition) => is_literal(&repetition.ast, at),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_between_labels() {
        assert_eq!(
            unescaped_dots(r"https://a.example\.com").as_deref(),
            Some(r"https://a\.example\.com")
        );
        assert_eq!(
            unescaped_dots(r"https://(a.b|c)\.example.com").as_deref(),
            Some(r"https://(a\.b|c)\.example\.com")
        );
        assert_eq!(
            unescaped_dots(r"https://(www.)?(a|b).example\.com").as_deref(),
            Some(r"https://(www\.)?(a|b)\.example\.com")
        );
        assert_eq!(
            unescaped_dots(r"https://.*\.example\.com|https://a.*b"),
            None
        );
    }
}
