-- Whether any organisation still has a package is asked each time one of them removes a skill. Only
-- the digests can be read for that, and not whose they are.
CREATE INDEX skill_versions_by_digest ON skill_versions (digest);
CREATE POLICY openanalyst_worker ON skill_versions FOR SELECT TO openanalyst_worker USING (true);
GRANT SELECT (digest) ON skill_versions TO openanalyst_worker;
