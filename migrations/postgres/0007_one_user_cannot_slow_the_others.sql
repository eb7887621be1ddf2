-- migrations/sqlite/0007_take_ups.sql says what it is for.
ALTER TABLE tasks ADD COLUMN take_ups bigint NOT NULL DEFAULT 0;

CREATE TABLE memory_usage (
    tenant  text   NOT NULL,
    user_id text   NOT NULL,
    keys    bigint NOT NULL,
    bytes   bigint NOT NULL,
    PRIMARY KEY (tenant, user_id)
);
-- The owner of the tables sees the rows for this once.
ALTER TABLE memory NO FORCE ROW LEVEL SECURITY;
INSERT INTO memory_usage (tenant, user_id, keys, bytes)
    SELECT tenant, user_id, COUNT(*), SUM(octet_length(key) + octet_length(value))
    FROM memory GROUP BY tenant, user_id;
ALTER TABLE memory FORCE ROW LEVEL SECURITY;
CREATE FUNCTION openanalyst_count_memory() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO memory_usage AS usage (tenant, user_id, keys, bytes)
            VALUES (NEW.tenant, NEW.user_id, 1, octet_length(NEW.key) + octet_length(NEW.value))
            ON CONFLICT (tenant, user_id)
            DO UPDATE SET keys = usage.keys + 1, bytes = usage.bytes + excluded.bytes;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE memory_usage
            SET bytes = bytes + octet_length(NEW.value) - octet_length(OLD.value)
            WHERE tenant = NEW.tenant AND user_id = NEW.user_id;
    ELSE
        UPDATE memory_usage
            SET keys = keys - 1, bytes = bytes - octet_length(OLD.key) - octet_length(OLD.value)
            WHERE tenant = OLD.tenant AND user_id = OLD.user_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER memory_is_counted AFTER INSERT OR DELETE OR UPDATE OF value ON memory
    FOR EACH ROW EXECUTE FUNCTION openanalyst_count_memory();
CREATE INDEX memory_expiring ON memory (tenant, user_id, expires_at) WHERE expires_at IS NOT NULL;
SELECT openanalyst_guard(ARRAY['memory_usage'], 'shared', 'SELECT, INSERT, UPDATE, DELETE');
