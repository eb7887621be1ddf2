//! Tokens that must not be believed, one row for each way of forging them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use openanalyst_identity::{LocalKey, Scope, TokenError, TokenRequest};
use serde_json::{Value, json};

use crate::kind;

const NOW_MS: i64 = 1_795_424_400_000;
const NOW_S: i64 = NOW_MS / 1_000;

struct Forge {
    key: LocalKey,
    signing: SigningKey,
}

impl Forge {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing.pem");
        let key = LocalKey::open_or_create(&path).unwrap();
        let signing = SigningKey::from_pkcs8_pem(&std::fs::read_to_string(path).unwrap()).unwrap();
        Self { key, signing }
    }

    fn header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "JWT", "kid": self.key.key_id()})
    }

    fn claims(&self) -> Value {
        json!({"iss": "openanalyst", "aud": "openanalyst", "sub": "ada", "tenant": "acme", "scope": "requests", "exp": NOW_S + 60})
    }

    /// A token with a true signature over any header and claims.
    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.signing.sign(message.as_bytes()).to_bytes());
        format!("{message}.{signature}")
    }

    fn with(&self, claim: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[claim] = value;
        self.sign(&self.header(), &claims)
    }

    fn without(&self, claim: &str) -> String {
        let mut claims = self.claims();
        claims.as_object_mut().unwrap().remove(claim);
        self.sign(&self.header(), &claims)
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.header();
        header[name] = value;
        self.sign(&header, &self.claims())
    }
}

#[test]
fn a_true_token_is_believed() {
    let forge = Forge::new();
    let request = TokenRequest {
        tenant: "acme".try_into().unwrap(),
        user: "ada".try_into().unwrap(),
        scopes: vec![Scope::Requests],
        ttl: Duration::from_secs(60),
        now_ms: NOW_MS,
    };
    let principal = forge.key.verifier().verify(&forge.key.sign(&request).unwrap(), NOW_MS).unwrap();
    assert_eq!((principal.tenant.as_str(), principal.user.as_str()), ("acme", "ada"));
    assert_eq!(principal.expires_at_ms, NOW_MS + 60_000);
    assert!(principal.has(Scope::Requests) && !principal.has(Scope::Admin));
    assert_eq!(principal.require(Scope::SkillsRead), Err(TokenError::MissingScope(Scope::SkillsRead)));
    assert!(forge.key.verifier().verify(&forge.sign(&forge.header(), &forge.claims()), NOW_MS).is_ok());
    assert!(forge.key.verifier().verify(&forge.with("aud", json!(["x", "openanalyst"])), NOW_MS).is_ok());
}

#[test]
fn no_forged_token_is_believed() {
    let forge = Forge::new();
    let good = forge.sign(&forge.header(), &forge.claims());
    let parts: Vec<&str> = good.split('.').collect();
    let admin = URL_SAFE_NO_PAD.encode(good_claims_with_admin(&forge));
    let other = Forge::new();
    let foreign = other.sign(&forge.header(), &forge.claims());
    let table: Vec<(&str, String, TokenError)> = vec![
        ("nothing", String::new(), TokenError::Missing),
        ("no JWT", "abc".into(), TokenError::Malformed),
        ("two parts", format!("{}.{}", parts[0], parts[1]), TokenError::Malformed),
        ("four parts", format!("{good}.x"), TokenError::Malformed),
        ("huge", format!("..{}", "A".repeat(16_383)), TokenError::TooLong { bytes: 16_385 }),
        ("header is no base64", format!("!!.{}.{}", parts[1], parts[2]), TokenError::Malformed),
        ("not signed", forge.with_header("alg", json!("none")), TokenError::Unsigned),
        ("not signed, in capitals", forge.with_header("alg", json!("NoNe")), TokenError::Unsigned),
        ("the public key as an HMAC secret", forge.with_header("alg", json!("HS256")), TokenError::WrongAlgorithm),
        ("RSA", forge.with_header("alg", json!("RS256")), TokenError::WrongAlgorithm),
        ("critical extension", forge.with_header("crit", json!(["exp"])), TokenError::Malformed),
        ("unknown key", forge.with_header("kid", json!("other")), TokenError::UnknownKey),
        ("a path as key", forge.with_header("kid", json!("../../dev/null")), TokenError::UnknownKey),
        ("key is a number", forge.with_header("kid", json!(1)), TokenError::UnknownKey),
        ("empty signature", format!("{}.{}.", parts[0], parts[1]), TokenError::BadSignature),
        ("somebody else's signature", foreign, TokenError::BadSignature),
        ("claims exchanged", format!("{}.{admin}.{}", parts[0], parts[2]), TokenError::BadSignature),
        ("expired", forge.with("exp", json!(NOW_S - 5)), TokenError::Expired),
        (
            "expiry as text",
            forge.with("exp", json!((NOW_S + 60).to_string())),
            TokenError::InvalidClaim { claim: "exp".to_owned(), found: String::new() },
        ),
        (
            "expiry beyond all times",
            forge.with("exp", json!(i64::MAX)),
            TokenError::InvalidClaim { claim: "exp".to_owned(), found: String::new() },
        ),
        ("no expiry", forge.without("exp"), TokenError::MissingClaim("exp".to_owned())),
        ("not yet", forge.with("nbf", json!(NOW_S + 61)), TokenError::NotYetValid),
        ("another issuer", forge.with("iss", json!("evil")), TokenError::WrongIssuer),
        ("no issuer", forge.without("iss"), TokenError::MissingClaim("iss".to_owned())),
        ("another audience", forge.with("aud", json!("evil")), TokenError::WrongAudience),
        ("other audiences", forge.with("aud", json!(["evil"])), TokenError::WrongAudience),
        ("no audience", forge.without("aud"), TokenError::MissingClaim("aud".to_owned())),
        ("no user", forge.without("sub"), TokenError::MissingClaim("sub".to_owned())),
        (
            "empty user",
            forge.with("sub", json!("")),
            TokenError::InvalidClaim { claim: "sub".to_owned(), found: String::new() },
        ),
        ("user is a list", forge.with("sub", json!(["ada"])), TokenError::Malformed),
        ("no tenant", forge.without("tenant"), TokenError::MissingClaim("tenant".to_owned())),
        (
            "tenant with a control character",
            forge.with("tenant", json!("a\u{0}")),
            TokenError::InvalidClaim { claim: "tenant".to_owned(), found: String::new() },
        ),
        (
            "scopes as numbers",
            forge.with("scope", json!([1])),
            TokenError::InvalidClaim { claim: "scope".to_owned(), found: String::new() },
        ),
    ];
    for (what, token, expected) in table {
        let error = forge.key.verifier().verify(&token, NOW_MS).unwrap_err();
        assert_eq!(kind(&error), kind(&expected), "{what}: {error}");
        assert!(token.len() < 10 || !error.to_string().contains(&token), "{what}: the message must not hold the token");
    }
}

#[test]
fn time_is_the_callers() {
    let forge = Forge::new();
    let token = forge.sign(&forge.header(), &forge.claims());
    let verifier = forge.key.verifier();
    assert!(verifier.verify(&token, NOW_MS + 64_999).is_ok(), "five seconds of leeway");
    assert_eq!(verifier.verify(&token, NOW_MS + 65_000), Err(TokenError::Expired));
}

fn good_claims_with_admin(forge: &Forge) -> String {
    let mut claims = forge.claims();
    claims["scope"] = json!("admin");
    claims.to_string()
}
