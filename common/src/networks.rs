//! Sets of networks in CIDR notation.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::settings::{Section, SettingError};

/// Networks that an operator trusts with something; few, so they are looked at one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Reads a list such as `["10.0.0.0/8", "2001:db8::1"]`; a bare address is a network of one.
    pub fn read(section: &mut Section, key: &'static str) -> Result<Self, SettingError> {
        let mut networks = Vec::new();
        for text in section.texts(key)? {
            let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
            let problem = || section.error(key, format!("\"{text}\" is no network such as \"10.0.0.0/8\""));
            networks.push(network.ok_or_else(problem)?);
        }
        Ok(Self(networks))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the address is in one of them; an IPv4 address in IPv6 clothes counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Who has an address, as far as limits for each client go: an IPv6 address is cut to its /64, since one subscriber has at least that many.
pub fn holder(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Networks, SettingError> {
        let mut section = crate::settings::parse(&format!("from = {text}"), [], &[]).unwrap();
        Networks::read(&mut section, "from")
    }

    #[test]
    fn a_holder_has_one_address_or_a_64() {
        for (client, expected) in
            [("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
        {
            assert_eq!(holder(client.parse().unwrap()), expected.parse::<IpAddr>().unwrap());
        }
    }

    #[test]
    fn networks_and_addresses() {
        let networks = read(r#"["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]"#).unwrap();
        for (address, inside) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.0.0.1", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(networks.contains(address.parse().unwrap()), inside, "{address}");
        }
        for bad in [r#"["10.0.0.0/33"]"#, r#"["x"]"#, r#"[""]"#, r#"["10.0.0"]"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
