//! tokio-tungstenite, as its README shows it.

use super::tokio_tasks;
use crate::Result;
use futures_util::{SinkExt as _, StreamExt as _};
use std::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::broadcast::{self, Sender};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Callback, ErrorResponse, Request, Response};

/// More than any scenario has in flight.
const MESSAGES_MAX: usize = 1024;

/// Serves for ever.
pub(crate) fn serve(listener: TcpListener) -> Result<()> {
    let (everybody, _) = broadcast::channel(MESSAGES_MAX);
    tokio_tasks::serve(listener, move |stream| serve_one(stream, everybody.clone()))
}

async fn serve_one(stream: TcpStream, everybody: Sender<Message>) -> Result<()> {
    let mut is_broadcast = false;
    // Whoever is answered misses nothing that is sent from then on.
    let mut others = everybody.subscribe();
    let mut socket = accept_hdr_async(stream, Path(&mut is_broadcast)).await?;
    if !is_broadcast {
        drop((others, everybody));
        while let Some(message) = socket.next().await {
            let message = message?;
            if message.is_text() || message.is_binary() {
                socket.send(message).await?;
            }
        }
        return Ok(());
    }
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(message) => {
                    let message = message?;
                    if message.is_text() || message.is_binary() {
                        everybody.send(message)?;
                    }
                }
                None => return Ok(()),
            },
            message = others.recv() => {
                socket.feed(message?).await?;
                while let Ok(message) = others.try_recv() {
                    socket.feed(message).await?;
                }
                socket.flush().await?;
            }
        }
    }
}

/// Learns whether a handshake is for the broadcast.
struct Path<'a>(&'a mut bool);

impl Callback for Path<'_> {
    fn on_request(
        self,
        request: &Request,
        response: Response,
    ) -> std::result::Result<Response, ErrorResponse> {
        *self.0 = request.uri().path() == "/broadcast";
        Ok(response)
    }
}
