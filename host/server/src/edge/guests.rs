//! How many connections are open, in all and from one address.

use crate::{config::EdgeLimits, telemetry::Connection};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Everybody who is connected.
pub(super) struct Guests {
    places: Arc<Semaphore>,
    by_ip: Arc<Mutex<HashMap<IpAddr, usize>>>,
    per_ip_max: usize,
    trusted: Vec<IpAddr>,
}

/// One connection's place; free again when it is dropped.
pub(super) struct Guest {
    _place: OwnedSemaphorePermit,
    _counted: Connection,
    ip: Option<IpAddr>,
    by_ip: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Guests {
    pub(super) fn new(limits: &EdgeLimits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.connections_max)),
            by_ip: Arc::default(),
            per_ip_max: limits.connections_per_ip_max,
            trusted: limits.trusted_proxies.clone(),
        }
    }

    /// Gives a connection its place, or the reason why there is none.
    pub(super) fn admit(&self, ip: IpAddr) -> Result<Guest, &'static str> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| "full")?;
        let ip = Some(ip.to_canonical()).filter(|ip| !self.trusted.contains(ip)).map(household);
        if let Some(ip) = ip {
            let mut by_ip = self.by_ip.lock().unwrap_or_else(PoisonError::into_inner);
            let open = by_ip.entry(ip).or_default();
            if *open >= self.per_ip_max {
                return Err("address");
            }
            *open += 1;
        }
        Ok(Guest { _place: place, _counted: Connection::opened(), ip, by_ip: Arc::clone(&self.by_ip) })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some(ip) = self.ip else { return };
        let mut by_ip = self.by_ip.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = by_ip.get_mut(&ip) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                by_ip.remove(&ip);
            }
        }
    }
}

/// Whoever has one IPv6 address has the 2^64 beside it.
fn household(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guests(all: usize, per_ip: usize, trusted: &[&str]) -> Guests {
        Guests::new(&EdgeLimits {
            connections_max: all,
            connections_per_ip_max: per_ip,
            trusted_proxies: trusted.iter().map(|ip| ip.parse().expect("an address")).collect(),
            ..EdgeLimits::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_has_its_share_and_gets_it_back() {
        let guests = guests(10, 2, &[]);
        let first = guests.admit(ip("10.0.0.1"));
        let second = guests.admit(ip("::ffff:10.0.0.1"));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(guests.admit(ip("10.0.0.1")).err(), Some("address"));
        assert!(guests.admit(ip("10.0.0.2")).is_ok());
        drop(first);
        assert!(guests.admit(ip("10.0.0.1")).is_ok());
    }

    #[test]
    fn a_household_of_ipv6_addresses_is_one() {
        let guests = guests(10, 1, &[]);
        let _first = guests.admit(ip("2001:db8::1"));
        assert_eq!(guests.admit(ip("2001:db8::2")).err(), Some("address"));
        assert!(guests.admit(ip("2001:db8:0:1::2")).is_ok());
    }

    #[test]
    fn a_trusted_proxy_counts_only_towards_the_whole() {
        let guests = guests(3, 1, &["10.0.0.1"]);
        let open: Vec<_> = (0..3).map(|_| guests.admit(ip("10.0.0.1"))).collect();
        assert!(open.iter().all(Result::is_ok));
        assert_eq!(guests.admit(ip("10.0.0.1")).err(), Some("full"));
    }
}
