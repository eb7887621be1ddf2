//! What is collected, planned and answered.

use openanalyst_skill::prelude::*;
use openanalyst_skill::testing::{self, Host};
use skill_analytics::Analytics;

#[test]
fn three_steps_each_taking_up_the_one_before() {
    let request = testing::request("report of last week")
        .with_slot("range", json!({"fromMs": 1, "toMs": 2, "label": "last week"}));
    let plan = Host::new().run(|| Analytics.plan(&request, &testing::context()).unwrap());
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["collect", "metrics", "report"]);
    assert_eq!(plan.steps[1].arguments()["posts"], json!({"$from": "collect#/posts"}));
    assert_eq!(plan.steps[1].arguments()["range"]["label"], "last week");
    assert_eq!(plan.steps[2].arguments()["tables"], json!({"$from": "metrics#/tables"}));
}

#[test]
fn what_is_there_is_collected_and_nothing_else() {
    let request = testing::request("report on this and my posts").with_attachment("n.csv", "text/csv", "a,b\n1,2\n");
    let collected: Value = Host::new().run(|| {
        memory::user().put("posts/1", &json!({"platform": "twitter"})).unwrap();
        memory::user().put("preferences/tone", &json!("dry")).unwrap();
        let plan = Analytics.plan(&request, &testing::context()).unwrap();
        let output = Analytics.run(&plan.steps[0], &testing::inputs(&request, &plan.steps[0]), &testing::attempt(1));
        output.unwrap().read().unwrap()
    });
    assert_eq!(collected["posts"], json!([{"platform": "twitter"}]));
    assert_eq!(collected["tables"][0]["columns"][1]["numbers"]["sum"], 2.0);
    assert_eq!(collected["schedules"], json!([]));
}

#[test]
fn a_file_that_is_no_text_is_named() {
    let request = testing::request("report").with_attachment("n.bin", "application/octet-stream", vec![0xff, 0xfe]);
    let failure = Host::new().run(|| {
        let plan = Analytics.plan(&request, &testing::context()).unwrap();
        Analytics.run(&plan.steps[0], &testing::inputs(&request, &plan.steps[0]), &testing::attempt(1)).unwrap_err()
    });
    assert!(failure.detail().contains("n.bin"), "{}", failure.detail());
}

#[test]
fn the_answer_is_the_report() {
    let request = testing::request("report");
    let reply = Host::new().run(|| {
        let plan = Analytics.plan(&request, &testing::context()).unwrap();
        let output = Output::of(&json!({"report": {"markdown": "# Report\n\n| a |\n"}})).unwrap();
        Analytics.reply(&request, &[testing::result(&plan.steps[2], &output)]).unwrap()
    });
    assert!(reply.content.starts_with("# Report"));
}
