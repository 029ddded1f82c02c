//! Ordinary HTTP on the same port: keep-alive, pipelines, bodies.

use crate::support::{KEY, Probe, Raw, Setup, World, frame, run};
use wsrelay_core::upgrade::Response;

/// A server that answers with what it got.
fn mirror(world: &World) {
    world.handle("/mirror", |request| async move {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        Response::text(200, format!("{} {body}", request.method))
    });
}

/// [H4] One connection serves request after request, and then a WebSocket.
#[test]
fn a_connection_is_kept_alive_until_it_is_upgraded() {
    run(async {
        let world = World::start();
        mirror(&world);
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut raw = Raw::connect(&world).await;
        for _ in 0..5 {
            let reply = raw.ask("GET", "/mirror?x=1", &[]).await;
            assert_eq!((reply.body.as_str(), reply.header("Connection")), ("GET ", Some("keep-alive")));
        }
        assert_eq!(raw.ask("GET", "/nothing", &[]).await.status, 404);
        assert_eq!(raw.upgrade("/ws", &[]).await.status, 101);
        raw.write(frame(1, b"hello")).await;
        target.join().await;
        assert_eq!(target.client_text().await, "hello");
    });
}

/// [H4] [R4] Requests in one write are answered one after the other, in order; an upgrade and its first
/// messages may be the last of them.
#[test]
fn pipelined_requests_are_answered_in_order() {
    run(async {
        let world = World::start();
        mirror(&world);
        // The first answer takes the longest.
        world.handle("/slow", |_| async {
            for _ in 0..100 {
                smol::future::yield_now().await;
            }
            Response::text(200, "slow")
        });
        let target = Probe::spawn(&world.node);
        world.relay("/ws", target.pid);
        let mut raw = Raw::connect(&world).await;
        let mut bytes = format!(
            "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n\
             POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody\
             HEAD /mirror HTTP/1.1\r\nHost: a\r\n\r\n\
             GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        )
        .into_bytes();
        bytes.extend(frame(1, b"early"));
        raw.write(bytes).await;
        assert_eq!(raw.reply().await.body, "slow");
        assert_eq!(raw.reply().await.body, "POST body");
        // To HEAD there is a head, its length, and no body.
        assert!(raw.head().await.starts_with("HTTP/1.1 200 OK"));
        assert_eq!(raw.reply().await.status, 101);
        target.join().await;
        assert_eq!(target.client_text().await, "early");
    });
}

/// [H4] [T:body] A body comes whole, plain or chunked, in whatever pieces; `100-continue` is answered, and
/// one over the bound is 413.
#[test]
fn a_post_body_reaches_the_handler_whole() {
    run(async {
        let world = Setup::limits(|limits| limits.body_bytes_max = 100_000).start();
        mirror(&world);
        let long = "x".repeat(100_000);
        let mut raw = Raw::connect(&world).await;
        let head = format!("POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n", long.len());
        raw.write(head + "Expect: 100-continue\r\n\r\n").await;
        assert_eq!(raw.reply().await.status, 100);
        raw.write(&long).await;
        assert_eq!(raw.reply().await.body, format!("POST {long}"));
        raw.write("PUT /mirror HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        for piece in ["3\r\nab", "c\r\n", "2;x=y\r\nde\r\n0\r\n", "Trailer: x\r\n", "\r\n"] {
            raw.write(piece).await;
        }
        assert_eq!(raw.reply().await.body, "PUT abcde");
        raw.write("POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n").await;
        assert_eq!(raw.reply().await.status, 413);
        assert_eq!(raw.rest().await, b"");
    });
}

/// [H4] A client that ends its side after the request still reads the response.
#[test]
fn a_client_that_has_said_all_still_gets_its_answer() {
    run(async {
        let world = World::start();
        mirror(&world);
        let mut raw = Raw::connect(&world).await;
        raw.write("POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await;
        raw.finish();
        assert_eq!(raw.reply().await.body, "POST hi");
        assert_eq!(raw.rest().await, b"");
    });
}

/// [T:head] What is no request, or too large a one, is refused and the connection with it.
#[test]
fn a_malformed_or_oversized_request_is_refused() {
    run(async {
        let world = World::start();
        mirror(&world);
        let large = format!("GET /mirror HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(17 * 1024));
        let cases = [
            (400, "nonsense\r\n\r\n".to_owned()),
            (431, large),
            (505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned()),
            (501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n".to_owned()),
        ];
        for (status, bytes) in cases {
            let mut raw = Raw::connect(&world).await;
            raw.write(&bytes).await;
            let reply = raw.reply().await;
            assert_eq!((reply.status, reply.header("Connection")), (status, Some("close")), "{bytes:.40}");
            assert_eq!(raw.rest().await, b"");
        }
    });
}
