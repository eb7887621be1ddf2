-- `doctor` looks whether a secret can be opened and whether packages are where they are looked for. For
-- that the worker may read which skills have a secret, and the digests of packages; no contents.
CREATE POLICY openanalyst_worker ON secrets FOR SELECT TO openanalyst_worker USING (true);
GRANT SELECT (tenant, skill) ON secrets TO openanalyst_worker;
CREATE POLICY openanalyst_worker ON skill_versions FOR SELECT TO openanalyst_worker USING (true);
GRANT SELECT (tenant, skill, digest, uploaded_at) ON skill_versions TO openanalyst_worker;
