-- Small rows of tasks: migrations/sqlite/0004_small_rows_of_tasks.sql in PostgreSQL's types.
CREATE TABLE task_documents (
    task_id  UUID  NOT NULL PRIMARY KEY REFERENCES tasks (id),
    tenant   TEXT  NOT NULL,
    user_id  TEXT  NOT NULL,
    prepared JSONB,
    plan     JSONB
);
-- The owner of the tables is held by their row-level security like everybody; for this move it is lifted, and the transaction puts it back.
ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY;
INSERT INTO task_documents (task_id, tenant, user_id, prepared, plan)
    SELECT id, tenant, user_id, prepared, plan FROM tasks WHERE prepared IS NOT NULL OR plan IS NOT NULL;
ALTER TABLE tasks FORCE ROW LEVEL SECURITY;
ALTER TABLE tasks DROP COLUMN prepared;
ALTER TABLE tasks DROP COLUMN plan;
SELECT openanalyst_guard(ARRAY['task_documents'], 'user', 'SELECT, INSERT, UPDATE, DELETE');

-- Every request counts its user's open tasks, of which there are few, among all tasks, of which there are many.
CREATE INDEX tasks_open_by_user ON tasks (tenant, user_id) WHERE status IN ('accepted', 'running');

-- The receipt of a task is the sum of those of its invocations.
CREATE INDEX receipts_by_task ON receipts (task_id);
