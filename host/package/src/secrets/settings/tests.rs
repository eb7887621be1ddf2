//! What settings hold, one row each.

use super::*;

fn found(path: &str, text: &str) -> Option<String> {
    find(path, text.as_bytes()).map(|named| named.name)
}

#[test]
fn a_secret_is_known_by_its_name_and_the_form_of_its_value() {
    for (path, text, name) in [
        ("prod.conf", "PASSWORD=hunter2", "PASSWORD"),
        ("a.sh", "export DB_PASSWORD=\"hunter2\"  # mine", "DB_PASSWORD"),
        ("run", "SMTP_PASS=swordfish", "SMTP_PASS"),
        ("Dockerfile", "ENV API_KEY=q7w8e9r0t1", "API_KEY"),
        ("compose.yaml", "    POSTGRES_PASSWORD: hunter2", "POSTGRES_PASSWORD"),
        ("config.json", "{\"db\": {\"password\": \"hunter2\"}}", "password"),
        ("config.yaml", "client_secret: 8f3kd92jf0s1", "client_secret"),
        ("settings.toml", "api-key = \"8f3kd92jf0s1\"", "api-key"),
        ("a.properties", "spring.datasource.password=hunter2", "spring.datasource.password"),
        ("a.py", "API_TOKEN = \"9f8e7d6c5b4a3210\"", "API_TOKEN"),
        ("a.ts", "const accessToken = 'q1w2e3r4t5y6u7';", "accessToken"),
        ("SKILL.md", "Run `API_KEY=q1w2e3r4t5y6u7i8 tool`", "API_KEY"),
    ] {
        assert_eq!(found(path, text).as_deref(), Some(name), "{path}: {text}");
    }
}

#[test]
fn samples_references_and_other_settings_are_not_secrets() {
    for (path, text) in [
        ("a.conf", "PASSWORD="),
        ("a.conf", "PASSWORD=changeme"),
        ("a.conf", "PASSWORD=your-password-here"),
        ("a.conf", "PASSWORD=<the password>"),
        ("a.conf", "PASSWORD=${DB_PASSWORD}"),
        ("a.conf", "PASSWORD=$(cat file)"),
        ("a.conf", "PASSWORD=/run/passwords/db"),
        ("a.conf", "PASSWORD=********"),
        ("a.py", "token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl12345'"),
        ("a.conf", "POSTGRES_PASSWORD=postgres"),
        ("a.conf", "TOKEN_URL=https://login.internal/oauth2"),
        ("a.conf", "PASSWORD_MIN_LENGTH=12345678"),
        ("ci.yaml", "GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}"),
        ("ci.yaml", "id-token: write"),
        ("a.yaml", "max_tokens: 4096"),
        ("a.yaml", "password: bcrypt"),
        ("a.yaml", "token: comma"),
        ("a.json", "{\"password\": {\"type\": \"string\"}}"),
        ("de.json", "{\"password\": \"Passwort\"}"),
        ("a.rs", "password: String, token: &str"),
        ("a.py", "password = os.environ[\"DB_PASSWORD_2\"]"),
        ("a.py", "token = read_token_v123(path)"),
        ("SKILL.md", "Write PASSWORD=hunter2 into `.env`."),
        ("SKILL.md", "export API_KEY=sk-123456789abcdef0"),
        ("SKILL.md", "the secret: never give up 2 early"),
    ] {
        assert_eq!(found(path, text), None, "{path}: {text}");
    }
}
