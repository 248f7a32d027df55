//! The engine's own dialect, that of documents.

use regex_syntax::ast::{self, Ast};

use super::super::UNICODE;

/// Whether the linear engine runs it.
///
/// # Errors
/// The parser's words.
pub(super) fn linear(text: &str) -> Result<(), String> {
    let ast = ast::parse::Parser::new()
        .parse(text)
        .map_err(|error| error.to_string())?;
    if has_nested_repetition(&ast) {
        return Err("a repetition is repeated, as in `a++`".to_owned());
    }
    regex_syntax::ParserBuilder::new()
        .unicode(UNICODE)
        .utf8(false)
        .build()
        .parse(text)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// `a++` is possessive elsewhere, and would repeat a repetition here.
fn has_nested_repetition(ast: &Ast) -> bool {
    let mut pending = vec![ast];
    while let Some(ast) = pending.pop() {
        match ast {
            Ast::Repetition(repetition) => {
                if matches!(*repetition.ast, Ast::Repetition(_)) {
                    return true;
                }
                pending.push(&repetition.ast);
            }
            Ast::Group(group) => pending.push(&group.ast),
            Ast::Alternation(alternation) => pending.extend(&alternation.asts),
            Ast::Concat(concat) => pending.extend(&concat.asts),
            _ => {}
        }
    }
    false
}
