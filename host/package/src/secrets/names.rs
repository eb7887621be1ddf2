//! Files that hold secrets, known by their names.

/// Whole names.
const FILES: &[&str] = &[
    // Environments.
    ".env",
    "env",
    "env.txt",
    ".envrc",
    ".flaskenv",
    // Accounts of tools.
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".dockercfg",
    ".dockerconfigjson",
    ".pgpass",
    "pgpass.conf",
    ".my.cnf",
    ".mylogin.cnf",
    ".htpasswd",
    "htpasswd",
    ".s3cfg",
    ".boto",
    "rclone.conf",
    ".terraformrc",
    "terraform.rc",
    ".vault-token",
    ".vault_pass",
    "kubeconfig",
    "application_default_credentials.json",
    "wp-config.php",
    "local.settings.json",
    "cookies.txt",
    "cookies.json",
    "accesskeys.csv",
    "rootkey.csv",
    // Keys.
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "signing.pem",
    "secrets.key",
    "cache.key",
    "wallet.dat",
    "wireguard.conf",
    // What a shell remembers.
    ".bash_history",
    ".zsh_history",
    ".psql_history",
];
/// Folders in which tools keep accounts.
const FOLDERS: &[&str] = &[".aws", ".azure", ".docker", ".gcloud", ".gnupg", ".kube", ".ssh"];
/// Ends of the names of key stores.
const KEY_STORES: &[&str] =
    &["p12", "pfx", "pkcs12", "jks", "keystore", "kdb", "kdbx", "ppk", "p8", "agekey", "ovpn", "gpg"];
/// What files of settings end with.
const SETTINGS: &[&str] =
    &["", "json", "yaml", "yml", "toml", "ini", "cfg", "conf", "properties", "env", "txt", "csv", "xml"];
/// What such a file holds, as its name says.
const SECRETS: &[&str] = &[
    "apikey",
    "apikeys",
    "credential",
    "credentials",
    "secret",
    "secrets",
    "password",
    "passwords",
    "passwd",
    "token",
];
/// The same in two words.
const PAIRS: &[&str] = &["api-key", "api-keys", "access-key", "access-keys", "service-account", "account-key"];
/// Words beside those: whose secrets they are. `reset-password.json` has another one, and is something else.
const WHOSE: &[&str] = &[
    "access",
    "account",
    "admin",
    "anthropic",
    "api",
    "app",
    "auth",
    "aws",
    "azure",
    "bot",
    "client",
    "cloud",
    "database",
    "db",
    "dev",
    "development",
    "gcp",
    "github",
    "gitlab",
    "google",
    "key",
    "keys",
    "live",
    "local",
    "my",
    "npm",
    "oauth",
    "openai",
    "postgres",
    "prod",
    "production",
    "root",
    "service",
    "slack",
    "stage",
    "staging",
    "telegram",
    "user",
];
/// Kinds of environments, in `env.local`.
const ENVIRONMENTS: &[&str] =
    &["dev", "development", "live", "local", "prod", "production", "stage", "staging", "test"];
/// What a sample of such a file is called.
const SAMPLES: &[&str] =
    &["default", "defaults", "dist", "example", "examples", "sample", "samples", "schema", "template", "tmpl", "tpl"];

/// Whether a file is, by its name, one that holds secrets. A sample of one is not.
#[must_use]
pub fn is_secret_file(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    if KEY_STORES.contains(&extension) {
        return true;
    }
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    if words(name).iter().any(|word| SAMPLES.contains(&word.as_str())) {
        return false;
    }
    let of_environment = extension == "env"
        || [".env.", ".env-", ".env_"].iter().any(|start| name.starts_with(start))
        || (stem == "env" && ENVIRONMENTS.contains(&extension));
    // State and variables of Terraform hold what it sets up, passwords too.
    let of_terraform = [".tfstate", ".tfvars"].iter().any(|part| name.contains(part));
    // What .NET reads beside `appsettings.json`: the values of one environment.
    let of_dotnet = extension == "json" && stem.starts_with("appsettings.");
    let of_wireguard = name.strip_prefix("wg").and_then(|rest| rest.strip_suffix(".conf")).is_some_and(is_number);
    let of_pgp = extension == "asc" && is_pgp_key(stem, &words(stem));
    // What a browser recorded: each request with its cookies and tokens.
    let is_recording = extension == "har";
    FILES.contains(&name)
        || of_environment
        || of_dotnet
        || of_wireguard
        || of_pgp
        || is_recording
        || of_terraform
        || folders.split('/').any(|folder| FOLDERS.contains(&folder))
        || (SETTINGS.contains(&extension) && names_secrets(&words(stem)))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a file `.asc` of this name is a key. It may be a public one, the signature of `a.zip`, or a
/// document.
fn is_pgp_key(stem: &str, words: &[String]) -> bool {
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let is_key = has(&["backup", "gpg", "key", "keys", "pgp", "private", "secret", "secring", "subkeys"]);
    (is_key || stem.ends_with("key") || stem.ends_with("keys"))
        && !has(&["pub", "public", "pubkey", "pubkeys", "pubring"])
        && !stem.contains('.')
}

/// Whether the words of a name say that secrets are in the file, and whose.
fn names_secrets(words: &[String]) -> bool {
    let joined = words.join("-");
    let named =
        words.iter().any(|word| SECRETS.contains(&word.as_str())) || PAIRS.iter().any(|pair| joined.contains(pair));
    named && words.iter().all(|word| SECRETS.contains(&word.as_str()) || WHOSE.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_secrets_are_known_by_their_names() {
        for path in [
            ".env",
            "config/.env",
            ".env.local",
            ".ENV.production",
            "prod.env",
            "config/app.env",
            "env",
            "env.local",
            ".envrc",
            "a/.npmrc",
            ".pypirc",
            ".git-credentials",
            "home/.aws/credentials",
            ".aws/config",
            ".kube/config",
            ".docker/config.json",
            "credentials",
            "credentials.json",
            "gcp-credentials.json",
            "client_secret.json",
            "service-account.json",
            "service_account_key.json",
            "api-keys.txt",
            "secrets.yaml",
            "secrets.toml",
            "secrets.prod.yml",
            "prod-secrets.yaml",
            "Secrets.JSON",
            "token.txt",
            "github-token.txt",
            "token",
            "db_password.txt",
            "terraform.tfstate",
            "terraform.tfstate.backup",
            "prod.tfvars",
            "prod.auto.tfvars.json",
            "id_rsa",
            "id_ed25519_sk",
            "a/store.P12",
            "office.ovpn",
            "keys/secrets.key",
            "rootkey.csv",
            "env.txt",
            "apikey",
            "apikeys.json",
            "conf/apikey.txt",
            "openai-apikey.txt",
            "cookies.txt",
            "session.har",
            "wallet.dat",
            "secring.gpg",
            "backup.tar.gpg",
            "private.asc",
            "my-key.asc",
            "secretkey.asc",
            "wg0.conf",
            "etc/wireguard/wg12.conf",
            "site/wp-config.php",
            "appsettings.Development.json",
            "appsettings.prod.json",
            "local.settings.json",
            "htpasswd",
        ] {
            assert!(is_secret_file(path), "{path}");
        }
        for path in [
            ".env.example",
            ".env.sample",
            "example.env",
            "env.example",
            "env.ts",
            "environment.md",
            "id_rsa.pub",
            "keyboard.md",
            "monkey.json",
            "tokens.json",
            "tokenizer.json",
            "token.rs",
            "secrets.md",
            "secrets.rs",
            "secrets.example.yaml",
            "credentials.schema.json",
            "terraform.tfvars.example",
            "reset-password.json",
            "passwords-and-you.txt",
            "keys.json",
            "service-accounting.csv",
            "docs/env/setup.md",
            "env.example.txt",
            "apikeys.ts",
            "apikey.md",
            "cookies.md",
            "cookies-and-cream.txt",
            "wallet.md",
            "public-key.asc",
            "tool.zip.asc",
            "guide.asc",
            "wg.conf",
            "wgx.conf",
            "wp-config-sample.php",
            "appsettings.json",
            "appsettings.example.json",
            "settings.json",
            "hard.md",
        ] {
            assert!(!is_secret_file(path), "{path}");
        }
    }
}
