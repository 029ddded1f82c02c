//! Listeners that share a port, one for each worker.

use mio::net::TcpListener;
use std::io;
use std::net::SocketAddr;

/// Whether the system spreads clients over listeners that share a port (`SO_REUSEPORT`). Others let them share
/// it too, and then leave all clients to one.
pub(crate) const ARE_BALANCED: bool = cfg!(target_os = "linux");

/// So many listeners on one address, and that address: the system chooses the port if none is given.
#[cfg(target_os = "linux")]
pub(crate) fn bind(mut address: SocketAddr, count: usize) -> io::Result<(SocketAddr, Vec<TcpListener>)> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
    /// Clients that may wait to be accepted, as the standard library has it.
    const BACKLOG: i32 = 4096;
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let one = |address: SocketAddr| {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        sockopt::set_socket_reuseport(&socket, true)?;
        bind(&socket, &address)?;
        listen(&socket, BACKLOG)?;
        Ok(TcpListener::from_std(std::net::TcpListener::from(socket)))
    };
    let mut listeners = Vec::with_capacity(count);
    for _ in 0..count {
        let listener: io::Result<TcpListener> = one(address);
        let listener = listener?;
        address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok((address, listeners))
}

/// So many listeners on one address.
#[cfg(not(target_os = "linux"))]
pub(crate) fn bind(_: SocketAddr, _: usize) -> io::Result<(SocketAddr, Vec<TcpListener>)> {
    Err(io::ErrorKind::Unsupported.into())
}
