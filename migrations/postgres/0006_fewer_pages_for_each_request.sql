-- Indexes that fit the questions: migrations/sqlite/0006_fewer_pages_for_each_request.sql. The primary keys stay: here an index can be dropped without its table, and
-- what is written for one is not a page.
DROP INDEX history_by_user;
CREATE INDEX history_by_user ON history (tenant, user_id, id);
CREATE INDEX history_failures ON history (tenant, user_id, id) WHERE kind = 'failure';
DROP INDEX history_by_skill;

DROP INDEX receipts_by_day;
CREATE INDEX receipts_by_day ON receipts (tenant, at);

DROP INDEX tasks_open;
