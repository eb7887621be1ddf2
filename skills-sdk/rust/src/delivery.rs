//! Ways of delivery that a user may name and the host does not have: e-mail, SMS, Slack and their like. An answer that
//! keeps silent about one lets the user wait for a message that never comes.

/// A way of delivery that does not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingChannel {
    /// What it is called, with its article: `an e-mail`.
    pub name: &'static str,
}

impl MissingChannel {
    /// The sentence for an answer: what does not happen, and what does instead.
    pub fn sentence(self) -> String {
        format!("I cannot send {}: results come as messages here.", self.name)
    }
}

const EMAIL: &str = "an e-mail";
const SMS: &str = "a text message";
const PUSH: &str = "a push notification";
const PHONE: &str = "a phone call";

/// Words that name a channel, in lower case, with what it is called.
const CHANNELS: &[(&str, &str)] = &[
    ("email", EMAIL),
    ("emails", EMAIL),
    ("mail", EMAIL),
    ("mails", EMAIL),
    ("inbox", EMAIL),
    ("mailbox", EMAIL),
    ("sms", SMS),
    ("text", SMS),
    ("texts", SMS),
    ("mms", SMS),
    ("imessage", SMS),
    ("whatsapp", "a WhatsApp message"),
    ("slack", "a Slack message"),
    ("telegram", "a Telegram message"),
    ("signal", "a Signal message"),
    ("teams", "a Teams message"),
    ("discord", "a Discord message"),
    ("messenger", "a Messenger message"),
    ("wechat", "a WeChat message"),
    ("push", PUSH),
    ("pushover", PUSH),
    ("phone", PHONE),
    ("telephone", PHONE),
    ("call", PHONE),
    ("voicemail", PHONE),
    ("fax", "a fax"),
    ("pager", "a page"),
    ("letter", "a letter"),
    ("post", "a letter"),
];

/// Channels that are common words too: they count only beside words that leave no doubt.
const COMMON: &[&str] = &["text", "texts", "push", "call", "letter", "post", "signal", "teams"];
/// Channels that are verbs: "email me", "text it to me".
const VERBS: &[&str] =
    &["email", "mail", "text", "sms", "whatsapp", "slack", "telegram", "phone", "fax", "call", "ring", "dm"];
const PERSONS: &[&str] = &["me", "us", "him", "her", "them", "everyone", "everybody", "somebody", "someone"];
const SENDING: &[&str] = &[
    "send",
    "sends",
    "sending",
    "sent",
    "forward",
    "deliver",
    "delivered",
    "give",
    "drop",
    "shoot",
    "get",
    "receive",
    "want",
    "need",
    "notify",
    "notified",
    "alert",
    "remind",
    "reminded",
    "ping",
    "message",
    "tell",
    "inform",
    "report",
    "share",
    "reach",
    "update",
    "know",
    "contact",
];

/// The way of delivery that a request names and that does not exist, if it names one.
///
/// It reads English. A post or report *about* e-mail names none.
pub fn missing_channel(text: &str) -> Option<MissingChannel> {
    let plain = text.to_lowercase().replace("e-mail", "email").replace("whats app", "whatsapp");
    let plain = plain.replace("microsoft teams", "teams");
    let words: Vec<&str> = plain
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '@' | '.' | '-' | '+' | '_')))
        .map(|word| word.trim_matches(['.', '-']))
        .filter(|word| !word.is_empty())
        .collect();
    let name = (0..words.len()).find_map(|at| {
        as_verb(&words, at)
            .or_else(|| as_object(&words, at))
            .or_else(|| as_way(&words, at))
            .or_else(|| address(&words, at))
    })?;
    Some(MissingChannel { name })
}

fn named(word: &str) -> Option<&'static str> {
    CHANNELS.iter().find(|(known, _)| *known == word).map(|(_, name)| *name)
}

fn word<'a>(words: &[&'a str], at: usize) -> &'a str {
    words.get(at).copied().unwrap_or_default()
}

/// "email me", "text it to me", "call me at 9".
fn as_verb(words: &[&str], at: usize) -> Option<&'static str> {
    let verb = words[at];
    if !VERBS.contains(&verb) {
        return None;
    }
    let next = word(words, at + 1);
    let after = word(words, at + 2);
    if verb == "call" || verb == "ring" {
        // "Call me Ada" gives a name.
        const TIMES: &[&str] = &[
            "at",
            "when",
            "on",
            "back",
            "tomorrow",
            "every",
            "if",
            "today",
            "tonight",
            "before",
            "after",
            "in",
            "once",
            "as",
            "daily",
            "by",
            "to",
            "with",
            "about",
            "whenever",
            "immediately",
        ];
        return (PERSONS.contains(&next) && (TIMES.contains(&after) || (verb == "ring" && after.is_empty())))
            .then_some(PHONE);
    }
    let to_person = |from: usize| {
        words[from.min(words.len())..].iter().take(6).collect::<Vec<_>>().windows(2).any(|pair| {
            *pair[0] == "to"
                && (PERSONS.contains(pair[1]) || *pair[1] == "my" || *pair[1] == "our" || pair[1].contains('@'))
        })
    };
    let is_clause = at == 0
        || matches!(
            words[at - 1],
            "and"
                | "then"
                | "please"
                | "to"
                | "you"
                | "also"
                | "or"
                | "just"
                | "but"
                | "day"
                | "morning"
                | "week"
                | "evening"
                | "monday"
                | "tuesday"
                | "wednesday"
                | "thursday"
                | "friday"
                | "saturday"
                | "sunday"
        )
        || words[at - 1].starts_with(|c: char| c.is_ascii_digit());
    let is_aimed = PERSONS.contains(&next)
        || next.contains('@')
        || (matches!(next, "it" | "this" | "that" | "the" | "my" | "a" | "these" | "those") && to_person(at + 1));
    let name = if verb == "dm" { "a direct message" } else { named(verb)? };
    (is_clause && is_aimed && after != "marketing").then_some(name)
}

/// "send me an email", "get a text message", "send a Slack message to the team".
fn as_object(words: &[&str], at: usize) -> Option<&'static str> {
    let verb = words[at];
    if !SENDING.contains(&verb) {
        return None;
    }
    let mut next = at + 1;
    let has_person = PERSONS.contains(&word(words, next));
    next += usize::from(has_person);
    let has_article = matches!(word(words, next), "a" | "an" | "the" | "my" | "our" | "one" | "another");
    next += usize::from(has_article);
    const ADJECTIVES: &[&str] = &[
        "daily",
        "weekly",
        "monthly",
        "short",
        "quick",
        "brief",
        "regular",
        "summary",
        "little",
        "reminder",
        "follow-up",
        "confirmation",
        "nice",
        "single",
    ];
    next += usize::from(ADJECTIVES.contains(&word(words, next)));
    let channel = word(words, next);
    let after = word(words, next + 1);
    let is_message =
        matches!(after, "message" | "messages" | "notification" | "notifications" | "alert" | "alerts" | "call");
    // "send the text of the post" sends words; "a push" is one of many things.
    let is_clear = match channel {
        "text" | "texts" | "push" | "signal" | "teams" => {
            is_message
                || (channel != "teams"
                    && has_person
                    && has_article
                    && matches!(after, "" | "when" | "every" | "at" | "if" | "on" | "in" | "with" | "tomorrow"))
        }
        "call" => has_person && has_article && verb == "give",
        "phone" | "telephone" => after == "call",
        "post" => false,
        "letter" => has_person,
        _ => has_person || has_article,
    };
    is_clear.then(|| named(channel)).flatten()
}

/// "by email", "via Slack", "to my phone", "on WhatsApp".
fn as_way(words: &[&str], at: usize) -> Option<&'static str> {
    let way = words[at];
    let by = matches!(way, "by" | "via" | "through" | "over" | "per" | "as" | "using");
    let to = matches!(way, "to" | "on" | "in" | "into" | "with");
    if !by && !to {
        return None;
    }
    // A post about something "by email" says nothing of its delivery, unless it is to be sent.
    let sends = words[..at].iter().any(|word| SENDING.contains(word));
    let mut next = at + 1;
    let article = word(words, next);
    let has_own = matches!(article, "my" | "our");
    next += usize::from(has_own || matches!(article, "a" | "an" | "the"));
    let channel = word(words, next);
    let after = word(words, next + 1);
    let is_message = matches!(after, "message" | "messages" | "notification" | "notifications" | "alert");
    let is_clear = !COMMON.contains(&channel)
        || is_message
        || (by
            && matches!(channel, "text" | "push" | "letter")
            && matches!(after, "" | "every" | "at" | "when" | "on" | "tomorrow"))
        || (by && channel == "teams");
    let is_place = by
        || (way == "with" && is_message)
        || (has_own && way != "with")
        || matches!(channel, "slack" | "whatsapp" | "telegram" | "discord" | "inbox");
    let ends_well = !matches!(after, "marketing" | "campaign" | "campaigns" | "list" | "address" | "open" | "opens");
    (sends && is_clear && is_place && ends_well).then(|| named(channel)).flatten()
}

/// "send it to ada@example.com".
fn address(words: &[&str], at: usize) -> Option<&'static str> {
    let (user, server) = words[at].split_once('@')?;
    let is_address = !user.is_empty() && server.contains('.') && !server.contains('@');
    let is_verb = |verb: usize| {
        let before = verb.checked_sub(1).map(|before| words[before]);
        VERBS.contains(&words[verb]) && !matches!(before, Some("my" | "our" | "the" | "an" | "a" | "his" | "her"))
    };
    let sends = (0..at).any(|before| SENDING.contains(&words[before]) || is_verb(before));
    (is_address && sends).then_some(EMAIL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_that_do_not_exist_are_noticed() {
        for (text, name) in [
            ("send me an email every morning", EMAIL),
            ("Send me an e-mail every morning at 8", EMAIL),
            ("send me emails every day", EMAIL),
            ("email me the analytics report every Monday at 9", EMAIL),
            ("every Monday at 9 email me the report", EMAIL),
            ("E-mail the report to me every Friday", EMAIL),
            ("run the analytics report and mail it to me", EMAIL),
            ("mail it to my boss", EMAIL),
            ("send the report by email every Monday", EMAIL),
            ("I want the report as an email", EMAIL),
            ("send it to ada@example.com", EMAIL),
            ("send the weekly report to my inbox", EMAIL),
            ("Every day at 9 send an email to the team", EMAIL),
            ("can you send me a daily email", EMAIL),
            ("text me when it is done", SMS),
            ("send me a text every morning", SMS),
            ("send me a text message at 9", SMS),
            ("Send an SMS to our customers", SMS),
            ("notify me by SMS when a post is due", SMS),
            ("let me know via text message", SMS),
            ("message me on WhatsApp every Monday", "a WhatsApp message"),
            ("whatsapp me the numbers", "a WhatsApp message"),
            ("send a Slack message every Friday", "a Slack message"),
            ("ping me on Slack when it is done", "a Slack message"),
            ("send the report to our Slack channel", "a Slack message"),
            ("report via Telegram", "a Telegram message"),
            ("send me a push notification tomorrow at 9", PUSH),
            ("alert me with a push notification", PUSH),
            ("call me at 9 tomorrow", PHONE),
            ("give me a call when the report is done", PHONE),
            ("remind me by phone", PHONE),
            ("send it by fax", "a fax"),
            ("notify me through Microsoft Teams", "a Teams message"),
        ] {
            assert_eq!(missing_channel(text).map(|channel| channel.name), Some(name), "{text}");
        }
    }

    #[test]
    fn words_that_only_look_like_channels_are_left_alone() {
        for text in [
            "Create a Twitter post about email marketing",
            "write a post about Slack",
            "write a tweet about text messages and calls",
            "make the text shorter",
            "call me Ada",
            "please call me Bo",
            "send me a message every morning",
            "send me the report every Monday",
            "how many emails did we send last week?",
            "analyze the attached emails.csv",
            "show me the text of the post",
            "send me the text of the post",
            "push the post to Friday",
            "Create a LinkedIn post about our SMS campaign and schedule it for tomorrow",
            "write a post about how our teams work",
            "post it on Friday",
            "my email is ada@example.com",
            "make a report of the clicks of our email campaigns",
            "get the open rate of the mail campaign",
            "in the post, mention our phone number",
            "every Monday at 9 run the analytics report",
            "",
        ] {
            assert_eq!(missing_channel(text), None, "{text}");
        }
    }
}
