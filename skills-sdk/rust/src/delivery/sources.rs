//! Where something came from, which is no way of delivery: "how many users came via Google", "I heard of you through Slack".

use super::channels::{NOTIFYING, PERSONS, PUTTING, SENDING, VERBS};

/// What comes, or what somebody did there: what stands behind it says by which way.
const ARRIVING: &[&str] = &[
    "came",
    "comes",
    "coming",
    "heard",
    "hear",
    "found",
    "arrived",
    "arriving",
    "arrives",
    "joined",
    "joins",
    "joining",
    "signed",
    "registered",
    "subscribed",
    "logged",
    "bought",
    "paid",
    "sold",
    "visited",
    "ordered",
    "booked",
    "learned",
    "learnt",
    "converted",
    "acquired",
    "referred",
    "discovered",
    "landed",
    "met",
    "installed",
    "downloaded",
    "searched",
    "hired",
    "connected",
    "received",
    "collected",
    "generated",
    "made",
    "earned",
    "published",
    "posted",
    "shared",
    "went",
    "clicked",
    "contacted",
    "reached",
    "wrote",
    "applied",
    "donated",
    "responded",
    "replied",
    "complained",
];
/// What others do there, behind "who", "that" or "how many".
const DOING: &[&str] = &[
    "come",
    "contact",
    "contacts",
    "reach",
    "reaches",
    "write",
    "writes",
    "ask",
    "asks",
    "asked",
    "talk",
    "talks",
    "pay",
    "pays",
    "buy",
    "buys",
    "order",
    "orders",
    "book",
    "books",
    "sign",
    "log",
    "join",
    "find",
    "finds",
    "visit",
    "visits",
    "use",
    "communicate",
    "work",
    "works",
    "get",
    "gets",
    "got",
    "convert",
    "subscribe",
    "register",
    "arrive",
    "share",
    "shares",
    "call",
    "calls",
    "called",
    "sell",
    "sells",
    "learn",
    "apply",
    "want",
    "need",
    "know",
    "were",
    "was",
    "receive",
];
/// Words that begin what others do.
const MARKS: &[&str] =
    &["how", "who", "which", "whether", "why", "what", "where", "when", "that", "people", "users", "customers", "if"];
/// Things that have come from somewhere: "the traffic via Google".
const COMERS: &[&str] = &[
    "visitors",
    "visits",
    "visit",
    "traffic",
    "users",
    "customers",
    "leads",
    "lead",
    "clicks",
    "sales",
    "orders",
    "sign-ups",
    "signups",
    "registrations",
    "referrals",
    "sessions",
    "conversions",
    "revenue",
    "income",
    "payments",
    "bookings",
    "downloads",
    "installs",
    "subscribers",
    "followers",
    "people",
    "purchases",
    "donations",
    "applications",
    "candidates",
    "searches",
    "views",
    "impressions",
    "engagement",
    "growth",
    "acquisition",
    "logins",
    "login",
    "checkout",
    "marketing",
    "advertising",
    "sharing",
    "selling",
];
/// Where one looks things up: nothing is delivered by them, unless something is to be sent.
const ENGINES: &[&str] = &[
    "google",
    "bing",
    "yahoo",
    "duckduckgo",
    "wikipedia",
    "chatgpt",
    "youtube",
    "search",
    "seo",
    "shopify",
    "amazon",
    "etsy",
    "ebay",
    "stripe",
    "paypal",
    "hubspot",
    "facebook",
    "ads",
];
/// Verbs that bring something, whoever says so.
const STRONG: &[&str] = &[
    "send",
    "sends",
    "sending",
    "forward",
    "deliver",
    "delivered",
    "drop",
    "shoot",
    "notify",
    "notified",
    "alert",
    "remind",
    "reminded",
    "ping",
    "message",
    "page",
    "text",
    "dm",
];

/// Whether the words before a way say where something came from.
pub(super) fn is_source(before: &[&str]) -> bool {
    // "My boss sent me here via Slack", "told me about you on WhatsApp".
    let is_visit =
        before.ends_with(&["here"]) || before.ends_with(&["of", "you"]) || before.ends_with(&["about", "you"]);
    if is_visit {
        return true;
    }
    for (at, word) in before.iter().enumerate().rev() {
        let subject = at.checked_sub(1).map_or("", |subject| before[subject]);
        // "Send me what you found by email": that is this host.
        if subject == "you" && (ARRIVING.contains(word) || DOING.contains(word)) {
            continue;
        }
        let is_theirs = matches!(subject, "we" | "they" | "i" | "users" | "customers" | "people" | "clients" | "who");
        let has_user = before.get(at + 1).is_some_and(|object| matches!(*object, "me" | "us"));
        if is_theirs
            && !has_user
            && matches!(*word, "reach" | "contact" | "message" | "call" | "email" | "mail" | "inform")
        {
            return true;
        }
        if ARRIVING.contains(word) && at > 0 {
            return true;
        }
        if DOING.contains(word) && before[..at].iter().any(|mark| MARKS.contains(mark)) {
            // "Let me know when it is done" has no such verb; "tell me how many reach us" has.
            return !matches!(*word, "was" | "were") || before[..at].contains(&"how");
        }
        let is_sending = SENDING.contains(word) || NOTIFYING.contains(word) || PUTTING.contains(word);
        if (is_sending || VERBS.contains(word)) && !is_noun(before, at) {
            return false;
        }
    }
    false
}

/// Whether the verb is used as a noun here: "the report", "a call".
fn is_noun(before: &[&str], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|article| {
        matches!(before[article], "the" | "a" | "an" | "my" | "our" | "your" | "this" | "that" | "every" | "weekly")
    })
}

/// Whether the words before a way of unknown name ask to bring something by it. A verb such as "get" brings something only to a
/// person; "the visitors via Google" have come by it.
pub(super) fn brings(before: &[&str], name: &str) -> bool {
    let is_strong = before.iter().any(|word| STRONG.contains(word));
    let has_comer = before.last().is_some_and(|last| COMERS.contains(last));
    let has_person = before.windows(2).any(|pair| {
        (SENDING.contains(&pair[0]) || VERBS.contains(&pair[0])) && PERSONS.contains(&pair[1])
            || (PERSONS.contains(&pair[0]) && pair[1] == "know")
    });
    let has_thing =
        before.iter().any(|word| matches!(*word, "it" | "report" | "results" | "them" | "this" | "numbers"));
    let is_asked = is_strong || has_person || (has_thing && !before.contains(&"about"));
    // "Send me the orders via Zello" says how; "a report of the visitors via Google" says which.
    let says_which = has_comer && (ENGINES.contains(&name) || !has_person || before.contains(&"of"));
    is_asked && !says_which && (is_strong || !ENGINES.contains(&name))
}
