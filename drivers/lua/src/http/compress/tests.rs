use super::super::testing::*;
use super::*;
use crate::http::Site;
use flate2::read::GzDecoder;
use quickcheck::quickcheck;
use std::io::Read as _;

fn compressing(given: &[(&str, &str)]) -> Site {
    site(&app_with(&["compress"], given))
}

fn unzip(body: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(body).read_to_string(&mut text).unwrap();
    text
}

fn page(length: usize) -> Response {
    Response::text(200, "a".repeat(length)).header("ETag", "\"1\"")
}

const GZIP: [(&str, &str); 1] = [("Accept-Encoding", "gzip")];

#[test]
fn a_long_text_is_compressed_for_a_client_that_takes_it() {
    for (level, length) in [("fastest", 1024), ("default", 1024), ("best", 200_000)] {
        let site = compressing(&[("compress.level", level)]);
        let mut response = answer(&site, get("/a", &GZIP), |_| page(length));
        assert_eq!(unzip(&response.body), "a".repeat(length));
        response.body = Default::default();
        let mut expected = Response::text(200, "");
        expected.headers.append("Vary", "Accept-Encoding");
        expected.headers.append("Content-Encoding", "gzip");
        expected.headers.append("ETag", "W/\"1\"");
        assert_eq!(response, expected);
    }
}

#[test]
fn what_could_have_been_compressed_says_that_it_varies() {
    let site = compressing(&[("compress.min.length", "10")]);
    for (length, headers) in [(9, &GZIP[..]), (10, &[])] {
        let expected = page(length).header("Vary", "Accept-Encoding");
        assert_eq!(answer(&site, get("/a", headers), |_| page(length)), expected);
    }
    let unchanged = || Response::new(304).header("ETag", "\"1\"");
    assert_eq!(
        answer(&site, get("/a", &GZIP), |_| unchanged()),
        unchanged().header("Vary", "Accept-Encoding")
    );
    let varied = page(2000).header("Vary", "*");
    assert_eq!(answer(&site, get("/a", &[]), |_| varied.clone()), varied);
}

#[test]
fn what_must_not_or_need_not_be_compressed_stays_untouched() {
    let site = compressing(&[("compress.min.length", "0")]);
    let plain =
        |content_type: &'static str| response(200, &[("Content-Type", content_type)], &"a".repeat(2000));
    for kept in [
        plain("image/png"),
        plain("application/octet-stream"),
        response(200, &[], "no type"),
        page(2000).header("Content-Encoding", "br"),
        page(2000).header("Cache-Control", "max-age=1, no-transform"),
        page(2000).header("X-WS-Relay", "{}"),
        page(2000).header("Content-Range", "bytes 0-1/2"),
        Response { status: 206, ..page(2000) },
        Response { status: 204, ..page(2000) },
    ] {
        let mut app = app_with(&["compress"], &[("compress.min_length", "0")]);
        app.routers[0].post_middleware = names(&["websocket_relay"]);
        let site = crate::http::testing::site(&app);
        assert_eq!(answer(&site, get("/a", &GZIP), |_| kept.clone()), kept);
    }
    assert_eq!(answer(&site, request("HEAD", "/a", &GZIP), |_| page(2000)), page(2000));
}

#[test]
fn what_would_grow_is_left_as_it_is() {
    let site = compressing(&[("compress.min.length", "0")]);
    let expected = page(3).header("Vary", "Accept-Encoding");
    assert_eq!(answer(&site, get("/a", &GZIP), |_| page(3)), expected);
}

#[test]
fn a_client_says_by_weight_what_it_takes() {
    for (header, expected) in [
        ("gzip", Accepts::Gzip),
        ("deflate, GZip ; q=0.5 , br", Accepts::Gzip),
        ("x-gzip", Accepts::Gzip),
        ("*", Accepts::Gzip),
        ("*;q=0.1", Accepts::Gzip),
        ("gzip;q=1.000", Accepts::Gzip),
        ("gzip;Q=0.001", Accepts::Gzip),
        ("identity, gzip", Accepts::Gzip),
        ("gzip, identity;q=0", Accepts::GzipOnly),
        ("gzip, *;q=0", Accepts::GzipOnly),
        ("gzip;q=0.5, identity", Accepts::Identity),
        ("gzip;q=0, *", Accepts::Identity),
        ("gzip;q=0", Accepts::Identity),
        ("gzip;q=0.0000", Accepts::Identity),
        ("gzip;q=2", Accepts::Identity),
        ("gzip;q=", Accepts::Identity),
        ("gzip;x=1", Accepts::Identity),
        ("gzipped", Accepts::Identity),
        ("identity", Accepts::Identity),
        (";;,,=", Accepts::Identity),
        ("", Accepts::Identity),
    ] {
        assert_eq!(Accepts::read(&get("/", &[("Accept-Encoding", header)]).headers), expected, "{header}");
    }
    assert_eq!(Accepts::read(&Headers::new()), Accepts::Identity);
}

#[test]
fn a_short_text_is_compressed_for_a_client_that_takes_nothing_else() {
    let headers = [("Accept-Encoding", "gzip, identity;q=0")];
    let response = answer(&compressing(&[]), get("/a", &headers), |_| page(3));
    assert_eq!((response.headers.get("Content-Encoding"), &*unzip(&response.body)), (Some("gzip"), "aaa"));
}

#[test]
fn a_huge_list_of_encodings_is_read_to_its_end() {
    let huge = format!("{}gzip", "br;q=0.1,*;q=0,".repeat(10_000));
    let lines: Vec<(&str, &str)> = (0..60).map(|_| ("Accept-Encoding", &*huge)).collect();
    assert_eq!(Accepts::read(&get("/", &lines).headers), Accepts::GzipOnly);
}

quickcheck! {
    fn any_header_is_read(header: Vec<u8>) -> bool {
        let mut headers = Headers::new();
        headers.append("Accept-Encoding", header.clone());
        Accepts::read(&headers) == Accepts::Identity || header.iter().any(|byte| b"gG*".contains(byte))
    }
}
