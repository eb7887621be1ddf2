//! TypeScript to JavaScript: checks the syntax, takes the types out, and remembers where each piece came from.
//!
//! Types are removed, never checked: a script with wrong types runs, as it does on Windmill.

use std::path::{Path, PathBuf};

use oxc_allocator::Allocator;
use oxc_ast::ast::{Program, Statement, StringLiteral};
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_diagnostics::{OxcDiagnostic, Severity};
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;
use oxc_transformer::{TransformOptions, Transformer};

use crate::error::ScriptError;
use crate::path;
use crate::signature::{self, Parameter};
use crate::unsupported;

/// Largest source of one script, in bytes. Far above what people write, far below what would exhaust the sandbox's memory.
pub(crate) const MAX_SOURCE_BYTES: usize = 512 * 1024;

/// Where a piece of the JavaScript came from. Lines and columns are counted from 0; lists of these are sorted by `generated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mapping {
    /// Line and column in the JavaScript.
    pub(crate) generated: (u32, u32),
    /// Line and column in the TypeScript.
    pub(crate) original: (u32, u32),
}

/// A script, ready for the interpreter.
pub(crate) struct Compiled {
    /// JavaScript, an ES module.
    pub(crate) code: String,
    /// From positions in `code` to positions in the source.
    pub(crate) positions: Vec<Mapping>,
    /// The parameters of the exported `main`, if there is one.
    pub(crate) main: Option<Vec<Parameter>>,
}

/// Compiles the script called `script_path`.
///
/// # Errors
/// `SyntaxError`, `ImportError` or `SourceTooLarge`, with the line where there is one.
pub(crate) fn compile(script_path: &str, source: &str) -> Result<Compiled, ScriptError> {
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!(
            "the script has {} bytes; at most {MAX_SOURCE_BYTES} are allowed. Split it, or pass data as arguments",
            source.len()
        );
        return Err(ScriptError::new("SourceTooLarge", message));
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, SourceType::ts()).parse();
    reject(script_path, source, &parsed.diagnostics)?;
    let mut program = parsed.program;

    let semantic = SemanticBuilder::new().with_check_syntax_error(true).with_enum_eval(true).build(&program);
    reject(script_path, source, &semantic.diagnostics)?;
    if let Some((span, what)) = unsupported::find(&program) {
        let (line, column) = line_and_column(source, span.start as usize);
        return Err(ScriptError::new("SyntaxError", format!("{script_path}:{line}:{column}: {what}")).at_line(line));
    }
    let main = signature::of_main(&program);

    let file = PathBuf::from(format!("{script_path}.ts"));
    let options = TransformOptions::default();
    let transformed = Transformer::new(&allocator, &file, &options)
        .build_with_scoping(semantic.semantic.into_scoping(), &mut program);
    reject(script_path, source, &transformed.diagnostics)?;
    // Only now: imports that were used as types alone are gone, and need not exist.
    check_imports(script_path, source, &program)?;

    let printed = Codegen::new().with_options(printing(&file)).build(&program);
    let mut positions: Vec<Mapping> = Vec::new();
    if let Some(map) = &printed.map {
        positions.extend(map.get_tokens().map(|token| Mapping {
            generated: (token.get_dst_line(), token.get_dst_col()),
            original: (token.get_src_line(), token.get_src_col()),
        }));
        positions.sort_unstable();
    }
    Ok(Compiled { code: printed.code, positions, main })
}

fn printing(file: &Path) -> CodegenOptions {
    CodegenOptions { source_map_path: Some(file.to_owned()), ..CodegenOptions::default() }
}

/// The first error among `diagnostics`, as the author should see it.
fn reject<'d>(
    script_path: &str,
    source: &str,
    diagnostics: impl IntoIterator<Item = &'d OxcDiagnostic>,
) -> Result<(), ScriptError> {
    let Some(diagnostic) = diagnostics.into_iter().find(|diagnostic| diagnostic.severity == Severity::Error) else {
        return Ok(());
    };
    let mut message = diagnostic.message.to_string();
    if let Some(help) = &diagnostic.help {
        message = format!("{message} ({help})");
    }
    let Some(label) = diagnostic.labels.first() else {
        return Err(ScriptError::new("SyntaxError", format!("{script_path}: {message}")));
    };
    let (line, column) = line_and_column(source, label.offset() as usize);
    Err(ScriptError::new("SyntaxError", format!("{script_path}:{line}:{column}: {message}")).at_line(line))
}

fn check_imports(script_path: &str, source: &str, program: &Program<'_>) -> Result<(), ScriptError> {
    for statement in &program.body {
        if let Some(specifier) = imported(statement)
            && let Err(message) = path::resolve(specifier.value.as_str(), script_path)
        {
            let (line, column) = line_and_column(source, specifier.span.start as usize);
            return Err(
                ScriptError::new("ImportError", format!("{script_path}:{line}:{column}: {message}")).at_line(line)
            );
        }
    }
    Ok(())
}

fn imported<'a, 'b>(statement: &'b Statement<'a>) -> Option<&'b StringLiteral<'a>> {
    match statement {
        Statement::ImportDeclaration(import) => Some(&import.source),
        Statement::ExportAllDeclaration(export) => Some(&export.source),
        Statement::ExportFromDeclaration(export) => Some(&export.source),
        _ => None,
    }
}

/// Line and column of a byte, both counted from 1, the column in characters.
fn line_and_column(source: &str, byte: usize) -> (u32, u32) {
    let before = source.get(..byte).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    // Both are bounded by MAX_SOURCE_BYTES.
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}
