//! Names to addresses, with what is not allowed taken out before a connection is made.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::is_public;

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of a host. Port 0 means the URL's.
    ///
    /// # Errors
    /// It has none, or nobody can say.
    async fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The machine's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.collect())
    }
}

/// A table of hosts that the operator wrote, before the machine's own resolver. What is found in it must be allowed like everything else.
#[derive(Debug, Clone, Default)]
pub struct HostTable(pub HashMap<String, SocketAddr>);

#[async_trait]
impl Resolver for HostTable {
    async fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        match self.0.get(&host.to_ascii_lowercase()) {
            Some(address) => Ok(vec![*address]),
            None => SystemResolver.resolve(host).await,
        }
    }
}

/// A host may not be connected to.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{host}` has no public address: skills reach the public internet only, unless the operator opens a network with --http-allow-network"
)]
pub(crate) struct Refused {
    pub(crate) host: String,
}

/// Which addresses are allowed.
#[derive(Debug, Clone)]
pub(crate) struct Allowed(pub(crate) Arc<[IpNet]>);

impl Allowed {
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.0.iter().any(|network| network.contains(&address))
    }
}

/// The resolver that the client connects by.
#[derive(Clone)]
pub(crate) struct Filtered {
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) allowed: Allowed,
}

impl Resolve for Filtered {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = this.resolver.resolve(&host).await?;
            let open: Vec<SocketAddr> = found.into_iter().filter(|at| this.allowed.allows(at.ip())).collect();
            if open.is_empty() {
                return Err(Refused { host }.into());
            }
            let addresses: Addrs = Box::new(open.into_iter());
            Ok(addresses)
        })
    }
}
