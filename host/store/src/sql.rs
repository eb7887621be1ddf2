//! One SQL text for two databases: values, queries and rows.
//!
//! A query is written once, with numbered parameters (`$1`), which both dialects understand. What differs is how a value looks in a column: times are
//! `timestamptz` or milliseconds, documents `jsonb` or text, ids `uuid` or text. The types here carry that difference, so that no function of the record does.
//! Where the dialects disagree in their words, a query has one text for each ([`Sql::each`]).

use futures_util::TryStreamExt as _;
use openanalyst_domain::{JobId, MessageId, TaskId};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Deserializer};
use sqlx::decode::Decode;
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgRow, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{FromRow, Postgres, Row as _, Type};
use uuid::Uuid;

use crate::StoreError;
use crate::db::{Source, Tx};

/// Lets a struct be read from a row of either database, each field from the column of its name.
macro_rules! from_row {
    ($name:ident { $($column:ident),+ $(,)? }) => {
        impl sqlx::FromRow<'_, sqlx::postgres::PgRow> for $name {
            fn from_row(row: &sqlx::postgres::PgRow) -> sqlx::Result<Self> {
                Ok(Self { $($column: sqlx::Row::try_get(row, stringify!($column))?),+ })
            }
        }
        impl $crate::sql::SqliteRow for $name {
            fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                Ok(Self { $($column: row.get(stringify!($column))?),+ })
            }
        }
    };
}
pub(crate) use from_row;

/// A statement in both dialects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
    /// Another statement with the same parameters that runs before it.
    pub(crate) before: Option<Before>,
}

/// A statement before another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
    /// Under what name PostgreSQL's main statement finds what it returns.
    pub(crate) name: &'static str,
}

impl Sql {
    /// For what the dialects say differently.
    pub(crate) const fn each(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite, postgres, before: None }
    }
}

impl From<&'static str> for Sql {
    fn from(both: &'static str) -> Self {
        Self::each(both, both)
    }
}

/// A parameter.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    Real(Option<f64>),
    Boolean(Option<bool>),
    Time(Option<At>),
    Document(Option<Json>),
    /// A document that no statement looks into: see [`Packed`].
    Packed(Option<Packed>),
    Id(Option<Id>),
    Bytes(Option<Vec<u8>>),
}

/// What a row takes beside its values: ids, times, and its places in indexes.
pub(crate) const ROW_BYTES: i64 = 100;

impl Value {
    /// Its bytes, as its owner is charged for them: before anything is compressed.
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.as_ref().map_or(0, String::len),
            Self::Document(document) => document.as_ref().map_or(0, |document| document.0.len()),
            Self::Packed(packed) => packed.as_ref().map_or(0, |packed| packed.0.0.len()),
            Self::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
            // What a row takes by itself stands for these.
            Self::Integer(_) | Self::Real(_) | Self::Boolean(_) | Self::Time(_) | Self::Id(_) => 0,
        }
    }
}

macro_rules! value_from {
    ($($from:ty => $variant:ident, $to:expr;)+) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(Some($to(value)))
            }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map($to))
            }
        }
    )+};
}

value_from! {
    &str => Text, storable;
    &String => Text, |text: &String| storable(text);
    String => Text, |text: String| storable(&text);
    i64 => Integer, std::convert::identity;
    f64 => Real, std::convert::identity;
    bool => Boolean, std::convert::identity;
    At => Time, At::in_the_calendar;
    Json => Document, std::convert::identity;
    Packed => Packed, std::convert::identity;
    TaskId => Id, |id: TaskId| Id(id.0);
    JobId => Id, |id: JobId| Id(id.0);
    MessageId => Id, |id: MessageId| Id(id.0);
    Uuid => Id, Id;
    &[u8] => Bytes, <[u8]>::to_vec;
}

impl From<&Option<String>> for Value {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.as_deref().map(storable))
    }
}

/// Text as both databases can hold it: PostgreSQL has no place for U+0000, which becomes U+FFFD here, in both.
fn storable(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

/// A moment: UTC milliseconds; `timestamptz` in PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At(pub(crate) i64);

/// The first and the last moment that both databases can hold: the years 1 to 9999.
const CALENDAR_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// A moment as it stands in a document that a database makes of a row: milliseconds, or the ISO 8601 text that PostgreSQL writes.
pub(crate) fn at_ms<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Ms(i64),
        Text(DateTime<Utc>),
    }
    Ok(match Written::deserialize(from)? {
        Written::Ms(ms) => ms,
        Written::Text(at) => at.timestamp_millis(),
    })
}

/// The same for what may not have happened.
pub(crate) fn maybe_at_ms<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    struct Moment(#[serde(deserialize_with = "at_ms")] i64);
    Ok(Option::<Moment>::deserialize(from)?.map(|Moment(ms)| ms))
}

impl At {
    /// What lies outside of the calendar is moved to its end.
    fn in_the_calendar(self) -> Self {
        Self(self.0.clamp(*CALENDAR_MS.start(), *CALENDAR_MS.end()))
    }

    /// For what may not have happened.
    pub(crate) fn maybe(at_ms: Option<i64>) -> Option<Self> {
        at_ms.map(Self)
    }
}

/// The milliseconds of a moment that may not have happened.
pub(crate) fn ms(at: Option<At>) -> Option<i64> {
    at.map(|at| at.0)
}

/// A document, as its JSON text; `jsonb` in PostgreSQL, which does not keep the order of members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Json(pub(crate) String);

impl AsRef<str> for Json {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Json {
    /// Takes what a serialiser wrote. The escape of U+0000, which `jsonb` refuses, becomes that of U+FFFD.
    pub(crate) fn new(text: String) -> Self {
        if !text.contains("\\u0000") {
            return Self(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(at) = rest.find('\\') {
            let (before, escape) = rest.split_at(at);
            out.push_str(before);
            if let Some(after) = escape.strip_prefix("\\u0000") {
                out.push_str("\\ufffd");
                rest = after;
            } else {
                // Two characters at a time, so that an escaped backslash is never read as the beginning of an escape.
                let end = escape.char_indices().nth(2).map_or(escape.len(), |(end, _)| end);
                out.push_str(&escape[..end]);
                rest = &escape[end..];
            }
        }
        out.push_str(rest);
        Self(out)
    }
}

/// A document that no statement looks into. SQLite keeps it as an LZ4 block where that is shorter;
/// PostgreSQL compresses large values by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed(pub(crate) Json);

/// A UUID; `uuid` in PostgreSQL, hyphenated text in SQLite. Both sort alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) Uuid);

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// A value as SQLite stores it.
impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        fn text(text: &str) -> ToSqlOutput<'_> {
            ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
        }
        Ok(match self {
            Self::Text(Some(value)) => text(value),
            Self::Integer(Some(value)) => ToSqlOutput::from(*value),
            Self::Real(Some(value)) => ToSqlOutput::from(*value),
            Self::Boolean(Some(value)) => ToSqlOutput::from(*value),
            Self::Time(Some(At(ms))) => ToSqlOutput::from(*ms),
            Self::Document(Some(Json(value))) => text(value),
            Self::Packed(Some(packed)) => packed.to_sqlite(),
            Self::Id(Some(id)) => ToSqlOutput::from(id.to_string()),
            Self::Bytes(Some(value)) => ToSqlOutput::from(value.as_slice()),
            Self::Text(None)
            | Self::Integer(None)
            | Self::Real(None)
            | Self::Boolean(None)
            | Self::Time(None)
            | Self::Document(None)
            | Self::Packed(None)
            | Self::Id(None)
            | Self::Bytes(None) => ToSqlOutput::from(rusqlite::types::Null),
        })
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

impl FromSql for Json {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Blob(bytes) => Packed::from_sqlite(bytes).map(|packed| packed.0),
            _ => String::column_result(value).map(Self),
        }
    }
}

impl Packed {
    /// Shorter ones would not get shorter.
    const WORTH_PACKING: usize = 512;
    /// The first byte of a packed document: what follows is its length and an LZ4 block.
    const LZ4: u8 = 1;
    /// Longer ones were not written by this program.
    const MAX_BYTES: usize = 64 << 20;

    fn to_sqlite(&self) -> ToSqlOutput<'_> {
        let text = self.0.0.as_bytes();
        if text.len() < Self::WORTH_PACKING {
            return ToSqlOutput::Borrowed(ValueRef::Text(text));
        }
        let mut bytes = vec![Self::LZ4];
        bytes.extend(lz4_flex::compress_prepend_size(text));
        ToSqlOutput::from(bytes)
    }

    fn from_sqlite(bytes: &[u8]) -> FromSqlResult<Self> {
        let damaged = |what: String| FromSqlError::Other(what.into());
        let Some((&Self::LZ4, block)) = bytes.split_first() else {
            return Err(damaged("an unknown kind of packed document".to_owned()));
        };
        // The size comes first, little-endian. It is believed only up to the limit.
        let size = block.first_chunk().map(|size| u32::from_le_bytes(*size)).unwrap_or(u32::MAX);
        if usize::try_from(size).is_ok_and(|size| size > Self::MAX_BYTES) {
            return Err(damaged(format!("a packed document of {size} bytes")));
        }
        let text = lz4_flex::decompress_size_prepended(block).map_err(|error| damaged(error.to_string()))?;
        let text = String::from_utf8(text).map_err(|error| damaged(error.to_string()))?;
        Ok(Self(Json(text)))
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let id = value.as_str()?.parse();
        id.map(Self).map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

/// What a row of SQLite can be read into.
pub(crate) trait SqliteRow: Sized {
    /// Reads the row.
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self>;
}

impl SqliteRow for () {
    fn read(_: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(())
    }
}

macro_rules! tuples {
    ($(($($column:ident $at:literal)+))+) => {$(
        impl<$($column: FromSql),+> SqliteRow for ($($column,)+) {
            fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                Ok(($(row.get::<_, $column>($at)?,)+))
            }
        }
    )+};
}

tuples! {
    (A 0)
    (A 0 B 1)
    (A 0 B 1 C 2)
    (A 0 B 1 C 2 D 3)
    (A 0 B 1 C 2 D 3 E 4)
    (A 0 B 1 C 2 D 3 E 4 F 5)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9)
}

impl Type<Postgres> for At {
    fn type_info() -> PgTypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }
}

impl<'q> Encode<'q, Postgres> for At {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let at = DateTime::<Utc>::from_timestamp_millis(self.0).ok_or("a time outside of the calendar")?;
        Encode::<Postgres>::encode_by_ref(&at, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for At {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(<DateTime<Utc> as Decode<Postgres>>::decode(value)?.timestamp_millis()))
    }
}

impl Type<Postgres> for Json {
    fn type_info() -> PgTypeInfo {
        <sqlx::types::JsonValue as Type<Postgres>>::type_info()
    }
}

/// The version of the binary form of `jsonb` (PostgreSQL, `jsonb_recv`).
const JSONB_VERSION: u8 = 1;

impl<'q> Encode<'q, Postgres> for Json {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.push(JSONB_VERSION);
        buffer.extend(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Postgres> for Json {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let binary = value.format() == PgValueFormat::Binary;
        let bytes = value.as_bytes()?;
        let text = match bytes {
            [JSONB_VERSION, text @ ..] if binary => text,
            _ if binary => return Err("an unknown version of jsonb".into()),
            text => text,
        };
        Ok(Self(std::str::from_utf8(text)?.to_owned()))
    }
}

impl Type<Postgres> for Id {
    fn type_info() -> PgTypeInfo {
        <Uuid as Type<Postgres>>::type_info()
    }
}

impl<'q> Encode<'q, Postgres> for Id {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode_by_ref(&self.0, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Id {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(<Uuid as Decode<Postgres>>::decode(value)?))
    }
}

/// What a row of either database can be read into.
pub(crate) trait Row: SqliteRow + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static {}
impl<T: SqliteRow + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static> Row for T {}

/// A statement with its parameters.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) sql: Sql,
    pub(crate) values: Vec<Value>,
    /// Rows are read until they have as many bytes: the one that reaches it is the last.
    pub(crate) most_bytes: usize,
}

/// Some of the rows that a query has.
#[derive(Debug)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether the page ended because of its bytes, so that there may be more rows.
    pub is_cut: bool,
}

impl<T> Page<T> {
    /// The same with other rows.
    pub(crate) fn try_map<U, E>(self, make: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        let rows = self.rows.into_iter().map(make).collect::<Result<_, _>>()?;
        Ok(Page { rows, is_cut: self.is_cut })
    }

    /// The rows of a listing for which one more than `limit` was asked: at most `limit`, and whether there are more.
    #[must_use]
    pub fn of(mut self, limit: u32) -> (Vec<T>, bool) {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = self.is_cut || self.rows.len() > limit;
        self.rows.truncate(limit);
        (self.rows, more)
    }
}

/// Most bytes of the rows of a page; the last row may go beyond it.
const PAGE_BYTES: usize = 4 << 20;

/// Begins a query.
pub(crate) fn query(sql: impl Into<Sql>) -> Query {
    Query { sql: sql.into(), values: Vec::new(), most_bytes: usize::MAX }
}

/// Gives a query of sqlx its parameters.
macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Text(value) => query.bind(value),
                Value::Integer(value) => query.bind(value),
                Value::Real(value) => query.bind(value),
                Value::Boolean(value) => query.bind(value),
                Value::Time(value) => query.bind(value),
                Value::Document(value) => query.bind(value),
                Value::Packed(value) => query.bind(value.map(|packed| packed.0)),
                Value::Id(value) => query.bind(value),
                Value::Bytes(value) => query.bind(value),
            };
        }
        query
    }};
}

pub(crate) use bound;

impl Query {
    /// Gives the next parameter.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it; gives how many rows it changed.
    pub(crate) async fn run(self, tx: &mut Tx) -> Result<u64, StoreError> {
        tx.run(self).await
    }

    /// Leaves it to be sent with what comes next, the commit at the latest. For a write of which nobody needs to know how many rows it changed.
    pub(crate) fn later(self, tx: &mut Tx) {
        tx.later.push(self);
    }

    /// The same, for a row of the task that the transaction holds: its bytes are counted there.
    pub(crate) fn later_counted(self, tx: &mut Tx) {
        tx.count_bytes(self.bytes());
        self.later(tx);
    }

    /// How many bytes it writes, where it writes one row.
    pub(crate) fn bytes(&self) -> i64 {
        let values: usize = self.values.iter().map(Value::bytes).sum();
        i64::try_from(values).unwrap_or(i64::MAX).saturating_add(ROW_BYTES)
    }

    /// All rows.
    pub(crate) async fn all<T: Row>(self, from: impl Source) -> Result<Vec<T>, StoreError> {
        Ok(from.page(self).await?.rows)
    }

    /// The rows until they have [`PAGE_BYTES`].
    pub(crate) async fn page<T: Row>(mut self, from: impl Source) -> Result<Page<T>, StoreError> {
        self.most_bytes = PAGE_BYTES;
        from.page(self).await
    }

    /// The row, if there is one.
    pub(crate) async fn optional<T: Row>(self, from: impl Source) -> Result<Option<T>, StoreError> {
        Ok(self.all(from).await?.into_iter().next())
    }

    /// The row. That there is none cannot be: it is an aggregate, or returns what it wrote.
    pub(crate) async fn one<T: Row>(self, from: impl Source) -> Result<T, StoreError> {
        self.optional(from).await?.ok_or(StoreError::Database(sqlx::Error::RowNotFound))
    }

    pub(crate) async fn on_postgres<'e, T: Row>(
        self,
        executor: impl sqlx::Executor<'e, Database = Postgres>,
    ) -> Result<Page<T>, StoreError> {
        let most_bytes = self.most_bytes;
        let query = bound!(sqlx::query(self.sql.postgres), self.values);
        let mut given = query.fetch(executor);
        let (mut rows, mut bytes) = (Vec::new(), 0_usize);
        while let Some(row) = given.try_next().await? {
            if most_bytes < usize::MAX {
                bytes = bytes.saturating_add(size_of_row(&row));
            }
            rows.push(T::from_row(&row)?);
            if bytes >= most_bytes {
                return Ok(Page { rows, is_cut: true });
            }
        }
        Ok(Page { rows, is_cut: false })
    }
}

fn size_of_row(row: &PgRow) -> usize {
    let value = |at| row.try_get_raw(at).ok().and_then(|value| value.as_bytes().ok());
    (0..row.len()).filter_map(value).map(<[u8]>::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_packed_where_that_helps() {
        for text in ["{}".to_owned(), format!("[{}1]", "\"ä\",".repeat(1_000))] {
            let packed = Packed(Json(text.clone()));
            let stored = packed.to_sqlite();
            let stored = match &stored {
                ToSqlOutput::Borrowed(value) => *value,
                ToSqlOutput::Owned(value) => ValueRef::from(value),
                other => panic!("{other:?}"),
            };
            assert_eq!(Json::column_result(stored).unwrap().0, text);
            assert_eq!(matches!(stored, ValueRef::Blob(_)), text.len() > 512);
        }
        for damaged in [&[][..], &[9, 1, 2], &[1, 255, 255, 255, 255, 0], &[1, 4, 0, 0, 0, 77]] {
            assert!(Json::column_result(ValueRef::Blob(damaged)).is_err(), "{damaged:?}");
        }
    }

    #[test]
    fn documents_lose_only_the_character_that_jsonb_cannot_hold() {
        let stored = |text: &str| Json::new(text.to_owned()).0;
        assert_eq!(stored(r#"{"a":"x\u0000y"}"#), r#"{"a":"x\ufffdy"}"#);
        assert_eq!(stored(r#"{"a":"x\\u0000y"}"#), r#"{"a":"x\\u0000y"}"#, "an escaped backslash and digits");
        assert_eq!(stored(r#"{"a":"\\\u0000"}"#), r#"{"a":"\\\ufffd"}"#);
        assert_eq!(stored(r#"{"ä":"\n\u0001"}"#), r#"{"ä":"\n\u0001"}"#);
        assert_eq!(storable("a\0b"), "a\u{fffd}b");
    }
}
