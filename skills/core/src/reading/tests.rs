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

#[test]
fn a_name_is_kept_whole() {
    for (text, name) in [
        ("My name is Bob Hope", "Bob Hope"),
        ("my name is bob hope", "bob hope"),
        ("I'm Bob Hope and I am new here", "Bob Hope"),
        ("My name is Courtney Love, hi", "Courtney Love"),
        ("Hi, my name is Max Born.", "Max Born"),
        ("My name is George Will", "George Will"),
        ("My name is Li He", "Li He"),
        ("My name is Thuy Do and I am new here", "Thuy Do"),
        ("My name is An Nguyen", "An Nguyen"),
        ("My name is Emily Post", "Emily Post"),
        ("My name is Rafael van der Vaart", "Rafael van der Vaart"),
        ("call me vincent van der berg", "vincent van der berg"),
        ("My name is María de la Cruz", "María de la Cruz"),
        ("I'm Charles de Gaulle by the way", "Charles de Gaulle"),
        ("My name is Leonardo da Vinci, nice to meet you", "Leonardo da Vinci"),
        ("My name is Jeanne d'Arc", "Jeanne d'Arc"),
        ("My name is Haroun al-Rashid", "Haroun al-Rashid"),
        ("My name is Omar ibn al-Khattab", "Omar ibn al-Khattab"),
        ("my name is van gogh", "van gogh"),
        ("My name is van der Berg", "van der Berg"),
        ("My name is Mohammed bin Rashid Al Maktoum", "Mohammed bin Rashid Al Maktoum"),
        ("My name is Martin Luther King Jr.", "Martin Luther King Jr."),
        ("My name is Martin Luther King, Jr.", "Martin Luther King, Jr."),
        ("Call me Henry Ford II", "Henry Ford II"),
        ("My name is Shaquille O'Neill", "Shaquille O'Neill"),
        ("my name is Sinéad O’Connor thanks", "Sinéad O’Connor"),
        ("I'm Anne-Marie by the way", "Anne-Marie"),
        ("My name is Mary-Kate Day-Lewis", "Mary-Kate Day-Lewis"),
        ("call me J.R.", "J.R."),
        ("call me J.R.R. Tolkien", "J.R.R. Tolkien"),
        ("Call me J. R. Ewing", "J. R. Ewing"),
        ("My name is Madonna", "Madonna"),
        ("I'm Hope", "Hope"),
        ("My name is 李小龙。", "李小龙"),
        ("My name is Li Xiaolong", "Li Xiaolong"),
        ("My name is محمد بن سلمان", "محمد بن سلمان"),
        ("I'm 李明", "李明"),
        ("My name is Владимир", "Владимир"),
    ] {
        assert_eq!(wishes(text), [name_of(name)], "{text}");
    }
}

#[test]
fn a_sentence_that_starts_inside_is_no_part_of_a_name() {
    for (text, name) in [
        ("My name is Ada Nice to meet you", "Ada"),
        ("my name is Ada Lovelace Nice to meet you", "Ada Lovelace"),
        ("My name is Ada Nice To Meet You", "Ada"),
        ("My name is Ada Hope this helps", "Ada"),
        ("My name is Ada Hope you are well", "Ada"),
        ("my name is bob hope this helps", "bob"),
        ("My name is Ada Lovely to meet you", "Ada"),
        ("My name is Ada Honored to be here", "Ada"),
        ("My name is Ada Pleasure to meet you", "Ada"),
        ("My name is Ada Looking forward to it", "Ada"),
        ("My name is Ada Just wanted to say hello", "Ada"),
        ("My name is Ada Good morning", "Ada"),
        ("My name is Ada Good Morning", "Ada"),
        ("My name is Ada Great to be here", "Ada"),
        ("My name is Ada Can you help", "Ada"),
        ("My name is Ada Will you help me", "Ada"),
        ("My name is Ada What can I do here", "Ada"),
        ("My name is Ada Love your work", "Ada"),
        ("My name is Ada Born in London", "Ada"),
        ("My name is Ada How are you", "Ada"),
        ("My name is Ada Thanks for having me", "Ada"),
        ("My name is Ada Welcome", "Ada"),
        ("I'm Ada Nice to meet you", "Ada"),
        ("I'm Ada Let me know", "Ada"),
        ("Call me Ada Sorry for the noise", "Ada"),
        ("call me Bob It is short", "Bob"),
        ("My name is Ludwig van Beethoven Nice to meet you", "Ludwig van Beethoven"),
        ("call me ada glad to be here", "ada"),
    ] {
        assert_eq!(wishes(text)[0], name_of(name), "{text}");
    }
    // An order among them is not lost without a word.
    for (text, name, order) in [
        ("My name is Ada Show me the posts", "Ada", "Show me the posts"),
        ("My name is Bob Hope Send me the report", "Bob Hope", "Send me the report"),
        ("I'm Ada Create a post about cats", "Ada", "Create a post about cats"),
    ] {
        assert_eq!(wishes(text), [name_of(name), Wish::NotKept { said: order.into(), place: None }], "{text}");
    }
    for text in ["I'm Good", "I'm Happy to help", "I'm Looking for help", "I'm Not Ada", "I'm Just looking", "I'm fine"]
    {
        assert_eq!(wishes(text), [Wish::Unknown], "{text}");
    }
}
