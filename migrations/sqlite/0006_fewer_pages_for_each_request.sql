-- Every index is a page more that each request writes. Those that no question needs go, and those that are left fit the questions.
--
-- messages, history and receipts are found by whom they belong to, and in the order of their ids; nobody asks for an id alone. A unique index that begins with the owner
-- does both, and the index of the primary key goes. SQLite cannot drop that, so the tables are made anew.
CREATE TABLE messages_without_key (
    id              TEXT    NOT NULL,
    conversation_id TEXT    NOT NULL REFERENCES conversations (id),
    tenant          TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    task_id         TEXT    NOT NULL,
    role            TEXT    NOT NULL,
    content         TEXT    NOT NULL,
    data            TEXT,
    skill           TEXT,
    at              INTEGER NOT NULL
);
INSERT INTO messages_without_key (id, conversation_id, tenant, user_id, task_id, role, content, data, skill, at)
    SELECT id, conversation_id, tenant, user_id, task_id, role, content, data, skill, at FROM messages ORDER BY id;
DROP TABLE messages;
ALTER TABLE messages_without_key RENAME TO messages;
CREATE UNIQUE INDEX messages_by_conversation ON messages (conversation_id, id);

CREATE TABLE history_without_key (
    id      TEXT    NOT NULL,
    tenant  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    task_id TEXT,
    skill   TEXT,
    title   TEXT    NOT NULL,
    content TEXT    NOT NULL,
    data    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    place   TEXT    NOT NULL DEFAULT ''
);
INSERT INTO history_without_key (id, tenant, user_id, kind, task_id, skill, title, content, data, at, place)
    SELECT id, tenant, user_id, kind, task_id, skill, title, content, data, at, place FROM history ORDER BY id;
DROP TABLE history;
ALTER TABLE history_without_key RENAME TO history;
-- The history is read newest first, of whatever kind and skill.
CREATE UNIQUE INDEX history_by_user ON history (tenant, user_id, id);
-- Every request reads its user's newest failures, which are few.
CREATE INDEX history_failures ON history (tenant, user_id, id) WHERE kind = 'failure';
CREATE UNIQUE INDEX history_once_per_place ON history (task_id, kind, place) WHERE kind IN ('session', 'success', 'failure');

CREATE TABLE receipts_without_key (
    id              TEXT    NOT NULL,
    tenant          TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    task_id         TEXT,
    job_id          TEXT,
    skill           TEXT    NOT NULL,
    data            TEXT    NOT NULL,
    logs            TEXT    NOT NULL,
    at              INTEGER NOT NULL,
    digest          TEXT    NOT NULL DEFAULT '',
    cpu_us          INTEGER NOT NULL DEFAULT 0,
    host_calls      INTEGER NOT NULL DEFAULT 0,
    http_fetches    INTEGER NOT NULL DEFAULT 0,
    workflow_starts INTEGER NOT NULL DEFAULT 0,
    llm_tokens      INTEGER NOT NULL DEFAULT 0
);
INSERT INTO receipts_without_key (id, tenant, user_id, task_id, job_id, skill, data, logs, at, digest, cpu_us, host_calls, http_fetches, workflow_starts, llm_tokens)
    SELECT id, tenant, user_id, task_id, job_id, skill, data, logs, at, digest, cpu_us, host_calls, http_fetches, workflow_starts, llm_tokens
    FROM receipts ORDER BY id;
DROP TABLE receipts;
ALTER TABLE receipts_without_key RENAME TO receipts;
CREATE UNIQUE INDEX receipts_by_skill ON receipts (tenant, skill, id);
CREATE INDEX receipts_by_task ON receipts (task_id);
-- What a tenant used today is asked with or without the skill, so the time comes before it.
CREATE INDEX receipts_by_day ON receipts (tenant, at);

-- tasks_open_by_user holds the open tasks too, of which there are few.
DROP INDEX tasks_open;
