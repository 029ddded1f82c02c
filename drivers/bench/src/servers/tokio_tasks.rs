//! What the servers on tokio have in common: one thread, one task for each client.

use crate::Result;
use std::future::Future;
use std::net::TcpListener;
use tokio::net::TcpStream;

/// Accepts for ever, and runs `client` for each.
pub(crate) fn serve<F>(listener: TcpListener, client: impl Fn(TcpStream) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let client = client(stream);
            // A client that goes is no failure of the server's.
            tokio::spawn(async move { _ = client.await });
        }
    })
}
