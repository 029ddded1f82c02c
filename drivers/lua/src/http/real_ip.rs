//! `real_ip`: the client's own address, where proxies that can be trusted stand between.

use super::options::{Reader, flag, networks};
use crate::app::Finding;
use std::net::{IpAddr, SocketAddr};
use wsrelay_core::upgrade::{Network, Request};

/// The middleware `real_ip` of one list.
#[derive(Debug)]
pub(super) struct RealIp {
    trusted: Vec<Network>,
}

/// Where proxies stand: loopback, private, link-local and carrier-grade ranges.
const TRUSTED: &str = "127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, 100.64.0.0/10, \
                       ::1/128, fc00::/7, fe80::/10";
const EVERYBODY: &str = "0.0.0.0/0, ::/0";

impl RealIp {
    pub(super) fn build(reader: &mut Reader<'_>) -> Self {
        let trusted = reader.read_spelled("real_ip.trusted.subnets", networks);
        let everybody = reader.read_spelled("real_ip.trust_all", flag);
        let mut trusted =
            trusted.map_or_else(|| networks(TRUSTED).unwrap_or_default(), |(networks, _)| networks);
        if let Some((true, place)) = everybody {
            let message = "any client may claim any address";
            reader.findings.push(Finding::warning(place, message));
            trusted = networks(EVERYBODY).unwrap_or_default();
        }
        Self { trusted }
    }

    pub(super) fn before(&self, request: &mut Request) {
        let Some(peer) = request.peer.filter(|peer| self.trusts(peer.ip())) else { return };
        if let Some(client) = self.client(request).filter(|client| *client != peer.ip().to_canonical()) {
            request.peer = Some(SocketAddr::new(client, 0));
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Each proxy adds to the end who came to it. From there backwards, the first that is not trusted is the client, and
    /// all before it is what the client says. The walk also ends at what is no address.
    fn client(&self, request: &Request) -> Option<IpAddr> {
        let headers = &request.headers;
        if !headers.contains("X-Forwarded-For") {
            let mut values = headers.get_all("X-Real-IP");
            let (Some(value), None) = (values.next(), values.next()) else { return None };
            return address(value);
        }
        let lines: Vec<_> = headers.get_all("X-Forwarded-For").collect();
        let elements = lines.iter().rev().flat_map(|line| line.rsplit(|&byte| byte == b','));
        let mut client = None;
        for element in elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty()) {
            let Some(address) = address(element) else { break };
            client = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        client
    }
}

/// An address, also with a port, and with brackets.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{get, options};
    use super::*;

    fn peer(given: &[(&str, &str)], peer: &str, headers: &[(&str, &str)]) -> String {
        let (options, mut findings) = (options(given), Vec::new());
        let real_ip = RealIp::build(&mut Reader::new(&options, &mut findings));
        let mut request = get("/", headers);
        request.peer = Some(peer.parse().unwrap());
        real_ip.before(&mut request);
        request.peer.unwrap().to_string()
    }

    #[test]
    fn the_last_address_that_is_not_a_trusted_proxys_is_the_client() {
        for (forwarded, expected) in [
            ("203.0.113.7", "203.0.113.7:0"),
            ("6.6.6.6, 203.0.113.7, 10.1.1.1", "203.0.113.7:0"),
            ("203.0.113.7:4711,,", "203.0.113.7:0"),
            ("\"junk\", 10.2.2.2", "10.2.2.2:0"),
            ("[2001:db8::1]", "[2001:db8::1]:0"),
            ("[2001:db8::1]:80", "[2001:db8::1]:0"),
            ("::ffff:203.0.113.7", "203.0.113.7:0"),
            ("192.168.0.1, 10.2.2.2", "192.168.0.1:0"),
            ("junk", "10.0.0.1:9"),
            ("", "10.0.0.1:9"),
        ] {
            assert_eq!(peer(&[], "10.0.0.1:9", &[("X-Forwarded-For", forwarded)]), expected, "{forwarded}");
        }
    }

    #[test]
    fn a_client_that_is_no_proxy_is_not_believed() {
        let headers = [("X-Forwarded-For", "1.2.3.4"), ("X-Real-IP", "1.2.3.4")];
        assert_eq!(peer(&[], "203.0.113.7:9", &headers), "203.0.113.7:9");
        let given = [("real_ip.trusted.subnets", "192.0.2.0/24")];
        assert_eq!(peer(&given, "10.0.0.1:9", &headers), "10.0.0.1:9");
        assert_eq!(peer(&given, "192.0.2.1:9", &headers), "1.2.3.4:0");
    }

    #[test]
    fn x_real_ip_counts_where_nothing_was_forwarded() {
        assert_eq!(peer(&[], "127.0.0.1:9", &[("X-Real-IP", "1.2.3.4")]), "1.2.3.4:0");
        let both = [("X-Real-IP", "1.2.3.4"), ("X-Forwarded-For", "5.6.7.8")];
        assert_eq!(peer(&[], "127.0.0.1:9", &both), "5.6.7.8:0");
        let twice = [("X-Real-IP", "1.2.3.4"), ("X-Real-IP", "5.6.7.8")];
        assert_eq!(peer(&[], "127.0.0.1:9", &twice), "127.0.0.1:9");
    }

    #[test]
    fn a_flood_of_forwarded_addresses_is_read_from_its_end() {
        let flood = format!("{}203.0.113.7", "6.6.6.6,".repeat(2000));
        let lines: Vec<(&str, &str)> = (0..60).map(|_| ("X-Forwarded-For", &*flood)).collect();
        assert_eq!(peer(&[], "10.0.0.1:9", &lines), "203.0.113.7:0");
    }

    #[test]
    fn whoever_trusts_everybody_is_warned() {
        let (options, mut findings) = (options(&[("real_ip.trust_all", "true")]), Vec::new());
        let real_ip = RealIp::build(&mut Reader::new(&options, &mut findings));
        assert_eq!(findings.len(), 1);
        assert!(real_ip.trusts([203, 0, 113, 7].into()));
    }
}
