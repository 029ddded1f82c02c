//! tokio-websockets, as its README shows it, and as a careful user writes it.

use super::tokio_tasks;
use crate::Result;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use std::net::TcpListener;
use tokio_websockets::ServerBuilder;

/// Serves for ever, one flush for each message.
pub(crate) fn serve(listener: TcpListener) -> Result<()> {
    tokio_tasks::serve(listener, |stream| async {
        let (_, mut socket) = ServerBuilder::new().accept(stream).await?;
        while let Some(message) = socket.next().await {
            let message = message?;
            if message.is_text() || message.is_binary() {
                socket.send(message).await?;
            }
        }
        Ok(())
    })
}

/// Serves for ever, one flush for all messages that are at hand.
pub(crate) fn serve_batched(listener: TcpListener) -> Result<()> {
    tokio_tasks::serve(listener, |stream| async {
        let (_, mut socket) = ServerBuilder::new().accept(stream).await?;
        // Reading on would flush what was fed, so that all is read first.
        let mut at_hand = Vec::new();
        while let Some(message) = socket.next().await {
            at_hand.push(message?);
            while let Some(Some(message)) = socket.next().now_or_never() {
                at_hand.push(message?);
            }
            for message in at_hand.drain(..) {
                if message.is_text() || message.is_binary() {
                    socket.feed(message).await?;
                }
            }
            socket.flush().await?;
        }
        Ok(())
    })
}
