//! What is said is understood, or asked: from the words to the schedule, with a clock that the test moves.

use openanalyst::host::Host;
use openanalyst_brain::{Answer, NewRequest, TaskView};
use openanalyst_domain::{Owner, TaskId, TaskStatus};

use crate::request::owner;
use crate::schedule::{MONDAY, host_at};
use crate::support::{DataDir, PATIENCE};

const HOUR_MS: i64 = 3_600_000;

async fn ask(host: &Host, owner: &Owner, session: &str, text: &str) -> TaskView {
    let request = NewRequest {
        content: text.to_owned(),
        session: session.try_into().unwrap(),
        attachments: Vec::new(),
        idempotency_key: None,
        correlation_id: None,
    };
    let task = host.brain.accept(owner, request).await.unwrap().task;
    host.brain.wait(owner, task, PATIENCE).await.unwrap()
}

async fn answer(host: &Host, owner: &Owner, task: TaskId, question_id: &str, text: &str) -> TaskView {
    let answer = Answer { question_id: question_id.to_owned(), text: text.to_owned() };
    host.brain.answer(owner, task, vec![answer]).await.unwrap();
    host.brain.wait(owner, task, PATIENCE).await.unwrap()
}

/// A date with two readings, a day that does not exist and a half-said recurrence are asked; the answer is read as the request is.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_asked_and_the_answer_is_used() {
    let data = DataDir::new();
    let (host, _clock) = host_at(&data, MONDAY).await;
    let ada = owner("acme", "ada");
    let say = |when: &str| format!("Create a Twitter post about AI trends and schedule it for {when}");
    let asked = ask(&host, &ada, "dates", &say("05/06/2027 at 9")).await;
    assert_eq!(asked.status, TaskStatus::NeedsClarification, "{asked:?}");
    let question = &asked.questions[0];
    assert_eq!((question.id.as_str(), question.options.len()), ("when", 2), "{question:?}");
    // An answer that cannot be read either is asked about again, and nothing is done.
    let again = answer(&host, &ada, asked.task_id, "when", "31 November at 9").await;
    assert_eq!(again.status, TaskStatus::NeedsClarification, "{again:?}");
    assert!(host.store.schedules(&ada.tenant, "u/ada/", None, 10).await.unwrap().rows.is_empty());
    let done = answer(&host, &ada, asked.task_id, "when", &question.options[0]).await;
    assert_eq!(done.status, TaskStatus::Completed, "{done:?}");
    let schedules = host.store.schedules(&ada.tenant, "u/ada/", None, 10).await.unwrap().rows;
    let at = chrono::DateTime::from_timestamp_millis(schedules[0].next_at_ms.unwrap()).unwrap();
    let at = at.to_rfc3339();
    assert!(["2027-06-05T07:00:00+00:00", "2027-05-06T07:00:00+00:00"].contains(&at.as_str()), "{at}");
    let other = ask(&host, &ada, "dropped", &say("30 February at 9")).await;
    assert_eq!(other.status, TaskStatus::NeedsClarification, "{other:?}");
    let dropped = answer(&host, &ada, other.task_id, "when", "never mind").await;
    assert_eq!((dropped.status, dropped.content.as_str()), (TaskStatus::Completed, "All right, nothing was done."));
    assert_eq!(host.store.schedules(&ada.tenant, "u/ada/", None, 10).await.unwrap().rows.len(), 1);
    // The locale decides where it is known.
    let told = ask(&host, &ada, "locale", "my locale is en-US").await;
    assert_eq!(told.status, TaskStatus::Completed, "{told:?}");
    let understood = host.brain.route(&ada, &say("05/06/2027 at 9")).await.unwrap();
    assert_eq!(understood.locale.as_deref(), Some("en-US"), "{told:?}");
    let when = understood.route.intent.slots.iter().find(|slot| slot.name == "when").unwrap();
    assert_eq!(when.value["local"], "2027-05-06T09:00");
}

/// What cron cannot say is stored as a rule, told with its next runs, and fires.
#[tokio::test(flavor = "multi_thread")]
async fn every_other_monday_is_every_other_monday() {
    let data = DataDir::new();
    let (host, clock) = host_at(&data, MONDAY).await;
    let ada = owner("acme", "ada");
    let done = ask(&host, &ada, "s", "Every other Monday at 9 run the analytics report").await;
    assert_eq!(done.status, TaskStatus::Completed, "{done:?}");
    for next in ["30 November 2026, 09:00", "14 December 2026, 09:00", "28 December 2026, 09:00"] {
        assert!(done.content.contains(next), "{next}: {}", done.content);
    }
    let next = async || host.store.schedules(&ada.tenant, "u/ada/", None, 10).await.unwrap().rows[0].next_at_ms;
    let first = next().await.unwrap();
    assert_eq!(first, MONDAY + 7 * 24 * HOUR_MS - HOUR_MS);
    let mut notices = host.brain.notices();
    clock.set(first);
    tokio::time::timeout(PATIENCE, notices.recv()).await.expect("the report in time").unwrap();
    assert_eq!(next().await, Some(first + 14 * 24 * HOUR_MS), "a fortnight later, and no week");
}

/// "No, that was for …" does the earlier request with the skill that is named; it becomes an example only where the tenant allows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_done_and_learnt_where_the_tenant_allows_it() {
    let data = DataDir::new();
    let (host, _clock) = host_at(&data, MONDAY).await;
    let ada = owner("acme", "ada");
    let first = "flurbish the quarterly gronkles";
    for (session, learns) in [("one", false), ("two", true)] {
        if learns {
            let mut settings = host.registry.settings(&ada.tenant).await.unwrap();
            settings.learn_from_corrections = true;
            let actor = openanalyst_registry::Actor { name: "ada".to_owned(), origin: "test".to_owned() };
            host.registry.set_settings(&ada.tenant, &settings, &actor).await.unwrap();
        }
        let asked = ask(&host, &ada, session, first).await;
        assert_eq!(asked.metadata.skill.as_deref(), Some("core"), "{asked:?}");
        let corrected = ask(&host, &ada, session, "no, that was for analytics").await;
        assert_eq!(corrected.metadata.skill.as_deref(), Some("analytics"), "{corrected:?}");
        let learnt = host.store.corrections(&ada.tenant, 10).await.unwrap();
        assert_eq!(learnt.len(), usize::from(learns), "{learnt:?}");
    }
    let again = ask(&host, &ada, "three", first).await;
    assert_eq!(again.metadata.skill.as_deref(), Some("analytics"), "{again:?}");
    // Another tenant has learnt nothing from it.
    let other = ask(&host, &owner("other", "bob"), "s", first).await;
    assert_eq!(other.metadata.skill.as_deref(), Some("core"), "{other:?}");
}
