-- What a brain needs that corrects itself: recordings of guests, tasks that wait without being in memory, search with ranking.

-- What guests asked the host and were told, part by part. place names the invocation; number is that of the part's first host call.
CREATE TABLE recordings (
    task_id   TEXT    NOT NULL REFERENCES tasks (id),
    place     TEXT    NOT NULL,
    number    INTEGER NOT NULL,
    tenant    TEXT    NOT NULL,
    user_id   TEXT    NOT NULL,
    component TEXT    NOT NULL,
    part      TEXT    NOT NULL,
    PRIMARY KEY (task_id, place, number)
) WITHOUT ROWID;

-- The job for which a running task waits without being in memory, and until when.
ALTER TABLE tasks ADD COLUMN waits_for TEXT;
ALTER TABLE tasks ADD COLUMN waits_until INTEGER;
-- Counts who worked on the task: what an earlier one still writes is refused.
ALTER TABLE tasks ADD COLUMN lease INTEGER NOT NULL DEFAULT 0;

-- The user wants it to end; why stands in cancel_reason.
ALTER TABLE tasks ADD COLUMN cancelling INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tasks_cancelled ON tasks (node) WHERE cancelling;

-- Tokens of language models.
ALTER TABLE receipts ADD COLUMN llm_tokens INTEGER NOT NULL DEFAULT 0;

-- The words of the memory. owner is one token, so that a search never leaves its owner's rows.
CREATE VIRTUAL TABLE memory_words USING fts5 (
    owner, key, value, tenant UNINDEXED, user_id UNINDEXED, tokenize = 'porter unicode61 remove_diacritics 2'
);
INSERT INTO memory_words (owner, key, value, tenant, user_id)
    SELECT 'o' || hex(tenant) || 'x' || hex(user_id), key, value, tenant, user_id FROM memory;
CREATE TABLE memory_rows (
    tenant  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    row     INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id, key)
) WITHOUT ROWID;
INSERT INTO memory_rows (tenant, user_id, key, row) SELECT tenant, user_id, key, rowid FROM memory_words;
CREATE TRIGGER memory_is_new AFTER INSERT ON memory BEGIN
    INSERT INTO memory_words (owner, key, value, tenant, user_id)
        VALUES ('o' || hex(new.tenant) || 'x' || hex(new.user_id), new.key, new.value, new.tenant, new.user_id);
    INSERT INTO memory_rows (tenant, user_id, key, row) VALUES (new.tenant, new.user_id, new.key, last_insert_rowid());
END;
CREATE TRIGGER memory_is_changed AFTER UPDATE OF value ON memory BEGIN
    UPDATE memory_words SET value = new.value WHERE rowid =
        (SELECT row FROM memory_rows WHERE tenant = old.tenant AND user_id = old.user_id AND key = old.key);
END;
CREATE TRIGGER memory_is_gone AFTER DELETE ON memory BEGIN
    DELETE FROM memory_words WHERE rowid =
        (SELECT row FROM memory_rows WHERE tenant = old.tenant AND user_id = old.user_id AND key = old.key);
    DELETE FROM memory_rows WHERE tenant = old.tenant AND user_id = old.user_id AND key = old.key;
END;

-- Rank: how often a learning was of use.
ALTER TABLE learnings ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
ALTER TABLE learnings ADD COLUMN title TEXT NOT NULL DEFAULT '';
CREATE INDEX learnings_by_skill ON learnings (tenant, skill, id);

-- What happened at the end of each step, so that the next task of its kind knows.
CREATE INDEX history_by_skill ON history (tenant, user_id, skill, kind, id);
