//! Tokens of other issuers: the ways of forging them, one row each, and what a key set behind a URL costs and survives. Times are the test's own.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use openanalyst_domain::{Owner, TenantId, UserId};
use openanalyst_identity::{
    ClaimRules, IssuerError, IssuerKeys, IssuerOptions, JwksDocument, JwksFetch, LocalKeys, Revocation, Scope,
    TokenError, TokenRequest, Verifier,
};
use p256::pkcs8::EncodePrivateKey as _;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::kind;

pub(crate) const NOW_MS: i64 = 1_795_424_400_000;
pub(crate) const NOW_S: i64 = NOW_MS / 1_000;
const PROVIDER: &str = "https://login.example/";
const OTHER: &str = "https://other.example/";
const SHARED: &str = "internal";
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
/// A key of 2048 bits, made for these tests alone.
pub(crate) const RSA_PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7yFpTECr3GTMv\n\
t8fRr466XmxJ/xXU5Qb2HsptM75IR7cu8BY7weg597N01qgx+9nO/czchU0WQPtO\n\
AuYlsmyc2v0kBIBpnPUUONW5qakG9tkLyEPaM+ktvxuNKbe0eU4vgxbWrKL6xKcm\n\
Uf/eJ3busfPvnDGTGz2lifX7Iu19bQDYPAseTWrJ67vzd7ahthjWJUXEoSY4SREX\n\
L6a6pVwsAGWqnc3BRryFN+s7PtH3p8dACGMZiKY2aYEwe0pQf5KD57Vm1dWCv/ON\n\
3An2835O6KZdrS89X83HBvM18lbWfCs7sjaIHXwCDEm3KO6nFDqTqOeCXxfFOkXj\n\
zBOb3RnNAgMBAAECggEAD3Gk7BvyTKxH527IAljb9jv50AQouX+0mN1jbKPKzIsJ\n\
Z9TbH0MNZGcY3U0iPCooebup86EK+/+QK5RVdVg9UpE4LJQqM4VzKpyaB1EK08XN\n\
iAiKfBG05cxH6c46i59GbOXtJO7B4Ln3vVEVKCI6x9re4yAHe7/LzCeSkXsH6T6/\n\
t74+4Pnw4No+Uww4OsSuKjeUhccf+r4SQiFuA0RUH/VnZ3sb3U+/rtBJpZglQN9J\n\
UAFJtu7QCuzYJKR/9FNzC788qc6McBHjna3UFVdghwvvfdi+BX6PaH9coEGlDzl8\n\
zi+QveCV8G7Mby87WZJ6n2uQqf4lgwrOuyAFnroBwQKBgQDd2bRZNpnVl+bBMPXN\n\
/nloKCgzgtLghIRTyJHeiO7pEGICopNoOSB8KvC0D5Q+Lv1R4YQBgY8svf6A/Xfq\n\
SaQRL30Kjup7Gdo6B6Q2XabGQ3LsuO6+c/bBQejO9qT4uBAZ5rFI5+qW05uZqq6h\n\
j6HTcQzFzgjykjma7hPwA0FMZQKBgQDYsCoZe1+F3TwErCim222pOk1NqCCkCMhl\n\
hqz5RXRdb7U3AjjIfgD3wMZKjeWGuMbaF9DEX562RuK7vD6GphcYHkIui8YzPoQW\n\
02B+bnwH0R0SwVMzyp4bGSv09cQ7yTCB0Qs8+DExsg/yKcAwXb+GrUmUqgn8fJrx\n\
ioi0Cp19SQKBgAgCWg52eCtL5prG57jeHQfzmy/w4ygT4KsdrJZ6HxXu73rk36l9\n\
lnylGDeH8HQmQiL4n0lmogKdgViqze95ZSDxs/PzoOd80XIS4IzN6L1zpeyB6Kyb\n\
hycG+B6wrNgF3R7yQyg8py12ykFL9i4C/3aguDNT8uK/ALFlMvcRRwQ5AoGBAMqT\n\
nzgla/9E/jhMDtE3cQT1mZGRLbrM7zRjPNDpyskThzH/JMDjc9orYfYPRFa35ke8\n\
XhNIZaN5D719VmMhYZPNrge/6rK7rld8k8h/V/si13BSRouz0C37UWn4XdWa2Ht0\n\
yHHegnc4RcoamC9fZY/t701Jzn46q8xGvFi9V9DpAoGAB5nMZNznLpERPaumDJBU\n\
EovZDLFD4DD+oFVuCMsMGVcGeB9dsI92kB17aC4sflppJ5NiTDc1RYIk/PDEw6nn\n\
rwEHjw30Kt5Yr2YQzhqORkGv7S3bcko7dOv2R2kPhjh48KlmdFTy1oi/wGhgzcow\n\
djxKqsZQPy3+4EnSVdqqgXo=\n\
-----END PRIVATE KEY-----\n\n";
pub(crate) const RSA_N: &str = "u8haUxAq9xkzL7fH0a-Oul5sSf8V1OUG9h7KbTO-SEe3LvAWO8HoOfezdNaoMfvZzv3M3IVNFkD7TgLmJbJsnNr9JASAaZz1FDjVuampBvbZC8hD2jPpLb8bjSm3tHlOL4MW1qyi-sSnJlH_3id27rHz75wxkxs9pYn1-yLtfW0A2DwLHk1qyeu783e2obYY1iVFxKEmOEkRFy-muqVcLABlqp3NwUa8hTfrOz7R96fHQAhjGYimNmmBMHtKUH-Sg-e1ZtXVgr_zjdwJ9vN-TuimXa0vPV_NxwbzNfJW1nwrO7I2iB18AgxJtyjupxQ6k6jngl8XxTpF48wTm90ZzQ";
/// The modulus of a key of 1024 bits.
const SMALL_RSA_N: &str = "thFVpzXB7rBqlE3oqHLhTqGhtr4V_3E6nqyyD95BnCTgpFIF2E9D6FF4U0dhBXnRgJsmFRooaYOVkIVPxHxhXhCMRctcXhmau-rzsYx7ERzJTPCpgPOe_HJGN8zGTHluKbPc_tFIiEPHXDdNbo7o03rYU8smUkOC_zdi0SP5s9E";

/// What a test puts behind the URLs.
#[derive(Default)]
pub(crate) struct Web {
    document: Mutex<Option<Vec<u8>>>,
    max_age: Mutex<Option<Duration>>,
    fetches: AtomicUsize,
    /// Where it is set, a fetch waits for it.
    gate: Mutex<Option<Arc<Notify>>>,
}

impl Web {
    pub(crate) fn put(&self, keys: &Value) {
        *self.document.lock().unwrap() = Some(json!({ "keys": keys }).to_string().into_bytes());
    }

    pub(crate) fn put_bytes(&self, bytes: &[u8]) {
        *self.document.lock().unwrap() = Some(bytes.to_vec());
    }

    pub(crate) fn fail(&self) {
        *self.document.lock().unwrap() = None;
    }

    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl JwksFetch for Web {
    async fn fetch(&self, _: &str) -> Result<JwksDocument, String> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        let bytes = self.document.lock().unwrap().clone().ok_or("nobody answers")?;
        Ok(JwksDocument { bytes, max_age: *self.max_age.lock().unwrap() })
    }
}

/// The providers' keys.
pub(crate) struct Keys {
    pub(crate) ed: ed25519_dalek::SigningKey,
    pub(crate) ec: p256::SecretKey,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self { ed: ed25519_dalek::SigningKey::from_bytes(&[3; 32]), ec: p256::SecretKey::from_slice(&[5; 32]).unwrap() }
    }

    pub(crate) fn set(&self) -> Value {
        json!([self.rsa("rsa"), self.ec("ec"), self.ed("ed")])
    }

    pub(crate) fn rsa(&self, kid: &str) -> Value {
        json!({"kty": "RSA", "kid": kid, "alg": "RS256", "use": "sig", "n": RSA_N, "e": "AQAB"})
    }

    pub(crate) fn ec(&self, kid: &str) -> Value {
        let mut key: Value = serde_json::from_str(&self.ec.public_key().to_jwk_string()).unwrap();
        key["kid"] = json!(kid);
        key
    }

    pub(crate) fn ed(&self, kid: &str) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": URL_SAFE_NO_PAD.encode(self.ed.verifying_key().as_bytes())})
    }

    pub(crate) fn encoding(&self, algorithm: Algorithm) -> EncodingKey {
        match algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(RSA_PEM.as_bytes()).unwrap(),
            Algorithm::ES256 => EncodingKey::from_ec_der(self.ec.to_pkcs8_der().unwrap().as_bytes()),
            _ => EncodingKey::from_secret(SECRET),
        }
    }

    /// A token with a true signature.
    pub(crate) fn sign(&self, algorithm: Algorithm, kid: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(algorithm);
        header.kid = kid.map(str::to_owned);
        if algorithm == Algorithm::EdDSA {
            return self.sign_ed(&serde_json::to_value(&header).unwrap(), claims);
        }
        jsonwebtoken::encode(&header, claims, &self.encoding(algorithm)).unwrap()
    }

    pub(crate) fn sign_ed(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.ed.sign(message.as_bytes()).to_bytes()))
    }
}

fn claims(issuer: &str) -> Value {
    json!({"iss": issuer, "aud": "openanalyst", "sub": "ada", "tenant": "acme", "scope": "requests", "exp": NOW_S + 60})
}

fn with(issuer: &str, name: &str, value: Value) -> Value {
    let mut claims = claims(issuer);
    claims[name] = value;
    claims
}

fn without(issuer: &str, name: &str) -> Value {
    let mut claims = claims(issuer);
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn options(issuer: &str, keys: IssuerKeys) -> IssuerOptions {
    IssuerOptions {
        issuer: issuer.to_owned(),
        audiences: vec!["openanalyst".to_owned(), "us".to_owned()],
        tenant_claim: "tenant".to_owned(),
        rules: ClaimRules::default(),
        tenants: Some(vec![TenantId::parse("acme").unwrap()]),
        keys,
    }
}

pub(crate) fn own() -> (LocalKeys, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (LocalKeys::open_or_create(dir.path()).unwrap(), dir)
}

fn verifier(web: &Arc<Web>) -> Verifier {
    let (keys, _dir) = own();
    let jwks = |name: &str| IssuerKeys::Jwks(format!("{name}jwks"));
    let issuers = vec![
        options(PROVIDER, jwks(PROVIDER)),
        IssuerOptions { tenant_claim: "org".to_owned(), ..options(OTHER, jwks(OTHER)) },
        options(SHARED, IssuerKeys::Secret(SECRET.to_vec())),
    ];
    keys.verifier().unwrap().with_issuers(issuers, web.clone()).unwrap()
}

#[tokio::test]
async fn each_algorithm_is_believed_from_its_own_key() {
    let (keys, web) = (Keys::new(), Arc::new(Web::default()));
    web.put(&keys.set());
    let verifier = verifier(&web);
    for (algorithm, kid, issuer) in [
        (Algorithm::RS256, Some("rsa"), PROVIDER),
        (Algorithm::ES256, Some("ec"), PROVIDER),
        (Algorithm::EdDSA, Some("ed"), PROVIDER),
        (Algorithm::HS256, None, SHARED),
    ] {
        let token = keys.sign(algorithm, kid, &claims(issuer));
        let principal =
            verifier.verify_fetching(&token, NOW_MS).await.unwrap_or_else(|error| panic!("{algorithm:?}: {error}"));
        assert_eq!(
            (principal.tenant.as_str(), principal.user.as_str(), principal.issuer.as_str()),
            ("acme", "ada", issuer)
        );
    }
    // Another claim names the tenant.
    let mut theirs = without(OTHER, "tenant");
    theirs["org"] = json!("acme");
    assert!(verifier.verify_fetching(&keys.sign(Algorithm::ES256, Some("ec"), &theirs), NOW_MS).await.is_ok());
    let listed = with(PROVIDER, "aud", json!(["x", "us"]));
    assert!(verifier.verify_fetching(&keys.sign(Algorithm::ES256, Some("ec"), &listed), NOW_MS).await.is_ok());
}

#[tokio::test]
async fn no_forged_token_of_another_issuer_is_believed() {
    let (keys, web) = (Keys::new(), Arc::new(Web::default()));
    web.put(&json!([
        keys.rsa("rsa"),
        keys.ec("ec"),
        keys.ed("ed"),
        // None of these can be used.
        {"kty": "RSA", "kid": "small", "n": SMALL_RSA_N, "e": "AQAB"},
        {"kty": "oct", "kid": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(SECRET)},
        {"kty": "RSA", "kid": "enc", "use": "enc", "n": RSA_N, "e": "AQAB"},
        {"kty": "RSA", "kid": "ops", "key_ops": ["encrypt"], "n": RSA_N, "e": "AQAB"},
        {"kty": "RSA", "kid": "rs512", "alg": "RS512", "n": RSA_N, "e": "AQAB"},
        {"kty": "EC", "kid": "p384", "crv": "P-384", "x": "AA", "y": "AA"},
        "no key", 5, {}, {"kty": "RSA", "kid": "broken", "n": "!!", "e": "AQAB"},
    ]));
    let verifier = verifier(&web);
    let hmac = |secret: &[u8], kid: &str| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims(PROVIDER), &EncodingKey::from_secret(secret)).unwrap()
    };
    let stranger = Keys {
        ed: ed25519_dalek::SigningKey::from_bytes(&[9; 32]),
        ec: p256::SecretKey::from_slice(&[9; 32]).unwrap(),
    };
    let own_jwk = json!({"alg": "EdDSA", "kid": "ed", "jku": "https://evil.example/jwks", "x5u": "https://evil.example/", "jwk": stranger.ed("ed")});
    let rs = |claims: &Value| keys.sign(Algorithm::RS256, Some("rsa"), claims);
    let ec_public = keys.ec.public_key().to_sec1_bytes();
    let table: Vec<(&str, String, TokenError)> = vec![
        ("the RSA modulus as an HMAC secret", hmac(RSA_N.as_bytes(), "rsa"), TokenError::WrongAlgorithm),
        ("the EC point as an HMAC secret", hmac(&ec_public, "ec"), TokenError::WrongAlgorithm),
        ("the symmetric key of the set", hmac(SECRET, "oct"), TokenError::UnknownKey),
        ("the shared secret of another issuer", hmac(SECRET, "rsa"), TokenError::WrongAlgorithm),
        (
            "ES256 with the RSA key's id",
            keys.sign(Algorithm::ES256, Some("rsa"), &claims(PROVIDER)),
            TokenError::WrongAlgorithm,
        ),
        (
            "RS256 with the EC key's id",
            keys.sign(Algorithm::RS256, Some("ec"), &claims(PROVIDER)),
            TokenError::WrongAlgorithm,
        ),
        ("a small RSA key", keys.sign(Algorithm::RS256, Some("small"), &claims(PROVIDER)), TokenError::UnknownKey),
        ("a key for encryption", keys.sign(Algorithm::RS256, Some("enc"), &claims(PROVIDER)), TokenError::UnknownKey),
        (
            "a key for other operations",
            keys.sign(Algorithm::RS256, Some("ops"), &claims(PROVIDER)),
            TokenError::UnknownKey,
        ),
        (
            "a key for another algorithm",
            keys.sign(Algorithm::RS256, Some("rs512"), &claims(PROVIDER)),
            TokenError::WrongAlgorithm,
        ),
        (
            "a stranger's key without an id",
            stranger.sign(Algorithm::ES256, None, &claims(PROVIDER)),
            TokenError::KeyNotNamed { tried: 1 },
        ),
        (
            "the RSA modulus as an HMAC secret, without an id",
            jsonwebtoken::encode(&Header::default(), &claims(PROVIDER), &EncodingKey::from_secret(RSA_N.as_bytes()))
                .unwrap(),
            TokenError::WrongAlgorithm,
        ),
        (
            "a stranger's key with a known id",
            stranger.sign(Algorithm::ES256, Some("ec"), &claims(PROVIDER)),
            TokenError::BadSignature,
        ),
        ("a key that the token brings", stranger.sign_ed(&own_jwk, &claims(PROVIDER)), TokenError::BadSignature),
        ("as the host itself", rs(&claims("openanalyst")), TokenError::UnknownKey),
        ("as nobody known", rs(&claims("https://evil.example/")), TokenError::WrongIssuer),
        ("the issuer without its slash", rs(&claims("https://login.example")), TokenError::WrongIssuer),
        (
            "the issuer as a list",
            rs(&with(PROVIDER, "iss", json!([PROVIDER]))),
            TokenError::InvalidClaim { claim: "iss".to_owned(), found: String::new() },
        ),
        ("another tenant", rs(&with(PROVIDER, "tenant", json!("other"))), TokenError::WrongTenant),
        ("no tenant", rs(&without(PROVIDER, "tenant")), TokenError::MissingClaim("tenant".to_owned())),
        (
            "the tenant in another claim",
            rs(&{
                let mut c = without(PROVIDER, "tenant");
                c["org"] = json!("acme");
                c
            }),
            TokenError::MissingClaim("tenant".to_owned()),
        ),
        ("another audience", rs(&with(PROVIDER, "aud", json!("evil"))), TokenError::WrongAudience),
        ("no user", rs(&without(PROVIDER, "sub")), TokenError::MissingClaim("sub".to_owned())),
        ("no expiry", rs(&without(PROVIDER, "exp")), TokenError::MissingClaim("exp".to_owned())),
        (
            "expiry as text",
            rs(&with(PROVIDER, "exp", json!("4102444800"))),
            TokenError::InvalidClaim { claim: "exp".to_owned(), found: String::new() },
        ),
        (
            "expiry below zero",
            rs(&with(PROVIDER, "exp", json!(-1))),
            TokenError::InvalidClaim { claim: "exp".to_owned(), found: String::new() },
        ),
        ("expired by the whole leeway", rs(&with(PROVIDER, "exp", json!(NOW_S - 5))), TokenError::Expired),
        ("not before the leeway", rs(&with(PROVIDER, "nbf", json!(NOW_S + 61))), TokenError::NotYetValid),
        ("issued in the future", rs(&with(PROVIDER, "iat", json!(NOW_S + 61))), TokenError::NotYetValid),
        (
            "HS384 for HS256",
            {
                jsonwebtoken::encode(&Header::new(Algorithm::HS384), &claims(SHARED), &EncodingKey::from_secret(SECRET))
                    .unwrap()
            },
            TokenError::WrongAlgorithm,
        ),
        (
            "another secret",
            {
                jsonwebtoken::encode(&Header::default(), &claims(SHARED), &EncodingKey::from_secret(&[b'x'; 32]))
                    .unwrap()
            },
            TokenError::BadSignature,
        ),
        (
            "the secret's issuer for another tenant",
            keys.sign(Algorithm::HS256, None, &with(SHARED, "tenant", json!("other"))),
            TokenError::WrongTenant,
        ),
    ];
    for (what, token, expected) in table {
        let error = verifier.verify_fetching(&token, NOW_MS).await.unwrap_err();
        assert_eq!(kind(&error), kind(&expected), "{what}: {error}");
        assert!(!error.to_string().contains(&token), "{what}: the message must not hold the token");
    }
    for (what, inside) in [("exp", NOW_S - 4), ("nbf", NOW_S + 60), ("iat", NOW_S + 60)] {
        let token = rs(&with(PROVIDER, what, json!(inside)));
        assert!(verifier.verify_fetching(&token, NOW_MS).await.is_ok(), "{what} just inside the leeway");
    }
}

#[test]
fn an_issuer_that_cannot_be_safe_is_refused() {
    let web = Arc::new(Web::default());
    for (options, names) in [
        (options("short", IssuerKeys::Secret(vec![0; 31])), "31 bytes"),
        (options("open", IssuerKeys::Jwks("http://login.example/jwks".into())), "https"),
        (options("open", IssuerKeys::Jwks("http://127.0.0.1@evil.example/jwks".into())), "https"),
        (options("open", IssuerKeys::Jwks("file:///etc/keys".into())), "https"),
        (options("openanalyst", IssuerKeys::Secret(vec![0; 32])), "twice"),
        (options("", IssuerKeys::Secret(vec![0; 32])), "name"),
        (IssuerOptions { audiences: Vec::new(), ..options("x", IssuerKeys::Secret(vec![0; 32])) }, "audience"),
    ] {
        let (keys, _dir) = own();
        let refused: Result<Verifier, IssuerError> = keys.verifier().unwrap().with_issuers(vec![options], web.clone());
        let said = refused.unwrap_err().to_string();
        assert!(said.contains(names), "`{said}` does not say {names}");
    }
}

#[tokio::test]
async fn a_key_set_is_fetched_rarely() {
    let (keys, web) = (Keys::new(), Arc::new(Web::default()));
    web.put(&keys.set());
    let verifier = verifier(&web);
    let token = keys.sign(Algorithm::EdDSA, Some("ed"), &with(PROVIDER, "exp", json!(NOW_S + 400_000)));
    let at = async |seconds: i64| verifier.verify_fetching(&token, NOW_MS + seconds * 1_000).await.map(|_| ());
    for _ in 0..1_000 {
        at(0).await.unwrap();
    }
    assert_eq!(web.fetches(), 1, "one for a thousand tokens");
    at(299).await.unwrap();
    assert_eq!(web.fetches(), 1, "fresh for five minutes at least");
    *web.max_age.lock().unwrap() = Some(Duration::from_secs(3_600));
    at(300).await.unwrap();
    assert_eq!(web.fetches(), 2);
    at(300 + 3_599).await.unwrap();
    assert_eq!(web.fetches(), 2, "max-age is heeded");
    *web.max_age.lock().unwrap() = Some(Duration::from_secs(10));
    at(300 + 3_600).await.unwrap();
    at(300 + 3_600 + 299).await.unwrap();
    assert_eq!(web.fetches(), 3, "and not below five minutes");
    *web.max_age.lock().unwrap() = Some(Duration::from_secs(10_000_000));
    at(4_200).await.unwrap();
    assert_eq!(web.fetches(), 4);
    at(4_200 + 24 * 3_600).await.unwrap();
    assert_eq!(web.fetches(), 5, "nor above a day");
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_less_and_less_and_its_last_keys_serve_a_day() {
    let (keys, web) = (Keys::new(), Arc::new(Web::default()));
    web.put(&keys.set());
    let verifier = verifier(&web);
    let token = keys.sign(Algorithm::EdDSA, Some("ed"), &with(PROVIDER, "exp", json!(NOW_S + 400_000)));
    let at = async |ms: i64| verifier.verify_fetching(&token, NOW_MS + ms).await.map(|_| ());
    at(0).await.unwrap();
    web.fail();
    let stale = 300_000;
    let mut expected = 1;
    let mut moment = stale;
    for pause in [1_000, 2_000, 4_000, 8_000, 16_000] {
        at(moment).await.unwrap();
        expected += 1;
        assert_eq!(web.fetches(), expected, "tried at {moment}");
        at(moment + pause - 1).await.unwrap();
        assert_eq!(web.fetches(), expected, "not before {pause} ms have passed");
        moment += pause;
    }
    // What is no key set changes nothing either.
    for bytes in [&b"<html>"[..], b"{}", b"{\"keys\": []}", &vec![b' '; 300 << 10]] {
        web.put_bytes(bytes);
        at(moment).await.unwrap();
        moment += 300_000;
    }
    at(stale + 24 * 3_600_000).await.unwrap();
    let too_old = at(stale + 24 * 3_600_000 + 600_000).await;
    assert!(matches!(too_old, Err(TokenError::KeysUnavailable { .. })), "too old to be believed: {too_old:?}");
    web.put(&keys.set());
    at(stale + 26 * 3_600_000).await.unwrap();
}

#[tokio::test]
async fn unknown_keys_are_no_amplifier() {
    let (keys, web) = (Keys::new(), Arc::new(Web::default()));
    web.put(&keys.set());
    let verifier = verifier(&web);
    assert!(
        verifier.verify_fetching(&keys.sign(Algorithm::EdDSA, Some("ed"), &claims(PROVIDER)), NOW_MS).await.is_ok()
    );
    let unknown = |n: u32| keys.sign(Algorithm::EdDSA, Some(&format!("made-up-{n}")), &claims(PROVIDER));
    for n in 0..10_000 {
        let error = verifier.verify_fetching(&unknown(n), NOW_MS + 29_999).await.unwrap_err();
        assert_eq!(error, TokenError::UnknownKey);
    }
    assert_eq!(web.fetches(), 1, "none within half a minute");
    for n in 0..1_000 {
        verifier.verify_fetching(&unknown(n), NOW_MS + 30_000).await.unwrap_err();
    }
    assert_eq!(web.fetches(), 2, "one for all of them after it");

    // A hundred at the same time wait for one fetch, and the new key is found.
    let gate = Arc::new(Notify::new());
    *web.gate.lock().unwrap() = Some(gate.clone());
    web.put(&json!([keys.ed("rotated")]));
    let token = keys.sign(Algorithm::EdDSA, Some("rotated"), &with(PROVIDER, "exp", json!(NOW_S + 600)));
    let waiting: Vec<_> = (0..100)
        .map(|_| {
            let (verifier, token) = (verifier.clone(), token.clone());
            tokio::spawn(async move { verifier.verify_fetching(&token, NOW_MS + 60_000).await.map(|_| ()) })
        })
        .collect();
    while web.fetches() < 3 {
        tokio::task::yield_now().await;
    }
    // Let in whoever else would fetch.
    *web.gate.lock().unwrap() = None;
    gate.notify_waiters();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    assert_eq!(web.fetches(), 3, "single flight");
    // The key that is not in the set any more is not believed, and whoever held it is told.
    let old = keys.sign(Algorithm::ES256, Some("ec"), &claims(PROVIDER));
    assert_eq!(verifier.verify_fetching(&old, NOW_MS + 60_000).await.map(|_| ()), Err(TokenError::UnknownKey));
}

#[test]
fn two_keys_of_the_host_are_good_until_one_is_retired() {
    let (mut keys, _dir) = own();
    let verifier = keys.verifier().unwrap();
    let request = TokenRequest {
        tenant: TenantId::parse("acme").unwrap(),
        user: UserId::parse("ada").unwrap(),
        scopes: vec![Scope::Requests],
        ttl: Duration::from_secs(60),
        now_ms: NOW_MS,
    };
    let first = keys.sign(&request).unwrap();
    let held = verifier.verify(&first, NOW_MS).unwrap();
    let old = keys.key_ids().unwrap()[0].clone();
    keys.rotate().unwrap();
    let second = keys.sign(&request).unwrap();
    for token in [&first, &second] {
        verifier.verify(token, NOW_MS).unwrap();
    }
    let watch = verifier.revocations().watch();
    assert!(verifier.still_holds(&held) && !watch.has_changed().unwrap());
    keys.retire(&old).unwrap();
    verifier.reload();
    assert!(watch.has_changed().unwrap() && !verifier.still_holds(&held), "whoever holds a socket is told");
    assert_eq!(verifier.verify(&first, NOW_MS).unwrap_err(), TokenError::UnknownKey);
    verifier.verify(&second, NOW_MS).unwrap();
    let signing = keys.key_ids().unwrap()[0].clone();
    assert!(keys.retire(&signing).is_err(), "the key that signs stays");
    assert!(keys.retire("../signing").is_err());
}

#[test]
fn revocation_ends_exactly_what_it_names() {
    let (keys, _dir) = own();
    let verifier = keys.verifier().unwrap();
    let sign = |tenant: &str, user: &str, now_ms: i64| {
        let (tenant, user) = (TenantId::parse(tenant).unwrap(), UserId::parse(user).unwrap());
        keys.sign(&TokenRequest { tenant, user, scopes: vec![Scope::Requests], ttl: Duration::from_secs(600), now_ms })
            .unwrap()
    };
    let tokens = [
        ("this one", sign("acme", "ada", NOW_MS)),
        ("another of hers", sign("acme", "ada", NOW_MS)),
        ("a colleague's", sign("acme", "bob", NOW_MS)),
        ("of her name elsewhere", sign("other", "ada", NOW_MS)),
    ];
    let outcome =
        |at_ms: i64| tokens.iter().map(|(_, token)| verifier.verify(token, at_ms).is_ok()).collect::<Vec<_>>();
    assert_eq!(outcome(NOW_MS), [true; 4]);
    let id = verifier.verify(&tokens[0].1, NOW_MS).unwrap().token_id;
    // An administrator of another tenant ends nothing here.
    let by = |tenant: &str, token_id: &str| Revocation::Token {
        tenant: TenantId::parse(tenant).unwrap(),
        token_id: token_id.to_owned(),
        expires_at_ms: NOW_MS + 600_000,
    };
    verifier.revocations().add(by("other", &id));
    assert_eq!(outcome(NOW_MS), [true; 4]);
    let watch = verifier.revocations().watch();
    verifier.revocations().add(by("acme", &id));
    assert!(watch.has_changed().unwrap());
    assert_eq!(outcome(NOW_MS), [false, true, true, true]);
    let owner = Owner::new(TenantId::parse("acme").unwrap(), UserId::parse("ada").unwrap());
    verifier.revocations().add(Revocation::User {
        owner,
        issued_before_ms: NOW_MS + 1,
        expires_at_ms: NOW_MS + 600_000,
    });
    assert_eq!(outcome(NOW_MS), [false, false, true, true]);
    let later = sign("acme", "ada", NOW_MS + 2_000);
    assert!(verifier.verify(&later, NOW_MS + 2_000).is_ok(), "what was issued after it is good");
}
