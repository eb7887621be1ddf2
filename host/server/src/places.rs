//! How many streams (WebSockets, event streams) each user has open: a limit and its counter as one value.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use openanalyst_domain::Owner;

use crate::problem::Problem;

/// The places of all users.
pub(crate) struct Places {
    per_user: usize,
    taken: Mutex<HashMap<Owner, usize>>,
}

/// One open stream. Dropping it frees its place.
pub(crate) struct Place {
    places: Arc<Places>,
    owner: Owner,
}

impl Places {
    pub(crate) fn new(per_user: usize) -> Arc<Self> {
        Arc::new(Self { per_user, taken: Mutex::default() })
    }

    /// Takes a place.
    ///
    /// # Errors
    /// The user has no free one.
    pub(crate) fn take(self: &Arc<Self>, owner: &Owner) -> Result<Place, Problem> {
        let mut taken = self.taken();
        let count = taken.get(owner).copied().unwrap_or_default();
        if count >= self.per_user {
            let detail = format!(
                "you have {count} open connections and {} is the limit: close one, or use one connection for several tasks",
                self.per_user
            );
            return Err(
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-connections", detail).retry_after_ms(1_000)
            );
        }
        taken.insert(owner.clone(), count + 1);
        Ok(Place { places: self.clone(), owner: owner.clone() })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Owner, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        match taken.get_mut(&self.owner) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.owner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::{TenantId, UserId};

    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_stream_ends() {
        let owner = |tenant| Owner::new(TenantId::parse(tenant).unwrap(), UserId::parse("ada").unwrap());
        let places = Places::new(2);
        let first = places.take(&owner("a")).unwrap();
        let _second = places.take(&owner("a")).unwrap();
        let refused = places.take(&owner("a")).err().unwrap();
        assert_eq!(refused.code, "too-many-connections");
        let _other = places.take(&owner("b")).unwrap();
        drop(first);
        drop(places.take(&owner("a")).unwrap());
        assert_eq!(places.taken()[&owner("a")], 1);
    }
}
