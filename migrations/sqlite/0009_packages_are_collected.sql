-- Rights are PostgreSQL's alone: here the schema stays as it is.
SELECT 1;
