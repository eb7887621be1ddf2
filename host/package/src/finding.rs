//! What is wrong with a package: all of it at once, each with the file and the line where there is one.

use std::fmt;

use serde::Serialize;

/// Whether a finding stops the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The package is refused.
    Error,
    /// The package is accepted.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable, kebab-case.
    pub code: &'static str,
    /// Whether it stops the package.
    pub severity: Severity,
    /// The file, by its path in the package.
    pub file: Option<String>,
    /// The line of the file, from 1.
    pub line: Option<u32>,
    /// The thing, the reason, and the next step.
    pub message: String,
}

impl Finding {
    /// A finding that stops the package.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, file: None, line: None, message: message.into() }
    }

    /// A finding that does not stop it.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Whether it stops the package.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// With its place.
    #[must_use]
    pub fn at(mut self, file: &str, line: Option<u32>) -> Self {
        self.file = Some(file.to_owned());
        self.line = line;
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}

/// Why a package is refused. Holds at least one error, and the warnings beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Refuses where there is an error; otherwise gives the warnings.
    pub(crate) fn check(findings: Vec<Finding>) -> Result<Vec<Finding>, Self> {
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            Err(Self(findings))
        } else {
            Ok(findings)
        }
    }
}

impl From<Finding> for Findings {
    fn from(finding: Finding) -> Self {
        Self(vec![finding])
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}
