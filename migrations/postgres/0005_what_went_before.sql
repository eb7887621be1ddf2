-- What went before the last round: migrations/sqlite/0005_what_went_before.sql in PostgreSQL's types.
CREATE TABLE task_rounds (
    task_id  UUID   NOT NULL REFERENCES tasks (id),
    round    BIGINT NOT NULL,
    tenant   TEXT   NOT NULL,
    user_id  TEXT   NOT NULL,
    skill    TEXT   NOT NULL,
    version  TEXT,
    digest   TEXT,
    prepared JSONB  NOT NULL,
    plan     JSONB,
    outcome  JSONB  NOT NULL,
    PRIMARY KEY (task_id, round)
);
SELECT openanalyst_guard(ARRAY['task_rounds'], 'user', 'SELECT, INSERT, UPDATE, DELETE');

-- A task can fail at more than one place: at steps that never gave what was expected, and at its end.
ALTER TABLE history ADD COLUMN place TEXT NOT NULL DEFAULT '';
DROP INDEX history_once_per_task;
CREATE UNIQUE INDEX history_once_per_place ON history (task_id, kind, place) WHERE kind IN ('session', 'success', 'failure');
