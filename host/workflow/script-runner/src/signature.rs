//! What `main` calls its parameters, because a job's arguments have names and a call has positions.

use oxc_ast::ast::{
    BindingPattern, Declaration, Expression, FormalParameters, ModuleExportName, Program, Statement,
    VariableDeclaration,
};

/// One parameter of `main`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parameter {
    /// Gets the argument of this name, or `undefined`, so that its default applies.
    Named(String),
    /// `{ a, b }`: gets the object of all arguments.
    Destructured,
    /// `...rest`: gets the elements of the argument of this name, if it is a list.
    Rest(String),
}

/// The parameters of the exported `main`; `None` if the program exports none that is declared in it.
pub(crate) fn of_main(program: &Program<'_>) -> Option<Vec<Parameter>> {
    let local = exported_as_main(program)?;
    program.body.iter().find_map(|statement| parameters_of(statement, &local)).map(read)
}

/// The local name of what is exported under the name `main`.
fn exported_as_main(program: &Program<'_>) -> Option<String> {
    program.body.iter().find_map(|statement| match statement {
        Statement::ExportDeclaration(export) => declares_main(&export.declaration).then(|| "main".to_owned()),
        Statement::ExportNamedDeclaration(export) => {
            let specifier = export.specifiers.iter().find(|specifier| specifier.exported.name() == "main")?;
            match &specifier.local {
                ModuleExportName::StringLiteral(_) => None,
                local => Some(local.name().to_string()),
            }
        }
        _ => None,
    })
}

fn declares_main(declaration: &Declaration<'_>) -> bool {
    match declaration {
        Declaration::FunctionDeclaration(function) => function.id.as_ref().is_some_and(|id| id.name == "main"),
        Declaration::VariableDeclaration(variables) => initial_value(variables, "main").is_some(),
        _ => false,
    }
}

fn parameters_of<'a, 'b>(statement: &'b Statement<'a>, name: &str) -> Option<&'b FormalParameters<'a>> {
    let declared = match statement {
        Statement::ExportDeclaration(export) => &export.declaration,
        other => other.as_declaration()?,
    };
    match declared {
        Declaration::FunctionDeclaration(function) => {
            // A function without a body is an overload's signature; the one with a body is called.
            let is_it = function.body.is_some() && function.id.as_ref().is_some_and(|id| id.name == name);
            is_it.then_some(&*function.params)
        }
        Declaration::VariableDeclaration(variables) => function_parameters(initial_value(variables, name)?),
        _ => None,
    }
}

fn initial_value<'a, 'b>(variables: &'b VariableDeclaration<'a>, name: &str) -> Option<&'b Expression<'a>> {
    let declarator = variables.declarations.iter().find(|declarator| match &declarator.id {
        BindingPattern::BindingIdentifier(identifier) => identifier.name == name,
        _ => false,
    })?;
    declarator.init.as_ref()
}

fn function_parameters<'a, 'b>(value: &'b Expression<'a>) -> Option<&'b FormalParameters<'a>> {
    match value.get_inner_expression() {
        Expression::ArrowFunctionExpression(function) => Some(&function.params),
        Expression::FunctionExpression(function) => Some(&function.params),
        _ => None,
    }
}

fn read(parameters: &FormalParameters<'_>) -> Vec<Parameter> {
    // `this` as a first parameter is only a type; oxc keeps it apart.
    let mut read: Vec<Parameter> = parameters
        .items
        .iter()
        .map(|item| name_of(&item.pattern).map_or(Parameter::Destructured, Parameter::Named))
        .collect();
    if let Some(name) = parameters.rest.as_ref().and_then(|rest| name_of(&rest.rest.argument)) {
        read.push(Parameter::Rest(name));
    }
    read
}

fn name_of(pattern: &BindingPattern<'_>) -> Option<String> {
    match pattern {
        BindingPattern::BindingIdentifier(identifier) => Some(identifier.name.to_string()),
        BindingPattern::AssignmentPattern(assignment) => name_of(&assignment.left),
        _ => None,
    }
}
