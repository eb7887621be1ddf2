-- The first schema. Times are UTC in milliseconds, ids are UUIDs as text, documents are JSON as text.
-- Every table names its tenant; personal rows also name their user.

-- One user request from acceptance to its single terminal state.
CREATE TABLE tasks (
    id              TEXT    NOT NULL PRIMARY KEY,
    tenant          TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    session         TEXT    NOT NULL,
    content         TEXT    NOT NULL,
    attachments     TEXT    NOT NULL DEFAULT '[]',
    status          TEXT    NOT NULL,
    node            TEXT,
    accepted_at     INTEGER NOT NULL,
    started_at      INTEGER,
    ended_at        INTEGER,
    last_seq        INTEGER NOT NULL DEFAULT 0,
    idempotency_key TEXT,
    request_digest  TEXT    NOT NULL,
    correlation_id  TEXT,
    cancel_reason   TEXT,
    skill           TEXT,
    skill_version   TEXT,
    skill_digest    TEXT,
    confidence      REAL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    prepared        TEXT,
    plan            TEXT,
    answers         TEXT    NOT NULL DEFAULT '[]',
    outcome         TEXT,
    UNIQUE (tenant, user_id, idempotency_key)
);
CREATE INDEX tasks_by_user ON tasks (tenant, user_id, id);
CREATE INDEX tasks_open ON tasks (status, id) WHERE status IN ('accepted', 'running');

-- What happened to a task. The sequence starts at 1 and has no gaps.
CREATE TABLE task_events (
    task_id TEXT    NOT NULL REFERENCES tasks (id),
    seq     INTEGER NOT NULL,
    tenant  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    data    TEXT    NOT NULL,
    PRIMARY KEY (task_id, seq)
) WITHOUT ROWID;

-- The results of finished steps: never run again after a restart.
CREATE TABLE step_results (
    task_id TEXT    NOT NULL REFERENCES tasks (id),
    round   INTEGER NOT NULL,
    step_id TEXT    NOT NULL,
    tenant  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    result  TEXT    NOT NULL,
    PRIMARY KEY (task_id, round, step_id)
) WITHOUT ROWID;

-- The journal of effects: the intent before it happens, the result after.
CREATE TABLE effects (
    key       TEXT    NOT NULL PRIMARY KEY,
    tenant    TEXT    NOT NULL,
    user_id   TEXT    NOT NULL,
    task_id   TEXT    NOT NULL,
    operation TEXT    NOT NULL,
    intent    TEXT    NOT NULL,
    intent_at INTEGER NOT NULL,
    result    TEXT,
    result_at INTEGER
) WITHOUT ROWID;
CREATE INDEX effects_by_task ON effects (task_id);

CREATE TABLE conversations (
    id         TEXT    NOT NULL PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    session    TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (tenant, user_id, session)
);

CREATE TABLE messages (
    id              TEXT    NOT NULL PRIMARY KEY,
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
CREATE INDEX messages_by_conversation ON messages (conversation_id, id);

-- user_id is empty for what belongs to the whole tenant.
CREATE TABLE memory (
    tenant     TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (tenant, user_id, key)
) WITHOUT ROWID;

-- The recorded past: session, learning, success, failure, research, activity.
CREATE TABLE history (
    id      TEXT    NOT NULL PRIMARY KEY,
    tenant  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    task_id TEXT,
    skill   TEXT,
    title   TEXT    NOT NULL,
    content TEXT    NOT NULL,
    data    TEXT    NOT NULL,
    at      INTEGER NOT NULL
);
CREATE INDEX history_by_user ON history (tenant, user_id, kind, id);
CREATE UNIQUE INDEX history_once_per_task ON history (task_id, kind) WHERE kind IN ('session', 'success', 'failure');

-- What each invocation used.
CREATE TABLE receipts (
    id      TEXT    NOT NULL PRIMARY KEY,
    tenant  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    task_id TEXT,
    job_id  TEXT,
    skill   TEXT    NOT NULL,
    data    TEXT    NOT NULL,
    logs    TEXT    NOT NULL,
    at      INTEGER NOT NULL
);
CREATE INDEX receipts_by_skill ON receipts (tenant, skill, id);

-- Messages to a user that no request waits for. Kept until a connection of the user took them.
CREATE TABLE notifications (
    id           TEXT    NOT NULL PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    user_id      TEXT    NOT NULL,
    title        TEXT    NOT NULL,
    content      TEXT    NOT NULL,
    level        TEXT    NOT NULL,
    job_id       TEXT,
    created_at   INTEGER NOT NULL,
    delivered_at INTEGER
);
CREATE INDEX notifications_waiting ON notifications (tenant, user_id, id) WHERE delivered_at IS NULL;

-- The embedded workflow engine ---------------------------------------------------------------------------------

-- Scripts, flows and apps of tenants. The shared scripts come with the host and are not stored here.
CREATE TABLE workflow_items (
    tenant     TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    summary    TEXT    NOT NULL,
    language   TEXT,
    value      TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, path)
) WITHOUT ROWID;

CREATE TABLE schedules (
    tenant      TEXT    NOT NULL,
    path        TEXT    NOT NULL,
    user_id     TEXT    NOT NULL,
    summary     TEXT    NOT NULL,
    cron        TEXT    NOT NULL,
    time_zone   TEXT    NOT NULL,
    script_path TEXT    NOT NULL,
    is_flow     INTEGER NOT NULL,
    args        TEXT    NOT NULL,
    enabled     INTEGER NOT NULL,
    next_at     INTEGER,
    last_at     INTEGER,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, path)
) WITHOUT ROWID;
CREATE INDEX schedules_due ON schedules (next_at) WHERE enabled = 1 AND next_at IS NOT NULL;

CREATE TABLE jobs (
    id            TEXT    NOT NULL PRIMARY KEY,
    tenant        TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    task_id       TEXT,
    parent_job    TEXT,
    kind          TEXT    NOT NULL,
    path          TEXT    NOT NULL,
    args          TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    node          TEXT,
    scheduled_for INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    started_at    INTEGER,
    ended_at      INTEGER,
    percent       INTEGER,
    logs          TEXT    NOT NULL DEFAULT '',
    result        TEXT,
    cancel_reason TEXT,
    schedule_path TEXT,
    due_at        INTEGER,
    UNIQUE (tenant, schedule_path, due_at)
);
CREATE INDEX jobs_by_user ON jobs (tenant, user_id, id);
CREATE INDEX jobs_open ON jobs (status, scheduled_for) WHERE status IN ('queued', 'running');

-- Variables, resources and the state of scripts (Windmill's getVariable, getResource, getState).
CREATE TABLE workflow_values (
    tenant     TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, path)
) WITHOUT ROWID;
