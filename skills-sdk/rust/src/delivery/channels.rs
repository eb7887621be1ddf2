//! The ways of delivery that are known by name, and the words that name none. Long, as it
//! is lists of words.

const EMAIL: &str = "an e-mail";
const SMS: &str = "a text message";
const PUSH: &str = "a push notification";
const PHONE: &str = "a phone call";

/// Words that name a channel, in lower case, with what it carries.
const CHANNELS: &[(&str, &str)] = &[
    ("email", EMAIL),
    ("emails", EMAIL),
    ("mail", EMAIL),
    ("mails", EMAIL),
    ("gmail", EMAIL),
    ("outlook", EMAIL),
    ("inbox", EMAIL),
    ("mailbox", EMAIL),
    ("sms", SMS),
    ("text", SMS),
    ("texts", SMS),
    ("mms", SMS),
    ("imessage", SMS),
    ("discord", "a Discord message"),
    ("facetime", "a FaceTime call"),
    ("google chat", "a Google Chat message"),
    ("google hangouts", "a Google Hangouts message"),
    ("kakaotalk", "a KakaoTalk message"),
    ("line", "a LINE message"),
    ("matrix", "a Matrix message"),
    ("mattermost", "a Mattermost message"),
    ("messenger", "a Messenger message"),
    ("rocket.chat", "a Rocket.Chat message"),
    ("rocket chat", "a Rocket.Chat message"),
    ("signal", "a Signal message"),
    ("skype", "a Skype message"),
    ("slack", "a Slack message"),
    ("snapchat", "a Snapchat message"),
    ("teams", "a Teams message"),
    ("telegram", "a Telegram message"),
    ("threema", "a Threema message"),
    ("viber", "a Viber message"),
    ("webex", "a Webex message"),
    ("wechat", "a WeChat message"),
    ("whatsapp", "a WhatsApp message"),
    ("zoom", "a Zoom message"),
    ("zulip", "a Zulip message"),
    ("push", PUSH),
    ("pushover", PUSH),
    ("phone", PHONE),
    ("telephone", PHONE),
    ("call", PHONE),
    ("voicemail", PHONE),
    ("fax", "a fax"),
    ("pager", "a page"),
    ("page", "a page"),
    ("pagerduty", "a PagerDuty message"),
    ("opsgenie", "an Opsgenie message"),
    ("letter", "a letter"),
    ("post", "a letter"),
];

/// Other channels by name, which are told apart from common words also in small letters. They are called by the user's own word.
const OTHERS: &[&str] = &[
    "dingtalk",
    "feishu",
    "gitter",
    "gotify",
    "groupme",
    "hangouts",
    "intercom",
    "jabber",
    "lark",
    "mastodon",
    "ntfy",
    "olvid",
    "pushbullet",
    "tox",
    "twilio",
    "victorops",
    "voxer",
    "xmpp",
    "zello",
];
/// Places where something can be kept, in lower case, with what they are called.
const STORES: &[(&str, &str)] = &[
    ("google drive", "Google Drive"),
    ("google docs", "Google Docs"),
    ("google sheets", "Google Sheets"),
    ("google sheet", "Google Sheets"),
    ("airtable", "Airtable"),
    ("asana", "Asana"),
    ("confluence", "Confluence"),
    ("drive", "a drive"),
    ("dropbox", "Dropbox"),
    ("evernote", "Evernote"),
    ("icloud", "iCloud"),
    ("jira", "Jira"),
    ("nextcloud", "Nextcloud"),
    ("notion", "Notion"),
    ("onedrive", "OneDrive"),
    ("onenote", "OneNote"),
    ("sharepoint", "SharePoint"),
    ("trello", "Trello"),
];

/// Names of two words: they are read as one.
const PAIRS: &[(&str, &str)] = &[("microsoft teams", "teams"), ("ms teams", "teams"), ("whats app", "whatsapp")];

/// Channels that are common words too: they count only beside words that leave no doubt.
pub(super) const COMMON: &[&str] = &[
    "text", "texts", "push", "call", "letter", "post", "signal", "teams", "line", "matrix", "zoom", "outlook", "page",
];
/// Channels that are verbs: "email me", "text it to me".
pub(super) const VERBS: &[&str] =
    &["email", "mail", "text", "sms", "whatsapp", "slack", "telegram", "phone", "fax", "call", "ring", "dm", "page"];
pub(super) const PERSONS: &[&str] = &["me", "us", "him", "her", "them", "everyone", "everybody", "somebody", "someone"];
/// Verbs that bring a message to a person.
pub(super) const NOTIFYING: &[&str] =
    &["notify", "notified", "alert", "remind", "reminded", "ping", "message", "reach", "contact", "write"];
/// Verbs that bring something to a person.
pub(super) const SENDING: &[&str] = &[
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
/// Verbs that bring something to a place.
pub(super) const PUTTING: &[&str] =
    &["put", "add", "save", "store", "upload", "export", "copy", "move", "enter", "sync", "log", "place"];
/// Where posts are published: a connector may do that.
const PLATFORMS: &[&str] = &[
    "linkedin",
    "twitter",
    "x",
    "facebook",
    "instagram",
    "tiktok",
    "youtube",
    "threads",
    "mastodon",
    "bluesky",
    "pinterest",
    "reddit",
    "medium",
];
/// Words with a capital letter that name a time and no channel.
const TIMES: &[&str] = &[
    "monday",
    "mondays",
    "tuesday",
    "tuesdays",
    "wednesday",
    "wednesdays",
    "thursday",
    "thursdays",
    "friday",
    "fridays",
    "saturday",
    "saturdays",
    "sunday",
    "sundays",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
    "christmas",
    "easter",
    "halloween",
    "ramadan",
    "thanksgiving",
    "today",
    "tomorrow",
];
/// What a message can be without coming by another way.
const DESCRIPTIONS: &[&str] = &[
    "to",
    "about",
    "for",
    "in",
    "on",
    "at",
    "by",
    "from",
    "and",
    "a",
    "an",
    "another",
    "alert",
    "any",
    "anniversary",
    "automatic",
    "bad",
    "better",
    "big",
    "birthday",
    "brief",
    "chat",
    "christmas",
    "clear",
    "common",
    "confirmation",
    "custom",
    "customer",
    "daily",
    "different",
    "direct",
    "email",
    "error",
    "example",
    "extra",
    "failure",
    "first",
    "follow-up",
    "formal",
    "free",
    "friendly",
    "full",
    "funny",
    "general",
    "good",
    "goodbye",
    "greeting",
    "group",
    "happy",
    "holiday",
    "hourly",
    "important",
    "in-app",
    "internal",
    "joint",
    "kind",
    "last",
    "late",
    "latest",
    "long",
    "longer",
    "love",
    "marketing",
    "monthly",
    "morning",
    "motivational",
    "my",
    "new",
    "next",
    "nice",
    "normal",
    "one",
    "onboarding",
    "openanalyst",
    "other",
    "our",
    "personal",
    "plain",
    "polite",
    "private",
    "progress",
    "public",
    "quick",
    "regular",
    "reminder",
    "sales",
    "same",
    "scheduled",
    "second",
    "secret",
    "separate",
    "short",
    "shorter",
    "simple",
    "single",
    "small",
    "special",
    "standard",
    "start",
    "status",
    "success",
    "summary",
    "support",
    "system",
    "team",
    "test",
    "thank-you",
    "thanks",
    "that",
    "the",
    "this",
    "urgent",
    "useful",
    "warning",
    "weekly",
    "welcome",
    "yearly",
    "your",
    "the",
    "these",
    "those",
    "no",
    "every",
    "each",
    "when",
    "as",
    "with",
    "of",
    "is",
];
/// What "via" may lead to without leaving this host.
const OWN: &[&str] = &[
    "chat",
    "here",
    "this",
    "it",
    "the",
    "a",
    "an",
    "my",
    "our",
    "your",
    "message",
    "messages",
    "notification",
    "notifications",
    "openanalyst",
    "workflow",
    "flow",
    "script",
    "schedule",
    "job",
    "skill",
    "api",
    "app",
    "csv",
    "json",
    "pdf",
    "file",
    "link",
    "websocket",
    "draft",
    "drafts",
    "web",
];

/// What the channel with this name carries.
pub(super) fn channel(word: &str) -> Option<String> {
    CHANNELS.iter().find(|(known, _)| *known == word).map(|(_, name)| (*name).to_owned())
}

/// What the store with this name is called.
pub(super) fn store(word: &str) -> Option<&'static str> {
    STORES.iter().find(|(known, _)| *known == word).map(|(_, name)| *name)
}

/// The one word for a name of two, if they are one.
pub(super) fn pair(both: &str) -> Option<String> {
    if let Some((_, word)) = PAIRS.iter().find(|(known, _)| *known == both) {
        return Some((*word).to_owned());
    }
    let known = CHANNELS.iter().chain(STORES).any(|(known, _)| *known == both);
    (known || both == "google calendar" || both == "outlook calendar" || both == "apple calendar")
        .then(|| both.to_owned())
}

/// Whether this is a channel that is known by its name alone, though nothing more about it.
pub(super) fn is_other(word: &str) -> bool {
    OTHERS.contains(&word)
}

/// Whether posts are published there.
pub(super) fn is_platform(word: &str) -> bool {
    PLATFORMS.contains(&word)
}

/// Whether the word is written as a name, and none of a day or month.
pub(super) fn is_name(said: &str) -> bool {
    said.starts_with(char::is_uppercase) && said != "I" && !TIMES.contains(&said.to_lowercase().as_str())
}

/// Whether "a … message" may come by a way of this name, which no list knows: as any word that does not describe a message.
pub(super) fn may_carry_messages(word: &str, said: &str) -> bool {
    let is_described = DESCRIPTIONS.contains(&word)
        || TIMES.contains(&word)
        || !word.chars().all(|letter| letter.is_alphabetic() || matches!(letter, ' ' | '.' | '-'))
        || ["ly", "ing", "ed", "ful", "ish", "able", "al", "ive", "ous", "'s", "’s"]
            .iter()
            .any(|ending| word.ends_with(ending));
    !word.is_empty()
        && word.chars().count() > 1
        && (is_name(said) || !is_described)
        && !OWN.contains(&word)
        && word != "message"
}

/// Whether "via …" leads away from this host.
pub(super) fn may_be_way(word: &str) -> bool {
    let has_letters = word.chars().count() > 1
        && word.chars().all(|letter| letter.is_alphabetic() || matches!(letter, ' ' | '.' | '-'));
    has_letters && !OWN.contains(&word) && !TIMES.contains(&word) && !is_platform(word)
}

/// A message of a channel that no list knows, in the user's own word.
pub(super) fn message_of(said: &str) -> String {
    let article = if said.to_lowercase().starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {said} message")
}
