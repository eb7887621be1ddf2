-- What a brain needs that corrects itself: migrations/sqlite/0003_a_brain_that_corrects_itself.sql in PostgreSQL's types.

-- What guests asked the host and were told, part by part. place names the invocation; number is that of the part's first host call.
CREATE TABLE recordings (
    task_id   UUID   NOT NULL REFERENCES tasks (id),
    place     TEXT   NOT NULL,
    number    BIGINT NOT NULL,
    tenant    TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    component TEXT   NOT NULL,
    part      TEXT   NOT NULL,
    PRIMARY KEY (task_id, place, number)
);

-- The job for which a running task waits without being in memory, and until when.
ALTER TABLE tasks ADD COLUMN waits_for UUID;
ALTER TABLE tasks ADD COLUMN waits_until TIMESTAMPTZ;
-- Counts who worked on the task: what an earlier one still writes is refused.
ALTER TABLE tasks ADD COLUMN lease BIGINT NOT NULL DEFAULT 0;

-- The user wants it to end; why stands in cancel_reason.
ALTER TABLE tasks ADD COLUMN cancelling BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX tasks_cancelled ON tasks (node) WHERE cancelling;

-- Tokens of language models.
ALTER TABLE receipts ADD COLUMN llm_tokens BIGINT NOT NULL DEFAULT 0;

-- The words of the memory.
ALTER TABLE memory ADD COLUMN words TSVECTOR GENERATED ALWAYS AS (
    setweight(to_tsvector('english', replace(replace(key, '/', ' '), '-', ' ')), 'A') || setweight(to_tsvector('english', value), 'B')
) STORED;
CREATE INDEX memory_by_word ON memory USING gin (words);

-- Rank: how often a learning was of use.
ALTER TABLE learnings ADD COLUMN used BIGINT NOT NULL DEFAULT 0;
ALTER TABLE learnings ADD COLUMN title TEXT NOT NULL DEFAULT '';
CREATE INDEX learnings_by_skill ON learnings (tenant, skill, id);

-- What happened at the end of each step, so that the next task of its kind knows.
CREATE INDEX history_by_skill ON history (tenant, user_id, skill, kind, id);

SELECT openanalyst_guard(ARRAY['recordings'], 'user', 'SELECT, INSERT, DELETE');
GRANT SELECT (waits_for, waits_until, cancelling) ON tasks TO openanalyst_worker;
