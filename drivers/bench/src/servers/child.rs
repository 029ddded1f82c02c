//! A server as a child process.

use super::{Protocol, ServerKind};
use crate::Result;
use std::env;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

/// A server that runs, and ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) speaks: Protocol,
}

impl Server {
    /// Starts this program again, as `kind`, on a core of its own where there are two.
    pub(crate) fn start(kind: &ServerKind, core: Option<usize>) -> Result<Self> {
        Self::start_by(Command::new(env::current_exe()?), kind, core)
    }

    /// The same by `command`, which is to run the arguments it is given.
    pub(crate) fn start_by(mut command: Command, kind: &ServerKind, core: Option<usize>) -> Result<Self> {
        command.args(["serve", kind.name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(core) = core {
            command.args(["--core", &core.to_string()]);
        }
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().ok_or("no pipe from the server")?;
        let mut port = String::new();
        BufReader::new(stdout).read_line(&mut port)?;
        let port = port.trim().parse().map_err(|_| format!("{} did not start", kind.name))?;
        Ok(Self { child, address: (Ipv4Addr::LOCALHOST, port).into(), speaks: kind.speaks })
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its standard input, and so does what it was started by.
        drop(self.child.stdin.take());
        _ = self.child.wait();
    }
}
