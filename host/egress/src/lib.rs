//! The way out: the one HTTP client through which skills reach the world, built so that nobody can use it to reach this machine or its network
//! (server-side request forgery, SSRF).
//!
//! | layer | what it refuses |
//! |---|---|
//! | the caller's [`Policy`] | at every hop: what is no plain `https` URL of a granted host |
//! | [`address`] | a literal address, or a resolved one, that is not public; the connection goes to exactly the address that was looked at |
//! | [`Egress`] | proxies of the environment, redirects beyond five, bodies beyond the cap after decompression, whatever takes too long |
//!
//! It knows no skills, tenants or secrets: the policy does. Begin at [`Egress::fetch`].

pub mod address;
mod client;
mod failure;
mod resolve;
mod tls;

pub use client::{
    Egress, EgressOptions, MAX_BODY_BYTES, MAX_HEADER_BYTES, MAX_REDIRECTS, Outgoing, Policy, Request, Response,
};
pub use failure::reason;
pub use resolve::{HostTable, Resolver, SystemResolver};
pub use tls::{EgressError, client, read_certificates};
