//! Tokens in the shape that each known identity provider gives them, with the entry of the issuers file that reads them; and key sets as they come.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use openanalyst_domain::TenantId;
use openanalyst_identity::{ClaimRules, IssuerKeys, IssuerOptions, Scope, TokenError, Verifier};
use p256::pkcs8::EncodePrivateKey as _;
use serde_json::{Value, json};

use crate::issuers::{Keys, NOW_MS, NOW_S, RSA_N, RSA_PEM, Web, own};

const ISSUER: &str = "https://login.example/";

fn options(tenant_claim: &str, rules: ClaimRules) -> IssuerOptions {
    IssuerOptions {
        issuer: ISSUER.to_owned(),
        audiences: vec!["openanalyst".to_owned()],
        tenant_claim: tenant_claim.to_owned(),
        rules,
        tenants: None,
        keys: IssuerKeys::Jwks(format!("{ISSUER}jwks")),
    }
}

fn verifier(web: &Arc<Web>, options: IssuerOptions) -> Verifier {
    let (keys, _dir) = own();
    keys.verifier().unwrap().with_issuers(vec![options], web.clone()).unwrap()
}

/// The claims that every provider gives.
fn claims(more: Value) -> Value {
    let mut claims = json!({"iss": ISSUER, "sub": "auth0|64e4", "exp": NOW_S + 600, "iat": NOW_S});
    claims.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    claims
}

fn scopes(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn meaning(pairs: &[(&str, &[Scope])]) -> BTreeMap<String, Vec<Scope>> {
    pairs.iter().map(|(name, scopes)| ((*name).to_owned(), scopes.to_vec())).collect()
}

#[tokio::test]
async fn each_provider_is_read_as_the_table_of_the_documentation_says() {
    let entra = ClaimRules {
        scopes: scopes(&["scp", "roles"]),
        scope_names: meaning(&[("OpenAnalyst.Use", &[Scope::Requests]), ("OpenAnalyst.Admin", &[Scope::Admin])]),
        tenant_names: BTreeMap::from([("8eaef023-2b34".to_owned(), TenantId::parse("acme").unwrap())]),
        ..ClaimRules::default()
    };
    let okta = ClaimRules { scopes: scopes(&["scp"]), ..ClaimRules::default() };
    let auth0 = ClaimRules { scopes: scopes(&["permissions"]), ..ClaimRules::default() };
    let cognito = ClaimRules {
        audience: "client_id".to_owned(),
        scope_names: meaning(&[("openanalyst/requests", &[Scope::Requests])]),
        tenant: Some(TenantId::parse("acme").unwrap()),
        ..ClaimRules::default()
    };
    let keycloak = ClaimRules { scopes: scopes(&["realm_access.roles"]), ..ClaimRules::default() };
    let aud = "openanalyst";
    let table = [
        (
            "Entra ID, a person",
            "tid",
            &entra,
            json!({"aud": aud, "tid": "8eaef023-2b34", "scp": "OpenAnalyst.Use x"}),
            "requests",
        ),
        (
            "Entra ID, a program",
            "tid",
            &entra,
            json!({"aud": aud, "tid": "8eaef023-2b34", "roles": ["OpenAnalyst.Admin"]}),
            "admin",
        ),
        (
            "Entra ID, an own name grants nothing",
            "tid",
            &entra,
            json!({"aud": aud, "tid": "8eaef023-2b34", "scp": "admin"}),
            "",
        ),
        (
            "Okta",
            "org",
            &okta,
            json!({"aud": aud, "org": "acme", "scp": ["requests", "skills:read"]}),
            "requests skills:read",
        ),
        (
            "Auth0",
            "org_name",
            &auth0,
            json!({"aud": [aud, "x"], "org_name": "acme", "permissions": ["requests"], "scope": "openid admin"}),
            "requests",
        ),
        ("Cognito", "tenant", &cognito, json!({"client_id": aud, "scope": "openanalyst/requests openid"}), "requests"),
        (
            "Keycloak, a list",
            "organization",
            &keycloak,
            json!({"aud": [aud], "organization": ["acme"], "realm_access": {"roles": ["requests", "offline_access"]}}),
            "requests",
        ),
        (
            "Keycloak, an object",
            "organization",
            &keycloak,
            json!({"aud": aud, "organization": {"acme": {"id": "42"}}, "realm_access": {"roles": ["requests"]}}),
            "requests",
        ),
        (
            "a list under `scope`",
            "tenant",
            &ClaimRules::default(),
            json!({"aud": aud, "tenant": "acme", "scope": ["requests"]}),
            "requests",
        ),
        (
            "nested by a pointer",
            "/https:~1~1example.com~1org/name",
            &okta,
            json!({"aud": aud, "https://example.com/org": {"name": "acme"}, "scp": "requests"}),
            "requests",
        ),
    ];
    let (keys, web) = (Keys::new(), Arc::new(Web::default()));
    web.put(&keys.set());
    for (what, tenant_claim, rules, more, granted) in table {
        let token = keys.sign(Algorithm::RS256, Some("rsa"), &claims(more));
        let verifier = verifier(&web, options(tenant_claim, rules.clone()));
        let principal = verifier.verify_fetching(&token, NOW_MS).await;
        let principal = principal.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((principal.tenant.as_str(), principal.user.as_str()), ("acme", "auth0|64e4"), "{what}");
        assert_eq!(principal.scopes.to_string(), granted, "{what}");
    }
}

#[tokio::test]
async fn a_claim_that_cannot_be_used_is_named_with_its_form() {
    let (keys, web) = (Keys::new(), Arc::new(Web::default()));
    web.put(&keys.set());
    let rules =
        ClaimRules { audience: "client_id".to_owned(), scopes: scopes(&["scp", "roles"]), ..ClaimRules::default() };
    let verifier = verifier(&web, options("organization", rules));
    let good = json!({"client_id": "openanalyst", "organization": "acme", "scp": "x"});
    for (name, value, said) in [
        ("organization", json!(["acme", "other"]), "`organization` cannot be used: it is a list with 2 entries"),
        ("organization", json!({"a": {}, "b": {}}), "`organization` cannot be used: it is an object with 2 members"),
        ("organization", json!([]), "a list with 0 entries"),
        ("organization", json!(7), "a number"),
        ("organization", Value::Null, "no claim `organization`"),
        ("client_id", json!({}), "`client_id` cannot be used: it is an object"),
        ("scp", json!({"requests": true}), "`scp` cannot be used"),
        ("roles", json!(["requests", 1]), "`roles` cannot be used"),
    ] {
        let mut claims = claims(good.clone());
        claims[name] = value.clone();
        let token = keys.sign(Algorithm::ES256, Some("ec"), &claims);
        let error = verifier.verify_fetching(&token, NOW_MS).await.unwrap_err().to_string();
        assert!(error.contains(said), "{value}: `{error}` does not say {said}");
    }
    let mut without = claims(good.clone());
    without.as_object_mut().unwrap().remove("client_id");
    let token = keys.sign(Algorithm::ES256, Some("ec"), &without);
    let error = verifier.verify_fetching(&token, NOW_MS).await.unwrap_err().to_string();
    assert!(error.contains("`client_id`"), "{error}");

    let token = keys.sign(Algorithm::ES256, Some("ec"), &claims(good));
    let principal = verifier.verify_fetching(&token, NOW_MS).await.unwrap();
    let error = verifier.require(&principal, Scope::Requests).unwrap_err();
    assert_eq!(error.code(), "missing-scope");
    assert!(error.to_string().contains("`scp` or `roles`"), "{error}");
}

/// A signature of another algorithm than the shared helper makes.
fn sign(algorithm: Algorithm, kid: &str, key: &EncodingKey, claims: &Value) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

#[tokio::test]
async fn key_sets_are_read_as_they_come() {
    let rsa = EncodingKey::from_rsa_pem(RSA_PEM.as_bytes()).unwrap();
    let ec384 = p384::SecretKey::from_slice(&[7; 48]).unwrap();
    let mut jwk384: Value = serde_json::from_str(&ec384.public_key().to_jwk_string()).unwrap();
    jwk384["kid"] = json!("ec384");
    let ec384 = EncodingKey::from_ec_der(ec384.to_pkcs8_der().unwrap().as_bytes());
    let modulus = URL_SAFE_NO_PAD.decode(RSA_N).unwrap();
    let web = Arc::new(Web::default());
    web.put(&json!([
        {"kty": "RSA", "kid": "any", "n": RSA_N, "e": "AQAB"},
        {"kty": "RSA", "kid": "ps256", "alg": "PS256", "n": RSA_N, "e": "AQAB"},
        {"kty": "RSA", "kid": "padded", "alg": "RS256", "n": format!("{RSA_N}=="), "e": "AQAB="},
        {"kty": "RSA", "kid": "other-alphabet", "alg": "RS256", "n": STANDARD.encode(&modulus), "e": "AQAB"},
        jwk384,
    ]));
    let verifier = verifier(&web, options("tenant", ClaimRules::default()));
    let claims = claims(json!({"aud": "openanalyst", "tenant": "acme"}));
    for (algorithm, kid, key) in [
        (Algorithm::RS256, "any", &rsa),
        (Algorithm::RS384, "any", &rsa),
        (Algorithm::RS512, "any", &rsa),
        (Algorithm::PS256, "any", &rsa),
        (Algorithm::PS512, "any", &rsa),
        (Algorithm::PS256, "ps256", &rsa),
        (Algorithm::RS256, "padded", &rsa),
        (Algorithm::RS256, "other-alphabet", &rsa),
        (Algorithm::ES384, "ec384", &ec384),
    ] {
        let verified = verifier.verify_fetching(&sign(algorithm, kid, key, &claims), NOW_MS).await;
        assert!(verified.is_ok(), "{algorithm:?} with {kid}: {:?}", verified.unwrap_err());
    }
    let other = verifier.verify_fetching(&sign(Algorithm::RS256, "ps256", &rsa, &claims), NOW_MS).await;
    assert_eq!(other.unwrap_err(), TokenError::WrongAlgorithm, "the set says for which algorithm the key is");
}

#[tokio::test]
async fn two_keys_of_one_id_are_both_tried() {
    let (keys, web) = (Keys::new(), Arc::new(Web::default()));
    let stranger = p256::SecretKey::from_slice(&[11; 32]).unwrap();
    let mut second: Value = serde_json::from_str(&stranger.public_key().to_jwk_string()).unwrap();
    second["kid"] = json!("same");
    web.put(&json!([second, keys.ec("same"), keys.rsa("same")]));
    let verifier = verifier(&web, options("tenant", ClaimRules::default()));
    let claims = claims(json!({"aud": "openanalyst", "tenant": "acme"}));
    for algorithm in [Algorithm::ES256, Algorithm::RS256] {
        let token = keys.sign(algorithm, Some("same"), &claims);
        assert!(verifier.verify_fetching(&token, NOW_MS).await.is_ok(), "{algorithm:?}");
    }
    let theirs = EncodingKey::from_ec_der(stranger.to_pkcs8_der().unwrap().as_bytes());
    assert!(verifier.verify_fetching(&sign(Algorithm::ES256, "same", &theirs, &claims), NOW_MS).await.is_ok());
    let nobody = p256::SecretKey::from_slice(&[12; 32]).unwrap();
    let nobody = EncodingKey::from_ec_der(nobody.to_pkcs8_der().unwrap().as_bytes());
    let forged = verifier.verify_fetching(&sign(Algorithm::ES256, "same", &nobody, &claims), NOW_MS).await;
    assert_eq!(forged.unwrap_err(), TokenError::BadSignature);
}

#[tokio::test]
async fn a_token_without_a_key_id_is_tried_with_the_keys_of_its_algorithm() {
    let web = Arc::new(Web::default());
    let secrets: Vec<_> = (11..16_u8).map(|seed| p256::SecretKey::from_slice(&[seed; 32]).unwrap()).collect();
    let jwk = |secret: &p256::SecretKey, kid: usize| {
        let mut key: Value = serde_json::from_str(&secret.public_key().to_jwk_string()).unwrap();
        key["kid"] = json!(format!("ec-{kid}"));
        key
    };
    let signed = |secret: &p256::SecretKey, header: Value| {
        let key = EncodingKey::from_ec_der(secret.to_pkcs8_der().unwrap().as_bytes());
        let claims = claims(json!({"aud": "openanalyst", "tenant": "acme"}));
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &key).unwrap();
        if header.is_null() {
            return token;
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    };
    let rsa = Keys::new().rsa("rsa");
    web.put(&json!([rsa, jwk(&secrets[0], 0), jwk(&secrets[1], 1)]));
    let verifier = verifier(&web, options("tenant", ClaimRules::default()));
    for (at, secret) in secrets[..2].iter().enumerate() {
        for header in [Value::Null, json!({"alg": "ES256", "kid": null})] {
            let principal = verifier.verify_fetching(&signed(secret, header), NOW_MS).await.unwrap();
            assert_eq!(
                principal.key_id,
                format!("ec-{at}"),
                "the key that signed is known, so that its end is noticed"
            );
        }
    }
    let stranger = signed(&secrets[2], Value::Null);
    let error = verifier.verify_fetching(&stranger, NOW_MS).await.unwrap_err();
    assert_eq!(error, TokenError::KeyNotNamed { tried: 2 });
    assert!(error.to_string().contains("has no `kid`") && error.to_string().contains("2 tried"), "{error}");
    assert_eq!(error.code(), "token-key-not-named");

    // A key that came since is fetched, as for a token that names an unknown one.
    web.put(&json!([jwk(&secrets[0], 0), jwk(&secrets[2], 2)]));
    assert!(verifier.verify_fetching(&stranger, NOW_MS + 30_000).await.is_ok());

    // With more keys than are tried, only a name can tell.
    let all: Vec<Value> = secrets.iter().enumerate().map(|(at, secret)| jwk(secret, at)).collect();
    web.put(&json!(all));
    let last = signed(&secrets[4], Value::Null);
    let error = verifier.verify_fetching(&last, NOW_MS + 60_000).await.unwrap_err();
    assert_eq!(error, TokenError::KeyNotNamed { tried: 4 });
    let named = signed(&secrets[4], json!({"alg": "ES256", "kid": "ec-4"}));
    assert!(verifier.verify_fetching(&named, NOW_MS + 60_000).await.is_ok());
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_no_fault_of_the_token() {
    let (keys, web) = (Keys::new(), Arc::new(Web::default()));
    let verifier = verifier(&web, options("tenant", ClaimRules::default()));
    let token = keys.sign(Algorithm::ES256, Some("ec"), &claims(json!({"aud": "openanalyst", "tenant": "acme"})));
    let refused = verifier.verify_fetching(&token, NOW_MS).await.unwrap_err();
    let TokenError::KeysUnavailable { retry_after_ms } = refused else { panic!("{refused}") };
    assert!((1..=1_000).contains(&retry_after_ms), "{retry_after_ms}");
    web.put_bytes(b"<html>");
    let later = NOW_MS + i64::try_from(retry_after_ms).unwrap();
    let refused = verifier.verify_fetching(&token, later).await.unwrap_err();
    let TokenError::KeysUnavailable { retry_after_ms } = refused else { panic!("{refused}") };
    web.put(&keys.set());
    let later = later + i64::try_from(retry_after_ms).unwrap();
    assert!(verifier.verify_fetching(&token, later).await.is_ok());
    // A key that the issuer does not have is the token's fault, once the issuer could be asked.
    let unknown =
        keys.sign(Algorithm::ES256, Some("made-up"), &claims(json!({"aud": "openanalyst", "tenant": "acme"})));
    assert_eq!(verifier.verify_fetching(&unknown, later).await.unwrap_err(), TokenError::UnknownKey);
}

#[tokio::test]
async fn times_sizes_and_people_are_taken_as_the_standards_have_them() {
    let (keys, web) = (Keys::new(), Arc::new(Web::default()));
    web.put(&keys.set());
    let rules = ClaimRules { user_prefix: "okta:".to_owned(), ..ClaimRules::default() };
    let verifier = verifier(&web, options("tenant", rules));
    let with = |more: Value| {
        let mut claims = claims(json!({"aud": "openanalyst", "tenant": "acme"}));
        claims.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        keys.sign(Algorithm::ES256, Some("ec"), &claims)
    };
    #[expect(clippy::cast_precision_loss, reason = "a moment of this century")]
    let fraction = NOW_S as f64 + 60.336_421;
    let groups: Vec<String> = (0..300).map(|n| format!("group-with-a-long-name-{n:06}")).collect();
    for (what, token) in [
        ("a fraction of a second", with(json!({"exp": fraction}))),
        ("issued ahead of our clock", with(json!({"iat": NOW_S + 10}))),
        ("null for what is left out", with(json!({"nbf": null, "iat": null}))),
        ("nearly 16 KiB", with(json!({"groups": groups}))),
    ] {
        let principal = verifier.verify_fetching(&token, NOW_MS).await;
        let principal = principal.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(principal.user.as_str(), "okta:auth0|64e4", "two issuers give the same `sub` to two people");
    }
    let endless = verifier.verify_fetching(&with(json!({"exp": null})), NOW_MS).await;
    assert_eq!(endless.unwrap_err(), TokenError::MissingClaim("exp".to_owned()), "null is no end");
    let mail = with(json!({"sub": "ada.lovelace+test@example.com"}));
    let user = verifier.verify_fetching(&mail, NOW_MS).await.unwrap().user;
    let folder = user.folder();
    assert!(folder.starts_with("u/okta_ada_lovelace_test_example_com-"), "{folder}");
    let long = with(json!({"groups": vec![groups; 3]}));
    assert_eq!(verifier.verify_fetching(&long, NOW_MS).await.unwrap_err(), TokenError::TooLong { bytes: long.len() });
}
