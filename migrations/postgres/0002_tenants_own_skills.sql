-- Tenants, their users, and the skills that they own: migrations/sqlite/0002_tenants_own_skills.sql in PostgreSQL's types.

-- What a tenant has decided for itself, for example whether packages must be signed. revision counts every change of its skills, grants and budgets, so that
-- every process notices what another one changed.
CREATE TABLE tenants (
    tenant     TEXT NOT NULL PRIMARY KEY,
    settings   JSONB NOT NULL DEFAULT '{}',
    revision   BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

-- People who signed up. The email is kept in lower case.
CREATE TABLE users (
    tenant       TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    email        TEXT,
    display_name TEXT,
    folder       TEXT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL,
    workspace_at TIMESTAMPTZ,
    PRIMARY KEY (tenant, user_id),
    UNIQUE (tenant, email),
    UNIQUE (tenant, folder)
);

CREATE TABLE user_context (
    tenant              TEXT NOT NULL,
    user_id             TEXT NOT NULL,
    preferences         JSONB NOT NULL,
    custom_instructions TEXT NOT NULL,
    version             BIGINT NOT NULL,
    updated_at          TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, user_id)
);

-- What was learned from research and from corrections; user_id is empty for what the whole tenant may know.
CREATE TABLE learnings (
    id      UUID NOT NULL PRIMARY KEY,
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    skill   TEXT,
    task_id UUID,
    content TEXT NOT NULL,
    source  TEXT NOT NULL,
    tags    JSONB NOT NULL DEFAULT '[]',
    at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX learnings_by_user ON learnings (tenant, user_id, id);

-- The skills that a tenant has uploaded. Bundled skills are in the program, and have an installation only where the tenant changed something.
CREATE TABLE skills (
    tenant     TEXT NOT NULL,
    name       TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- Immutable builds, named by the digest of their package.
CREATE TABLE skill_versions (
    tenant           TEXT NOT NULL,
    skill            TEXT NOT NULL,
    digest           TEXT NOT NULL,
    version          TEXT NOT NULL,
    component_digest TEXT,
    package_bytes    BIGINT NOT NULL,
    manifest         JSONB NOT NULL,
    findings         JSONB NOT NULL,
    publisher        TEXT,
    uploaded_by      TEXT NOT NULL,
    uploaded_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, skill, digest),
    UNIQUE (tenant, skill, version),
    FOREIGN KEY (tenant, skill) REFERENCES skills (tenant, name) ON DELETE CASCADE
);
CREATE INDEX skill_versions_by_digest ON skill_versions (digest);

-- Which version is active, and what it may use. digest is empty for the bundled version.
CREATE TABLE installations (
    tenant       TEXT NOT NULL,
    skill        TEXT NOT NULL,
    digest       TEXT NOT NULL,
    enabled      BOOLEAN NOT NULL,
    granted      BOOLEAN NOT NULL,
    budget       JSONB NOT NULL DEFAULT '{}',
    activated_by TEXT NOT NULL,
    activated_at TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, skill)
);

-- One row for each capability and target. The target is empty where a capability has none.
CREATE TABLE grants (
    tenant     TEXT NOT NULL,
    skill      TEXT NOT NULL,
    capability TEXT NOT NULL,
    target     TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, skill, capability, target),
    FOREIGN KEY (tenant, skill) REFERENCES installations (tenant, skill) ON DELETE CASCADE
);

-- Sealed: what stands here opens only with the host's key, and only for this tenant, skill, key and audience.
CREATE TABLE secrets (
    tenant   TEXT NOT NULL,
    skill    TEXT NOT NULL,
    key      TEXT NOT NULL,
    audience JSONB NOT NULL,
    sealed   BYTEA NOT NULL,
    set_by   TEXT NOT NULL,
    set_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, skill, key)
);

-- Whose packages a tenant trusts.
CREATE TABLE publisher_keys (
    tenant     TEXT NOT NULL,
    public_key TEXT NOT NULL,
    label      TEXT NOT NULL,
    added_by   TEXT NOT NULL,
    added_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, public_key)
);

-- Tokens that ended before their time: one by its id, or all of a user that were issued before a moment.
CREATE TABLE revocations (
    tenant        TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    token_id      TEXT NOT NULL,
    issued_before TIMESTAMPTZ,
    expires_at    TIMESTAMPTZ NOT NULL,
    revoked_by    TEXT NOT NULL,
    revoked_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant, user_id, token_id)
);

-- Who did what. Each row carries the hash of the one before; none is changed or removed.
CREATE TABLE audit (
    tenant   TEXT NOT NULL,
    seq      BIGINT NOT NULL,
    at       TIMESTAMPTZ NOT NULL,
    actor    TEXT NOT NULL,
    origin   TEXT NOT NULL,
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    data     JSONB NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL,
    PRIMARY KEY (tenant, seq)
);

-- What quotas add up, beside the whole receipt.
ALTER TABLE receipts ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE receipts ADD COLUMN cpu_us BIGINT NOT NULL DEFAULT 0;
ALTER TABLE receipts ADD COLUMN host_calls BIGINT NOT NULL DEFAULT 0;
ALTER TABLE receipts ADD COLUMN http_fetches BIGINT NOT NULL DEFAULT 0;
ALTER TABLE receipts ADD COLUMN workflow_starts BIGINT NOT NULL DEFAULT 0;
CREATE INDEX receipts_by_day ON receipts (tenant, skill, at);

SELECT openanalyst_guard(ARRAY['tenants', 'users', 'skills', 'skill_versions', 'installations', 'grants', 'secrets', 'publisher_keys', 'revocations'],
                         'tenant', 'SELECT, INSERT, UPDATE, DELETE');
SELECT openanalyst_guard(ARRAY['user_context'], 'user', 'SELECT, INSERT, UPDATE, DELETE');
SELECT openanalyst_guard(ARRAY['learnings'], 'shared', 'SELECT, INSERT, UPDATE, DELETE');
-- Append-only: no right to change or remove.
SELECT openanalyst_guard(ARRAY['audit'], 'tenant', 'SELECT, INSERT');

-- Every node knows all revocations, whoever's token it meets.
CREATE POLICY openanalyst_worker ON revocations FOR SELECT TO openanalyst_worker USING (true);
GRANT SELECT (tenant, user_id, token_id, issued_before, expires_at) ON revocations TO openanalyst_worker;
