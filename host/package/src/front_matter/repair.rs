//! What authors commonly get wrong in YAML, mended line by line, each with what is said about it.

/// Keys whose text may begin with a sign that means something in YAML.
pub(super) const TEXTS: &[&str] =
    &["name", "description", "license", "compatibility", "title", "author", "when_to_use"];

const TAB: &str = "a tab indents this line, which YAML forbids; it is read as two spaces: write spaces";
const SPACE: &str = "YAML needs a space after `key:`; it is read as if there were one: write it";

/// Mends what authors commonly get wrong, line by line; the number of lines stays. Gives the changed
/// lines, from 0, each with the reason.
pub(super) fn repair(front: &str) -> (String, Vec<(usize, String)>) {
    let mut repairs = Vec::new();
    let mut mended: Vec<String> = Vec::new();
    let mut block = None;
    let all_glued = is_glued_throughout(front);
    let mut lines = front.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let line = spaces(line, at, &mut repairs);
        let indent = line.len() - line.trim_start().len();
        if block.is_some_and(|block| indent > block || line.trim().is_empty()) {
            mended.push(line);
            continue;
        }
        block = None;
        let Some(Entry { head, key, mut value, glued }) = entry(&line, all_glued) else {
            mended.push(line);
            continue;
        };
        if glued {
            let space = line.split_once(':').and_then(|(_, value)| odd_space(value.chars().next()?));
            let why = space.map_or_else(
                || SPACE.to_owned(),
                |name| {
                    format!("{name} stands after `{key}:`, where YAML needs a space; it is read as one: write a space")
                },
            );
            repairs.push((at, why));
        }
        if is_block(&value) {
            block = Some(indent);
            mended.push(format!("{head} {value}"));
            continue;
        }
        // A plain text goes on in the lines below that are indented more.
        let mut below = 0;
        let plain = !value.is_empty() && !value.starts_with(['"', '\'', '[', '{', '#']);
        while plain
            && let Some((_, next)) = lines.peek()
            && !next.trim().is_empty()
            && next.len() - next.trim_start().len() > indent
        {
            value.push(' ');
            value.push_str(next.trim());
            below += 1;
            lines.next();
        }
        if needs_quotes(&value, &key) {
            let why = format!("{}; it is read as a whole: put it in quotes", sign_of(&value));
            repairs.push((at, why));
            value = format!("'{}'", value.replace('\'', "''"));
        }
        mended.push(if value.is_empty() { head } else { format!("{head} {value}") });
        mended.extend(std::iter::repeat_n(String::new(), below));
    }
    (mended.join("\n") + "\n", repairs)
}

/// What YAML takes the text for.
fn sign_of(value: &str) -> String {
    let begins = |sign: &str, what: &str| format!("the text begins with `{sign}`, which {what} in YAML");
    match value.chars().next().unwrap_or_default() {
        '*' => begins("*", "refers to another value"),
        '&' => begins("&", "gives a value a name"),
        '!' => begins("!", "names a type"),
        '|' => begins("|", "begins a text of several lines"),
        '>' => begins(">", "begins a text of several lines"),
        '%' => begins("%", "begins a directive"),
        '@' => begins("@", "has no meaning"),
        '`' => "the text begins with a backtick (U+0060), which has no meaning in YAML".to_owned(),
        '{' if value.starts_with("{{") => begins("{{", "begins a map"),
        '{' => begins("{", "begins a map"),
        '[' => begins("[", "begins a list"),
        quote @ ('"' | '\'') => {
            format!("quotes (`{quote}`) stand around a part of the text, where YAML takes them for its end")
        }
        _ if value.starts_with("- ") => begins("- ", "begins a list"),
        _ => "the text has `: ` in it, which ends a key in YAML".to_owned(),
    }
}

/// Whether every key with a value on its line, and at least one, has no space after its `:`. Then an
/// author writes them so.
fn is_glued_throughout(front: &str) -> bool {
    let mut keys = front.lines().filter(|line| !line.starts_with(char::is_whitespace)).filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        (is_key(key) && !value.trim().is_empty()).then(|| is_glued(value))
    });
    keys.next().is_some_and(|first| first) && keys.all(|glued| glued)
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Whether what stands behind `key:` begins without a space. `https://host` is a text.
fn is_glued(value: &str) -> bool {
    !value.is_empty() && !value.starts_with([' ', '\t']) && !value.starts_with("//")
}

/// What a space is called that is none to YAML.
fn odd_space(sign: char) -> Option<String> {
    let name = match sign {
        '\u{a0}' => "a no-break space (U+00A0)".to_owned(),
        '\u{202f}' => "a narrow no-break space (U+202F)".to_owned(),
        '\u{3000}' => "an ideographic space (U+3000)".to_owned(),
        '\u{2007}' => "a figure space (U+2007)".to_owned(),
        other if other.is_whitespace() && !other.is_ascii() => {
            format!("a space of another width (U+{:04X})", u32::from(other))
        }
        _ => return None,
    };
    Some(name)
}

/// The line with its indentation in spaces.
fn spaces(line: &str, at: usize, repairs: &mut Vec<(usize, String)>) -> String {
    let text = line.trim_start();
    let indentation = &line[..line.len() - text.len()];
    if text.is_empty() || indentation.bytes().all(|byte| byte == b' ') {
        return line.to_owned();
    }
    let why = match indentation.chars().find_map(odd_space) {
        Some(name) => {
            format!("{name} indents this line, which YAML does not know; it is read as a space: write spaces")
        }
        None => TAB.to_owned(),
    };
    repairs.push((at, why));
    let plain: String = indentation.chars().map(|sign| if sign == '\t' { "  " } else { " " }).collect();
    format!("{plain}{text}")
}

pub(super) struct Entry {
    /// Up to and with `key:` or `-`.
    pub(super) head: String,
    /// Empty for an entry of a list.
    pub(super) key: String,
    pub(super) value: String,
    /// Whether the space after `key:` is missing.
    pub(super) glued: bool,
}

/// A line `key: value` or `- value`. A key without a space behind it is one where no text may go on, at
/// the beginning of a line, or where all are written so.
pub(super) fn entry(line: &str, all_glued: bool) -> Option<Entry> {
    let text = line.trim_start();
    let indentation = &line[..line.len() - text.len()];
    if text.starts_with('#') {
        return None;
    }
    if let Some(value) = text.strip_prefix("- ") {
        let head = format!("{indentation}-");
        return Some(Entry { head, key: String::new(), value: value.trim().to_owned(), glued: false });
    }
    let (key, value) = text.split_once(':')?;
    let glued = is_glued(value);
    let may_be = !value.starts_with("//") && (!glued || indentation.is_empty() || all_glued);
    if !is_key(key) || !may_be {
        return None;
    }
    let head = format!("{indentation}{key}:");
    Some(Entry { head, key: key.to_owned(), value: value.trim().to_owned(), glued })
}

pub(super) fn is_block(value: &str) -> bool {
    value.strip_prefix(['|', '>']).is_some_and(|rest| {
        let rest = rest.split('#').next().unwrap_or_default().trim();
        rest.chars().all(|c| "+-0123456789".contains(c))
    })
}

/// Whether a value is no YAML as it stands, and is one text in quotes.
fn needs_quotes(value: &str, key: &str) -> bool {
    let Some(first) = value.chars().next() else { return false };
    let last = value.chars().next_back();
    match first {
        // Quotes around a part of the text only. One that is never closed is a mistake of another kind.
        '"' | '\'' => {
            // Quotes within the text are written as `\"`, and as `''`.
            let inside = value.get(1..value.len() - 1).unwrap_or_default();
            let inside = inside.replace(if first == '"' { "\\\"" } else { "''" }, "");
            value.matches(first).count() > 1 && (last != Some(first) || inside.contains(first))
        }
        '[' => TEXTS.contains(&key) && value.contains(']') && last != Some(']'),
        '{' if value.starts_with("{{") => value.contains("}}"),
        '{' => TEXTS.contains(&key) && value.contains('}') && last != Some('}'),
        // What has a name is refused, so that nothing can be referred to.
        '@' | '`' | '%' | '*' => true,
        '&' | '!' | '|' | '>' => TEXTS.contains(&key),
        // `- x: y` is a map, which the list decides about; `- x: y: z` is nothing.
        _ if key.is_empty() => value.matches(": ").count() > 1,
        _ => value.contains(": ") || value.contains(":\t") || value.ends_with(':') || value.starts_with("- "),
    }
}
