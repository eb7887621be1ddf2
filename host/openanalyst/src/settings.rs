//! The settings: each has a flag, an environment variable `OPENANALYST_...` and a key in `openanalyst.toml`, in that order of strength.
//!
//! The key in the file is the name of the flag. An unknown key is an error, so that a misspelled limit does not silently stay off.

use std::collections::HashMap;
use std::fmt;
use std::io::IsTerminal as _;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;
use ipnet::IpNet;
use openanalyst_domain::Budget;
use openanalyst_providers::ApiKey;
use openanalyst_providers::embeddings::EmbeddingsOptions;
use openanalyst_providers::llm::{Api, LlmOptions};
use openanalyst_providers::search::{Engine, SearchOptions};
use openanalyst_registry::S3Options;
use openanalyst_store::quotas::OperatorQuotas;
use openanalyst_store::retention::Retention;
use openanalyst_store::{PostgresUrl, StoreOptions};
use serde::Deserialize;
use url::Url;

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::storage_settings;

/// The file that is read where `--config` names none and it is there.
pub const DEFAULT_FILE: &str = "openanalyst.toml";

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// The environment.
    Environment,
    /// The file.
    File,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Default => "default",
        })
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty, $env:literal, $default:expr, $shown:expr;)+) => {
        /// The settings as flags and environment variables.
        #[derive(Debug, Clone, Default, clap::Args)]
        pub struct SettingArgs {
            $($(#[doc = $doc])+ #[arg(long, env = $env, global = true, hide_env_values = true)] pub $field: Option<$type>,)+
            /// The file with settings [default: openanalyst.toml in the working directory, if it is there]
            #[arg(long, env = "OPENANALYST_CONFIG", global = true)]
            pub config: Option<PathBuf>,
        }

        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        struct File {
            $($field: Option<$type>,)+
        }

        /// The outcome of all sources.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $field: Sourced<$type>,)+
            /// The file that was read. None: there was none.
            pub config: Option<PathBuf>,
        }

        impl Settings {
            fn resolve(args: &SettingArgs, file: File, from: impl Fn(&str) -> Option<ValueSource>) -> Self {
                Self {
                    $($field: match (&args.$field, file.$field) {
                        (Some(value), _) => Sourced {
                            value: value.clone(),
                            source: match from(stringify!($field)) {
                                Some(ValueSource::EnvVariable) => Source::Environment,
                                _ => Source::Flag,
                            },
                        },
                        (None, Some(value)) => Sourced { value, source: Source::File },
                        (None, None) => Sourced { value: $default, source: Source::Default },
                    },)+
                    config: None,
                }
            }

            /// One line for each setting: key, value, source. Passwords are masked.
            #[must_use]
            pub fn lines(&self) -> Vec<(String, String, Source)> {
                vec![$((stringify!($field).replace('_', "-"), $shown(&self.$field.value), self.$field.source),)+]
            }
        }
    };
}

fn path(value: &Path) -> String {
    quoted(&value.display().to_string())
}

fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

fn shown<T: fmt::Display>(value: &T) -> String {
    value.to_string()
}

settings! {
    /// The address to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    listen: SocketAddr, "OPENANALYST_LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080)), |value: &SocketAddr| quoted(&value.to_string());
    /// Where the database, the keys and the caches stand [default: ./data]
    data_dir: PathBuf, "OPENANALYST_DATA_DIR", PathBuf::from("./data"), |value: &PathBuf| path(value);
    /// Where compiled components are kept [default: the folder `cache` of the data directory]
    cache_dir: PathBuf, "OPENANALYST_CACHE_DIR", PathBuf::new(), |value: &PathBuf| path(value);
    /// The database: sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE [default: openanalyst.db in the data directory]
    database_url: String, "OPENANALYST_DATABASE_URL", String::new(), |value: &String| quoted(&masked(value));
    /// A file that holds the password for the PostgreSQL server and nothing else, instead of one in the URL [default: none]
    database_password_file: PathBuf, "OPENANALYST_DATABASE_PASSWORD_FILE", PathBuf::new(), |value: &PathBuf| path(value);
    /// Most connections to PostgreSQL [default: 16]
    database_connections: u32, "OPENANALYST_DATABASE_CONNECTIONS", openanalyst_store::POSTGRES_CONNECTIONS, shown;
    /// Where uploaded packages are kept: s3://BUCKET/PREFIX?region=REGION&endpoint=URL, with the usual AWS_... credentials [default: the folder `packages` of the data directory]
    packages_url: String, "OPENANALYST_PACKAGES_URL", String::new(), |value: &String| quoted(&masked(value));
    /// The key that seals tenants' secrets, 32 bytes, mode 0600; made if it is not there [default: keys/secrets.key in the data directory]
    secrets_key_file: PathBuf, "OPENANALYST_SECRETS_KEY_FILE", PathBuf::new(), |value: &PathBuf| path(value);
    /// The time zone of users who have not said theirs, an IANA name [default: this machine's]
    time_zone: String, "OPENANALYST_TIME_ZONE", machine_time_zone(), |value: &String| quoted(value);
    /// How many scripts run at the same time [default: 4]
    script_workers: u16, "OPENANALYST_SCRIPT_WORKERS", 4, shown;
    /// The shortest time between two firings of a schedule, seconds [default: 60]
    schedule_interval_s: u64, "OPENANALYST_SCHEDULE_INTERVAL_S", 60, shown;
    /// How many instances of skills and scripts there can be at the same time [default: 128]
    pool_instances: u32, "OPENANALYST_POOL_INSTANCES", 128, shown;
    /// Most open tasks of one user [default: 100]
    max_open_tasks: u32, "OPENANALYST_MAX_OPEN_TASKS", 100, shown;
    /// How much one user may keep, by kind, such as history=1GiB,schedules=50; kinds that are not named keep their defaults (docs/limits.md)
    quota_user: String, "OPENANALYST_QUOTA_USER", storage_settings::default_user(), |value: &String| quoted(value);
    /// How much one tenant may keep with all its users, by kind, such as packages=1GiB; kinds that are not named keep their defaults (docs/limits.md)
    quota_tenant: String, "OPENANALYST_QUOTA_TENANT", storage_settings::default_tenant(), |value: &String| quoted(value);
    /// How long things are kept, and how many bytes of one user, such as history=90d/512MiB,jobs=7d; kinds that are not named keep their defaults (docs/operating.md)
    retention: String, "OPENANALYST_RETENTION", storage_settings::default_retention(), |value: &String| quoted(value);
    /// How often it is looked for what is not kept any more, seconds [default: 60]
    prune_every_s: u64, "OPENANALYST_PRUNE_EVERY_S", 60, shown;
    /// Memory of one invocation, MiB [default: 64]
    budget_memory_mib: u32, "OPENANALYST_BUDGET_MEMORY_MIB", 64, shown;
    /// CPU time of one invocation, ms [default: 1000]
    budget_cpu_ms: u64, "OPENANALYST_BUDGET_CPU_MS", 1_000, shown;
    /// Wall time of one invocation, ms [default: 30000]
    budget_wall_ms: u64, "OPENANALYST_BUDGET_WALL_MS", 30_000, shown;
    /// A further web origin, scheme and host, that may open a WebSocket [default: none; the host's own is always allowed]
    allowed_origin: String, "OPENANALYST_ALLOWED_ORIGIN", String::new(), |value: &String| quoted(value);
    /// Most connections from one client address, that is an IPv4 address or a /64 of IPv6 [default: 256]
    connections_per_address: u32, "OPENANALYST_CONNECTIONS_PER_ADDRESS", openanalyst_server::limits::CONNECTIONS_PER_ADDRESS, shown;
    /// Networks of reverse proxies in front of this host, such as 127.0.0.1/32 or 10.0.0.0/24, divided by commas; their connections are not counted for each address [default: none]
    trusted_proxy: String, "OPENANALYST_TRUSTED_PROXY", String::new(), |value: &String| quoted(value);
    /// A TOML file that names other issuers of tokens, one table `[[issuer]]` for each [default: none; this host's own tokens only]
    issuers_file: PathBuf, "OPENANALYST_ISSUERS_FILE", PathBuf::new(), |value: &PathBuf| path(value);
    /// Networks that skills may reach although they are not public, such as 10.1.0.0/16, divided by commas [default: none]
    http_allow_network: String, "OPENANALYST_HTTP_ALLOW_NETWORK", String::new(), |value: &String| quoted(value);
    /// Hosts whose addresses the name system does not know, such as crm.internal=10.1.0.7:8443, divided by commas [default: none]
    http_resolve: String, "OPENANALYST_HTTP_RESOLVE", String::new(), |value: &String| quoted(value);
    /// A PEM file with certificates of authorities that skills' requests trust beside this machine's [default: none]
    http_ca_file: PathBuf, "OPENANALYST_HTTP_CA_FILE", PathBuf::new(), |value: &PathBuf| path(value);
    /// The protocol of the language model: anthropic, or openai for every server that is compatible with it [default: none; skills do without]
    llm: String, "OPENANALYST_LLM", String::new(), |value: &String| quoted(value);
    /// The name of the model, as its provider writes it
    llm_model: String, "OPENANALYST_LLM_MODEL", String::new(), |value: &String| quoted(value);
    /// Where the model's server is [default: the provider's own address]
    llm_url: String, "OPENANALYST_LLM_URL", String::new(), |value: &String| quoted(&masked(value));
    /// A file that holds the key for the model's server and nothing else [default: none]
    llm_key_file: PathBuf, "OPENANALYST_LLM_KEY_FILE", PathBuf::new(), |value: &PathBuf| path(value);
    /// The embedding model that routing asks beside its own evidence, as its provider writes it; its server speaks OpenAI's /v1/embeddings [default: none; routing does without]
    embeddings_model: String, "OPENANALYST_EMBEDDINGS_MODEL", String::new(), |value: &String| quoted(value);
    /// Where the embeddings server is, such as http://127.0.0.1:11434/v1 [default: OpenAI's address]
    embeddings_url: String, "OPENANALYST_EMBEDDINGS_URL", String::new(), |value: &String| quoted(&masked(value));
    /// A file that holds the key for the embeddings server and nothing else [default: none]
    embeddings_key_file: PathBuf, "OPENANALYST_EMBEDDINGS_KEY_FILE", PathBuf::new(), |value: &PathBuf| path(value);
    /// How long a request waits for the embedding of its text before it is routed without, ms [default: 300]
    embeddings_timeout_ms: u64, "OPENANALYST_EMBEDDINGS_TIMEOUT_MS", 300, shown;
    /// The web search: searxng, brave or tavily [default: none; skills do without]
    search: String, "OPENANALYST_SEARCH", String::new(), |value: &String| quoted(value);
    /// Where the search's server is; SearXNG needs it [default: the provider's own address]
    search_url: String, "OPENANALYST_SEARCH_URL", String::new(), |value: &String| quoted(&masked(value));
    /// A file that holds the key for the search and nothing else [default: none]
    search_key_file: PathBuf, "OPENANALYST_SEARCH_KEY_FILE", PathBuf::new(), |value: &PathBuf| path(value);
    /// How often a step is tried again when it fails or gives not what was expected; tenants may lower it [default: 3]
    retries: u32, "OPENANALYST_RETRIES", 3, shown;
    /// The pause before the first retry, ms; it doubles with each one [default: 200]
    retry_pause_ms: u64, "OPENANALYST_RETRY_PAUSE_MS", 200, shown;
    /// Whether the host looks up what went wrong once the retries are used up [default: true]
    research: bool, "OPENANALYST_RESEARCH", true, shown;
    /// How long a task waits for a job in memory before it is put aside, ms [default: 5000]
    park_after_ms: u64, "OPENANALYST_PARK_AFTER_MS", 5_000, shown;
    /// How long the host still serves, with `/ready` 503, before it shuts down, seconds [default: 5 in a container or on Kubernetes, else 0]
    shutdown_delay_s: u64, "OPENANALYST_SHUTDOWN_DELAY_S", usual_shutdown_delay_s(), shown;
    /// How long running work may take to end when the host shuts down, seconds [default: 30]
    shutdown_grace_s: u64, "OPENANALYST_SHUTDOWN_GRACE_S", 30, shown;
    /// What is logged, as a filter such as info or openanalyst_brain=debug [default: warn for `ask`, info for `serve`]
    log: String, "OPENANALYST_LOG", String::new(), |value: &String| quoted(value);
}

/// Behind a load balancer the host must be taken out before it stops listening. On a terminal nobody
/// wants to wait for that.
fn usual_shutdown_delay_s() -> u64 {
    let is_container = std::process::id() == 1 || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    if is_container && !std::io::stderr().is_terminal() { 5 } else { 0 }
}

fn machine_time_zone() -> String {
    iana_time_zone::get_timezone().unwrap_or_else(|_| "UTC".to_owned())
}

impl Settings {
    /// Reads the file and puts the sources together.
    ///
    /// # Errors
    /// The file cannot be read or has an unknown key or a wrong value; a value makes no sense.
    pub fn load(args: &SettingArgs, matches: &ArgMatches) -> Result<Self, Failure> {
        let default = Path::new(DEFAULT_FILE);
        let config = args.config.clone().or_else(|| default.is_file().then(|| default.to_owned()));
        let file = config.as_deref().map_or_else(|| Ok(File::default()), read)?;
        let mut settings = Self::resolve(args, file, |field| source_of(matches, field));
        settings.config = config;
        if settings.cache_dir.source == Source::Default {
            settings.cache_dir.value = settings.data_dir.value.join("cache");
        }
        if settings.database_url.source == Source::Default {
            let database = settings.data_dir.value.join("openanalyst.db");
            settings.database_url.value = format!("sqlite://{}", database.display());
        }
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), Failure> {
        if openanalyst_brain::known_time_zone(&self.time_zone.value).is_none() {
            return Err(Failure::usage(format!(
                "`{}` ({}) is no time zone: use an IANA name such as Europe/Berlin",
                self.time_zone.value, self.time_zone.source
            )));
        }
        self.allowed_networks()?;
        self.trusted_proxies()?;
        if self.connections_per_address.value == 0 {
            return Err(Failure::usage("--connections-per-address is at least 1: with 0 nobody could connect"));
        }
        self.known_hosts()?;
        self.llm_options()?;
        self.embeddings_options()?;
        self.search_options()?;
        if self.retries.value > MAX_RETRIES {
            return Err(Failure::usage(format!("--retries is at most {MAX_RETRIES}")));
        }
        self.object_store()?;
        self.quotas()?;
        self.retention()?;
        if self.prune_every_s.value == 0 {
            return Err(Failure::usage("--prune-every-s is at least 1"));
        }
        self.database().map(|_| ())
    }

    /// How much users and tenants may keep.
    ///
    /// # Errors
    /// An entry is wrong.
    pub fn quotas(&self) -> Result<OperatorQuotas, Failure> {
        storage_settings::quotas(&self.quota_user.value, &self.quota_tenant.value, self.max_open_tasks.value.into())
    }

    /// How long things are kept.
    ///
    /// # Errors
    /// An entry is wrong.
    pub fn retention(&self) -> Result<Retention, Failure> {
        storage_settings::retention(&self.retention.value)
    }

    /// Networks that skills may reach although they are not public.
    ///
    /// # Errors
    /// One of them is none.
    pub fn allowed_networks(&self) -> Result<Vec<IpNet>, Failure> {
        networks("--http-allow-network", &self.http_allow_network.value)
    }

    /// Networks of reverse proxies in front of this host.
    ///
    /// # Errors
    /// One of them is none.
    pub fn trusted_proxies(&self) -> Result<Vec<IpNet>, Failure> {
        networks("--trusted-proxy", &self.trusted_proxy.value)
    }

    /// The addresses of hosts that the name system does not know.
    ///
    /// # Errors
    /// An entry is no host and address.
    pub fn known_hosts(&self) -> Result<HashMap<String, SocketAddr>, Failure> {
        let entries = self.http_resolve.value.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| {
                let known = entry.split_once('=').and_then(|(host, address)| {
                    let host = host.trim().to_ascii_lowercase();
                    Some((host, address.trim().parse().ok()?)).filter(|(host, _)| !host.is_empty())
                });
                known.ok_or_else(|| {
                    Failure::usage(format!(
                        "--http-resolve `{entry}` is no host with its address: write host, address and port, such as crm.internal=10.1.0.7:8443"
                    ))
                })
            })
            .collect()
    }

    /// The same settings with a data directory of their own, which is removed with the second value:
    /// for what must look without leaving anything. What the settings say of a database or a cache
    /// outside of the data directory stays.
    ///
    /// # Errors
    /// The machine gives no temporary directory.
    pub fn in_a_temporary_directory(&self) -> Result<(Self, tempfile::TempDir), Failure> {
        let dir = tempfile::tempdir()
            .map_err(|error| Failure::failed(format!("no temporary directory can be made: {error}")))?;
        let mut settings = self.clone();
        settings.data_dir.value = dir.path().to_owned();
        if settings.cache_dir.source == Source::Default {
            settings.cache_dir.value = dir.path().join("cache");
        }
        if settings.database_url.source == Source::Default {
            settings.database_url.value = format!("sqlite://{}", dir.path().join("openanalyst.db").display());
        }
        Ok((settings, dir))
    }

    /// Where the database is.
    ///
    /// # Errors
    /// The URL names no database that this program can open.
    pub fn database(&self) -> Result<StoreOptions, Failure> {
        let url = &self.database_url.value;
        if url.starts_with("postgres") {
            let mut url = PostgresUrl::parse(url).map_err(|error| Failure::usage(error.to_string()))?;
            if let Some(password) = self.database_password()? {
                url = url.with_password(&password);
            }
            return Ok(StoreOptions::Postgres { url, connections: self.database_connections.value });
        }
        match url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
            Some(file) if !file.is_empty() && !file.contains('?') => Ok(StoreOptions::sqlite(file)),
            _ => Err(Failure::usage(format!(
                "--database-url `{}` is not one that this version can open: use sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE, or leave it out",
                masked(url)
            ))),
        }
    }

    /// The password for the PostgreSQL server, from its file. None: the URL has it, or the server needs none.
    ///
    /// # Errors
    /// The file cannot be read, or holds no password.
    fn database_password(&self) -> Result<Option<String>, Failure> {
        let file = &self.database_password_file.value;
        if file.as_os_str().is_empty() {
            return Ok(None);
        }
        let wrong = |why: String| Failure::usage(format!("--database-password-file {}: {why}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        let password = text.trim_end_matches(['\r', '\n']);
        if password.is_empty() || password.contains(['\r', '\n', '\0']) {
            return Err(wrong("it must hold the password in one line, and nothing else".to_owned()));
        }
        Ok(Some(password.to_owned()))
    }

    /// Files with secrets that other users of this machine can read, each with its setting and the cure.
    /// They are used all the same: mounted secrets often are so.
    #[must_use]
    pub fn open_secret_files(&self) -> Vec<String> {
        let files = [
            ("--llm-key-file", &self.llm_key_file.value),
            ("--embeddings-key-file", &self.embeddings_key_file.value),
            ("--search-key-file", &self.search_key_file.value),
            ("--database-password-file", &self.database_password_file.value),
        ];
        files.iter().filter_map(|(flag, path)| openness(flag, path)).collect()
    }

    /// The file with the key that seals secrets.
    #[must_use]
    pub fn secrets_key(&self, data: &DataDir) -> PathBuf {
        let named = &self.secrets_key_file.value;
        if named.as_os_str().is_empty() { data.secrets_key() } else { named.clone() }
    }

    /// The object store of packages. None: the folder.
    ///
    /// # Errors
    /// The URL is wrong.
    pub fn object_store(&self) -> Result<Option<S3Options>, Failure> {
        match self.packages_url.value.as_str() {
            "" => Ok(None),
            url => S3Options::parse(url).map(Some).map_err(|error| Failure::usage(format!("--packages-url: {error}"))),
        }
    }

    /// The language model. None: there is none.
    ///
    /// # Errors
    /// A setting is wrong or missing, or the key cannot be read.
    pub fn llm_options(&self) -> Result<Option<LlmOptions>, Failure> {
        let api = match self.llm.value.as_str() {
            "" => return Ok(None),
            "anthropic" => Api::Anthropic,
            "openai" => Api::OpenAi,
            other => return Err(Failure::usage(format!("--llm `{other}` is none: use anthropic or openai"))),
        };
        if self.llm_model.value.is_empty() {
            return Err(Failure::usage("--llm needs --llm-model: the name of the model, as its provider writes it"));
        }
        let mut options = LlmOptions::new(api, &self.llm_model.value);
        if !self.llm_url.value.is_empty() {
            options.base_url = url("--llm-url", &self.llm_url.value)?;
        }
        options.api_key = key("--llm-key-file", &self.llm_key_file.value)?;
        Ok(Some(options))
    }

    /// The embeddings that routing asks. None: there are none.
    ///
    /// # Errors
    /// A setting is wrong or missing, or the key cannot be read.
    pub fn embeddings_options(&self) -> Result<Option<EmbeddingsOptions>, Failure> {
        let model = &self.embeddings_model.value;
        if model.is_empty() {
            if self.embeddings_url.value.is_empty() && self.embeddings_key_file.value.as_os_str().is_empty() {
                return Ok(None);
            }
            return Err(Failure::usage(
                "--embeddings-url and --embeddings-key-file need --embeddings-model: the name of the model, as its \
                 provider writes it",
            ));
        }
        if !(1..=MAX_EMBEDDINGS_TIMEOUT_MS).contains(&self.embeddings_timeout_ms.value) {
            return Err(Failure::usage(format!(
                "--embeddings-timeout-ms is 1 to {MAX_EMBEDDINGS_TIMEOUT_MS}: every request waits for it where the \
                 server is slow"
            )));
        }
        let mut options = EmbeddingsOptions::new(model);
        if !self.embeddings_url.value.is_empty() {
            options.base_url = url("--embeddings-url", &self.embeddings_url.value)?;
        }
        options.api_key = key("--embeddings-key-file", &self.embeddings_key_file.value)?;
        Ok(Some(options))
    }

    /// The web search. None: there is none.
    ///
    /// # Errors
    /// A setting is wrong or missing, or the key cannot be read.
    pub fn search_options(&self) -> Result<Option<SearchOptions>, Failure> {
        let engine = match self.search.value.as_str() {
            "" => return Ok(None),
            "searxng" => Engine::SearXng,
            "brave" => Engine::Brave,
            "tavily" => Engine::Tavily,
            other => return Err(Failure::usage(format!("--search `{other}` is none: use searxng, brave or tavily"))),
        };
        if engine == Engine::SearXng && self.search_url.value.is_empty() {
            return Err(Failure::usage("--search searxng needs --search-url: where your SearXNG server is"));
        }
        let mut options = SearchOptions::new(engine);
        if !self.search_url.value.is_empty() {
            options.base_url = Some(url("--search-url", &self.search_url.value)?);
        }
        options.api_key = key("--search-key-file", &self.search_key_file.value)?;
        Ok(Some(options))
    }

    /// The budget of one invocation.
    #[must_use]
    pub fn budget(&self) -> Budget {
        let memory_mib = usize::try_from(self.budget_memory_mib.value).unwrap_or(usize::MAX);
        Budget {
            memory_bytes: memory_mib.saturating_mul(1 << 20),
            cpu_ms: self.budget_cpu_ms.value,
            wall_ms: self.budget_wall_ms.value,
            ..Budget::default()
        }
    }
}

/// Most retries that an operator may allow.
const MAX_RETRIES: u32 = 20;
/// Longest time that a request may be made to wait for the embedding of its text.
const MAX_EMBEDDINGS_TIMEOUT_MS: u64 = 10_000;

/// Networks, divided by commas.
fn networks(flag: &str, list: &str) -> Result<Vec<IpNet>, Failure> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let network = |name: &str| match name.parse::<IpAddr>() {
        Ok(address) => Ok(IpNet::from(address)),
        Err(_) => name.parse().map_err(|_| {
            Failure::usage(format!("{flag} `{name}` is no network: write address and prefix, such as 10.1.0.0/16"))
        }),
    };
    names.map(network).collect()
}

fn url(flag: &str, text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|error| {
        Failure::usage(format!("{flag} `{}` is no URL ({error}): write it like https://host/path", masked(text)))
    })
}

/// What is wrong with the mode of a file that holds a secret. None: nothing.
pub(crate) fn openness(flag: &str, path: &Path) -> Option<String> {
    if path.as_os_str().is_empty() {
        return None;
    }
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0)
        .then(|| format!("{flag} {} can be read by other users (mode {mode:03o}): run chmod 600 on it", path.display()))
}

fn key(flag: &str, file: &Path) -> Result<Option<ApiKey>, Failure> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let wrong = |why: String| Failure::usage(format!("{flag} {}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    let text = text.trim();
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong("it must hold one key and nothing else".to_owned()));
    }
    Ok(Some(ApiKey::new(text)))
}

fn read(path: &Path) -> Result<File, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("the settings file {} cannot be read: {error}. Check --config", path.display()))
    })?;
    toml::from_str(&text)
        .map_err(|error| Failure::usage(format!("the settings file {} is wrong: {error}", path.display())))
}

/// Where clap found a value: the flag may stand before or after the subcommand.
fn source_of(matches: &ArgMatches, field: &str) -> Option<ValueSource> {
    let here = matches.value_source(field);
    let below = matches.subcommand().and_then(|(_, matches)| source_of(matches, field));
    below.or(here)
}

/// Parts of the names of parameters that hold a secret.
const SECRET_NAMES: [&str; 10] = ["pass", "pwd", "key", "secret", "tok", "auth", "cred", "sig", "jwt", "code"];

/// A URL without what is secret in it: user and password, and the values of parameters whose names say
/// that they hold a secret, also in the fragment.
fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    // A password may hold what ends it elsewhere: one `@` too many is better masked than one too few.
    let user_ends = if scheme.starts_with("sqlite") { None } else { rest[..query_begins(rest)].rfind('@') };
    let (mut text, rest) = match user_ends {
        Some(at) => (format!("{scheme}***"), &rest[at..]),
        None => (scheme.to_owned(), rest),
    };
    for part in rest.split_inclusive(['?', '#', '&', ';', ' ']) {
        let (pair, end) = match part.strip_suffix(['?', '#', '&', ';', ' ']) {
            Some(pair) => (pair, &part[pair.len()..]),
            None => (part, ""),
        };
        match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret(name) => {
                text.push_str(name);
                text.push_str("=***");
                text.push_str(end);
            }
            _ => text.push_str(part),
        }
    }
    text
}

/// Where the parameters begin: at a `?` or `#` that a name and a `=` follow, which one inside a password does not have.
fn query_begins(rest: &str) -> usize {
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.%".contains(c));
    let begins = rest.match_indices(['?', '#']).map(|(at, _)| at);
    let mut begins = begins.filter(|at| rest[at + 1..].split_once('=').is_some_and(|(name, _)| is_name(name)));
    begins.next().unwrap_or(rest.len())
}

fn is_secret(name: &str) -> bool {
    let pair = format!("{name}=");
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.to_lowercase());
    let name = decoded.unwrap_or_default();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::*;

    pub(crate) fn load(args: &[&str]) -> Result<Settings, Failure> {
        let command = SettingArgs::augment_args(Command::new("openanalyst"));
        let matches = command.try_get_matches_from([&["openanalyst"], args].concat()).unwrap();
        Settings::load(&SettingArgs::from_arg_matches(&matches).unwrap(), &matches)
    }

    #[test]
    fn a_flag_is_stronger_than_the_file_and_the_file_than_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("settings.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:9\"\nscript-workers = 2\n").unwrap();
        let file = file.to_str().unwrap();
        let settings = load(&["--config", file, "--script-workers", "7"]).unwrap();
        assert_eq!(settings.listen, Sourced { value: "127.0.0.1:9".parse().unwrap(), source: Source::File });
        assert_eq!(settings.script_workers, Sourced { value: 7, source: Source::Flag });
        assert_eq!(settings.pool_instances.source, Source::Default);
    }

    #[test]
    fn the_database_and_the_cache_follow_the_data_directory() {
        let settings = load(&["--data-dir", "/somewhere"]).unwrap();
        let StoreOptions::Sqlite { path } = settings.database().unwrap() else { panic!("SQLite is the default") };
        assert_eq!(path, Path::new("/somewhere/openanalyst.db"));
        assert_eq!(settings.cache_dir.value, Path::new("/somewhere/cache"));
    }

    #[test]
    fn wrong_settings_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("settings.toml");
        std::fs::write(&file, "lisen = \"127.0.0.1:9\"\n").unwrap();
        let table: [(&[&str], &str); 11] = [
            (&["--packages-url", "ftp://x/y"], "--packages-url"),
            (&["--packages-url", "s3://me:hunter2@bucket/x"], "--packages-url"),
            (&["--http-allow-network", "10.0.0.0/8, ten"], "`ten` is no network"),
            (&["--trusted-proxy", "127.0.0.1, proxy"], "--trusted-proxy `proxy` is no network"),
            (&["--connections-per-address", "0"], "--connections-per-address"),
            (&["--http-resolve", "a.internal=10.0.0.1:443, b.internal=10.0.0.1"], "`b.internal=10.0.0.1` is no host"),
            (&["--config", file.to_str().unwrap()], "lisen"),
            (&["--config", "/no/such/file"], "/no/such/file"),
            (&["--time-zone", "Mars/Olympus"], "Mars/Olympus"),
            (&["--database-url", "mysql://me:hunter2@db/x"], "mysql://***@db/x"),
            (&["--database-url", "postgres://me:hunter2@db/"], "names no database"),
        ];
        for (args, expected) in table {
            let failure = load(args).unwrap_err().to_string();
            assert!(failure.contains(expected), "`{failure}` does not name {expected}");
            assert!(!failure.contains("hunter2"));
        }
    }

    #[test]
    fn what_is_secret_in_a_url_is_masked_and_the_rest_is_not() {
        for (url, expected) in [
            ("postgres://me:hunter2@db/x", "postgres://***@db/x"),
            (
                "postgres://db/x?user=me&password=hunter2&sslmode=require",
                "postgres://db/x?user=me&password=***&sslmode=require",
            ),
            ("postgres://db/x?p%61ssword=hunter2", "postgres://db/x?p%61ssword=***"),
            ("postgres://me:hunter2@db/x?application_name=a@b", "postgres://***@db/x?application_name=a@b"),
            ("https://search.example/?key=hunter2#token=hunter2", "https://search.example/?key=***#token=***"),
            ("https://search.example/?API_KEY=hunter2;x=1", "https://search.example/?API_KEY=***;x=1"),
            (
                "s3://bucket/x?region=eu-central-1&endpoint=http://127.0.0.1",
                "s3://bucket/x?region=eu-central-1&endpoint=http://127.0.0.1",
            ),
            ("s3://b?secret_access_key=hunter2", "s3://b?secret_access_key=***"),
            ("me:hunter2@db/x", "***@db/x"),
            ("sqlite:///var/lib/a@b.db", "sqlite:///var/lib/a@b.db"),
            ("postgres://me:hun?ter2@db/x", "postgres://***@db/x"),
            ("postgres://me:hun#ter2@db/x?password=hunter2", "postgres://***@db/x?password=***"),
            ("postgres://u:p@ss/w#rd@h/db?x=a@b", "postgres://***@h/db?x=a@b"),
            ("host=x password=hunter2 user=u", "host=x password=*** user=u"),
            ("https://x/?code=hunter2#tok=hunter2", "https://x/?code=***#tok=***"),
            ("", ""),
        ] {
            assert_eq!(masked(url), expected);
        }
        let shown = load(&["--database-url", "postgres://db/x?user=me&password=hunter2"]).unwrap().lines();
        assert!(shown.iter().all(|(_, value, _)| !value.contains("hunter2")), "{shown:?}");
    }

    #[test]
    fn embeddings_need_a_model_and_their_key_is_never_shown() {
        assert!(load(&[]).unwrap().embeddings_options().unwrap().is_none());
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        std::fs::write(&file, "hunter2\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let file = file.to_str().unwrap();
        let url = "http://127.0.0.1:9/v1?key=hunter2";
        let settings =
            load(&["--embeddings-model", "m", "--embeddings-key-file", file, "--embeddings-url", url]).unwrap();
        let options = settings.embeddings_options().unwrap().unwrap();
        assert_eq!((options.model.as_str(), options.base_url.port()), ("m", Some(9)));
        assert_eq!(format!("{:?}", options.api_key), "Some(ApiKey(***))");
        assert!(settings.lines().iter().all(|(_, value, _)| !value.contains("hunter2")));
        assert!(settings.open_secret_files().join("").contains("--embeddings-key-file"));
        for (args, expected) in [
            (&["--embeddings-url", "http://127.0.0.1:9/v1"][..], "--embeddings-model"),
            (&["--embeddings-model", "m", "--embeddings-url", "nowhere"], "--embeddings-url `nowhere`"),
            (&["--embeddings-model", "m", "--embeddings-timeout-ms", "0"], "--embeddings-timeout-ms"),
            (&["--embeddings-model", "m", "--embeddings-key-file", "/no/such/file"], "/no/such/file"),
        ] {
            let failure = load(args).unwrap_err().to_string();
            assert!(failure.contains(expected), "`{failure}` does not name {expected}");
        }
    }

    #[test]
    fn the_password_of_the_database_comes_from_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        let with = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let file = file.to_str().unwrap();
            load(&["--database-url", "postgres://me@db/x", "--database-password-file", file])
        };
        let settings = with("hunter2\n").unwrap();
        assert_eq!(settings.database_password().unwrap().as_deref(), Some("hunter2"));
        assert!(settings.lines().iter().all(|(_, value, _)| !value.contains("hunter2")));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let said = settings.open_secret_files().join("");
        assert!(said.contains("--database-password-file") && said.contains("chmod 600"), "{said}");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(settings.open_secret_files(), Vec::<String>::new());
        for bad in ["", "\n", "two\nlines"] {
            assert!(with(bad).unwrap_err().to_string().contains("--database-password-file"), "{bad:?}");
        }
    }
}
