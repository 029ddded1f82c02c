use super::*;
use alloc::string::ToString as _;

fn answer(values: &[&str], options: &Deflate) -> Option<String> {
    let mut headers = Headers::new();
    for value in values {
        headers.append("sec-websocket-extensions", value.as_bytes().to_vec());
    }
    negotiate(&headers, options).map(|agreement| agreement.to_string())
}

fn takeover() -> Deflate {
    Deflate { context: Context::Takeover, ..Deflate::default() }
}

/// [RFC 7692 §7.1] Each offer alone, and what is said to it by a server that remembers messages, and by one that does not.
#[test]
fn an_offer_is_accepted_with_what_both_ends_keep_to() {
    const SERVER: &str = "; server_no_context_takeover";
    const CLIENT: &str = "; client_no_context_takeover";
    for (offer, remembers, bits) in [
        ("", "", ""),
        ("; server_no_context_takeover", SERVER, ""),
        ("; client_no_context_takeover", CLIENT, ""),
        ("; client_no_context_takeover; server_no_context_takeover", "both", ""),
        ("; server_max_window_bits=8", "", "; server_max_window_bits=8"),
        ("; server_max_window_bits=15", "", "; server_max_window_bits=15"),
        ("; server_max_window_bits=\"9\"", "", "; server_max_window_bits=9"),
        ("; client_max_window_bits", "", ""),
        ("; client_max_window_bits=8", "", "; client_max_window_bits=8"),
        ("; client_max_window_bits=15", "", "; client_max_window_bits=15"),
        (" ;\tserver_max_window_bits = 10 ; client_max_window_bits", "", "; server_max_window_bits=10"),
    ] {
        let offer = alloc::format!("permessage-deflate{offer}");
        let remembers = if remembers == "both" { [SERVER, CLIENT].concat() } else { remembers.to_string() };
        let said = |parts: &[&str]| Some(alloc::format!("permessage-deflate{}", parts.concat()));
        assert_eq!(answer(&[&offer], &takeover()), said(&[&remembers, bits]), "{offer}");
        assert_eq!(answer(&[&offer], &Deflate::default()), said(&[SERVER, CLIENT, bits]), "{offer}");
    }
}

/// The operator's window is the largest of either end; that of the client is spoken of only if it can be limited.
#[test]
fn windows_are_no_larger_than_the_operator_wants() {
    let options = Deflate { window_bits: 11, ..takeover() };
    for (offer, expected) in [
        ("", "; server_max_window_bits=11"),
        ("; server_max_window_bits=9", "; server_max_window_bits=9"),
        ("; server_max_window_bits=12", "; server_max_window_bits=11"),
        ("; client_max_window_bits", "; server_max_window_bits=11; client_max_window_bits=11"),
        ("; client_max_window_bits=10", "; server_max_window_bits=11; client_max_window_bits=10"),
        ("; client_max_window_bits=14", "; server_max_window_bits=11; client_max_window_bits=11"),
    ] {
        let offer = alloc::format!("permessage-deflate{offer}");
        let expected = alloc::format!("permessage-deflate{expected}");
        assert_eq!(answer(&[&offer], &options), Some(expected), "{offer}");
    }
}

/// [RFC 7692 §7.1] What is wrong with an offer declines it, and nothing else.
#[test]
fn a_wrong_offer_is_declined() {
    for offer in [
        "",
        "permessage-bzip2",
        "Permessage-Deflate",
        "x-webkit-deflate-frame",
        "permessage-deflate=1",
        "permessage-deflate; unknown",
        "permessage-deflate; ",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover=",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=08",
        "permessage-deflate; server_max_window_bits=+8",
        "permessage-deflate; server_max_window_bits=264",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=\"10",
        "permessage-deflate; server_max_window_bits=\"1\"0\"",
        "permessage-deflate; server_max_window_bits=\"\"",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; server_max_window_bits\u{a0}=10",
        "permessage-deflate; server_max_window_bits=\u{3000}10",
    ] {
        assert_eq!(answer(&[offer], &takeover()), None, "{offer}");
        // The next one counts, in the same line or in another.
        let expected = Some("permessage-deflate".to_string());
        if !offer.contains('"') {
            assert_eq!(
                answer(&[&alloc::format!("{offer},permessage-deflate")], &takeover()),
                expected,
                "{offer}"
            );
        }
        assert_eq!(answer(&[offer, "permessage-deflate"], &takeover()), expected, "{offer}");
    }
}

/// [RFC 7692 §5.1] The client's order is its preference.
#[test]
fn the_first_offer_that_is_understood_is_accepted() {
    let offers = "foo; bar=\"a, permessage-deflate; \\\" b\", permessage-deflate; baz, \
                  permessage-deflate; server_max_window_bits=10, permessage-deflate";
    let expected = Some("permessage-deflate; server_max_window_bits=10".to_string());
    assert_eq!(answer(&[offers], &takeover()), expected);
}

#[test]
fn what_is_no_text_is_no_offer_and_stands_in_the_way_of_none() {
    let answer = |value: &'static [u8]| {
        let mut headers = Headers::new();
        headers.append("Sec-WebSocket-Extensions", value);
        negotiate(&headers, &takeover()).map(|agreement| agreement.to_string())
    };
    assert_eq!(answer(b"permessage-deflate\xff"), None);
    assert_eq!(answer(b"foo; bar=\xff, permessage-deflate").as_deref(), Some("permessage-deflate"));
}
