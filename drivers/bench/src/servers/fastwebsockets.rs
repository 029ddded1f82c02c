//! fastwebsockets, as its example shows it; the handshake is hyper's.

use super::tokio_tasks;
use crate::Result;
use fastwebsockets::upgrade::{UpgradeFut, upgrade};
use fastwebsockets::{FragmentCollector, OpCode, WebSocketError};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::net::TcpListener;

/// Serves for ever.
pub(crate) fn serve(listener: TcpListener) -> Result<()> {
    tokio_tasks::serve(listener, |stream| async {
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(serve_request));
        Ok(connection.with_upgrades().await?)
    })
}

async fn serve_request(
    mut request: Request<Incoming>,
) -> std::result::Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, socket) = upgrade(&mut request)?;
    tokio::spawn(async { _ = echo(socket).await });
    Ok(response)
}

async fn echo(socket: UpgradeFut) -> Result<()> {
    let mut socket = FragmentCollector::new(socket.await?);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}
