-- migrations/sqlite/0008_quotas_retention_deletion.sql says what it is for.
ALTER TABLE tasks ADD COLUMN bytes bigint NOT NULL DEFAULT 0;
CREATE INDEX recordings_by_user ON recordings (tenant, user_id, task_id);
CREATE INDEX notifications_by_user ON notifications (tenant, user_id, id);

CREATE TABLE storage_usage (
    tenant  text   NOT NULL,
    user_id text   NOT NULL,
    kind    text   NOT NULL,
    entries bigint NOT NULL,
    bytes   bigint NOT NULL,
    PRIMARY KEY (tenant, user_id, kind)
);
-- Changes that are not added up yet. Transactions of one user would wait for each other at a row that
-- all of them change; new rows keep nobody waiting, and one node adds them up every few seconds.
CREATE TABLE storage_changes (
    tenant  text   NOT NULL,
    user_id text   NOT NULL,
    kind    text   NOT NULL,
    entries bigint NOT NULL,
    bytes   bigint NOT NULL
);
CREATE INDEX storage_changes_by_user ON storage_changes (tenant, user_id);
CREATE TABLE usage_by_day (
    tenant          text   NOT NULL,
    user_id         text   NOT NULL,
    skill           text   NOT NULL,
    day             bigint NOT NULL,
    invocations     bigint NOT NULL,
    cpu_us          bigint NOT NULL,
    host_calls      bigint NOT NULL,
    http_fetches    bigint NOT NULL,
    workflow_starts bigint NOT NULL,
    llm_tokens      bigint NOT NULL,
    PRIMARY KEY (tenant, day, user_id, skill)
);
CREATE TABLE deletions (
    tenant       text        NOT NULL,
    user_id      text        NOT NULL,
    requested_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, user_id)
);

-- The owner of the tables sees the rows for this once.
ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY;
ALTER TABLE task_events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE step_results NO FORCE ROW LEVEL SECURITY;
ALTER TABLE skill_versions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE history NO FORCE ROW LEVEL SECURITY;
ALTER TABLE recordings NO FORCE ROW LEVEL SECURITY;
ALTER TABLE receipts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_items NO FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_values NO FORCE ROW LEVEL SECURITY;
ALTER TABLE schedules NO FORCE ROW LEVEL SECURITY;
UPDATE tasks SET bytes = 1000 + 2 * octet_length(content) + octet_length(attachments::text)
    + 2 * COALESCE(octet_length(outcome::text), 0)
    + COALESCE((SELECT SUM(100 + octet_length(data::text)) FROM task_events WHERE task_id = tasks.id), 0)
    + COALESCE((SELECT SUM(100 + octet_length(result::text)) FROM step_results WHERE task_id = tasks.id), 0);
INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
    SELECT tenant, user_id, kind, SUM(entries), SUM(bytes) FROM (
        SELECT tenant, user_id, 'history' AS kind, 1 AS entries, bytes FROM tasks
        UNION ALL SELECT tenant, '', 'packages', 1, package_bytes FROM skill_versions
        UNION ALL SELECT tenant, user_id, 'history', 0, 100 + octet_length(title) + octet_length(content) + octet_length(data::text) FROM history
        UNION ALL SELECT tenant, user_id, 'recordings', 1, 100 + octet_length(part) FROM recordings
        UNION ALL SELECT tenant, user_id, 'receipts', 1, 100 + octet_length(data::text) + octet_length(logs::text) FROM receipts
        UNION ALL SELECT tenant, user_id, 'jobs', 1, 100 + octet_length(logs) + octet_length(args::text) + COALESCE(octet_length(result::text), 0) FROM jobs
        UNION ALL SELECT tenant, user_id, 'workflows', 1, 100 + octet_length(value) FROM workflow_items
        UNION ALL SELECT tenant, user_id, 'workflows', 1, 100 + octet_length(value) FROM workflow_values
        UNION ALL SELECT tenant, user_id, 'schedules', 1, 100 + octet_length(args::text) FROM schedules
    ) AS kept GROUP BY tenant, user_id, kind;
ALTER TABLE tasks FORCE ROW LEVEL SECURITY;
ALTER TABLE task_events FORCE ROW LEVEL SECURITY;
ALTER TABLE step_results FORCE ROW LEVEL SECURITY;
ALTER TABLE skill_versions FORCE ROW LEVEL SECURITY;
ALTER TABLE history FORCE ROW LEVEL SECURITY;
ALTER TABLE recordings FORCE ROW LEVEL SECURITY;
ALTER TABLE receipts FORCE ROW LEVEL SECURITY;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_items FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_values FORCE ROW LEVEL SECURITY;
ALTER TABLE schedules FORCE ROW LEVEL SECURITY;

-- Gives a table three triggers that count what statements add, change and remove. `whose` is the
-- column with the user, or an empty text in quotes; `size` gives the bytes of a row.
CREATE FUNCTION openanalyst_count(counted text, kind text, whose text, entries int, size text)
RETURNS void LANGUAGE plpgsql AS $make$
DECLARE
    adds text := format('SELECT tenant, %s, %L, %s, %s FROM added', whose, kind, entries, size);
    removes text := format('SELECT tenant, %s, %L, -%s, -(%s) FROM removed', whose, kind, entries, size);
    sums text := $sums$INSERT INTO storage_changes (tenant, user_id, kind, entries, bytes)
        SELECT tenant, user_id, kind, SUM(entries), SUM(bytes)
        FROM (%s) AS change (tenant, user_id, kind, entries, bytes)
        GROUP BY tenant, user_id, kind HAVING SUM(entries) <> 0 OR SUM(bytes) <> 0$sums$;
    what text;
BEGIN
    FOREACH what IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
        EXECUTE format(
            'CREATE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN %s; RETURN NULL; END $f$',
            format('openanalyst_count_%s_%s', counted, what),
            format(sums, CASE what WHEN 'insert' THEN adds WHEN 'delete' THEN removes
                ELSE adds || ' UNION ALL ' || removes END));
        EXECUTE format(
            'CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s FOR EACH STATEMENT EXECUTE FUNCTION %I()',
            format('counted_%s', what), what, counted,
            CASE what WHEN 'insert' THEN 'NEW TABLE AS added' WHEN 'delete' THEN 'OLD TABLE AS removed'
                ELSE 'NEW TABLE AS added OLD TABLE AS removed' END,
            format('openanalyst_count_%s_%s', counted, what));
    END LOOP;
END
$make$;
REVOKE ALL ON FUNCTION openanalyst_count FROM PUBLIC;
SELECT openanalyst_count('tasks', 'history', 'user_id', 1, 'bytes');
SELECT openanalyst_count('skill_versions', 'packages', '''''', 1, 'package_bytes');
SELECT openanalyst_count('history', 'history', 'user_id', 0, '100 + octet_length(title) + octet_length(content) + octet_length(data::text)');
SELECT openanalyst_count('recordings', 'recordings', 'user_id', 1, '100 + octet_length(part)');
SELECT openanalyst_count('receipts', 'receipts', 'user_id', 1, '100 + octet_length(data::text) + octet_length(logs::text)');
SELECT openanalyst_count('jobs', 'jobs', 'user_id', 1, '100 + octet_length(logs) + octet_length(args::text) + COALESCE(octet_length(result::text), 0)');
SELECT openanalyst_count('workflow_items', 'workflows', 'user_id', 1, '100 + octet_length(value)');
SELECT openanalyst_count('workflow_values', 'workflows', 'user_id', 1, '100 + octet_length(value)');
SELECT openanalyst_count('schedules', 'schedules', 'user_id', 1, '100 + octet_length(args::text)');

SELECT openanalyst_guard(ARRAY['storage_usage', 'storage_changes', 'usage_by_day', 'deletions'], 'tenant',
                         'SELECT, INSERT, UPDATE, DELETE');
-- Who has anything to be pruned, and which deletions go on, of all tenants.
CREATE POLICY openanalyst_worker ON storage_usage FOR SELECT TO openanalyst_worker USING (true);
GRANT SELECT (tenant, user_id) ON storage_usage TO openanalyst_worker;
CREATE POLICY openanalyst_worker ON storage_changes FOR SELECT TO openanalyst_worker USING (true);
GRANT SELECT (tenant, user_id) ON storage_changes TO openanalyst_worker;
CREATE POLICY openanalyst_worker ON memory_usage FOR SELECT TO openanalyst_worker USING (true);
GRANT SELECT (tenant, user_id) ON memory_usage TO openanalyst_worker;
CREATE POLICY openanalyst_worker ON deletions FOR SELECT TO openanalyst_worker USING (true);
GRANT SELECT (tenant, user_id) ON deletions TO openanalyst_worker;
