//! Values of YAML as authors mean them: texts, tools, versions.

use serde_json::Value;

/// A value that is one text: `yes`, `7` and `true` are what they look like.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// `- Plan my day: work first` is a map to YAML, and a sentence to its author: its key has spaces.
pub(super) fn sentence_with_colon(item: &Value) -> Option<String> {
    let members = item.as_object().filter(|members| members.len() == 1)?;
    let (key, value) = members.iter().next()?;
    let value = as_text(value)?;
    key.trim().contains(' ').then(|| format!("{}: {value}", key.trim()))
}

/// Tools in one text, separated by spaces or commas; not within the brackets of `Bash(git add *)`.
pub(super) fn split_tools(text: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let parts = text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == ' ' || c == ',')
    });
    parts.filter(|tool| !tool.is_empty()).map(str::to_owned).collect()
}

/// The version in a text; with what is strange about the text.
pub(super) fn version_of(text: &str) -> Result<(semver::Version, Option<&'static str>), semver::Error> {
    let text = text.trim();
    let broken = match text.parse() {
        Ok(version) => return Ok((version, None)),
        Err(broken) => broken,
    };
    let plain = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let is_date = {
        let parts: Vec<&str> = plain.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        lengths == [4, 2, 2] && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let plain = if is_date { plain.replace('-', ".") } else { plain.to_owned() };
    let (core, suffix) = plain.split_at(plain.find(['-', '+']).unwrap_or(plain.len()));
    let numbers: Option<Vec<u64>> = core.split('.').map(|part| part.parse().ok()).collect();
    let Some(numbers) = numbers else { return Err(broken) };
    let (core, rest) = numbers.split_at(numbers.len().min(3));
    let number = |at: usize| core.get(at).copied().unwrap_or(0);
    let mut full = format!("{}.{}.{}{suffix}", number(0), number(1), number(2));
    if !rest.is_empty() {
        let rest: Vec<String> = rest.iter().map(u64::to_string).collect();
        full.push_str(if suffix.contains('+') { "." } else { "+" });
        full.push_str(&rest.join("."));
    }
    let version = full.parse().map_err(|_| broken)?;
    // `1.0` is 1.0.0 to everybody.
    let note = if !rest.is_empty() {
        Some("whose numbers behind the third have no order in semantic versions (write three of them),")
    } else {
        is_date.then_some("which is no semantic version,")
    };
    Ok((version, note))
}
