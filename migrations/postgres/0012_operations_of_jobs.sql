-- What an open job did that succeeds only once, such as making a schedule, with its answer. A job that
-- is run again from its start gets this answer. The rows are removed when the job ends.
CREATE TABLE job_operations (
    job_id    uuid NOT NULL,
    operation text NOT NULL,
    answer    jsonb NOT NULL,
    tenant    text NOT NULL,
    user_id   text NOT NULL,
    PRIMARY KEY (job_id, operation)
);
CREATE INDEX job_operations_by_user ON job_operations (tenant, user_id);
SELECT openanalyst_guard(ARRAY['job_operations'], 'user', 'SELECT, INSERT, UPDATE, DELETE');
