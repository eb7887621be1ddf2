//! Budgets and quotas that a tenant sets: for itself, and for each installation. Both only lower what the operator allows.

use openanalyst_domain::{Budget, Failure, LimitReason};
use openanalyst_store::receipts::Usage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Limits of one skill, or of all skills of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SkillLimits {
    /// Limits of one invocation, by the names of [`Budget`]; those that are not named are the operator's.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub invocation: Map<String, Value>,
    /// What may be used in a day.
    #[serde(skip_serializing_if = "DailyQuota::is_empty")]
    pub daily: DailyQuota,
    /// What happens when a step gives not what was expected.
    #[serde(skip_serializing_if = "RetryLimits::is_empty")]
    pub retry: RetryLimits,
}

/// How often what fails is tried again. None: as the operator, or for a skill the tenant, has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RetryLimits {
    /// Retries after the first run; never more than the operator allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// The pause before the first retry, in milliseconds; it doubles with each one, to at most a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_ms: Option<u64>,
    /// Whether it is looked up what went wrong, once the retries are used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub research: Option<bool>,
    /// Whether what research found on the public web is kept for everybody in the organisation, and not only for the user whose request it was for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_learnings: Option<bool>,
}

impl RetryLimits {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What may be used in a day, from midnight to midnight UTC. None: as much as the other limits allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DailyQuota {
    /// Invocations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocations: Option<u32>,
    /// CPU time, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// HTTP fetches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_fetches: Option<u32>,
    /// Jobs started in the workflow engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_starts: Option<u32>,
    /// Tokens of language models, read and written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub llm_tokens: Option<u64>,
}

/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

impl DailyQuota {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The beginning of the day in which a moment lies.
    #[must_use]
    pub fn day_began_ms(now_ms: i64) -> i64 {
        now_ms - now_ms.rem_euclid(DAY_MS)
    }

    /// Refuses once the day's use has reached the quota.
    ///
    /// # Errors
    /// [`Failure::Limit`] with `quota-exceeded`, naming what is used up and when it begins anew.
    pub fn check(&self, of: &str, used: &Usage) -> Result<(), Failure> {
        let table = [
            ("invocations", self.invocations.map(i64::from), used.invocations),
            ("ms of CPU time", self.cpu_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)), used.cpu_us / 1_000),
            ("HTTP fetches", self.http_fetches.map(i64::from), used.http_fetches),
            ("workflow starts", self.workflow_starts.map(i64::from), used.workflow_starts),
            (
                "tokens of language models",
                self.llm_tokens.map(|tokens| i64::try_from(tokens).unwrap_or(i64::MAX)),
                used.llm_tokens,
            ),
        ];
        for (what, limit, used) in table {
            if let Some(limit) = limit.filter(|limit| used >= *limit) {
                return Err(Failure::limit(
                    LimitReason::QuotaExceeded,
                    format!(
                        "{of} has used {used} {what} today and {limit} is the daily quota: it begins anew at midnight UTC, or an administrator raises it"
                    ),
                ));
            }
        }
        Ok(())
    }
}

impl SkillLimits {
    /// The budget of one invocation under these limits.
    ///
    /// # Errors
    /// Names a limit that there is not, has no number, or is higher than `ceiling`.
    pub fn budget(&self, ceiling: &Budget) -> Result<Budget, String> {
        let Ok(Value::Object(mut merged)) = serde_json::to_value(ceiling) else {
            return Err("the operator's budget cannot be read".to_owned());
        };
        for (name, value) in &self.invocation {
            let Some(highest) = merged.get(name).and_then(Value::as_u64) else {
                let names = merged.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                return Err(format!("there is no limit `{name}`: the limits of an invocation are {names}"));
            };
            let Some(asked) = value.as_u64() else {
                return Err(format!("`{name}` must be a whole number that is not negative, and is {value}"));
            };
            if asked > highest {
                return Err(format!(
                    "`{name}` cannot be {asked}: the operator allows at most {highest}. Ask for less, or ask the operator to raise it"
                ));
            }
            merged.insert(name.clone(), value.clone());
        }
        serde_json::from_value(Value::Object(merged)).map_err(|error| error.to_string())
    }

    /// The budget under limits that were stored earlier: what the operator has lowered since then is lowered here too.
    #[must_use]
    pub fn budget_within(&self, ceiling: &Budget) -> Budget {
        let mut limits = self.clone();
        if let Ok(Value::Object(highest)) = serde_json::to_value(ceiling) {
            limits.invocation.retain(|name, value| {
                let highest = highest.get(name).and_then(Value::as_u64);
                value.as_u64().zip(highest).is_some_and(|(asked, highest)| asked <= highest)
            });
        }
        limits.budget(ceiling).unwrap_or_else(|_| ceiling.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limits(value: Value) -> SkillLimits {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_limit_is_lowered_and_never_raised() {
        let ceiling = Budget::default();
        let budget = limits(json!({"invocation": {"cpuMs": 10}})).budget(&ceiling).unwrap();
        assert_eq!((budget.cpu_ms, budget.wall_ms), (10, ceiling.wall_ms));
        for (name, value, word) in [
            ("cpuMs", json!(1_001), "at most 1000"),
            ("cpuMs", json!(-1), "not negative"),
            ("cpuMs", json!("10"), "whole number"),
            ("cpu", json!(1), "cpuMs"),
        ] {
            let error = limits(json!({"invocation": {name: value}})).budget(&ceiling).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert!(serde_json::from_value::<SkillLimits>(json!({"dayly": {}})).is_err());
        let lowered = Budget { cpu_ms: 5, ..Budget::default() };
        assert_eq!(limits(json!({"invocation": {"cpuMs": 10, "wallMs": 7}})).budget_within(&lowered).cpu_ms, 5);
        assert_eq!(limits(json!({"invocation": {"cpuMs": 10, "wallMs": 7}})).budget_within(&lowered).wall_ms, 7);
    }

    #[test]
    fn a_quota_is_used_up_at_its_number() {
        let quota = DailyQuota { invocations: Some(2), ..DailyQuota::default() };
        let used = |invocations| Usage { invocations, ..Usage::default() };
        assert!(quota.check("the skill `x`", &used(1)).is_ok());
        let failure = quota.check("the skill `x`", &used(2)).unwrap_err();
        assert_eq!(failure.code(), "quota-exceeded");
        assert!(failure.to_string().contains("midnight UTC"), "{failure}");
        assert_eq!(DailyQuota::day_began_ms(86_400_000 * 3 + 5), 86_400_000 * 3);
    }
}
