//! The command line.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wsrelay_core::deflate::{Context, Deflate};
use wsrelay_core::relay::{Compression, parse_duration};
use wsrelay_core::upgrade::OriginPolicy;

/// A WebSocket relay: every connection is a process.
///
/// Without a command, `wsrelay` serves the chat in `examples/chat`.
#[derive(Debug, Parser)]
#[command(version, about, long_about)]
pub struct Args {
    /// What to log: error, warn, info, debug or trace, or a filter like `RUST_LOG`'s, which wins.
    #[arg(long, global = true, default_value = "info", value_name = "FILTER", value_parser = log_filter)]
    pub log: String,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the command can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve an application: a folder of YAML entries and Lua sources.
    ///
    /// SIGHUP reads it again, without disconnecting anybody whose code has not changed. SIGTERM and Ctrl-C drain; a
    /// second one ends at once.
    Run(RunOptions),
    /// Read an application and say everything that is wrong with it; run nothing.
    Check(CheckOptions),
    /// Write a chat application to start from.
    New(NewOptions),
    /// Serve a chat page, an echo and a broadcast, to try the relay with a browser or any client.
    Demo(DemoOptions),
}

/// Options of `run`.
#[derive(Clone, Debug, ClapArgs)]
pub struct RunOptions {
    /// The application's folder.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Address and port to listen on, in the place of the `addr` of the application's only `http.service`.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub listen: Option<SocketAddr>,
    /// Executor threads for connections [default: one a core].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub threads: Option<usize>,
    /// Threads that run Lua [default: one a core].
    #[arg(long, value_name = "N", value_parser = workers)]
    pub workers: Option<usize>,
    /// Largest memory of one Lua process, in bytes. A process past it is ended.
    #[arg(long, default_value_t = 16 * 1024 * 1024, value_name = "N", value_parser = memory_bytes)]
    pub memory_bytes_max: usize,
    /// Safepoints (loops, calls, returns) that a script may pass without waiting or receiving; 100 million are one to two seconds. A
    /// process past it is ended.
    #[arg(long, default_value_t = 200_000_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub budget: u64,
    /// Most Lua processes at once, handlers among them; each takes some 20 KB. Past it nothing is spawned, and requests get 503.
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = at_least_one)]
    pub processes_max: usize,
    /// Within which time clients are closed at SIGTERM.
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = duration)]
    pub drain_window: Duration,
}

impl RunOptions {
    /// The options of `wsrelay run DIR`.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        #[derive(Parser)]
        struct Alone {
            #[command(flatten)]
            options: RunOptions,
        }
        Alone::parse_from([OsStr::new("wsrelay"), folder.as_os_str()]).options
    }
}

/// Options of `check`.
#[derive(Clone, Debug, ClapArgs)]
pub struct CheckOptions {
    /// The application's folder.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// List the routes, too.
    #[arg(long)]
    pub routes: bool,
}

/// Options of `new`.
#[derive(Clone, Debug, ClapArgs)]
pub struct NewOptions {
    /// The folder to make; it must not exist, or be empty.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// What the demo can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Driver {
    /// `wsrelay-smol`.
    Smol,
    /// `wsrelay-thread`.
    Thread,
}

/// How messages are compressed (permessage-deflate, RFC 7692) for clients that offer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompressionMode {
    /// Not at all.
    Off,
    /// Each message by itself: an idle connection costs no memory for it.
    Shared,
    /// With reference to those before it: smaller, for some 430 KB a connection.
    Takeover,
}

impl CompressionMode {
    /// As the relay takes it.
    #[must_use]
    pub fn compression(self) -> Compression {
        let context = match self {
            Self::Off => return Compression::Off,
            Self::Shared => Context::Shared,
            Self::Takeover => Context::Takeover,
        };
        Compression::Deflate(Deflate { context, ..Deflate::default() })
    }
}

/// Options of the demo.
#[derive(Clone, Debug, ClapArgs)]
pub struct DemoOptions {
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS", value_parser = address)]
    pub listen: SocketAddr,
    /// Largest message of a client, in bytes.
    #[arg(long, default_value_t = 1024 * 1024, value_name = "N", value_parser = at_least_one)]
    pub message_bytes_max: usize,
    /// Most frames of one message.
    #[arg(long, default_value_t = 1024, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub fragments_max: u32,
    /// How messages are compressed (permessage-deflate) for clients that offer it.
    #[arg(long, value_enum, default_value = "off", value_name = "MODE")]
    pub compression: CompressionMode,
    /// What runs it: tasks on the smol runtime, or worker threads with pollers of their own.
    #[arg(long, value_enum, default_value = "smol", value_name = "DRIVER")]
    pub driver: Driver,
    /// Executor or worker threads [default: one a core].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub threads: Option<usize>,
    /// Origins whose pages may connect, beside the server's own: `[scheme://]host[:port]`, separated by
    /// commas; `*.` before a host stands for its subdomains, `*` alone for all.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "LIST", value_parser = origins)]
    pub allowed_origins: OriginPolicy,
    /// How often a process gets a sign of life from each of its connections; `0` for never.
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = heartbeat)]
    pub heartbeat: Duration,
}

impl Default for DemoOptions {
    fn default() -> Self {
        #[derive(Parser)]
        struct Alone {
            #[command(flatten)]
            options: DemoOptions,
        }
        Alone::parse_from(["wsrelay"]).options
    }
}

/// More threads than any machine has cores are a mistake.
fn workers(text: &str) -> Result<usize, String> {
    match at_least_one(text)? {
        number @ ..=1024 => Ok(number),
        _ => Err("must be at most 1024".to_owned()),
    }
}

/// A process needs some 20 KB to begin with.
fn memory_bytes(text: &str) -> Result<usize, String> {
    match at_least_one(text)? {
        number @ 65_536.. => Ok(number),
        _ => Err("must be at least 65536, which is what a process needs to do anything".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("must be a whole number".to_owned()),
    }
}

/// A word that is no level would be the name of a module, which alone logs next to nothing.
fn log_filter(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    if text.contains(['=', ',']) || LEVELS.contains(&text.to_ascii_lowercase().as_str()) {
        Ok(text.to_owned())
    } else {
        Err("must be a level (off, error, warn, info, debug, trace), or a filter such as info,wsrelay=debug"
            .to_owned())
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "an address and a port are expected, such as 127.0.0.1:8080 or [::]:8080".to_owned())
}

fn origins(list: &str) -> Result<OriginPolicy, String> {
    if list.trim().is_empty() {
        return Ok(OriginPolicy::same_origin());
    }
    OriginPolicy::parse(list).map_err(|fault| fault.to_string())
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|fault| fault.to_string())
}

fn heartbeat(text: &str) -> Result<Duration, String> {
    let every = duration(text)?;
    let bounds = Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);
    if every.is_zero() || bounds.contains(&every) {
        Ok(every)
    } else {
        Err("must be between 1s and 24h, or 0 for never".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn fault_of(arguments: &[&str]) -> String {
        Args::try_parse_from(arguments).unwrap_err().to_string()
    }

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_have_their_defaults() {
        let options = DemoOptions::default();
        assert_eq!(options.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(options.message_bytes_max, 1024 * 1024);
        assert_eq!(options.heartbeat, Duration::from_secs(30));
        assert_eq!(options.driver, Driver::Smol);
        let options = RunOptions::of(Path::new("a chat"));
        assert_eq!(
            (options.folder.to_str(), options.drain_window),
            (Some("a chat"), Duration::from_secs(30))
        );
        assert!(Args::try_parse_from(["wsrelay"]).unwrap().command.is_none());
    }

    #[test]
    fn what_cannot_be_is_refused_in_words() {
        for (option, value, word) in [
            ("--listen", "nowhere", "such as 127.0.0.1:8080"),
            ("--message-bytes-max", "many", "whole number"),
            ("--message-bytes-max", "0", "at least 1"),
            ("--fragments-max", "0", "0 is not in"),
            ("--compression", "on", "possible values: off, shared, takeover"),
            ("--driver", "tokio", "possible values: smol, thread"),
            ("--log", "loud", "must be a level"),
            ("--threads", "0", "at least 1"),
            ("--allowed-origins", "https://a.example/path", "https://a.example/path"),
            ("--heartbeat", "30", "without a unit"),
            ("--heartbeat", "1ms", "between 1s and 24h"),
        ] {
            let fault = fault_of(&["wsrelay", "demo", option, value]);
            assert!(fault.contains(option) && fault.contains(word), "{fault}");
        }
    }
}
