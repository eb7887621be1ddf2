-- Quotas, retention and deletion: what each user keeps is counted as it comes and goes, so that a limit
-- costs the same however much there is.
--
-- bytes of a task: its request, events, results, plans, effects and messages, which go with it.
ALTER TABLE tasks ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE tasks SET bytes = 1000 + 2 * LENGTH(CAST(content AS BLOB)) + LENGTH(CAST(attachments AS BLOB))
    + 2 * COALESCE(LENGTH(CAST(outcome AS BLOB)), 0)
    + COALESCE((SELECT SUM(100 + LENGTH(CAST(data AS BLOB))) FROM task_events WHERE task_id = tasks.id), 0)
    + COALESCE((SELECT SUM(100 + LENGTH(CAST(result AS BLOB))) FROM step_results WHERE task_id = tasks.id), 0);

-- Recordings are found by their owner, oldest task first.
CREATE TABLE recordings_by_owner (
    tenant    TEXT    NOT NULL,
    user_id   TEXT    NOT NULL,
    task_id   TEXT    NOT NULL,
    place     TEXT    NOT NULL,
    number    INTEGER NOT NULL,
    component TEXT    NOT NULL,
    part      TEXT    NOT NULL,
    PRIMARY KEY (tenant, user_id, task_id, place, number)
) WITHOUT ROWID;
INSERT INTO recordings_by_owner (tenant, user_id, task_id, place, number, component, part)
    SELECT tenant, user_id, task_id, place, number, component, part FROM recordings;
DROP TABLE recordings;
ALTER TABLE recordings_by_owner RENAME TO recordings;
CREATE INDEX notifications_by_user ON notifications (tenant, user_id, id);

-- What each user keeps, by kind; user_id is empty for what belongs to the tenant as a whole.
CREATE TABLE storage_usage (
    tenant  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    entries INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id, kind)
) WITHOUT ROWID;

-- What was used on each day, of receipts that were pruned.
CREATE TABLE usage_by_day (
    tenant          TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    skill           TEXT    NOT NULL,
    day             INTEGER NOT NULL,
    invocations     INTEGER NOT NULL,
    cpu_us          INTEGER NOT NULL,
    host_calls      INTEGER NOT NULL,
    http_fetches    INTEGER NOT NULL,
    workflow_starts INTEGER NOT NULL,
    llm_tokens      INTEGER NOT NULL,
    PRIMARY KEY (tenant, day, user_id, skill)
) WITHOUT ROWID;

-- Deletions that were asked for and have not ended; user_id is empty for a whole tenant.
CREATE TABLE deletions (
    tenant       TEXT    NOT NULL,
    user_id      TEXT    NOT NULL,
    requested_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id)
) WITHOUT ROWID;

CREATE TRIGGER tasks_are_counted AFTER INSERT ON tasks BEGIN
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'history', 1, new.bytes)
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER tasks_are_counted_anew AFTER UPDATE OF bytes ON tasks WHEN new.bytes <> old.bytes BEGIN
    UPDATE storage_usage SET bytes = bytes + new.bytes - old.bytes
        WHERE tenant = new.tenant AND user_id = new.user_id AND kind = 'history';
END;
CREATE TRIGGER tasks_are_counted_no_more AFTER DELETE ON tasks BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes - old.bytes
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'history';
END;
CREATE TRIGGER packages_are_counted AFTER INSERT ON skill_versions BEGIN
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, '', 'packages', 1, new.package_bytes)
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER packages_are_counted_no_more AFTER DELETE ON skill_versions BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes - old.package_bytes
        WHERE tenant = old.tenant AND user_id = '' AND kind = 'packages';
END;
CREATE TRIGGER history_are_counted AFTER INSERT ON history BEGIN
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'history', 0,
            100 + LENGTH(CAST(new.title AS BLOB)) + LENGTH(CAST(new.content AS BLOB)) + LENGTH(CAST(new.data AS BLOB)))
        ON CONFLICT DO UPDATE SET entries = entries + 0, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER history_are_counted_no_more AFTER DELETE ON history BEGIN
    UPDATE storage_usage SET entries = entries - 0, bytes = bytes
            - (100 + LENGTH(CAST(old.title AS BLOB)) + LENGTH(CAST(old.content AS BLOB)) + LENGTH(CAST(old.data AS BLOB)))
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'history';
END;
CREATE TRIGGER recordings_are_counted AFTER INSERT ON recordings BEGIN
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'recordings', 1,
            100 + LENGTH(CAST(new.part AS BLOB)))
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER recordings_are_counted_no_more AFTER DELETE ON recordings BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes
            - (100 + LENGTH(CAST(old.part AS BLOB)))
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'recordings';
END;
CREATE TRIGGER receipts_are_counted AFTER INSERT ON receipts BEGIN
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'receipts', 1,
            100 + LENGTH(CAST(new.data AS BLOB)) + LENGTH(CAST(new.logs AS BLOB)))
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER receipts_are_counted_no_more AFTER DELETE ON receipts BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes
            - (100 + LENGTH(CAST(old.data AS BLOB)) + LENGTH(CAST(old.logs AS BLOB)))
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'receipts';
END;
CREATE TRIGGER jobs_are_counted AFTER INSERT ON jobs BEGIN
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'jobs', 1,
            100 + LENGTH(CAST(new.logs AS BLOB)) + LENGTH(CAST(new.args AS BLOB)) + COALESCE(LENGTH(CAST(new.result AS BLOB)), 0))
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER jobs_are_counted_anew AFTER UPDATE OF args, logs, result ON jobs BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes
            - (100 + LENGTH(CAST(old.logs AS BLOB)) + LENGTH(CAST(old.args AS BLOB)) + COALESCE(LENGTH(CAST(old.result AS BLOB)), 0))
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'jobs';
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'jobs', 1,
            100 + LENGTH(CAST(new.logs AS BLOB)) + LENGTH(CAST(new.args AS BLOB)) + COALESCE(LENGTH(CAST(new.result AS BLOB)), 0))
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER jobs_are_counted_no_more AFTER DELETE ON jobs BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes
            - (100 + LENGTH(CAST(old.logs AS BLOB)) + LENGTH(CAST(old.args AS BLOB)) + COALESCE(LENGTH(CAST(old.result AS BLOB)), 0))
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'jobs';
END;
CREATE TRIGGER workflow_items_are_counted AFTER INSERT ON workflow_items BEGIN
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'workflows', 1,
            100 + LENGTH(CAST(new.value AS BLOB)))
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER workflow_items_are_counted_anew AFTER UPDATE OF value, user_id ON workflow_items BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes
            - (100 + LENGTH(CAST(old.value AS BLOB)))
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'workflows';
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'workflows', 1,
            100 + LENGTH(CAST(new.value AS BLOB)))
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER workflow_items_are_counted_no_more AFTER DELETE ON workflow_items BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes
            - (100 + LENGTH(CAST(old.value AS BLOB)))
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'workflows';
END;
CREATE TRIGGER workflow_values_are_counted AFTER INSERT ON workflow_values BEGIN
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'workflows', 1,
            100 + LENGTH(CAST(new.value AS BLOB)))
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER workflow_values_are_counted_anew AFTER UPDATE OF value, user_id ON workflow_values BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes
            - (100 + LENGTH(CAST(old.value AS BLOB)))
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'workflows';
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'workflows', 1,
            100 + LENGTH(CAST(new.value AS BLOB)))
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER workflow_values_are_counted_no_more AFTER DELETE ON workflow_values BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes
            - (100 + LENGTH(CAST(old.value AS BLOB)))
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'workflows';
END;
CREATE TRIGGER schedules_are_counted AFTER INSERT ON schedules BEGIN
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'schedules', 1,
            100 + LENGTH(CAST(new.args AS BLOB)))
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER schedules_are_counted_anew AFTER UPDATE OF args, user_id ON schedules BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes
            - (100 + LENGTH(CAST(old.args AS BLOB)))
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'schedules';
    INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
        VALUES (new.tenant, new.user_id, 'schedules', 1,
            100 + LENGTH(CAST(new.args AS BLOB)))
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER schedules_are_counted_no_more AFTER DELETE ON schedules BEGIN
    UPDATE storage_usage SET entries = entries - 1, bytes = bytes
            - (100 + LENGTH(CAST(old.args AS BLOB)))
        WHERE tenant = old.tenant AND user_id = old.user_id AND kind = 'schedules';
END;
-- What is there already.
INSERT INTO storage_usage (tenant, user_id, kind, entries, bytes)
    SELECT tenant, user_id, kind, SUM(entries), SUM(bytes) FROM (
        SELECT tenant, user_id, 'history' AS kind, 1 AS entries, bytes FROM tasks
        UNION ALL SELECT tenant, '', 'packages', 1, package_bytes FROM skill_versions
        UNION ALL SELECT tenant, user_id, 'history', 0, 100 + LENGTH(CAST(title AS BLOB)) + LENGTH(CAST(content AS BLOB)) + LENGTH(CAST(data AS BLOB)) FROM history
        UNION ALL SELECT tenant, user_id, 'recordings', 1, 100 + LENGTH(CAST(part AS BLOB)) FROM recordings
        UNION ALL SELECT tenant, user_id, 'receipts', 1, 100 + LENGTH(CAST(data AS BLOB)) + LENGTH(CAST(logs AS BLOB)) FROM receipts
        UNION ALL SELECT tenant, user_id, 'jobs', 1, 100 + LENGTH(CAST(logs AS BLOB)) + LENGTH(CAST(args AS BLOB)) + COALESCE(LENGTH(CAST(result AS BLOB)), 0) FROM jobs
        UNION ALL SELECT tenant, user_id, 'workflows', 1, 100 + LENGTH(CAST(value AS BLOB)) FROM workflow_items
        UNION ALL SELECT tenant, user_id, 'workflows', 1, 100 + LENGTH(CAST(value AS BLOB)) FROM workflow_values
        UNION ALL SELECT tenant, user_id, 'schedules', 1, 100 + LENGTH(CAST(args AS BLOB)) FROM schedules
    ) AS kept GROUP BY tenant, user_id, kind;
