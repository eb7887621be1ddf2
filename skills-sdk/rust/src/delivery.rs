//! Ways of delivery that a user may name and the host does not have: e-mail, SMS, Slack, a calendar and their like. An answer
//! that keeps silent about one lets the user wait for a message that never comes.
//!
//! Begin at [`missing_channel`]. `words` reads the request and takes away what a post is about, `patterns` has the forms in which
//! a way is named, `sources` those that say where something came from, `channels` the names.

mod channels;
mod patterns;
mod sources;
mod words;

use words::Words;

/// A way of delivery that does not exist here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingChannel {
    /// What does not happen, as it goes on behind "I cannot": `send an e-mail`.
    pub action: String,
}

impl MissingChannel {
    /// The sentence for an answer: what does not happen, and what does instead.
    pub fn sentence(&self) -> String {
        format!(
            "I cannot {}: that channel does not exist here. There is no mail and no chat; answers stand here and in your notifications.",
            self.action
        )
    }
}

/// The way of delivery that a request names and that does not exist, if it names one. A channel that no list knows is called by
/// the user's own word.
///
/// It reads English. A post or report *about* e-mail names none.
pub fn missing_channel(text: &str) -> Option<MissingChannel> {
    let text = Words::of(text);
    let said = &text.said;
    let words: Vec<&str> = text.lower.iter().map(String::as_str).collect();
    let sent = |at: usize| {
        patterns::as_verb(&words, said, at)
            .or_else(|| patterns::as_object(&words, said, at))
            .or_else(|| patterns::as_way(&words, said, at))
            .or_else(|| patterns::address(&words, at))
            .map(|name| format!("send {name}"))
    };
    let action = (0..words.len()).find_map(|at| sent(at).or_else(|| patterns::as_place(&words, said, at)))?;
    Some(MissingChannel { action })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL: &str = "an e-mail";
    const SMS: &str = "a text message";
    const PUSH: &str = "a push notification";
    const PHONE: &str = "a phone call";

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
            assert_eq!(missing_channel(text).map(|channel| channel.action), Some(format!("send {name}")), "{text}");
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

    #[test]
    fn channels_that_no_list_knows_are_called_by_the_users_word() {
        for (text, action) in [
            ("send me a Viber message every morning", "send a Viber message"),
            ("send me a viber message every morning", "send a Viber message"),
            ("Send me a Threema message when it is done", "send a Threema message"),
            ("send me a Matrix message every morning", "send a Matrix message"),
            ("send a Mattermost notification to the team", "send a Mattermost message"),
            ("send me a Skype message", "send a Skype message"),
            ("send me a LINE message every Friday", "send a LINE message"),
            ("send me a Google Chat message", "send a Google Chat message"),
            ("send me the report via Google Chat", "send a Google Chat message"),
            ("send me a Zello message at 9", "send a Zello message"),
            ("send me a zello message at 9", "send a zello message"),
            ("notify me with an Olvid notification", "send an Olvid message"),
            ("send the report via Zello every Monday", "send a Zello message"),
            ("send the report via zello every Monday", "send a zello message"),
            ("message me on Zello every Monday", "send a Zello message"),
            ("message me on Instagram when it is done", "send an Instagram message"),
            ("send me a LinkedIn message every morning", "send a LinkedIn message"),
            ("ping me on Matrix when it is done", "send a Matrix message"),
            ("put it on Slack", "send a Slack message"),
            ("notify me about new posts on Slack", "send a Slack message"),
            ("send me the report about clicks by email", "send an e-mail"),
        ] {
            assert_eq!(missing_channel(text).map(|channel| channel.action).as_deref(), Some(action), "{text}");
        }
        let channel = missing_channel("send me a Zello message").unwrap();
        assert_eq!(
            channel.sentence(),
            "I cannot send a Zello message: that channel does not exist here. There is no mail and no chat; answers stand \
             here and in your notifications."
        );
    }

    #[test]
    fn calendars_stores_and_printers_are_noticed() {
        const CALENDAR: &str = "put anything into a calendar";
        for (text, action) in [
            ("put it in my calendar", CALENDAR),
            ("Run the report and add it to my Google Calendar", CALENDAR),
            ("send me a calendar invite for it", CALENDAR),
            ("create a calendar entry for the post", CALENDAR),
            ("save the report to Google Drive every Monday", "save anything to Google Drive"),
            ("every Monday save the report to google drive", "save anything to Google Drive"),
            ("upload it to my drive", "save anything to a drive"),
            ("put the numbers into Notion", "save anything to Notion"),
            ("save the report to Nextcloud", "save anything to Nextcloud"),
            ("save the report to Seafile", "save anything to Seafile"),
            ("send the report to Dropbox", "save anything to Dropbox"),
            ("run the report and print it", "print anything"),
        ] {
            assert_eq!(missing_channel(text).map(|channel| channel.action).as_deref(), Some(action), "{text}");
        }
    }

    #[test]
    fn what_a_post_is_about_and_what_stands_in_it_is_no_delivery() {
        for text in [
            "Write a LinkedIn post about how we share files on Slack",
            "Create a tweet: get our newsletter by email",
            "Create a tweet: we send you an SMS. Get our newsletter by email!",
            "Write a tweet \"send us an email\" for tomorrow",
            "Draft a thread on how to save photos to Google Drive",
            "Write a post about how we collect addresses and send them by email",
            "Create a LinkedIn post saying that we notify you by SMS",
            "Post about sharing files via Dropbox",
            "tell me about sales on Telegram",
            "update me on Apollo",
            "send me the report on Friday",
            "send me a birthday message",
            "send me a short message every morning",
            "send me a welcome message",
            "send me a daily notification",
            "share it on LinkedIn",
            "Remind me to post on Instagram",
            "notify me when Ada posts on LinkedIn",
            "send me an alert message",
            "save it to Drafts",
            "post it via Twitter",
            "add it to the content plan",
            "save it as a draft",
            "send me the line of the post with most clicks",
            "get the matrix of clicks by platform",
            "send it via chat",
            "give me numbers for Monday through Friday",
            "add a call to action",
            "write a script to print the sum",
        ] {
            assert_eq!(missing_channel(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_to_be_done_with_a_post_counts_also_behind_its_topic() {
        for text in [
            "Write a LinkedIn post about remote work and email it to me",
            "Write a post about our launch and send it by email",
            "Write a post about how we work and send it to me by email",
            "Write a post about our launch. Send it to me by email",
            "Every Monday email me a post about Slack",
        ] {
            assert_eq!(
                missing_channel(text).map(|channel| channel.action).as_deref(),
                Some("send an e-mail"),
                "{text}"
            );
        }
    }

    #[test]
    fn every_channel_is_noticed_in_every_form() {
        for text in [
            "send me the numbers via Zello",
            "notify me every day via Zello",
            "text me on Signal",
            "text me on signal when it is done",
            "page me on PagerDuty",
            "page me on pagerduty if it fails",
            "page me when the job fails",
            "ping me over Zello",
            "message me through Olvid when the report is ready",
            "call me on Skype",
            "dm me on Instagram when it is done",
            "write me on Threema every Friday",
            "please text me on my WhatsApp",
            "let me know via Zello when it is done",
            "send the weekly numbers to me through Zello",
            "every Monday send me the report over Telegram",
            "alert me on Opsgenie when the job fails",
            "remind me via Viber at 9",
            "forward the results via Zello",
            "can you notify me on Discord",
            "tell me via Zello how many posts there are",
            "tell me by email how many people came via Google",
            "send me the orders by email",
            "send me the clicks via Telegram",
            "get me the numbers via Zello",
            "keep me posted: message me on Zello",
            "drop me a line on Slack",
            "reach me on WhatsApp",
            "contact me via Zello",
            "send it to me using WhatsApp",
            "notify me about every new order via Zello",
            "send me what you find by email",
            "page the team on PagerDuty",
            "text my boss on Signal",
            "When it fails, page me on PagerDuty",
            "post it in our Slack channel",
            "notify me on zello every day",
            "send me the numbers on Signal",
            "inform me by Zello",
        ] {
            let sentence = missing_channel(text).map(|channel| channel.sentence());
            assert!(sentence.is_some_and(|sentence| !sentence.contains('\n')), "{text}");
        }
    }

    #[test]
    fn where_something_came_from_is_no_way_of_delivery() {
        for text in [
            "tell me how many users came via Google",
            "I came via Google",
            "I heard of you through Slack",
            "Hi, I heard of you through Slack and want to know what you can do",
            "I want to know how many people found us via Google",
            "show me the traffic via Google",
            "send me a report of the visitors via Google",
            "get me the sign-ups through Facebook",
            "tell me how many people contact us by phone",
            "tell me which customers reach us through Zello",
            "give me the number of orders that came in via Shopify",
            "we get most traffic through Google",
            "we need more leads via Google",
            "tell me who signed up via Zello",
            "let me know how many orders were paid via Stripe",
            "tell me about leads via HubSpot",
            "I know you via Google",
            "report on the revenue through Amazon",
            "tell me how customers talk to us over Slack",
            "tell me the weather via Google",
            "give me the sales we made through Etsy",
            "analyze the users who joined through Discord",
            "tell me how many tickets customers write by email",
            "my friend told me about you on Slack, I want to get started",
            "show me the page about prices",
            "create a page for me",
            "send me numbers on Signal processing",
            "my boss sent me here via Slack",
            "we reach customers by email",
            "remind me to call Ada on Skype",
            "people text me on Signal",
            "notify me of posts by Ada",
            "what did people say on WhatsApp?",
            "I found the report through Bing",
            "give me a list of people who applied through LinkedIn",
            "I need to know which posts were published via Buffer",
        ] {
            assert_eq!(missing_channel(text), None, "{text}");
        }
    }
}
