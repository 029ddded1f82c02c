//! A range of addresses.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// A range of addresses, written `10.0.0.0/8`, `fd00::/8`, or as a single address.
///
/// ```
/// use wsrelay_core::upgrade::Network;
///
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert!(network.contains([10, 1, 2, 3].into()));
/// # Ok::<(), wsrelay_core::upgrade::NetworkFault>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether `address` lies in the range. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) counts
    /// as IPv4: that is how a socket that listens for both shows it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkFault;

    fn from_str(text: &str) -> Result<Self, NetworkFault> {
        parse(text).ok_or_else(|| NetworkFault { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Network> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let written: IpAddr = address.parse().ok()?;
    let bits: u8 = if written.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        Some(_) => return None,
        None => bits,
    };
    if prefix > bits {
        return None;
    }
    let address = written.to_canonical();
    // Of `::ffff:10.0.0.0/104` the first 96 bits say "IPv4"; a shorter prefix would be half of each.
    let prefix = if address.is_ipv4() && bits == 128 { prefix.checked_sub(96)? } else { prefix };
    Some(Network { address, prefix })
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A text that is not a [`Network`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkFault {
    /// The text.
    pub text: String,
}

impl fmt::Display for NetworkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is neither an address nor a network like 10.0.0.0/8", self.text)
    }
}

impl core::error::Error for NetworkFault {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_network_contains_what_its_prefix_covers() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("10.1.2.3/8", "10.9.9.9", true),
            ("::ffff:10.0.0.0/104", "10.1.1.1", true),
            ("192.168.1.7", "192.168.1.7", true),
            ("192.168.1.7", "192.168.1.8", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "8.8.8.8", false),
            ("::1", "::1", true),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fc00::1", false),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), expected, "{network} and {address}");
        }
    }

    #[test]
    fn a_text_that_is_no_network_is_named_in_the_fault() {
        for text in
            ["", "10.0.0.0/33", "::1/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0/8", "a", "::ffff:1.2.3.4/90"]
        {
            let fault = text.parse::<Network>().unwrap_err();
            assert!(fault.to_string().contains(text), "{fault}");
        }
        assert_eq!("10.0.0.0/8".parse::<Network>().unwrap().to_string(), "10.0.0.0/8");
    }
}
