-- `doctor` looks whether a secret can be opened and whether packages are where they are looked for. For
-- that the worker may read which tenants have a secret or a package, and nothing else of them.
CREATE POLICY openanalyst_worker ON secrets FOR SELECT TO openanalyst_worker USING (true);
GRANT SELECT (tenant) ON secrets TO openanalyst_worker;
-- Migration 0009 lets it read the same of packages.
