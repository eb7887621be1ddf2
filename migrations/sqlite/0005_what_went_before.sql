-- What the planner was given in rounds and parts of a task before the last one, what it planned, and what came of it: a task is replayed from its beginning.
CREATE TABLE task_rounds (
    task_id  TEXT    NOT NULL REFERENCES tasks (id),
    round    INTEGER NOT NULL,
    tenant   TEXT    NOT NULL,
    user_id  TEXT    NOT NULL,
    skill    TEXT    NOT NULL,
    version  TEXT,
    digest   TEXT,
    prepared TEXT    NOT NULL,
    plan     TEXT,
    outcome  TEXT    NOT NULL,
    PRIMARY KEY (task_id, round)
) WITHOUT ROWID;

-- A task can fail at more than one place: at steps that never gave what was expected, and at its end.
ALTER TABLE history ADD COLUMN place TEXT NOT NULL DEFAULT '';
DROP INDEX history_once_per_task;
CREATE UNIQUE INDEX history_once_per_place ON history (task_id, kind, place) WHERE kind IN ('session', 'success', 'failure');
