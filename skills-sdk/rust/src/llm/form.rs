//! Checks of a model's text by itself: that it is plain, and that it is a text at all.

use super::Checked;

/// Whether it is free of links but these, of images, of HTML and of code blocks: what a text shown as Markdown could hide something in.
///
/// # Errors
/// What it holds.
pub fn plain(text: &str, allowed_links: &[&str]) -> Checked {
    if text.contains("](") || text.contains("![") || text.contains("```") {
        return Err("it holds a Markdown link, image or code block".to_owned());
    }
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '<' && letters.peek().is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!')) {
            return Err("it holds HTML".to_owned());
        }
    }
    for word in text.split_whitespace() {
        let word = word.trim_matches(['(', ')', '[', ']', '"', '\'', '“', '”', '.', ',', ';', ':', '!', '?', '*', '_']);
        let lower = word.to_lowercase();
        let is_link = lower.contains("://") || lower.starts_with("www.") || lower.starts_with("mailto:");
        if is_link && !allowed_links.contains(&word) {
            return Err("it holds a link that nobody gave".to_owned());
        }
    }
    Ok(())
}

/// Whether it is a text, and not the model's apology for having none.
///
/// # Errors
/// That it is a refusal.
pub fn no_refusal(text: &str) -> Checked {
    const BEGINNINGS: &[&str] = &[
        "i'm sorry",
        "i am sorry",
        "sorry, i",
        "sorry, but",
        "i can't help",
        "i can't assist",
        "i can't write",
        "i can't create",
        "i can't provide",
        "i can't comply",
        "i can't do",
        "i won't",
        "i'm unable",
        "i am unable",
        "i'm not able",
        "i am not able",
        "unfortunately, i",
        "as an ai",
        "as a language model",
    ];
    let lower = text.to_lowercase().replace('’', "'").replace("cannot", "can't").replace("can not", "can't");
    if BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning)) {
        return Err("the model refused in words".to_owned());
    }
    Ok(())
}

/// Whether it is one paragraph.
///
/// # Errors
/// That it has more lines.
pub fn one_paragraph(text: &str) -> Checked {
    if text.contains('\n') { Err("it has more than one paragraph".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_images_and_html_are_found() {
        let given = "https://a.example/b";
        assert_eq!(plain("See https://a.example/b. I <3 it; 1 < 2", &[given]), Ok(()));
        for text in [
            "See https://b.example",
            "see WWW.b.example",
            "![x](y)",
            "[x](y)",
            "<img src=x>",
            "a </p>",
            "mailto:a@b.c",
            "```\nx\n```",
            "https://a.example/b?q=secret",
        ] {
            assert!(plain(text, &[given]).is_err(), "{text}");
        }
    }

    #[test]
    fn refusals_and_paragraphs() {
        assert!(no_refusal("I’m sorry, but I can't write about that.").is_err());
        assert!(no_refusal("As an AI, I have no opinion.").is_err());
        assert!(no_refusal("I cannot help with this request.").is_err());
        assert_eq!(no_refusal("I can't wait for spring!"), Ok(()));
        assert_eq!(no_refusal("Bees are sorry to see you go."), Ok(()));
        assert!(one_paragraph("a\n\nb").is_err());
        assert_eq!(one_paragraph("a b"), Ok(()));
    }
}
