-- How often a task was taken up after the process that worked on it had ended without notice, and
-- got no further since. A task that ends the process each time is not taken up for ever.
ALTER TABLE tasks ADD COLUMN take_ups INTEGER NOT NULL DEFAULT 0;
