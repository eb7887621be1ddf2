-- The first schema: the tables of migrations/sqlite/0001_initial.sql in PostgreSQL's types.
-- Every table names its tenant; personal rows also name their user.

-- One user request from acceptance to its single terminal state.
CREATE TABLE tasks (
    id              UUID NOT NULL PRIMARY KEY,
    tenant          TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    session         TEXT NOT NULL,
    content         TEXT NOT NULL,
    attachments     JSONB NOT NULL DEFAULT '[]',
    status          TEXT NOT NULL,
    node            TEXT,
    accepted_at     TIMESTAMPTZ NOT NULL,
    started_at      TIMESTAMPTZ,
    ended_at        TIMESTAMPTZ,
    last_seq        BIGINT NOT NULL DEFAULT 0,
    idempotency_key TEXT,
    request_digest  TEXT NOT NULL,
    correlation_id  TEXT,
    cancel_reason   TEXT,
    skill           TEXT,
    skill_version   TEXT,
    skill_digest    TEXT,
    confidence      DOUBLE PRECISION,
    attempts        BIGINT NOT NULL DEFAULT 0,
    prepared        JSONB,
    plan            JSONB,
    answers         JSONB NOT NULL DEFAULT '[]',
    outcome         JSONB,
    UNIQUE (tenant, user_id, idempotency_key)
);
CREATE INDEX tasks_by_user ON tasks (tenant, user_id, id);
CREATE INDEX tasks_open ON tasks (status, id) WHERE status IN ('accepted', 'running');

-- What happened to a task. The sequence starts at 1 and has no gaps.
CREATE TABLE task_events (
    task_id UUID NOT NULL REFERENCES tasks (id),
    seq     BIGINT NOT NULL,
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    at      TIMESTAMPTZ NOT NULL,
    kind    TEXT NOT NULL,
    data    JSONB NOT NULL,
    PRIMARY KEY (task_id, seq)
);

-- The results of finished steps: never run again after a restart.
CREATE TABLE step_results (
    task_id UUID NOT NULL REFERENCES tasks (id),
    round   BIGINT NOT NULL,
    step_id TEXT NOT NULL,
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    result  JSONB NOT NULL,
    PRIMARY KEY (task_id, round, step_id)
);

-- The journal of effects: the intent before it happens, the result after.
CREATE TABLE effects (
    key       TEXT NOT NULL PRIMARY KEY,
    tenant    TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    task_id   UUID NOT NULL,
    operation TEXT NOT NULL,
    intent    JSONB NOT NULL,
    intent_at TIMESTAMPTZ NOT NULL,
    result    JSONB,
    result_at TIMESTAMPTZ
);
CREATE INDEX effects_by_task ON effects (task_id);

CREATE TABLE conversations (
    id         UUID NOT NULL PRIMARY KEY,
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    session    TEXT NOT NULL,
    title      TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    UNIQUE (tenant, user_id, session)
);

CREATE TABLE messages (
    id              UUID NOT NULL PRIMARY KEY,
    conversation_id UUID NOT NULL REFERENCES conversations (id),
    tenant          TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    task_id         UUID NOT NULL,
    role            TEXT NOT NULL,
    content         TEXT NOT NULL,
    data            JSONB,
    skill           TEXT,
    at              TIMESTAMPTZ NOT NULL
);
CREATE INDEX messages_by_conversation ON messages (conversation_id, id);

-- user_id is empty for what belongs to the whole tenant.
CREATE TABLE memory (
    tenant     TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    version    BIGINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    PRIMARY KEY (tenant, user_id, key)
);

-- The recorded past: session, learning, success, failure, research, activity.
CREATE TABLE history (
    id      UUID NOT NULL PRIMARY KEY,
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    kind    TEXT NOT NULL,
    task_id UUID,
    skill   TEXT,
    title   TEXT NOT NULL,
    content TEXT NOT NULL,
    data    JSONB NOT NULL,
    at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX history_by_user ON history (tenant, user_id, kind, id);
CREATE UNIQUE INDEX history_once_per_task ON history (task_id, kind) WHERE kind IN ('session', 'success', 'failure');

-- What each invocation used.
CREATE TABLE receipts (
    id      UUID NOT NULL PRIMARY KEY,
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    task_id UUID,
    job_id  UUID,
    skill   TEXT NOT NULL,
    data    JSONB NOT NULL,
    logs    JSONB NOT NULL,
    at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX receipts_by_skill ON receipts (tenant, skill, id);

-- Messages to a user that no request waits for. Kept until a connection of the user took them.
CREATE TABLE notifications (
    id           UUID NOT NULL PRIMARY KEY,
    tenant       TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    title        TEXT NOT NULL,
    content      TEXT NOT NULL,
    level        TEXT NOT NULL,
    job_id       UUID,
    created_at   TIMESTAMPTZ NOT NULL,
    delivered_at TIMESTAMPTZ
);
CREATE INDEX notifications_waiting ON notifications (tenant, user_id, id) WHERE delivered_at IS NULL;

-- The embedded workflow engine ---------------------------------------------------------------------------------

-- Scripts, flows and apps of tenants. The shared scripts come with the host and are not stored here.
CREATE TABLE workflow_items (
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    path       TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    summary    TEXT NOT NULL,
    language   TEXT,
    value      TEXT NOT NULL,
    version    BIGINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, kind, path)
);

CREATE TABLE schedules (
    tenant      TEXT NOT NULL,
    path        TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    summary     TEXT NOT NULL,
    cron        TEXT NOT NULL,
    time_zone   TEXT NOT NULL,
    script_path TEXT NOT NULL,
    is_flow     BOOLEAN NOT NULL,
    args        JSONB NOT NULL,
    enabled     BOOLEAN NOT NULL,
    next_at     TIMESTAMPTZ,
    last_at     TIMESTAMPTZ,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, path)
);
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE jobs (
    id            UUID NOT NULL PRIMARY KEY,
    tenant        TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    task_id       UUID,
    parent_job    UUID,
    kind          TEXT NOT NULL,
    path          TEXT NOT NULL,
    args          JSONB NOT NULL,
    status        TEXT NOT NULL,
    node          TEXT,
    scheduled_for TIMESTAMPTZ NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    started_at    TIMESTAMPTZ,
    ended_at      TIMESTAMPTZ,
    percent       BIGINT,
    logs          TEXT NOT NULL DEFAULT '',
    result        JSONB,
    cancel_reason TEXT,
    schedule_path TEXT,
    due_at        TIMESTAMPTZ,
    UNIQUE (tenant, schedule_path, due_at)
);
CREATE INDEX jobs_by_user ON jobs (tenant, user_id, id);
CREATE INDEX jobs_open ON jobs (status, scheduled_for) WHERE status IN ('queued', 'running');

-- Variables, resources and the state of scripts (Windmill's getVariable, getResource, getState).
CREATE TABLE workflow_values (
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    path       TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    value      TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, kind, path)
);

-- Roles and row-level security ----------------------------------------------------------------------------------
-- openanalyst_app:    what every connection of the host becomes. Owns nothing and cannot bypass row-level security.
-- openanalyst_worker: finds open work of all tenants; reads ids and times, writes nothing.
-- Roles belong to the whole server, so another database may have made them before.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['openanalyst_app', 'openanalyst_worker'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of this server made it at this moment
            END;
        END IF;
        -- Whoever owns the tables may also serve.
        IF NOT pg_has_role(current_user, role, 'MEMBER') THEN
            BEGIN
                EXECUTE format('GRANT %I TO %I', role, current_user);
            EXCEPTION WHEN unique_violation OR internal_error THEN
                NULL; -- likewise; where it was not that, `SET ROLE` says so at the next connection
            END;
        END IF;
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO openanalyst_app, openanalyst_worker', current_schema());
END
$$;
GRANT SELECT ON _sqlx_migrations TO openanalyst_app;

-- Puts tables under forced row-level security. kind is `tenant` (the tenant's rows), `user` (the user's rows in the tenant) or `shared` (the user's, and those
-- of nobody in particular). Every table but _sqlx_migrations goes through here, which a test proves.
CREATE FUNCTION openanalyst_guard(tables text[], kind text, rights text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
    rule text := $rule$tenant = current_setting('openanalyst.tenant', true)$rule$;
    own  text := $rule$user_id = current_setting('openanalyst.user_id', true) OR current_setting('openanalyst.every_user', true) = 'on'$rule$;
BEGIN
    CASE kind
        WHEN 'tenant' THEN NULL;
        WHEN 'user' THEN rule := format('%s AND (%s)', rule, own);
        WHEN 'shared' THEN rule := format('%s AND (%s OR user_id = %L)', rule, own, '');
    END CASE;
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (tenant <> %L)', name, name || '_has_a_tenant', '');
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY openanalyst_app ON %I TO openanalyst_app USING (%s) WITH CHECK (%s)', name, rule, rule);
        EXECUTE format('GRANT %s ON %I TO openanalyst_app', rights, name);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION openanalyst_guard FROM PUBLIC;

SELECT openanalyst_guard(ARRAY['tasks', 'task_events', 'step_results', 'effects', 'conversations', 'messages', 'history', 'receipts',
                               'notifications', 'jobs'], 'user', 'SELECT, INSERT, UPDATE, DELETE');
SELECT openanalyst_guard(ARRAY['memory'], 'shared', 'SELECT, INSERT, UPDATE, DELETE');
SELECT openanalyst_guard(ARRAY['workflow_items', 'workflow_values', 'schedules'], 'tenant', 'SELECT, INSERT, UPDATE, DELETE');

CREATE POLICY openanalyst_worker ON tasks FOR SELECT TO openanalyst_worker USING (status IN ('accepted', 'running'));
GRANT SELECT (id, tenant, user_id, session, status, node) ON tasks TO openanalyst_worker;
CREATE POLICY openanalyst_worker ON jobs FOR SELECT TO openanalyst_worker USING (status IN ('queued', 'running'));
GRANT SELECT (id, tenant, user_id, status, node, scheduled_for) ON jobs TO openanalyst_worker;
CREATE POLICY openanalyst_worker ON schedules FOR SELECT TO openanalyst_worker USING (enabled AND next_at IS NOT NULL);
GRANT SELECT (tenant, path, enabled, next_at) ON schedules TO openanalyst_worker;
