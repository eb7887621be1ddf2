-- migrations/sqlite/0007_take_ups.sql says what it is for.
ALTER TABLE tasks ADD COLUMN take_ups bigint NOT NULL DEFAULT 0;
