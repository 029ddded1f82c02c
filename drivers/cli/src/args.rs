//! The command line.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::time::Duration;
use wsrelay_core::relay::parse_duration;
use wsrelay_core::upgrade::OriginPolicy;

/// A WebSocket relay: every connection is a process.
///
/// Without a command, `wsrelay` runs the demo.
#[derive(Debug, Parser)]
#[command(version, about, long_about)]
pub struct Args {
    /// What to log: error, warn, info, debug or trace, or a filter like `RUST_LOG`'s, which wins.
    #[arg(long, global = true, default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the command can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve a chat page, an echo and a broadcast, to try the relay with a browser or any client.
    Demo(DemoOptions),
}

impl Default for Command {
    fn default() -> Self {
        Self::Demo(DemoOptions::default())
    }
}

/// What the demo can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Driver {
    /// `wsrelay-smol`.
    Smol,
    /// `wsrelay-thread`.
    Thread,
}

/// Options of the demo.
#[derive(Clone, Debug, ClapArgs)]
pub struct DemoOptions {
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Largest message of a client, in bytes.
    #[arg(long, default_value_t = 1024 * 1024, value_name = "N", value_parser = at_least_one)]
    pub message_bytes_max: usize,
    /// Most frames of one message.
    #[arg(long, default_value_t = 1024, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub fragments_max: u32,
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

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("must be a whole number".to_owned()),
    }
}

fn origins(list: &str) -> Result<OriginPolicy, String> {
    if list.trim().is_empty() {
        return Ok(OriginPolicy::same_origin());
    }
    OriginPolicy::parse(list).map_err(|fault| fault.to_string())
}

fn heartbeat(text: &str) -> Result<Duration, String> {
    let every = parse_duration(text).map_err(|fault| fault.to_string())?;
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
    fn the_demo_has_its_defaults_with_and_without_its_name() {
        let Command::Demo(options) = Command::default();
        assert_eq!(options.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(options.message_bytes_max, 1024 * 1024);
        assert_eq!(options.heartbeat, Duration::from_secs(30));
        assert_eq!(options.driver, Driver::Smol);
        assert!(Args::try_parse_from(["wsrelay"]).unwrap().command.is_none());
    }

    #[test]
    fn what_cannot_be_is_refused_in_words() {
        for (option, value, word) in [
            ("--listen", "nowhere", "invalid socket address"),
            ("--message-bytes-max", "many", "whole number"),
            ("--message-bytes-max", "0", "at least 1"),
            ("--fragments-max", "0", "0 is not in"),
            ("--driver", "tokio", "possible values: smol, thread"),
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
