//! Converts an amount from one currency into another, with the rate of an HTTP service that needs a key.
//!
//! The key is a secret of the tenant: this code names it, and never sees it. `run` fetches, `reply` answers.

use openanalyst_skill::prelude::*;

/// The service. The tenant grants exactly this host.
const SERVICE: &str = "https://api.rates.example/v1/latest";
/// The name of the secret, which the host puts into the request.
const KEY: &str = "rates-key";

/// The skill.
struct ExchangeRates;

/// "100 USD in EUR": the amount and the two currencies.
fn wanted(content: &str) -> Result<(f64, String, String)> {
    let words: Vec<&str> =
        content.split(|c: char| !(c.is_alphanumeric() || c == '.')).filter(|word| !word.is_empty()).collect();
    let amount = words.iter().find_map(|word| word.trim_end_matches('.').parse::<f64>().ok());
    let is_code = |word: &&&str| word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase());
    let mut codes = words.iter().filter(is_code);
    match (amount, codes.next(), codes.next()) {
        (Some(amount), Some(from), Some(to)) => Ok((amount, (*from).to_owned(), (*to).to_owned())),
        _ => Err(Failure::invalid("say an amount and two currencies by their codes, as in “100 USD in EUR”")),
    }
}

impl Skill for ExchangeRates {
    fn plan(&self, request: &Request, _context: &Context) -> Result<Plan> {
        let (amount, from, to) = match wanted(&request.content) {
            Ok(wanted) => wanted,
            Err(_) => {
                let text = "Which amount, from which currency into which? For example: 100 USD in EUR";
                return Ok(Plan::ask(Question::new("amount", text)));
            }
        };
        let step = Step::run("convert", format!("Convert {amount} {from} into {to}"))
            .expect(expect::present("/converted", "there is a converted amount"));
        Ok(Plan::of([step]))
    }

    fn run(&self, _step: &Step, inputs: &Inputs, _attempt: &Attempt) -> Result<Output> {
        let (amount, from, to) = wanted(&inputs.request.content)?;
        if !secrets::exists(KEY)? {
            return Err(Failure::not_found(format!("the secret `{KEY}` is not set: ask an administrator to set it")));
        }
        // The host puts the secret in; it goes to no other host than those of its audience.
        let response = http::get(format!("{SERVICE}?base={from}&symbols={to}"))
            .header("authorization", format!("Bearer {}", secrets::named(KEY)))
            .send()?;
        let rates: Value = response.ok()?.json()?;
        let rate = rates["rates"][&to]
            .as_f64()
            .ok_or_else(|| Failure::failed(format!("the service has no rate from {from} to {to}")))?;
        let converted = (amount * rate * 100.0).round() / 100.0;
        Output::of(&json!({ "amount": amount, "from": from, "to": to, "rate": rate, "converted": converted }))
    }

    fn reply(&self, _request: &Request, results: &[StepResult]) -> Result<Reply> {
        let done = results.output("convert")?;
        let text = |name: &str| done[name].as_str().unwrap_or_default().to_owned();
        Reply::text(format!(
            "{} {} are {} {} (rate {}).",
            done["amount"],
            text("from"),
            done["converted"],
            text("to"),
            done["rate"]
        ))
        .with_data(&done)
    }
}

openanalyst_skill::export_skill!(ExchangeRates);
