//! Attached files through the whole program: the numbers that they mean, and the file first.

use serde_json::{Value, json};

use crate::support::{Client, DataDir, Server};

async fn ask(client: &Client, content: &str, name: &str, bytes: &[u8]) -> Value {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
    let body = json!({
        "content": content, "sessionId": name, "attachments": [{ "name": name, "base64": base64 }],
    });
    let (status, task) = client.post("/v1/requests?wait=60", &body).await;
    assert_eq!(status, 200, "{task}");
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_a_file_begins_with_the_file_and_its_numbers_are_right() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    client.ask("hello", "before").await;
    let files: &[(&str, &[u8], &[&str])] = &[
        ("eu_small.csv", b"product;price\nA;1,234\nB;2,500\n", &["3.734", "comma is the decimal mark"]),
        ("eu_dots.csv", b"country;visits\nDE;1.234\nFR;2.500\n", &["3,734", "dot groups thousands"]),
        (
            "accounting.csv",
            b"Account,Amount,Margin\nRevenue,\"$1,234.56\",12.5%\nCOGS,\"($987.65)\",-3.25%\n",
            &["246.91", "Amount (in $)", "4.625%", "not added up"],
        ),
        ("latin1.csv", b"stadt;besucher\nM\xfcnchen;10\nK\xf6ln;20\n", &["ISO 8859-1", "M\u{fc}nchen", "| 30 |"]),
        ("total.csv", b"year,revenue\n2024,100\n2025,200\nTotal,300\n", &["| 300 |", "2024 to 2025, not added up", "total row"]),
        (
            "x.json",
            br#"{"data":[{"id":"1861","public_metrics":{"like_count":10}},{"id":"1862","public_metrics":{"like_count":7}}]}"#,
            &["| 17 |", "id: 2 different values"],
        ),
    ];
    for (name, bytes, parts) in files {
        let task = ask(&client, "analyze this file", name, bytes).await;
        assert_eq!((&task["status"], &task["metadata"]["skill"]), (&json!("completed"), &json!("analytics")), "{task}");
        let text = task["content"].as_str().unwrap();
        assert!(text.lines().next().unwrap().contains(name), "it begins with the file: {text}");
        assert!(!text.contains("What happened here") && !text.contains("You have no"), "{text}");
        for part in *parts {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
    let task = ask(&client, "analyze this file", "unsure.tsv", b"country\tvisits\nDE\t1.234\nFR\t2.500\n").await;
    assert_eq!(task["status"], "needs-clarification", "{task}");
    assert_eq!(task["questions"][0]["options"], json!(["1.234", "1234"]));
    let path = format!("/v1/tasks/{}/answers", task["taskId"].as_str().unwrap());
    let answers = json!({ "answers": [{ "questionId": task["questions"][0]["id"], "text": "1234" }] });
    let (status, answer) = client.post(&path, &answers).await;
    assert!(status < 300, "{answer}");
    let id = task["taskId"].as_str().unwrap();
    client.each_event(id, 0, |event| !matches!(event["kind"].as_str().unwrap(), "completed" | "failed")).await;
    let (_, done) = client.get(&format!("/v1/tasks/{id}")).await;
    assert!(done["content"].as_str().unwrap().contains("3,734"), "{done}");
}

/// The largest file that fits into a request, with cells of every kind, within the budget of one call.
#[tokio::test(flavor = "multi_thread")]
async fn the_largest_file_is_read_within_the_budget() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let client = server.client(&data.token("acme", "ada"));
    let mut csv = String::from("date,campaign,cost,ctr,clicks\n");
    while csv.len() < 760 << 10 {
        csv.push_str("2026-11-01,Autumn,\"$1,234.50\",3.25%,17\n");
    }
    let task = ask(&client, "analyze this file", "large.csv", csv.as_bytes()).await;
    assert_eq!(task["status"], "completed", "{task}");
    let clicks = ((csv.lines().count() - 1) * 17).to_string();
    let (thousands, rest) = clicks.split_at(clicks.len() - 3);
    let text = task["content"].as_str().unwrap();
    assert!(text.contains(&format!("| {thousands},{rest} |")), "{clicks} is not in {text}");
    let (_, receipts) = client.get("/v1/skills/analytics/receipts").await;
    println!("{receipts}");
}
