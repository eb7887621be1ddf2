-- What the planner was given and what it planned are long, and few who read a task want them: they get a table of their own, so that the rows of
-- tasks stay small. Their rows are written once, at the first write after the plan.
CREATE TABLE task_documents (
    task_id  TEXT NOT NULL PRIMARY KEY REFERENCES tasks (id),
    tenant   TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    prepared TEXT,
    plan     TEXT
);
INSERT INTO task_documents (task_id, tenant, user_id, prepared, plan)
    SELECT id, tenant, user_id, prepared, plan FROM tasks WHERE prepared IS NOT NULL OR plan IS NOT NULL;
ALTER TABLE tasks DROP COLUMN prepared;
ALTER TABLE tasks DROP COLUMN plan;

-- Every request counts its user's open tasks, of which there are few, among all tasks, of which there are many.
CREATE INDEX tasks_open_by_user ON tasks (tenant, user_id) WHERE status IN ('accepted', 'running');

-- The receipt of a task is the sum of those of its invocations.
CREATE INDEX receipts_by_task ON receipts (task_id);
