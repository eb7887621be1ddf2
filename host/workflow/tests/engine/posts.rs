//! Posts: each platform's own counting, cutting at words, hashtags of whole words, tones. The scripts run in the sandbox.

use openanalyst_domain::JobStatus;
use serde_json::{Value, json};

use crate::shared::SCRIPTS;
use crate::support::{Choices, Env, error};

/// Runs the shared functions over many rows in one job.
const ROWS: &str = r#"
import { count, starts } from "/f/openanalyst/social/graphemes";
import { cut, fits, lengthOn } from "/f/openanalyst/social/measure";
import { rulesOf } from "/f/openanalyst/social/platforms";
import { hashtagsFor } from "/f/openanalyst/social/tags";
import { main as spans } from "/f/openanalyst/social/links";

export async function main(lengths: any[] = [], cuts: any[] = [], topics: string[] = [], texts: string[] = []) {
  return {
    lengths: lengths.map(([platform, text]) => [lengthOn(rulesOf(platform)!, text), fits(rulesOf(platform)!, text)]),
    cuts: cuts.map(([platform, text]) => {
      const kept = cut(rulesOf(platform)!, text);
      return kept === undefined ? null : [kept, lengthOn(rulesOf(platform)!, kept), fits(rulesOf(platform)!, kept)];
    }),
    hashtags: topics.map((topic) => hashtagsFor(topic, 3).join(" ")),
    spans: await Promise.all(texts.map((text) => spans(text))),
    characters: texts.map((text) => [count(text), starts(text).length]),
  };
}
"#;

const FAMILY: &str = "👨‍👩‍👧‍👦";

async fn env() -> Env {
    let env = Env::with(Choices { shared: SCRIPTS.as_slice(), ..Choices::default() }).await;
    env.put("u/ada/rows", ROWS).await;
    env
}

async fn rows(env: &Env, arguments: Value) -> Value {
    let state = env.run("u/ada/rows", arguments).await;
    assert_eq!(state.status, JobStatus::Done, "{:?}", state.result);
    state.result.unwrap()
}

async fn post(env: &Env, arguments: Value) -> Value {
    let state = env.run("f/openanalyst/social/create_post", arguments).await;
    assert_eq!(state.status, JobStatus::Done, "{:?}", state.result);
    state.result.unwrap()
}

fn times(text: &str, count: usize) -> String {
    text.repeat(count)
}

#[tokio::test]
async fn every_platform_counts_in_its_own_way() {
    let japanese: String = "人工知能の最新動向について".chars().cycle().take(150).collect();
    let long_link = format!("https://example.com/{}", times("a", 300));
    let cases: Vec<(&str, String, usize)> = vec![
        // X: weights.
        ("twitter", times("a", 280), 280),
        ("twitter", times("a", 281), 281),
        ("twitter", times("é", 280), 280),
        ("twitter", times("e\u{301}", 280), 280),
        ("twitter", times("ж", 10), 10),
        ("twitter", times("ا", 10), 10),
        ("twitter", "हिन्दी".into(), 6),
        ("twitter", japanese, 300),
        ("twitter", "가각".into(), 4),
        ("twitter", "“a” – b…".into(), 9),
        ("twitter", "a\u{200d}b".into(), 3),
        // X: emoji.
        ("twitter", times("😀", 140), 280),
        ("twitter", times("😀", 141), 282),
        ("twitter", FAMILY.into(), 2),
        ("twitter", times(FAMILY, 140), 280),
        ("twitter", "👍🏽".into(), 2),
        ("twitter", "🇩🇪🇫🇷".into(), 4),
        ("twitter", "1️⃣".into(), 2),
        ("twitter", "❤️".into(), 2),
        ("twitter", "🏴󠁧󠁢󠁥󠁮󠁧󠁿".into(), 2),
        ("twitter", "© 2026".into(), 6),
        ("twitter", "1 2 3 # *".into(), 9),
        // X: links.
        ("twitter", "https://example.com".into(), 23),
        ("twitter", "http://example.com".into(), 23),
        ("twitter", "HTTPS://EXAMPLE.COM/A".into(), 23),
        ("twitter", "example.com".into(), 23),
        ("twitter", "example.com/path".into(), 23),
        ("twitter", "www.example.co.uk/a?b=c&d=e#f!".into(), 24),
        ("twitter", "(https://example.com/a).".into(), 26),
        ("twitter", "https://en.wikipedia.org/wiki/Foo_(bar).".into(), 24),
        ("twitter", "\"example.com\",".into(), 26),
        ("twitter", format!("{long_link} {long_link}"), 47),
        ("twitter", "日本語example.comです".into(), 33),
        ("twitter", "https://a.example/b".into(), 23),
        ("twitter", "https://münchen.de/x".into(), 23),
        ("twitter", "foo.com:8080/x".into(), 23),
        // X: no links.
        ("twitter", "Node.js".into(), 7),
        ("twitter", "me@example.com".into(), 14),
        ("twitter", "john.me@example.com".into(), 19),
        ("twitter", "3.14 and e.g. this".into(), 18),
        ("twitter", "...example.com".into(), 14),
        ("twitter", "a_b.com".into(), 7),
        // Bluesky.
        ("bluesky", times(FAMILY, 60), 60),
        ("bluesky", times("e\u{301}", 200), 200),
        ("bluesky", "हिन्दी".into(), 2),
        ("bluesky", "क्षत्रिय".into(), 3),
        ("bluesky", "🇩🇪🇫🇷".into(), 2),
        ("bluesky", "a\r\nb".into(), 3),
        ("bluesky", "https://example.com/path".into(), 24),
        // Mastodon.
        ("mastodon", long_link.clone(), 23),
        ("mastodon", "(https://example.com/a).".into(), 26),
        ("mastodon", "https://example.com/日本語.".into(), 24),
        ("mastodon", "gemini://example.com/abcdefghijklmnop".into(), 23),
        ("mastodon", "example.com/path".into(), 16),
        ("mastodon", "hello @ada@mastodon.social!".into(), 11),
        ("mastodon", "@ada".into(), 4),
        ("mastodon", "me@ada@mastodon.social".into(), 22),
        ("mastodon", "https://mastodon.social/@ada@example.org".into(), 23),
        ("mastodon", FAMILY.into(), 1),
        // The others.
        ("threads", "a😀é".into(), 6),
        ("threads", FAMILY.into(), 25),
        ("linkedin", "a😀".into(), 3),
        ("instagram", "a😀".into(), 3),
        ("facebook", FAMILY.into(), 11),
        ("tiktok", "a😀".into(), 3),
        ("pinterest", "a😀".into(), 3),
        ("reddit", "a😀".into(), 2),
        ("youtube", "aé😀".into(), 7),
        ("linkedin", long_link, 320),
    ];
    let arguments: Vec<Value> = cases.iter().map(|(platform, text, _)| json!([platform, text])).collect();
    let env = env().await;
    let found = rows(&env, json!({ "lengths": arguments })).await;
    for ((platform, text, expected), found) in cases.iter().zip(found["lengths"].as_array().unwrap()) {
        assert_eq!(found[0], json!(expected), "{platform}: {text}");
    }
    // Bluesky bounds the bytes too.
    let bytes = json!({ "lengths": [["bluesky", times(FAMILY, 120)], ["bluesky", times(FAMILY, 121)]] });
    assert_eq!(rows(&env, bytes).await["lengths"], json!([[120, true], [121, false]]));
}

#[tokio::test]
async fn a_text_is_cut_at_a_word_and_never_inside_of_something() {
    let long = "A".to_owned() + &times("a", 99);
    let cases: Vec<(&str, String, Option<&str>)> = vec![
        ("twitter", times("word and more, ", 30), Some("and…")),
        ("twitter", times("word. ", 60), Some("word…")),
        ("twitter", format!("{}https://example.com/{long} end", times("x ", 130)), Some("x…")),
        ("twitter", format!("{}#हिन्दीदिवससमारोहहिन्दीदिवससमारोह end", times("x ", 130)), Some("x…")),
        (
            "twitter",
            format!("{}https://example.com/{long} the end of it all, at last", times("x ", 120)),
            Some(" end of it…"),
        ),
        ("twitter", times("人工知能の最新動向について", 12), Some("…")),
        ("twitter", times("中文字符测试", 60), Some("…")),
        ("twitter", times("สวัสดี", 100), Some("…")),
        ("twitter", times("a", 600), Some("aaaa…")),
        ("twitter", format!("#{}", times("a", 600)), None),
        ("bluesky", times(FAMILY, 400), Some("👦…")),
        ("bluesky", times("e\u{301}", 400), Some("e\u{301}…")),
        ("mastodon", format!("{}@ada@mastodon.social", times("word ", 99)), Some("word…")),
        ("reddit", times("Don't cut. ", 40), Some("cut…")),
    ];
    let arguments: Vec<Value> = cases.iter().map(|(platform, text, _)| json!([platform, text])).collect();
    let found = rows(&env().await, json!({ "cuts": arguments })).await;
    for ((platform, text, ending), found) in cases.iter().zip(found["cuts"].as_array().unwrap()) {
        let Some(ending) = ending else {
            assert!(found.is_null(), "{platform}: {text}: {found}");
            continue;
        };
        let kept = found[0].as_str().unwrap();
        assert!(kept.ends_with(ending) && text.starts_with(kept.trim_end_matches('…')), "{platform}: {kept}");
        assert!(found[2] == true && found[1].as_u64().unwrap() > 100, "{platform}: {found}");
    }
}

#[tokio::test]
async fn hashtags_are_whole_words() {
    let cases = [
        ("हिन्दी दिवस समारोह", "#हिन्दीदिवससमारोह #हिन्दी #दिवस"),
        ("don't stop", "#DontStop #Stop"),
        ("don’t stop", "#DontStop #Stop"),
        ("women's rights", "#WomensRights #Rights"),
        ("Node.js performance", "#NodejsPerformance #Nodejs #Performance"),
        ("AI trends 2026", "#AITrends2026 #AI #Trends"),
        ("2026", ""),
        ("٢٠٢٦", ""),
        ("10:30", ""),
        ("C++ tips", "#Tips"),
        ("AI-powered tools", "#AIPoweredTools #AIPowered #Tools"),
        ("COVID-19 news", "#COVID19News #COVID19 #News"),
        ("iPhone deals", "#iPhoneDeals #iPhone #Deals"),
        ("ქართული ენა", "#ქართულიენა #ქართული #ენა"),
        ("🚀 launch❤️ day", "#LaunchDay #Launch #Day"),
        ("our new product", "#Product"),
        ("100% cotton", "#Cotton"),
        ("@ada likes bees", "#LikesBees #Likes #Bees"),
        ("https://example.com/a bees", "#Bees"),
        ("a", ""),
        ("", ""),
    ];
    let topics: Vec<&str> = cases.iter().map(|(topic, _)| *topic).collect();
    let texts = ["#हिन्दीदिवससमारोह #1 a#b https://example.com/#c #d.", "@ada, see example.com and @bob@example.org."];
    let found = rows(&env().await, json!({ "topics": topics, "texts": texts })).await;
    for ((topic, expected), found) in cases.iter().zip(found["hashtags"].as_array().unwrap()) {
        assert_eq!(found, expected, "{topic}");
    }
    assert_eq!(found["spans"][0]["hashtags"], json!(["#हिन्दीदिवससमारोह", "#d"]));
    assert_eq!(found["spans"][1]["links"], json!(["example.com"]));
    assert_eq!(found["spans"][1]["mentions"], json!(["@ada", "@bob@example.org"]));
}

#[tokio::test]
async fn what_could_not_be_done_is_said() {
    let env = env().await;
    let long_topic = times("word ", 100);
    let cases = [
        (json!({ "platform": "twitter", "topic": "AI trends" }), vec![]),
        (json!({ "platform": "twitter", "topic": "AI trends", "tone": "Funny" }), vec![]),
        (json!({ "platform": "twitter", "topic": "AI trends", "tone": null }), vec![]),
        (
            json!({ "platform": "twitter", "topic": "AI trends", "tone": "sarcastic, slightly absurd" }),
            vec!["“sarcastic"],
        ),
        (json!({ "platform": "twitter", "topic": "AI trends", "tone": "not funny" }), vec!["“not funny”"]),
        (json!({ "platform": "twitter", "topic": "AI trends", "tone": "constructor" }), vec!["“constructor”"]),
        (json!({ "platform": "twitter", "topic": long_topic }), vec!["cut from 499 to 2"]),
        (
            json!({ "platform": "twitter", "topic": long_topic, "url": "https://example.com/a", "tone": "wry" }),
            vec!["cut from 523 to 280", "“wry”"],
        ),
        (json!({ "platform": "linkedin", "topic": long_topic }), vec![]),
        (
            json!({ "platform": "twitter", "topic": "AI", "written": { "text": format!("AI: {}", times("人", 200)) } }),
            vec!["The text is too long for Twitter: cut from 404 to 280"],
        ),
    ];
    for (arguments, expected) in cases {
        let made = post(&env, arguments.clone()).await;
        let notes = made["notes"].as_array().unwrap();
        assert_eq!(notes.len(), expected.len(), "{arguments}: {notes:?}");
        for (note, part) in notes.iter().zip(&expected) {
            let note = note.as_str().unwrap().replacen('"', "“", 1).replacen('"', "”", 1);
            assert!(note.contains(part), "{note} does not say {part}");
        }
        assert!(made["post"]["length"].as_u64() <= made["post"]["limit"].as_u64(), "{made}");
        if let Some(url) = arguments["url"].as_str() {
            assert!(made["post"]["content"].as_str().unwrap().ends_with(url), "{made}");
        }
    }
    let written = json!({ "text": "AI, but wryly so.", "model": "m-1" });
    let taken = post(&env, json!({ "platform": "twitter", "topic": "AI", "tone": "wry", "written": written })).await;
    assert_eq!((&taken["post"]["tone"], &taken["notes"]), (&json!("wry"), &json!([])), "a model writes any tone");
    let signs = post(&env, json!({ "platform": "twitter", "topic": "save $$ and $& now" })).await;
    assert!(signs["post"]["content"].as_str().unwrap().to_lowercase().contains("save $$ and $& now"), "{signs}");
    let unbreakable = json!({ "platform": "twitter", "topic": format!("#{}", times("a", 600)) });
    let state = env.run("f/openanalyst/social/create_post", unbreakable).await;
    assert!(error(&state).1.contains("give shorter ones"), "{:?}", state.result);
}

/// Whatever was written, nothing is scheduled that the platform would not take.
#[tokio::test]
async fn a_post_that_is_too_long_is_not_scheduled() {
    let env = env().await;
    for (content, is_taken) in [(times("😀", 140), true), (times("😀", 141), false)] {
        let mut arguments = crate::shared::arguments("f/openanalyst/social/schedule_post");
        arguments["content"] = json!(content);
        let state = env.run("f/openanalyst/social/schedule_post", arguments).await;
        assert_eq!(state.status == JobStatus::Done, is_taken, "{:?}", state.result);
        assert!(is_taken || error(&state).1.contains("282 of 280"), "{:?}", state.result);
    }
}

/// Texts of what is hard to read, and a long one of words. The sandbox's budget is the bound: a job that takes too long fails.
#[tokio::test]
async fn hostile_texts_are_counted_within_the_budget() {
    let env = env().await;
    let pieces =
        ["a.b ", "a.", "(", "@a", "#", ".", "👩\u{200d}", "e\u{301}", "example.com/", "https://", "-", " ", "@a@."];
    for piece in pieces {
        let text = times(piece, (2 << 10) / piece.len());
        let lengths = json!([["twitter", text], ["mastodon", text], ["bluesky", text], ["threads", text]]);
        rows(&env, json!({ "lengths": lengths })).await;
        rows(&env, json!({ "cuts": [["twitter", text]], "topics": [text] })).await;
    }
    let words = times("word example.com ", 1 << 10);
    let found = rows(&env, json!({ "lengths": [["twitter", words], ["mastodon", words], ["bluesky", words]] })).await;
    assert_eq!(found["lengths"], json!([[29 << 10, false], [17 << 10, false], [17 << 10, false]]));
}
