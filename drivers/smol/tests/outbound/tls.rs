//! Connections under TLS.

use super::world::*;
use async_tungstenite::accept_async;
use async_tungstenite::tungstenite::Message as Frame;
use smol::stream::StreamExt as _;
use wsrelay_smol::core::message::{Close, Topic};
use wsrelay_smol::core::wire::Data;

#[test]
fn a_server_under_tls_is_trusted_by_its_root() {
    run(async |world| {
        let (listener, url) = listen();
        let (acceptor, trust) = certified();
        let target = world.probe();
        let url = url.replace("ws://127.0.0.1", "wss://localhost");
        let pid = target.connect(&url, options().tls(trust)).await;
        let (stream, _) = listener.accept().await.unwrap();
        let stream = acceptor.accept(stream).await.unwrap();
        let mut server = accept_async(stream).await.unwrap();
        target.join().await;
        let text = "x".repeat(100_000);
        world.node.send(pid, Topic::SEND, text.clone()).unwrap();
        assert_eq!(server.next().await.unwrap().unwrap(), Frame::text(text.clone()));
        server.send(Frame::text(text.clone())).await.unwrap();
        assert_eq!(target.client().await, (pid, Data::Text(text.into())));
        target.close(pid, Close::default()).await;
        assert_eq!(closed_with(&mut server).await, 1000);
        assert!(target.leave().await.clean);
    });
}

#[test]
fn a_server_under_tls_that_nobody_vouches_for_is_aborted() {
    run(async |world| {
        let (listener, url) = listen();
        let (acceptor, _) = certified();
        let target = world.probe();
        target.connect(&url.replace("ws://127.0.0.1", "wss://localhost"), options()).await;
        let (stream, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err());
        let abort = target.abort().await;
        assert!(abort.reason.starts_with("no TLS"), "{abort:?}");
        assert!(!target.exit().await.1.is_normal());
    });
}
