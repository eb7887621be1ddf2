//! Several statements of PostgreSQL's in one go. Each way to the server and back costs more than most of what is asked there.

use sqlx::{AssertSqlSafe, Postgres};

use crate::StoreError;
use crate::sql::{Query, Value, bound};

/// Statements of PostgreSQL's that became one.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    expressions: Vec<String>,
    last: String,
    values: Vec<Value>,
    /// The tables, and whether it matters what other statements do with the same one.
    targets: Vec<(&'static str, bool)>,
}

impl Joined {
    /// As few statements as possible that do the same as these. Those that do not write the same rows become one, as common table expressions
    /// (PostgreSQL documentation, 7.8.4: they see the same snapshot, and their order is not defined).
    pub(crate) fn of(queries: impl IntoIterator<Item = Query>) -> Vec<Self> {
        let mut joined: Vec<Self> = Vec::new();
        for query in queries {
            let before = query.sql.before.map(|before| before.postgres);
            let targets: Vec<_> = before.into_iter().chain([query.sql.postgres]).map(target).collect();
            match joined.last_mut().filter(|last| last.takes(&targets)) {
                Some(last) => last.push(query, targets),
                None => {
                    let mut new = Self::default();
                    new.push(query, targets);
                    joined.push(new);
                }
            }
        }
        joined
    }

    /// Whether statements that write these tables can be part of it.
    fn takes(&self, targets: &[(&'static str, bool)]) -> bool {
        !targets.iter().any(|(table, changes)| {
            self.targets.iter().any(|(other, other_changes)| table == other && (*changes || *other_changes))
        })
    }

    fn push(&mut self, query: Query, targets: Vec<(&'static str, bool)>) {
        if !self.last.is_empty() {
            let name = self.expressions.len();
            self.expressions.push(format!("w{name} AS ({})", std::mem::take(&mut self.last)));
        }
        if let Some(before) = query.sql.before {
            let mut text = format!("{} AS (", before.name);
            renumber(before.postgres, self.values.len(), &mut text);
            text.push(')');
            self.expressions.push(text);
        }
        renumber(query.sql.postgres, self.values.len(), &mut self.last);
        self.values.extend(query.values);
        self.targets.extend(targets);
    }

    /// Runs it; gives how many rows the last of its statements changed.
    pub(crate) async fn run(self, tx: &mut sqlx::Transaction<'static, Postgres>) -> Result<u64, StoreError> {
        let text = match self.expressions.as_slice() {
            [] => self.last,
            all => format!("WITH {} {}", all.join(", "), self.last),
        };
        // The text is made of the constants of this crate.
        Ok(bound!(sqlx::query(AssertSqlSafe(text)), self.values).execute(&mut **tx).await?.rows_affected())
    }
}

/// The table that a statement writes, and whether it matters what other statements do with it: it does unless new rows are added and nothing else.
fn target(sql: &'static str) -> (&'static str, bool) {
    let mut words = sql.split_whitespace();
    match words.next() {
        Some("UPDATE") => (words.next().unwrap_or_default(), true),
        // INSERT INTO, DELETE FROM
        Some(verb) => (words.nth(1).unwrap_or_default(), verb != "INSERT" || sql.contains("ON CONFLICT")),
        None => ("", true),
    }
}

/// Appends a statement to others, whose parameters come first.
fn renumber(sql: &str, before: usize, text: &mut String) {
    let mut parts = sql.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        text.push('$');
        // Anything else is a path of JSON, `$.kind`.
        if let Ok(number) = number.parse::<usize>() {
            text.push_str(&(before + number).to_string());
        }
        text.push_str(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::query;

    #[test]
    fn statements_that_do_not_write_the_same_rows_become_one() {
        let insert = || query("INSERT INTO a (x) VALUES ($1)").bind(1_i64);
        let update = || query("UPDATE b SET y = $2 WHERE x = $1").bind(2_i64).bind(3_i64);
        let joined = Joined::of(vec![insert(), insert(), update(), update(), insert()]);
        let texts: Vec<(String, String)> =
            joined.into_iter().map(|one| (one.expressions.join(", "), one.last)).collect();
        let first = "w0 AS (INSERT INTO a (x) VALUES ($1)), w1 AS (INSERT INTO a (x) VALUES ($2))";
        assert_eq!(texts[0], (first.to_owned(), "UPDATE b SET y = $4 WHERE x = $3".to_owned()));
        let second = "w0 AS (UPDATE b SET y = $2 WHERE x = $1)";
        assert_eq!(texts[1], (second.to_owned(), "INSERT INTO a (x) VALUES ($3)".to_owned()));
        assert_eq!(texts.len(), 2);
        assert_eq!(target("INSERT INTO c (a) VALUES ($1) ON CONFLICT (a) DO NOTHING"), ("c", true));
        assert_eq!(target("DELETE FROM c WHERE a = $1"), ("c", true));
    }

    #[test]
    fn parameters_of_later_statements_come_after_those_before() {
        let mut text = "SELECT $1;".to_owned();
        renumber("UPDATE t SET a = $1, b = json_extract($12, '$.kind') WHERE c = $2", 10, &mut text);
        assert_eq!(text, "SELECT $1;UPDATE t SET a = $11, b = json_extract($22, '$.kind') WHERE c = $12");
    }
}
