//! The forms in which a request names a way of delivery. Each looks at the word at one place and at its neighbours.

use super::channels::{
    COMMON, NOTIFYING, PERSONS, PUTTING, SENDING, VERBS, channel, is_name, is_other, is_platform, may_be_way,
    may_carry_messages, message_of, store,
};
use super::sources::{brings, is_source};

/// How many words before a way are read, so that a long text takes no more than its length in time.
const MAX_BEFORE: usize = 32;

fn word<'a>(words: &[&'a str], at: usize) -> &'a str {
    words.get(at).copied().unwrap_or_default()
}

/// "email me", "text it to me", "call me at 9".
pub(super) fn as_verb(words: &[&str], said: &[String], at: usize) -> Option<String> {
    let verb = words[at];
    let next = word(words, at + 1);
    let after = word(words, at + 2);
    if let Some(name) = by_verb(words, said, at) {
        return Some(name);
    }
    if !VERBS.contains(&verb) {
        return None;
    }
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
            .then(|| channel("phone"))
            .flatten();
    }
    let to_person = |from: usize| {
        words[from.min(words.len())..].iter().take(6).collect::<Vec<_>>().windows(2).any(|pair| {
            *pair[0] == "to"
                && (PERSONS.contains(pair[1]) || *pair[1] == "my" || *pair[1] == "our" || pair[1].contains('@'))
        })
    };
    let is_aimed = PERSONS.contains(&next)
        || next.contains('@')
        || (matches!(next, "it" | "this" | "that" | "the" | "my" | "a" | "these" | "those") && to_person(at + 1));
    let name = if verb == "dm" { "a direct message".to_owned() } else { channel(verb)? };
    (is_order(words, at) && is_aimed && after != "marketing").then_some(name)
}

/// Whether the verb at this place begins an order.
fn is_order(words: &[&str], at: usize) -> bool {
    at == 0
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
        || words[at - 1].starts_with(|c: char| c.is_ascii_digit())
}

/// "text me on Signal", "page the team on PagerDuty", "text the report to me via Zello".
fn by_verb(words: &[&str], said: &[String], at: usize) -> Option<String> {
    const SUBJECTS: &[&str] = &[
        "they",
        "people",
        "users",
        "customers",
        "clients",
        "who",
        "that",
        "i",
        "we",
        "friends",
        "he",
        "she",
        "not",
        "don",
        "t",
        "never",
        "to",
        "the",
        "a",
        "an",
        "my",
        "our",
        "this",
        "your",
    ];
    let verb = words[at];
    let is_verb = VERBS.contains(&verb) || NOTIFYING.contains(&verb);
    let before = at.checked_sub(1).map_or("", |before| words[before]);
    let aims =
        |word: &str| PERSONS.contains(&word) || matches!(word, "the" | "my" | "our" | "it" | "this" | "everyone");
    if !is_verb || !aims(word(words, at + 1)) || (SUBJECTS.contains(&before) && !is_order(words, at)) {
        return None;
    }
    let has_person = PERSONS.contains(&word(words, at + 1));
    // Behind a person the way follows; behind a thing or a team, after a few words.
    let most = if has_person { at + 3 } else { at + 7 };
    let is_way = |word: &str| matches!(word, "on" | "via" | "over" | "through" | "in" | "using");
    let way = (at + 2..most.min(words.len())).find(|at| is_way(words[*at]))?;
    named_way(words, said, way + 1)
}

/// The way behind "text me on …": a channel, or a name that no list knows and that is no time.
fn named_way(words: &[&str], said: &[String], at: usize) -> Option<String> {
    let at = at + usize::from(matches!(word(words, at), "my" | "our" | "the"));
    let name = word(words, at);
    let is_written = is_other(name) || said.get(at).is_some_and(|said| is_name(said));
    let ends = matches!(
        word(words, at + 1),
        "" | "every"
            | "when"
            | "whenever"
            | "if"
            | "at"
            | "as"
            | "once"
            | "and"
            | "please"
            | "tomorrow"
            | "today"
            | "about"
            | "with"
            | "daily"
            | "weekly"
            | "instead"
            | "each"
            | "now"
            | "that"
            | "the"
            | "before"
            | "after"
            | "in"
            | "on"
    );
    if channel(name).is_some() {
        return ((!COMMON.contains(&name) || ends || is_message_word(word(words, at + 1)))
            && (!matches!(name, "call" | "text" | "texts" | "line" | "post" | "letter") || is_written))
            .then(|| channel(name))
            .flatten();
    }
    (is_written && ends && (may_be_way(name) || is_platform(name))).then(|| message_of(&said[at]))
}

fn is_message_word(word: &str) -> bool {
    matches!(word, "message" | "messages" | "notification" | "notifications" | "alert" | "channel")
}

/// "send me an email", "get a text message", "send a Slack message to the team".
pub(super) fn as_object(words: &[&str], said: &[String], at: usize) -> Option<String> {
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
    let way = word(words, next);
    let after = word(words, next + 1);
    let is_message =
        matches!(after, "message" | "messages" | "notification" | "notifications" | "alert" | "alerts" | "call");
    // "send the text of the post" sends words; "a push" is one of many things.
    if is_message && channel(way).is_none() && may_carry_messages(way, &said[next]) {
        return (is_verb_of_messages(verb) && (has_person || has_article)).then(|| message_of(&said[next]));
    }
    let is_clear = match way {
        "text" | "texts" | "push" | "signal" | "teams" | "line" | "matrix" | "zoom" | "outlook" => {
            is_message
                || (matches!(way, "text" | "texts" | "push" | "signal")
                    && has_person
                    && has_article
                    && matches!(after, "" | "when" | "every" | "at" | "if" | "on" | "in" | "with" | "tomorrow"))
        }
        "call" => has_person && has_article && verb == "give",
        "phone" | "telephone" => after == "call",
        "post" | "page" => false,
        "letter" => has_person,
        _ => has_person || has_article,
    };
    is_clear.then(|| channel(way)).flatten()
}

/// "by email", "via Slack", "to my phone", "on WhatsApp".
pub(super) fn as_way(words: &[&str], said: &[String], at: usize) -> Option<String> {
    let way = words[at];
    let by = matches!(way, "by" | "via" | "through" | "over" | "per" | "as" | "using");
    let to = matches!(way, "to" | "on" | "in" | "into" | "with");
    if !by && !to {
        return None;
    }
    let after_article = at + 1 + usize::from(matches!(word(words, at + 1), "my" | "our" | "a" | "an" | "the"));
    let candidate = word(words, after_article);
    let may_be_unknown = matches!(way, "via" | "with")
        || is_other(candidate)
        || said.get(after_article).is_some_and(|said| is_name(said));
    if channel(candidate).is_none() && (!may_be_unknown || (!may_be_way(candidate) && !is_platform(candidate))) {
        return None;
    }
    // A post about something "by email" says nothing of its delivery, unless it is to be sent.
    let before = &words[at.saturating_sub(MAX_BEFORE)..at];
    let has = |verbs: &[&str]| before.iter().any(|word| verbs.contains(word));
    let puts = has(PUTTING)
        && before.iter().any(|word| matches!(*word, "it" | "this" | "that" | "report" | "results" | "them"))
        || before.windows(2).any(|pair| pair[0] == "post" && matches!(pair[1], "it" | "this" | "that" | "them"));
    // "Tell me about sales on Telegram" asks for sales; "notify me about posts on Slack" says where.
    // "Remind me to call Ada on Skype": that is what the user does.
    let is_task = before.windows(3).any(|three| three[0] == "remind" && three[2] == "to");
    let is_topic = to && (is_task || (before.contains(&"about") && !has(NOTIFYING)));
    let sends = (has(SENDING) || puts || has(&["write"])) && !is_topic && !is_source(before);
    let has_own = matches!(word(words, at + 1), "my" | "our");
    let (next, name) = (after_article, candidate);
    let after = word(words, next + 1);
    let is_message = matches!(after, "message" | "messages" | "notification" | "notifications" | "alert");
    let is_clear = !COMMON.contains(&name)
        || is_message
        || (by
            && matches!(name, "text" | "push" | "letter")
            && matches!(after, "" | "every" | "at" | "when" | "on" | "tomorrow"))
        || (by && matches!(name, "teams" | "line" | "matrix" | "zoom" | "outlook" | "signal"))
        // "Send me the numbers on Signal", at the end.
        || (matches!(name, "signal" | "teams" | "zoom")
            && said.get(next).is_some_and(|said| is_name(said))
            && matches!(after, "" | "every" | "when" | "at" | "if" | "tomorrow" | "please"));
    let is_place = by
        || (way == "with" && is_message)
        || (has_own && way != "with")
        || is_service(name)
        || (is_clear && matches!(name, "signal" | "teams" | "zoom"));
    let ends_well = !matches!(after, "marketing" | "campaign" | "campaigns" | "list" | "address" | "open" | "opens");
    if sends && channel(name).is_none() && brings(before, name) {
        let is_named = is_other(name) || said.get(next).is_some_and(|said| is_name(said));
        let is_messaging =
            before.iter().any(|word| NOTIFYING.contains(word)) && before.iter().any(|word| PERSONS.contains(word));
        let is_unknown_way = match way {
            "via" => may_be_way(name),
            // "Notify me by Zello"; posts "by Ada" are hers.
            "by" => is_named && may_be_way(name) && at > 0 && PERSONS.contains(&words[at - 1]),
            "through" | "over" | "using" => is_named && may_be_way(name) && !name.contains(char::is_numeric),
            // "Update me on Apollo" names a topic; "message me on Zello" names a way.
            "on" => {
                at > 0
                    && PERSONS.contains(&words[at - 1])
                    && is_named
                    && is_messaging
                    && (may_be_way(name) || is_platform(name))
                    && !before.contains(&"about")
            }
            "with" => is_message && is_messaging && may_carry_messages(name, &said[next]),
            _ => false,
        };
        return is_unknown_way.then(|| message_of(&said[next]));
    }
    // A line, a matrix and a zoom are common things: as names they have a capital letter.
    let is_written =
        !matches!(name, "line" | "matrix" | "zoom" | "outlook") || said.get(next).is_some_and(|said| is_name(said));
    let is_messenger_at_end = to && is_written && matches!(name, "line" | "matrix" | "zoom") && has(NOTIFYING);
    (sends && (is_clear && is_place || is_messenger_at_end) && is_written && ends_well).then(|| channel(name)).flatten()
}

/// Whether the channel is a service with a place of its own: "on Slack", "in Discord".
fn is_service(name: &str) -> bool {
    const SERVICES: &[&str] = &[
        "slack",
        "whatsapp",
        "telegram",
        "discord",
        "inbox",
        "viber",
        "threema",
        "mattermost",
        "skype",
        "google chat",
        "google hangouts",
        "zulip",
        "wechat",
        "kakaotalk",
        "messenger",
        "snapchat",
        "webex",
        "rocket.chat",
        "rocket chat",
        "facetime",
    ];
    SERVICES.contains(&name)
}

/// Whether a verb brings messages: "send", "get", but not "need", which may be about their text.
fn is_verb_of_messages(verb: &str) -> bool {
    matches!(
        verb,
        "send"
            | "sends"
            | "sending"
            | "sent"
            | "forward"
            | "deliver"
            | "give"
            | "drop"
            | "shoot"
            | "get"
            | "receive"
            | "want"
            | "notify"
            | "alert"
            | "ping"
            | "remind"
    )
}

/// "put it in my calendar", "save the report to Google Drive", "print it".
pub(super) fn as_place(words: &[&str], said: &[String], at: usize) -> Option<String> {
    let verb = words[at];
    if verb == "print" {
        let is_order = at == 0 || matches!(words[at - 1], "and" | "then" | "please" | "also" | "you");
        let has_object =
            matches!(word(words, at + 1), "it" | "this" | "that" | "them" | "the" | "my" | "me" | "out" | "a");
        return (is_order && has_object).then(|| "print anything".to_owned());
    }
    let sends = SENDING.contains(&verb) || matches!(verb, "create" | "make" | "block");
    if !PUTTING.contains(&verb) && !sends {
        return None;
    }
    for to in at + 1..words.len().min(at + 12) {
        let mut next = to + 1;
        let is_into = matches!(words[to], "to" | "in" | "into" | "on" | "onto");
        next += usize::from(is_into && matches!(word(words, next), "my" | "our" | "the" | "a" | "your"));
        let name = word(words, next);
        let after = word(words, next + 1);
        let is_calendar =
            |word: &str| matches!(word, "calendar" | "google calendar" | "outlook calendar" | "apple calendar");
        let is_invitation =
            !is_into && is_calendar(words[to]) && matches!(name, "entry" | "event" | "invite" | "invitation");
        if (is_into && is_calendar(name) && !(sends && verb != "send")) || is_invitation {
            return Some("put anything into a calendar".to_owned());
        }
        if !is_into || (matches!(verb, "create" | "make" | "block" | "get" | "want" | "need" | "know" | "tell")) {
            continue;
        }
        let has_capital = said.get(next).is_some_and(|said| is_name(said));
        if let Some(store) = store(name) {
            // "a test drive" and "a notion" are no places.
            let is_place = !matches!(after, "test" | "to" | "that") && (has_capital || name != "notion");
            return is_place.then(|| format!("save anything to {store}"));
        }
        let is_kept =
            matches!(verb, "save" | "upload" | "export" | "sync") && matches!(words[to], "to" | "onto" | "into");
        if is_kept && has_capital && channel(name).is_none() && may_be_way(name) && !name.contains('@') {
            return Some(format!("save anything to {}", said[next]));
        }
    }
    None
}

/// "send it to ada@example.com".
pub(super) fn address(words: &[&str], at: usize) -> Option<String> {
    let (user, server) = words[at].split_once('@')?;
    let is_address = !user.is_empty() && server.contains('.') && !server.contains('@');
    let is_verb = |verb: usize| {
        let before = verb.checked_sub(1).map(|before| words[before]);
        VERBS.contains(&words[verb]) && !matches!(before, Some("my" | "our" | "the" | "an" | "a" | "his" | "her"))
    };
    let sends = (at.saturating_sub(MAX_BEFORE)..at).any(|before| SENDING.contains(&words[before]) || is_verb(before));
    (is_address && sends).then(|| channel("email")).flatten()
}
