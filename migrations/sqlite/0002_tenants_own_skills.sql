-- Tenants, their users, and the skills that they own. Times are UTC in milliseconds, documents are JSON as text.

-- What a tenant has decided for itself, for example whether packages must be signed. revision counts every change of its skills, grants and budgets, so that
-- every process notices what another one changed.
CREATE TABLE tenants (
    tenant     TEXT    NOT NULL PRIMARY KEY,
    settings   TEXT    NOT NULL DEFAULT '{}',
    revision   INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;

-- People who signed up. The email is kept in lower case.
CREATE TABLE users (
    tenant       TEXT    NOT NULL,
    user_id      TEXT    NOT NULL,
    email        TEXT,
    display_name TEXT,
    folder       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    workspace_at INTEGER,
    PRIMARY KEY (tenant, user_id),
    UNIQUE (tenant, email),
    UNIQUE (tenant, folder)
) WITHOUT ROWID;

CREATE TABLE user_context (
    tenant              TEXT    NOT NULL,
    user_id             TEXT    NOT NULL,
    preferences         TEXT    NOT NULL,
    custom_instructions TEXT    NOT NULL,
    version             INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id)
) WITHOUT ROWID;

-- What was learned from research and from corrections; user_id is empty for what the whole tenant may know.
CREATE TABLE learnings (
    id      TEXT    NOT NULL PRIMARY KEY,
    tenant  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    skill   TEXT,
    task_id TEXT,
    content TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    tags    TEXT    NOT NULL DEFAULT '[]',
    at      INTEGER NOT NULL
);
CREATE INDEX learnings_by_user ON learnings (tenant, user_id, id);

-- The skills that a tenant has uploaded. Bundled skills are in the program, and have an installation only where the tenant changed something.
CREATE TABLE skills (
    tenant     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

-- Immutable builds, named by the digest of their package.
CREATE TABLE skill_versions (
    tenant           TEXT    NOT NULL,
    skill            TEXT    NOT NULL,
    digest           TEXT    NOT NULL,
    version          TEXT    NOT NULL,
    component_digest TEXT,
    package_bytes    INTEGER NOT NULL,
    manifest         TEXT    NOT NULL,
    findings         TEXT    NOT NULL,
    publisher        TEXT,
    uploaded_by      TEXT    NOT NULL,
    uploaded_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, skill, digest),
    UNIQUE (tenant, skill, version),
    FOREIGN KEY (tenant, skill) REFERENCES skills (tenant, name) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX skill_versions_by_digest ON skill_versions (digest);

-- Which version is active, and what it may use. digest is empty for the bundled version.
CREATE TABLE installations (
    tenant       TEXT    NOT NULL,
    skill        TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    enabled      INTEGER NOT NULL,
    granted      INTEGER NOT NULL,
    budget       TEXT    NOT NULL DEFAULT '{}',
    activated_by TEXT    NOT NULL,
    activated_at INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant, skill)
) WITHOUT ROWID;

-- One row for each capability and target. The target is empty where a capability has none.
CREATE TABLE grants (
    tenant     TEXT    NOT NULL,
    skill      TEXT    NOT NULL,
    capability TEXT    NOT NULL,
    target     TEXT    NOT NULL,
    granted_by TEXT    NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, skill, capability, target),
    FOREIGN KEY (tenant, skill) REFERENCES installations (tenant, skill) ON DELETE CASCADE
) WITHOUT ROWID;

-- Sealed: what stands here opens only with the host's key, and only for this tenant, skill, key and audience.
CREATE TABLE secrets (
    tenant   TEXT    NOT NULL,
    skill    TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    audience TEXT    NOT NULL,
    sealed   BLOB    NOT NULL,
    set_by   TEXT    NOT NULL,
    set_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant, skill, key)
) WITHOUT ROWID;

-- Whose packages a tenant trusts.
CREATE TABLE publisher_keys (
    tenant     TEXT    NOT NULL,
    public_key TEXT    NOT NULL,
    label      TEXT    NOT NULL,
    added_by   TEXT    NOT NULL,
    added_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant, public_key)
) WITHOUT ROWID;

-- Tokens that ended before their time: one by its id, or all of a user that were issued before a moment.
CREATE TABLE revocations (
    tenant        TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    token_id      TEXT    NOT NULL,
    issued_before INTEGER,
    expires_at    INTEGER NOT NULL,
    revoked_by    TEXT    NOT NULL,
    revoked_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id, token_id)
) WITHOUT ROWID;

-- Who did what. Each row carries the hash of the one before; none is changed or removed.
CREATE TABLE audit (
    tenant   TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    origin   TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    data     TEXT    NOT NULL,
    previous TEXT    NOT NULL,
    hash     TEXT    NOT NULL,
    PRIMARY KEY (tenant, seq)
) WITHOUT ROWID;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- What quotas add up, beside the whole receipt.
ALTER TABLE receipts ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE receipts ADD COLUMN cpu_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receipts ADD COLUMN host_calls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receipts ADD COLUMN http_fetches INTEGER NOT NULL DEFAULT 0;
ALTER TABLE receipts ADD COLUMN workflow_starts INTEGER NOT NULL DEFAULT 0;
CREATE INDEX receipts_by_day ON receipts (tenant, skill, at);

DROP INDEX schedules_due;
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;
