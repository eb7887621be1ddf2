//! What is stored in the engine by path: scripts, flows, apps, schedules. Storing, listing, removing.
//!
//! What stands under `f/` is seen and run by everybody in the tenant, with their own rights. So only the user who stored it there first may change or remove it:
//! otherwise one user could put a program of theirs under another one's name.

use openanalyst_domain::{Failure, Owner};
use openanalyst_store::StoreError;
use openanalyst_store::storage::StorageKind;
use serde_json::{Value, json};

use crate::embedded::{Inner, store_failure};
use crate::engine::{Item, ItemKind, NewItem, Page};
use crate::job_writes::JobWrite;
use crate::{access, jobs, quota, schedules};

/// Most bytes of a script, a flow or an app.
const MAX_BYTES: usize = 512 << 10;
/// Most characters of a summary.
const MAX_SUMMARY_CHARS: usize = 1_000;
/// Most lines of a page.
const MAX_PAGE: u32 = 100;

/// The kind's name in the record; none for what is not kept as an item.
fn stored_kind(kind: ItemKind) -> Option<&'static str> {
    match kind {
        ItemKind::Script => Some("script"),
        ItemKind::Flow => Some("flow"),
        ItemKind::App => Some("app"),
        ItemKind::Schedule | ItemKind::Job => None,
    }
}

/// A summary as it is stored.
pub(crate) fn summary(text: &str) -> String {
    text.chars().take(MAX_SUMMARY_CHARS).collect()
}

/// Checks that an item is not too large, before anything reads it.
pub(crate) fn check_size(item: &NewItem) -> Result<(), Failure> {
    let length = item.value.len();
    if length <= MAX_BYTES {
        return Ok(());
    }
    Err(Failure::invalid(format!("`{}` has {length} bytes and {MAX_BYTES} is the limit", item.path)))
}

/// Stores a checked script, flow or app.
pub(crate) async fn put(
    inner: &Inner,
    owner: &Owner,
    write: Option<&JobWrite>,
    kind: &str,
    item: &NewItem,
) -> Result<(), Failure> {
    access::writable(owner, &item.path)?;
    check_size(item)?;
    let unreachable = |error: StoreError| store_failure(&error);
    let _turn = quota::room(inner, owner, &[StorageKind::Workflows]).await?;
    let mut tx = inner.begin_writing(owner, write).await.map_err(unreachable)?;
    match tx.item(&owner.tenant, kind, &item.path).await.map_err(unreachable)? {
        Some(row) => access::replaceable(owner, &item.path, &row.user_id)?,
        None => quota::one_more_item(&mut tx, owner, kind).await?,
    }
    let (summary, language) = (summary(&item.summary), item.language.as_deref());
    let put = tx.put_item(owner, kind, &item.path, &summary, language, &item.value, inner.clock.now_ms()).await;
    put.map_err(unreachable)?;
    tx.commit().await.map_err(unreachable)
}

/// Removes; says whether there was one.
pub(crate) async fn delete(
    inner: &Inner,
    owner: &Owner,
    write: Option<&JobWrite>,
    kind: ItemKind,
    path: &str,
) -> Result<bool, Failure> {
    if kind == ItemKind::Job {
        return Err(Failure::invalid("a job is a record and cannot be deleted: cancel it, if it has not ended"));
    }
    access::writable(owner, path)?;
    let unreachable = |error: StoreError| store_failure(&error);
    let mut tx = inner.begin_writing(owner, write).await.map_err(unreachable)?;
    let keeper = match stored_kind(kind) {
        Some(kind) => tx.item(&owner.tenant, kind, path).await.map_err(unreachable)?.map(|row| row.user_id),
        None => tx.schedule(&owner.tenant, path).await.map_err(unreachable)?.map(|row| row.user),
    };
    let Some(keeper) = keeper else { return Ok(false) };
    access::replaceable(owner, path, &keeper)?;
    let removed = match stored_kind(kind) {
        Some(kind) => tx.delete_item(&owner.tenant, kind, path).await,
        None => tx.delete_schedule(&owner.tenant, path).await,
    };
    let removed = removed.map_err(unreachable)?;
    tx.commit().await.map_err(unreachable)?;
    Ok(removed)
}

/// One page of what the owner sees.
pub(crate) async fn list(
    inner: &Inner,
    owner: &Owner,
    kind: ItemKind,
    prefix: &str,
    limit: u32,
    cursor: Option<&str>,
) -> Result<Page, Failure> {
    let limit = limit.clamp(1, MAX_PAGE);
    let unreachable = |error: StoreError| store_failure(&error);
    if kind == ItemKind::Job {
        let before = cursor.map(str::parse).transpose();
        let before = before.map_err(|_| Failure::invalid("the cursor is not one of this engine: begin without one"))?;
        let rows = inner.store.jobs(owner, prefix, before, limit + 1).await.map_err(unreachable)?;
        let (rows, more) = rows.of(limit);
        return Ok(page(rows.into_iter().map(jobs::item).collect(), more));
    }
    let mut items = if kind == ItemKind::Script { shared(inner, prefix, cursor) } else { Vec::new() };
    // Where a page of one folder ended because of its bytes, nothing behind it is shown yet.
    let mut up_to: Option<String> = None;
    let mut cut = |last: Option<&str>| {
        if let Some(last) = last
            && up_to.as_deref().is_none_or(|up_to| last < up_to)
        {
            up_to = Some(last.to_owned());
        }
    };
    for prefix in access::visible_prefixes(owner, prefix) {
        match stored_kind(kind) {
            Some(name) => {
                let rows = inner.store.items(&owner.tenant, name, &prefix, cursor, limit + 1).await;
                let rows = rows.map_err(unreachable)?;
                cut(rows.rows.last().filter(|_| rows.is_cut).map(|row| row.path.as_str()));
                items.extend(rows.rows.into_iter().map(|row| {
                    let value = serde_json::from_str::<Value>(&row.value).ok().filter(|_| kind != ItemKind::Script);
                    Item {
                        kind,
                        path: row.path,
                        summary: row.summary,
                        details: json!({ "language": row.language, "version": row.version, "value": value }),
                        updated_at_ms: row.updated_at_ms,
                    }
                }));
            }
            None => {
                let rows = inner.store.schedules(&owner.tenant, &prefix, cursor, limit + 1).await;
                let rows = rows.map_err(unreachable)?;
                cut(rows.rows.last().filter(|_| rows.is_cut).map(|row| row.path.as_str()));
                items.extend(rows.rows.into_iter().map(schedules::item));
            }
        }
    }
    items.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(up_to) = &up_to {
        items.retain(|item| item.path <= *up_to);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = up_to.is_some() || items.len() > limit;
    items.truncate(limit);
    Ok(page(items, more))
}

/// The scripts that come with the host.
fn shared(inner: &Inner, prefix: &str, cursor: Option<&str>) -> Vec<Item> {
    let wanted = |path: &str| path.starts_with(prefix) && cursor.is_none_or(|cursor| path > cursor);
    let paths = inner.shared().keys().copied().filter(|path| wanted(path));
    let item = |path: &str| Item {
        kind: ItemKind::Script,
        path: path.to_owned(),
        summary: "comes with the host".to_owned(),
        details: json!({ "language": "bun" }),
        updated_at_ms: 0,
    };
    paths.map(item).collect()
}

/// Some items, and where the next page begins if there are more.
fn page(items: Vec<Item>, more: bool) -> Page {
    let cursor = items.last().filter(|_| more).map(|item| item.path.clone());
    Page { items, cursor }
}
