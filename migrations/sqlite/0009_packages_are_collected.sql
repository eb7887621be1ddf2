-- Whether any organisation still has a package is asked each time one of them removes a skill.
CREATE INDEX skill_versions_by_digest ON skill_versions (digest);
