//! Attached files: what is asked, what is answered first, what is not beside it.

use openanalyst_skill::prelude::*;
use openanalyst_skill::testing::{self, Host};
use openanalyst_skill::types::Answer;
use skill_analytics::Analytics;

fn collected(request: &Request) -> Value {
    Host::new().run(|| {
        memory::user().put("posts/1", &json!({"platform": "twitter"})).unwrap();
        let plan = Analytics.plan(request, &testing::context()).unwrap();
        let output = Analytics.run(&plan.steps[0], &testing::inputs(request, &plan.steps[0]), &testing::attempt(1));
        output.unwrap().read().unwrap()
    })
}

#[test]
fn a_file_with_two_readings_is_asked_about_and_the_answer_counts() {
    let mut request =
        testing::request("analyze this file").with_attachment("v.tsv", "text/plain", "a\tvisits\nx\t1.234\ny\t2.500\n");
    let plan = |request: &Request| Host::new().run(|| Analytics.plan(request, &testing::context()).unwrap());
    let asked = plan(&request);
    assert!(asked.steps.is_empty());
    let question = &asked.questions[0];
    assert!(question.text.contains("`v.tsv`") && question.text.contains("`visits`"), "{}", question.text);
    assert_eq!(question.options, ["1.234", "1234"]);
    for (text, sum) in [("1234", 3734.0), ("the dot is the decimal mark", 3.734)] {
        request.answers = vec![Answer { question_id: question.id.clone(), text: text.to_owned() }];
        assert_eq!(plan(&request).steps.len(), 3);
        assert_eq!(collected(&request)["tables"][0]["columns"][1]["numbers"]["sum"], sum);
    }
    request.answers = vec![Answer { question_id: question.id.clone(), text: "yes".to_owned() }];
    assert_eq!(plan(&request).questions.len(), 1, "an answer that names neither is no answer");
}

#[test]
fn own_records_stand_beside_a_file_only_where_they_are_named() {
    for (content, posts) in [("analyze this file", 0), ("compare it with my posts", 1)] {
        let request = testing::request(content).with_attachment("n.csv", "text/csv", "a,b\nx,2\n");
        assert_eq!(collected(&request)["posts"].as_array().unwrap().len(), posts, "{content}");
    }
    assert_eq!(collected(&testing::request("report"))["posts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_is_named_beside_one_that_can() {
    let request = testing::request("analyze these files")
        .with_attachment("n.csv", "text/csv", "a,b\nx,2\n")
        .with_attachment("book.xlsx", "application/octet-stream", b"PK\x03\x04".to_vec());
    let collected = collected(&request);
    assert_eq!(collected["tables"].as_array().unwrap().len(), 1);
    let problem = collected["problems"][0].as_str().unwrap();
    assert!(problem.contains("book.xlsx") && problem.contains("save the sheet as CSV"), "{problem}");
}

#[test]
fn a_question_about_a_column_is_answered_in_a_sentence() {
    let csv = "day,revenue,CTR,like_count,cost\nMon,1.5,0.1,3,$5\nTue,2.5,0.3,4,€6\n";
    for (content, answer) in [
        ("what is the total revenue in this file?", "The sum of `revenue` is 4.0 (n.csv)."),
        ("average revenue please", "The mean of `revenue` is 2.0 (n.csv)."),
        ("how many likes did we get?", "The sum of `like_count` is 7 (n.csv)."),
        ("what was the highest revenue?", "The largest value of `revenue` is 2.5 (n.csv)."),
        ("total ctr?", "`CTR` is a rate and is not added up; its mean is 0.2 (n.csv)."),
        ("total cost?", "`cost` has several currencies or units: 5 $ in 1 row, 6 € in 1 row (n.csv)."),
    ] {
        let request = testing::request(content).with_attachment("n.csv", "text/csv", csv);
        assert_eq!(collected(&request)["answers"], json!([answer]), "{content}");
    }
    let request = testing::request("what is the total balance?").with_attachment(
        "b.csv",
        "text/csv",
        "date,balance\n2026-11-01,5\n2026-11-02,7\n",
    );
    let answer =
        "`balance` is a value at a time and is not added up; its mean is 6, the last is 7 of 2 November 2026 (b.csv).";
    assert_eq!(collected(&request)["answers"], json!([answer]));
    for content in ["analyze this file", "what is the total profit?"] {
        let request = testing::request(content).with_attachment("n.csv", "text/csv", csv);
        assert_eq!(collected(&request)["answers"], json!([]), "{content}");
    }
}
