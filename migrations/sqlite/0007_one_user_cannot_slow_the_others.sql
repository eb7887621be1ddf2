-- How often a task was taken up after the process that worked on it had ended without notice, and
-- got no further since. A task that ends the process each time is not taken up for ever.
ALTER TABLE tasks ADD COLUMN take_ups INTEGER NOT NULL DEFAULT 0;

-- How many values each memory holds, and their bytes: counted as they come and go, so that a new
-- value costs the same however many there are.
CREATE TABLE memory_usage (
    tenant  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    keys    INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id)
) WITHOUT ROWID;
INSERT INTO memory_usage (tenant, user_id, keys, bytes)
    SELECT tenant, user_id, COUNT(*), SUM(LENGTH(CAST(key AS BLOB)) + LENGTH(CAST(value AS BLOB)))
    FROM memory GROUP BY tenant, user_id;
CREATE TRIGGER memory_is_counted AFTER INSERT ON memory BEGIN
    INSERT INTO memory_usage (tenant, user_id, keys, bytes)
        VALUES (new.tenant, new.user_id, 1, LENGTH(CAST(new.key AS BLOB)) + LENGTH(CAST(new.value AS BLOB)))
        ON CONFLICT (tenant, user_id) DO UPDATE SET keys = keys + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER memory_is_counted_anew AFTER UPDATE OF value ON memory BEGIN
    UPDATE memory_usage
        SET bytes = bytes + LENGTH(CAST(new.value AS BLOB)) - LENGTH(CAST(old.value AS BLOB))
        WHERE tenant = new.tenant AND user_id = new.user_id;
END;
CREATE TRIGGER memory_is_counted_no_more AFTER DELETE ON memory BEGIN
    UPDATE memory_usage
        SET keys = keys - 1,
            bytes = bytes - LENGTH(CAST(old.key AS BLOB)) - LENGTH(CAST(old.value AS BLOB))
        WHERE tenant = old.tenant AND user_id = old.user_id;
END;
-- Expired values are found without looking at the others.
CREATE INDEX memory_expiring ON memory (tenant, user_id, expires_at) WHERE expires_at IS NOT NULL;
