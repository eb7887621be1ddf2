//! Packages in a bucket of Amazon S3, or of any server that speaks its protocol.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpErrorKind};
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientConfigKey, ClientOptions, Error, ObjectStore as _, ObjectStoreExt as _, PutMode, RetryConfig,
};
use openanalyst_domain::Digest;
use url::{Host, Url};

use super::{MAX_BYTES, PackageStore, PackageStoreError, is_whole, may_be_put, parts};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one request may take, with its body.
const REQUEST: Duration = Duration::from_secs(60);
/// How often a request is sent again, and until when.
const RETRIES: usize = 3;
const RETRY_UNTIL: Duration = Duration::from_secs(30);
/// How long one call of the store may take with all that it needs: credentials, retries, the look at what is there.
const CALL: Duration = Duration::from_secs(150);
/// The region that servers other than Amazon's mostly take.
const USUAL_REGION: &str = "us-east-1";
const MAX_PREFIX_BYTES: usize = 512;

/// What is wrong with the options of a bucket, and what to do about it. It holds no value that may be secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct S3OptionsError(String);

fn wrong<T>(why: impl Into<String>) -> Result<T, S3OptionsError> {
    Err(S3OptionsError(why.into()))
}

/// Which bucket, where it is, and who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Options {
    /// The bucket. It must be there.
    pub bucket: String,
    /// The region, such as `eu-central-1`.
    pub region: String,
    /// The server, such as `https://s3.example.org`; without one it is Amazon's in the region. `http` is for servers on
    /// this machine only.
    pub endpoint: Option<String>,
    /// What the name of every object begins with, without `/` at either end. It may be empty.
    pub prefix: String,
    /// The name of the access key. Goes with the secret.
    pub access_key_id: Option<String>,
    /// The secret of the access key. Without it, what the environment of this process says: see
    /// [`ObjectPackages::open`].
    pub secret_access_key: Option<String>,
    /// The token of a session, for credentials that end.
    pub session_token: Option<String>,
    /// Whether the bucket is a part of the host's name (`BUCKET.s3.example.org`) and not of the path.
    pub virtual_hosted: bool,
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |value: &Option<String>| if value.is_some() { "given" } else { "none" };
        f.debug_struct("S3Options")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("prefix", &self.prefix)
            .field("access_key_id", &said(&self.access_key_id))
            .field("secret_access_key", &said(&self.secret_access_key))
            .field("session_token", &said(&self.session_token))
            .field("virtual_hosted", &self.virtual_hosted)
            .finish()
    }
}

impl S3Options {
    /// Reads a URL such as `s3://BUCKET/PREFIX?region=eu-central-1&endpoint=http://127.0.0.1:9000`.
    ///
    /// | Parameter  | Meaning                                                                                       |
    /// |------------|-----------------------------------------------------------------------------------------------|
    /// | `region`   | The region; needed if there is no `endpoint`, and else `us-east-1` if it is not given         |
    /// | `endpoint` | The server, if it is not Amazon's; `http` only on this machine                                |
    /// | `style`    | `path` or `virtual`: where the bucket's name goes. `path` if there is an `endpoint`, or if    |
    /// |            | the bucket has a `.` in its name, which no certificate covers; else `virtual`                 |
    ///
    /// The URL holds no credentials: give them with [`Self::with_credentials`].
    ///
    /// # Errors
    /// What is wrong, and what to do. The URL itself is not repeated, as somebody may have put a secret into it.
    pub fn parse(url: &str) -> Result<Self, S3OptionsError> {
        let Ok(url) = Url::parse(url) else {
            return wrong("the place of the packages is not a URL: give one such as s3://BUCKET/PREFIX?region=REGION");
        };
        if url.scheme() != "s3" {
            return wrong(format!(
                "the URL of the bucket begins with `{}:`, and only `s3:` is known: give one such as \
                 s3://BUCKET/PREFIX?region=REGION",
                url.scheme()
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong(
                "the URL of the bucket holds a user or a password, which would end up in logs: take them out, and give \
                 the access key and its secret on their own",
            );
        }
        if url.port().is_some() || url.fragment().is_some() {
            return wrong(
                "the URL of the bucket has a port or a `#`: name the server with ?endpoint=https://HOST:PORT instead",
            );
        }
        let (mut region, mut endpoint, mut style) = (None, None, None);
        for (name, value) in url.query_pairs() {
            let place = match &*name {
                "region" => &mut region,
                "endpoint" => &mut endpoint,
                "style" => &mut style,
                other => return wrong(unknown_parameter(other)),
            };
            if place.replace(value.into_owned()).is_some() {
                return wrong(format!("the URL of the bucket says `{name}` twice: say it once"));
            }
        }
        let bucket = url.host_str().unwrap_or_default().to_owned();
        let Some(region) = region.or_else(|| endpoint.is_some().then(|| USUAL_REGION.to_owned())) else {
            return wrong(
                "the URL of the bucket names no region: add ?region=REGION, such as region=eu-central-1; or, if the \
                 server is not Amazon's, ?endpoint=https://HOST",
            );
        };
        let virtual_hosted = match style.as_deref() {
            None => endpoint.is_none() && !bucket.contains('.'),
            Some("virtual") => true,
            Some("path") => false,
            Some(_) => {
                return wrong("the `style` in the URL of the bucket is not known: it is `path` or `virtual`");
            }
        };
        let path = url.path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let options = Self {
            bucket,
            region,
            endpoint,
            prefix: path.strip_suffix('/').unwrap_or(path).to_owned(),
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            virtual_hosted,
        };
        options.check()?;
        Ok(options)
    }

    /// Says who asks.
    #[must_use]
    pub fn with_credentials(
        mut self,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: Option<String>,
    ) -> Self {
        self.access_key_id = Some(access_key_id.into());
        self.secret_access_key = Some(secret_access_key.into());
        self.session_token = session_token;
        self
    }

    /// Everything that can be said about the options without asking anybody.
    fn check(&self) -> Result<Server, S3OptionsError> {
        self.check_names()?;
        self.check_credentials()?;
        let Some(endpoint) = &self.endpoint else {
            return Ok(Server { shown: format!("s3.{}.amazonaws.com", self.region), url: None, here: false });
        };
        let (mut url, here) = read_endpoint(endpoint)?;
        let shown = url.as_str().trim_end_matches('/').to_owned();
        if self.virtual_hosted {
            // The bucket's name goes before that of the host, which an address does not have.
            let host = match url.host() {
                Some(Host::Domain(host)) => format!("{}.{host}", self.bucket),
                _ => return wrong("a bucket cannot be a part of an IP address: use `style=path`, or name the host"),
            };
            if url.set_host(Some(&host)).is_err() {
                return wrong(format!("the endpoint with the bucket before it is no host: {host}. Use `style=path`"));
            }
        }
        Ok(Server { shown, url: Some(url.as_str().trim_end_matches('/').to_owned()), here })
    }

    fn check_names(&self) -> Result<(), S3OptionsError> {
        let good = |bytes: &str, also: &[u8]| bytes.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b));
        let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let bucket = self.bucket.as_bytes();
        if !(3..=63).contains(&bucket.len())
            || !good(&self.bucket, b".-_")
            || !edge(bucket.first())
            || !edge(bucket.last())
        {
            return wrong(
                "the name of the bucket is wrong: it has 3 to 63 letters, digits, `.`, `-` or `_`, and begins and ends \
                 with a letter or a digit. Give it as s3://BUCKET/PREFIX",
            );
        }
        if self.region.is_empty() || self.region.len() > 64 || !good(&self.region, b"-_") {
            return wrong(
                "the name of the region is wrong: it has letters, digits, `-` or `_`, such as region=eu-central-1",
            );
        }
        let segment = |part: &str| !matches!(part, "" | "." | "..") && good(part, b".-_");
        if self.prefix.len() > MAX_PREFIX_BYTES || !(self.prefix.is_empty() || self.prefix.split('/').all(segment)) {
            return wrong(format!(
                "the prefix in the bucket is wrong: it is at most {MAX_PREFIX_BYTES} letters, digits, `.`, `-` or `_` \
                 in parts with one `/` between them, such as s3://BUCKET/openanalyst/packages",
            ));
        }
        Ok(())
    }

    fn check_credentials(&self) -> Result<(), S3OptionsError> {
        match (&self.access_key_id, &self.secret_access_key, &self.session_token) {
            (Some(_), Some(_), _) | (None, None, None) => {}
            (Some(_), None, _) => return wrong("the access key has no secret: give its secret too, or neither"),
            (None, Some(_), _) => {
                return wrong("the secret has no access key: give the name of its key too, or neither");
            }
            (None, None, Some(_)) => {
                return wrong("the session token has no access key: give the key and its secret too");
            }
        }
        let values = [
            ("access key", &self.access_key_id),
            ("secret of the access key", &self.secret_access_key),
            ("session token", &self.session_token),
        ];
        for (name, value) in values {
            // They go into headers. A line end comes with a file that was read whole.
            if value.as_ref().is_some_and(|value| value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic())) {
                return wrong(format!(
                    "the {name} is empty, or has spaces, line ends or letters outside ASCII: give it as it was issued"
                ));
            }
        }
        Ok(())
    }
}

fn unknown_parameter(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if ["key", "secret", "token", "password", "credential"].iter().any(|part| name.contains(part)) {
        return "the URL of the bucket holds credentials, which would end up in logs: take them out, and give the \
                access key and its secret on their own"
            .to_owned();
    }
    let shown: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(32).collect();
    format!("the URL of the bucket has the parameter `{shown}`, which is not known: use `region`, `endpoint`, `style`")
}

/// Reads the URL of a server, and says whether it is on this machine.
fn read_endpoint(endpoint: &str) -> Result<(Url, bool), S3OptionsError> {
    let Some((url, host)) = Url::parse(endpoint).ok().and_then(|url| Some((url.clone(), url.host()?.to_owned())))
    else {
        return wrong("the endpoint is not a URL with a host: give one such as https://s3.example.org");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong(
            "the endpoint holds a user or a password, which would end up in logs: take them out, and give the access \
             key and its secret on their own",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("the endpoint has a `?` or a `#`: give the server alone, such as https://s3.example.org");
    }
    let here = match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    match url.scheme() {
        "https" => Ok((url, here)),
        "http" if here => Ok((url, here)),
        "http" => wrong(
            "the endpoint begins with `http:`, and packages would go over the network unprotected: use `https:`. \
             `http:` is for servers on this machine, such as http://127.0.0.1:9000",
        ),
        other => wrong(format!("the endpoint begins with `{other}:`, and only `https:` is known: use that")),
    }
}

/// The server of a bucket.
struct Server {
    /// For people.
    shown: String,
    /// With the bucket, if it is a part of the host.
    url: Option<String>,
    /// It is on this machine.
    here: bool,
}

/// A bucket, or the part of it under a prefix. A package is the object `PREFIX/ab/cdef…`, by its digest.
///
/// The credentials need the rights `s3:GetObject`, `s3:PutObject` and `s3:ListBucket`; without the last one Amazon
/// says of a package that is not there that it is forbidden.
///
/// A package is put with a conditional create (`If-None-Match: *`). Some servers do not have that and answer
/// `NotImplemented`: they get a plain put, which writes the same bytes again and so does no harm. Servers that ignore
/// the condition do the same by themselves.
#[derive(Clone)]
pub struct ObjectPackages {
    s3: Arc<AmazonS3>,
    bucket: String,
    region: String,
    prefix: String,
    server: String,
    /// Whether the server knows the conditional create, as far as is known.
    conditional: Arc<AtomicBool>,
}

impl fmt::Debug for ObjectPackages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the client: it holds the credentials.
        f.debug_struct("ObjectPackages")
            .field("server", &self.server)
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ObjectPackages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bucket `{}` of {}", self.bucket, self.server)
    }
}

impl ObjectPackages {
    /// Uses a bucket. Asks nobody yet: see [`Self::check`].
    ///
    /// Without credentials in the options those of the environment apply, as
    /// [`AmazonS3Builder::from_env`] reads them: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`;
    /// else a web identity (`AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`), those of the container
    /// (`AWS_CONTAINER_CREDENTIALS_…`), or those of the machine. Only credentials are taken from there: no variable
    /// changes which bucket is used, or how its server is trusted.
    ///
    /// # Errors
    /// The options are wrong, or the machine has no way to check certificates.
    pub fn open(options: &S3Options) -> Result<Self, S3OptionsError> {
        let server = options.check()?;
        let mut builder = match &options.access_key_id {
            Some(_) => give(AmazonS3Builder::new(), options),
            None => from_environment(options)?,
        };
        if let Some(url) = &server.url {
            builder = builder.with_endpoint(url);
        }
        let plain = server.url.as_ref().is_some_and(|url| url.starts_with("http:"));
        let s3 = builder
            .with_bucket_name(&options.bucket)
            .with_region(&options.region)
            .with_virtual_hosted_style_request(options.virtual_hosted)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_client_options(
                ClientOptions::new().with_connect_timeout(CONNECT).with_timeout(REQUEST).with_allow_http(plain),
            )
            .with_retry(RetryConfig {
                backoff: BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() },
                max_retries: RETRIES,
                retry_timeout: RETRY_UNTIL,
            })
            .with_http_connector(Connector { here: server.here })
            .build()
            .map_err(|error| {
                S3OptionsError(format!(
                    "no client for the bucket can be made: {}; install the package ca-certificates if there are none",
                    cause(&error)
                ))
            })?;
        Ok(Self {
            s3: Arc::new(s3),
            bucket: options.bucket.clone(),
            region: options.region.clone(),
            prefix: options.prefix.clone(),
            server: server.shown,
            conditional: Arc::new(AtomicBool::new(true)),
        })
    }

    /// Whether the bucket is there and lets this program in: lists at most one name under the prefix. Reads and writes
    /// no package.
    ///
    /// # Errors
    /// [`PackageStoreError::Unavailable`] with what to do.
    pub async fn check(&self) -> Result<(), PackageStoreError> {
        let look = async {
            let prefix = (!self.prefix.is_empty()).then(|| format!("{}/", self.prefix));
            let options = PaginatedListOptions { max_keys: Some(1), ..PaginatedListOptions::default() };
            self.s3.list_paginated(prefix.as_deref(), options).await.map(drop).map_err(|error| self.explain(&error))
        };
        self.call(look).await
    }

    fn path_of(&self, digest: &Digest) -> Path {
        let (first, rest) = parts(digest);
        Path::from_iter(self.prefix.split('/').filter(|part| !part.is_empty()).chain([first, rest]))
    }

    async fn put_now(&self, digest: &Digest, package: Bytes) -> Result<(), PackageStoreError> {
        let path = self.path_of(digest);
        if self.conditional.load(Ordering::Relaxed) {
            match self.s3.put_opts(&path, package.clone().into(), PutMode::Create.into()).await {
                Ok(_) => return Ok(()),
                Err(Error::AlreadyExists { .. }) => match self.get_now(digest).await {
                    Ok(_) => return Ok(()),
                    // Two puts at a time may hinder each other, so that neither is there.
                    Err(PackageStoreError::NotFound(_)) => {}
                    Err(PackageStoreError::Damaged(_)) => {
                        tracing::warn!(%digest, "the stored package is damaged and is replaced by what was uploaded");
                    }
                    Err(error) => return Err(error),
                },
                Err(error) if is_not_implemented(&error) => {
                    tracing::info!(store = %self, "no conditional create: packages are put without a condition");
                    self.conditional.store(false, Ordering::Relaxed);
                }
                // Without an answer it is not known whether it is there. What stands under its digest is the same either way, so it is put
                // without the condition, which the client tries again by itself.
                Err(error) if Answer::of(&error).status.is_none() && !Answer::of(&error).redirect => {
                    tracing::info!(store = %self, %error, "a put was cut off and is made again");
                }
                Err(error) => return Err(self.explain(&error)),
            }
        }
        self.s3.put(&path, package.into()).await.map(drop).map_err(|error| self.explain(&error))
    }

    async fn get_now(&self, digest: &Digest) -> Result<Bytes, PackageStoreError> {
        let failed = |error: Error| match &error {
            Error::NotFound { .. } if Answer::of(&error).code.as_deref() != Some("NoSuchBucket") => {
                PackageStoreError::NotFound(digest.clone())
            }
            _ => self.explain(&error),
        };
        let object = self.s3.get(&self.path_of(digest)).await.map_err(failed)?;
        if object.meta.size > MAX_BYTES {
            return Err(PackageStoreError::Damaged(digest.clone()));
        }
        // No more than that size is read: the client takes it from the length that the body has in HTTP.
        let package = object.bytes().await.map_err(failed)?;
        if is_whole(digest, package.clone()).await? {
            Ok(package)
        } else {
            Err(PackageStoreError::Damaged(digest.clone()))
        }
    }

    /// Gets the credentials, which are kept until they end, and then does the work; both within bounds.
    async fn call<T>(
        &self,
        work: impl Future<Output = Result<T, PackageStoreError>> + Send,
    ) -> Result<T, PackageStoreError> {
        let all = async {
            if let Err(error) = self.s3.credentials().get_credential().await {
                return Err(PackageStoreError::Unavailable(format!(
                    "there are no credentials for {self}: {}. Give an access key and its secret, or run on a machine \
                     that has a role for the bucket",
                    cause(&error)
                )));
            }
            work.await
        };
        tokio::time::timeout(CALL, all).await.unwrap_or_else(|_| {
            Err(PackageStoreError::Unavailable(format!(
                "{self} did not answer within {} s: check that the server runs and can be reached",
                CALL.as_secs()
            )))
        })
    }

    /// What went wrong and what to do. Nothing that the server wrote is repeated but a code: some servers repeat
    /// what they were sent, such as tokens.
    fn explain(&self, error: &Error) -> PackageStoreError {
        let answer = Answer::of(error);
        let why = match (&answer, answer.status, answer.code.as_deref()) {
            (_, _, Some("NoSuchBucket")) => {
                format!("there is no such bucket as {self}: make it, or correct its name")
            }
            (_, _, Some("RequestTimeTooSkewed")) => {
                format!("{self} refuses requests because the clock of this machine is wrong: set it")
            }
            (_, _, Some("PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed"))
            | (_, Some(300..=399), _)
            | (Answer { redirect: true, .. }, _, _) => format!(
                "{self} is not in the region `{}` or not at this address ({answer}): correct the region or endpoint",
                self.region
            ),
            (_, Some(401 | 403), _) => format!(
                "{self} does not let this program in ({answer}): check the access key, its secret, and that it has the \
                 rights s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket"
            ),
            (_, Some(404), _) => {
                format!("{self} was not found ({answer}): check the name of the bucket and the endpoint")
            }
            (_, Some(429 | 503), _) => format!("{self} is busy ({answer}): try again later"),
            (_, Some(500..), _) => {
                format!("{self} has a fault ({answer}): try again later, and then look at the log of the server")
            }
            (_, Some(_), _) => {
                format!("{self} refuses the request ({answer}): check that the endpoint speaks the protocol of S3")
            }
            (_, None, _) => match transport(error) {
                Some(HttpErrorKind::Timeout) => {
                    format!("{self} did not answer in time: check that the server runs and can be reached")
                }
                Some(HttpErrorKind::Connect) => format!(
                    "there is no connection to {self}: {}. Check that the server runs, and that the endpoint is right",
                    cause(error)
                ),
                Some(_) => format!("the connection to {self} broke: {}. Try again", cause(error)),
                None => {
                    format!("the answer of {self} is not understood: check that the endpoint speaks the protocol of S3")
                }
            },
        };
        PackageStoreError::Unavailable(why)
    }
}

#[async_trait]
impl PackageStore for ObjectPackages {
    async fn check(&self) -> Result<(), PackageStoreError> {
        Self::check(self).await
    }

    async fn put(&self, digest: &Digest, package: Bytes) -> Result<(), PackageStoreError> {
        may_be_put(digest, &package).await?;
        self.call(self.put_now(digest, package)).await
    }

    async fn get(&self, digest: &Digest) -> Result<Bytes, PackageStoreError> {
        self.call(self.get_now(digest)).await
    }

    async fn has(&self, digest: &Digest) -> Result<bool, PackageStoreError> {
        let look = async {
            match self.s3.head(&self.path_of(digest)).await {
                Ok(_) => Ok(true),
                Err(Error::NotFound { .. }) => Ok(false),
                Err(error) => Err(self.explain(&error)),
            }
        };
        self.call(look).await
    }

    async fn remove(&self, digest: &Digest) -> Result<(), PackageStoreError> {
        let remove = async {
            match self.s3.delete(&self.path_of(digest)).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(self.explain(&error)),
            }
        };
        self.call(remove).await
    }
}

fn give(mut builder: AmazonS3Builder, options: &S3Options) -> AmazonS3Builder {
    let values = [
        (AmazonS3ConfigKey::AccessKeyId, &options.access_key_id),
        (AmazonS3ConfigKey::SecretAccessKey, &options.secret_access_key),
        (AmazonS3ConfigKey::Token, &options.session_token),
    ];
    for (key, value) in values {
        if let Some(value) = value {
            builder = builder.with_config(key, value);
        }
    }
    builder
}

/// Takes the credentials of the environment, and nothing else of it.
fn from_environment(options: &S3Options) -> Result<AmazonS3Builder, S3OptionsError> {
    use AmazonS3ConfigKey as Key;
    let environment = AmazonS3Builder::from_env();
    let said = |key: &Key| environment.get_config_value(key).filter(|value| !value.is_empty());
    let access_key_id = said(&Key::AccessKeyId);
    let secret_access_key = said(&Key::SecretAccessKey);
    if access_key_id.is_some() || secret_access_key.is_some() {
        let session_token = said(&Key::Token);
        let options = S3Options { access_key_id, secret_access_key, session_token, ..options.clone() };
        options
            .check_credentials()
            .map_err(|error| S3OptionsError(format!("the environment (AWS_ACCESS_KEY_ID and others): {error}")))?;
        return Ok(give(AmazonS3Builder::new(), &options));
    }
    let keys = [
        Key::WebIdentityTokenFile,
        Key::RoleArn,
        Key::RoleSessionName,
        Key::StsEndpoint,
        Key::ContainerCredentialsRelativeUri,
        Key::ContainerCredentialsFullUri,
        Key::ContainerAuthorizationTokenFile,
        Key::MetadataEndpoint,
        Key::ImdsV1Fallback,
    ];
    Ok(keys.into_iter().fold(AmazonS3Builder::new(), |builder, key| match said(&key) {
        Some(value) => builder.with_config(key, value),
        None => builder,
    }))
}

/// Makes the HTTP clients: TLS with ring, no redirects, and no proxy for what is on this machine.
#[derive(Debug)]
struct Connector {
    here: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // A second time says that it was done.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Plain HTTP is for this machine, and for the address where it gets its credentials.
        let plain = options.get_config_value(&ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        let connect = options
            .get_config_value(&ClientConfigKey::ConnectTimeout)
            .and_then(|value| humantime::parse_duration(&value).ok())
            .unwrap_or(CONNECT);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("openanalyst/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .http1_only()
            .https_only(!plain)
            .connect_timeout(connect)
            .timeout(REQUEST)
            // The length of an object is that of its body.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd();
        if plain || self.here {
            builder = builder.no_proxy();
        }
        let client =
            builder.build().map_err(|error| Error::Generic { store: "HTTP client", source: Box::new(error) })?;
        Ok(HttpClient::new(client))
    }
}

/// What a server answered, as far as it is of use and safe to show.
///
/// The client keeps the answer only as text, in its error: `… status code: 403 Forbidden: <Error><Code>…`.
struct Answer {
    status: Option<u16>,
    code: Option<String>,
    redirect: bool,
}

impl Answer {
    fn of(error: &Error) -> Self {
        let text = error.to_string();
        let status = text
            .split_once(" status code: ")
            .and_then(|(_, rest)| rest.get(..3))
            .and_then(|digits| digits.parse().ok());
        let code = text
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split_once("</Code>"))
            .map(|(code, _)| code)
            .filter(|code| (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric()));
        Self { status, code: code.map(str::to_owned), redirect: text.contains("redirect without LOCATION") }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, "it answered {status} {code}"),
            (Some(status), None) => write!(f, "it answered {status}"),
            (None, _) => f.write_str("it answered with a redirect"),
        }
    }
}

fn is_not_implemented(error: &Error) -> bool {
    let answer = Answer::of(error);
    answer.status == Some(501) || answer.code.as_deref() == Some("NotImplemented")
}

fn chain(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(Some(error as &(dyn StdError + 'static)), |error| (*error).source())
}

/// How the transport failed, if it did.
fn transport(error: &Error) -> Option<HttpErrorKind> {
    chain(error).find_map(|error| error.downcast_ref::<HttpError>()).map(HttpError::kind)
}

/// The innermost reason, such as `Connection refused`, unless it is what a server wrote.
fn cause(error: &Error) -> String {
    let answer = Answer::of(error);
    if answer.status.is_some() || answer.redirect {
        return answer.to_string();
    }
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> (String, Option<String>, bool) {
        let server = S3Options::parse(url).unwrap().check().unwrap();
        (server.shown, server.url, server.here)
    }

    #[test]
    fn the_server_follows_from_the_options() {
        let none = |shown: &str| (shown.to_owned(), None, false);
        assert_eq!(server("s3://skills/a?region=eu-central-1"), none("s3.eu-central-1.amazonaws.com"));
        let some = |shown: &str, url: &str, here| (shown.to_owned(), Some(url.to_owned()), here);
        assert_eq!(
            server("s3://skills?endpoint=http://127.0.0.1:9000/"),
            some("http://127.0.0.1:9000", "http://127.0.0.1:9000", true)
        );
        assert_eq!(
            server("s3://skills?endpoint=https://s3.example.org:8443&style=virtual"),
            some("https://s3.example.org:8443", "https://skills.s3.example.org:8443", false)
        );
        assert_eq!(
            server("s3://skills?endpoint=https://example.org/storage/s3/"),
            some("https://example.org/storage/s3", "https://example.org/storage/s3", false)
        );
    }

    #[test]
    fn nothing_that_a_server_wrote_is_shown_but_its_code() {
        let error = |source: &str| Error::Generic { store: "S3", source: source.into() };
        let echo = error("Server returned non-2xx status code: 400 Bad Request: <Code>InvalidToken</Code><T>hush</T>");
        assert_eq!(Answer::of(&echo).to_string(), "it answered 400 InvalidToken");
        assert_eq!(cause(&echo), "it answered 400 InvalidToken");
        let odd = error("Server returned non-2xx status code: 400 Bad Request: <Code>hush hush</Code>");
        assert_eq!(Answer::of(&odd).to_string(), "it answered 400");
        assert!(is_not_implemented(&error("non-2xx status code: 501 Not Implemented: ")));
        assert!(!is_not_implemented(&echo));
    }
}
