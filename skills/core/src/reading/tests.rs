//! What utterances are read as, one row each.

use super::*;
use openanalyst_skill::testing;

fn wishes(text: &str) -> Vec<Wish> {
    read(&testing::request(text))
}

fn preference_of(key: &str, value: &str) -> Wish {
    Wish::Preference { key: key.into(), value: value.into() }
}

fn name_of(name: &str) -> Wish {
    Wish::Name { name: name.into() }
}

fn forget_of(what: &str) -> Wish {
    Wish::Forget { what: what.into() }
}

#[test]
fn each_utterance_asks_for_what_it_says() {
    let zone = |said: &str| Wish::TimeZone { said: said.into() };
    let instruction = |text: &str, replace| Wish::Instruction { text: text.into(), replace };
    let recall = |about: Option<&str>| Wish::Recall { about: about.map(Into::into) };
    let table = [
        ("Hello!", Wish::Greet),
        ("hey there, how are you?", Wish::Greet),
        ("Thank you very much", Wish::Thanks),
        ("help", Wish::Help),
        ("Hi, what can you do?", Wish::Help),
        ("Call me Ada", name_of("Ada")),
        ("please call me Dr. Ada King, please", name_of("Dr. Ada King")),
        ("from now on call me Ada", name_of("Ada")),
        ("My name is Zoë", name_of("Zoë")),
        ("my time zone is Europe/Berlin.", zone("Europe/Berlin")),
        ("Set my timezone to Asia/Tokyo", zone("Asia/Tokyo")),
        ("remember that I prefer short posts", preference_of("posts", "short posts")),
        ("I prefer posts without any emojis", preference_of("posts-without-any-emojis", "posts without any emojis")),
        ("Remember that my favourite platform is LinkedIn", preference_of("platform", "LinkedIn")),
        (
            "remember our office is closed on Fridays",
            preference_of("our-office-closed-on-fridays", "our office is closed on Fridays"),
        ),
        ("Always write in British English", instruction("Always write in British English", false)),
        ("remember to never use hashtags", instruction("never use hashtags", false)),
        ("my custom instructions are: be brief", instruction("be brief", true)),
        ("What do you remember about me?", recall(None)),
        ("what is my time zone?", recall(Some("time zone"))),
        ("forget my name", forget_of("my name")),
        ("Forget that I prefer short posts", forget_of("I prefer short posts")),
        ("forget everything about me", Wish::ForgetEverything),
        ("My name's Bo, nice to meet you", name_of("Bo")),
        ("call me Bo please", name_of("Bo")),
        ("call me bo, ok?", name_of("bo")),
        ("you can call me Al", name_of("Al")),
        ("I am Jean-Luc, by the way", name_of("Jean-Luc")),
        ("Hi, I'm Zoë!", name_of("Zoë")),
        ("my name is O'Brien because my father's was", name_of("O'Brien")),
        ("my name is ada lovelace and I am new here", name_of("ada lovelace")),
        ("my name is ada lovelace", name_of("ada lovelace")),
        ("my name is bob nice to meet you", name_of("bob")),
        ("my name is bob marley nice to meet you", name_of("bob marley")),
        ("my name is bob hope this helps", name_of("bob")),
        ("call me jean luc picard", name_of("jean luc picard")),
        ("my name is bob swimming is my hobby", Wish::UnclearName { said: "bob swimming is my hobby".into() }),
        ("everyone calls me Dr. Jones", name_of("Dr. Jones")),
        ("This is Ada speaking", name_of("Ada")),
        ("I'm tired", Wish::Unknown),
        ("I'm German", Wish::Unknown),
        ("I am a designer from Oslo", Wish::Unknown),
        ("I'm Ada's assistant", Wish::Unknown),
        ("I am in Berlin", Wish::Unknown),
        ("I'm OK with that", Wish::Unknown),
        ("This is Great", Wish::Unknown),
        ("call me a taxi", Wish::Unknown),
        ("call me on Monday", Wish::Unknown),
        ("call me Monday", Wish::Unknown),
        ("call me back", Wish::Unknown),
        ("my name is not important", Wish::Unknown),
        ("call me at 9", Wish::Unknown),
        ("the weather on Mars", Wish::Unknown),
        ("hey paint the fence", Wish::Unknown),
        ("", Wish::Unknown),
    ];
    for (text, wish) in table {
        assert_eq!(wishes(text), [wish], "{text}");
    }
}

#[test]
fn one_utterance_may_ask_for_several_things() {
    let expected =
        [name_of("Ada"), preference_of("posts", "short posts"), Wish::TimeZone { said: "Europe/Berlin".into() }];
    assert_eq!(
        wishes("Hi! Call me Ada and remember that I prefer short posts. My time zone is Europe/Berlin."),
        expected
    );
}

#[test]
fn what_is_told_beside_a_name_is_not_lost_without_a_word() {
    let not_kept = |said: &str, place: Option<&str>| Wish::NotKept { said: said.into(), place: place.map(Into::into) };
    for (text, name, rest) in [
        ("My name is Ada and I live in Berlin", "Ada", not_kept("I live in Berlin", Some("Berlin"))),
        ("My name is María José. I live in Madrid", "María José", not_kept("I live in Madrid", Some("Madrid"))),
        ("call me Ada, I'm based in New York, NY", "Ada", not_kept("I'm based in New York, NY", Some("New York"))),
        ("my name is ada based in berlin", "ada", not_kept("based in berlin", Some("berlin"))),
        ("my name is tom born in 1990", "tom", not_kept("born in 1990", None)),
        (
            "My name is Ada Lovelace-Byron and I write programs",
            "Ada Lovelace-Byron",
            not_kept("I write programs", None),
        ),
        ("I'm Ludwig van Beethoven and I write music", "Ludwig van Beethoven", not_kept("I write music", None)),
        ("I'm Ada, a designer from Oslo", "Ada", not_kept("a designer from Oslo", None)),
        ("I’m Ada from Oslo", "Ada", not_kept("from Oslo", None)),
        ("Call me Ada. My dog is called Rex!", "Ada", not_kept("My dog is called Rex", None)),
    ] {
        assert_eq!(wishes(text), [name_of(name), rest], "{text}");
    }
    assert_eq!(wishes("I live in Berlin"), [not_kept("I live in Berlin", Some("Berlin"))]);
    let kept = preference_of("we-prefer-short-posts-live-berlin", "we prefer short posts and I live in Berlin");
    assert_eq!(wishes("remember that we prefer short posts and I live in Berlin"), [kept]);
}

#[test]
fn what_the_router_read_counts_where_the_words_say_nothing() {
    let request = testing::request("Ada is how I go by").with_slot("name", "Ada");
    assert_eq!(read(&request), [name_of("Ada")]);
}

#[test]
fn any_text_gives_at_least_one_and_a_bounded_number_of_wishes() {
    for text in ["\u{0}\u{1}", "“”", "remember", "remember that", "call me", "forget", "ß and ẞ, İ call me İ"]
    {
        assert!(!wishes(text).is_empty(), "{text}");
    }
    let many: String = (0..100).map(|number| format!("remember fact {number}. ")).collect();
    assert_eq!(wishes(&many).len(), MAX_WISHES);
}
