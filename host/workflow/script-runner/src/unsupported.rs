//! Finds what the parser accepts and the interpreter cannot run, so that it is refused by name; the interpreter would answer with a
//! riddle, or not at all.

use oxc_ast::ast::{Decorator, Program, VariableDeclaration};
use oxc_ast_visit::{Visit, walk};
use oxc_span::Span;

/// The first such thing, and what to write instead.
pub(crate) fn find(program: &Program<'_>) -> Option<(Span, &'static str)> {
    let mut finder = Finder { found: None };
    finder.visit_program(program);
    finder.found
}

struct Finder {
    found: Option<(Span, &'static str)>,
}

impl<'a> Visit<'a> for Finder {
    fn visit_decorator(&mut self, decorator: &Decorator<'a>) {
        self.found.get_or_insert((decorator.span, "decorators are not supported; call the function yourself"));
        walk::walk_decorator(self, decorator);
    }

    fn visit_variable_declaration(&mut self, declaration: &VariableDeclaration<'a>) {
        if declaration.kind.is_using() {
            let what = "`using` is not supported; write `const` and close it in `finally`";
            self.found.get_or_insert((declaration.span, what));
        }
        walk::walk_variable_declaration(self, declaration);
    }
}
