-- What an open job did that succeeds only once, such as making a schedule, with its answer. A job that
-- is run again from its start gets this answer. The rows are removed when the job ends.
CREATE TABLE job_operations (
    job_id    TEXT NOT NULL,
    operation TEXT NOT NULL,
    answer    TEXT NOT NULL,
    tenant    TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    PRIMARY KEY (job_id, operation)
) WITHOUT ROWID;
CREATE INDEX job_operations_by_user ON job_operations (tenant, user_id);
