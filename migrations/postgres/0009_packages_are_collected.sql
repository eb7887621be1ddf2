-- Whether any other organisation still has a package is asked each time one of them removes a skill, or
-- is deleted. Nothing but the digests, and whose they are, can be read for that.
CREATE POLICY openanalyst_worker ON skill_versions FOR SELECT TO openanalyst_worker USING (true);
GRANT SELECT (tenant, digest) ON skill_versions TO openanalyst_worker;
