-- How often a job was taken up after the process that ran it had ended without notice. A job that ends
-- the process each time is not taken up for ever.
ALTER TABLE jobs ADD COLUMN take_ups INTEGER NOT NULL DEFAULT 0;
