//! The commands for applications: `run`, `check`, `new`.

use crate::args::{CheckOptions, NewOptions, RunOptions};
use crate::serving::{self, no_threads, threads};
use async_signal::{Signal, Signals};
use smol::stream::StreamExt as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use wsrelay_host::NodeOptions;
use wsrelay_lua::runtime::HubOptions;
use wsrelay_lua::{Checked, Instance};
use wsrelay_smol::{Node, Runtime};

/// The files of a new application.
const EXAMPLE: [(&str, &str); 4] = [
    ("_index.yaml", include_str!("../../../examples/chat/_index.yaml")),
    ("chat.lua", include_str!("../../../examples/chat/chat.lua")),
    ("room.lua", include_str!("../../../examples/chat/room.lua")),
    ("public/index.html", include_str!("../../../examples/chat/public/index.html")),
];

/// Serves the example, where it is.
///
/// # Errors
///
/// In words.
pub fn run_example() -> Result<(), String> {
    let here = PathBuf::from("examples/chat");
    // Where cargo starts the command, it says where the package is.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let there = package.and_then(|package| Some(package.ancestors().nth(2)?.join("examples/chat")));
    let folder = [Some(here), there].into_iter().flatten().find(|folder| folder.is_dir());
    match folder {
        Some(folder) => run(&RunOptions::of(&folder)),
        None => Err("there is no examples/chat here; `wsrelay new DIR` writes such an application, `wsrelay run DIR` \
                     serves it, `wsrelay --help` says more"
            .to_owned()),
    }
}

/// Serves an application until it is interrupted.
///
/// # Errors
///
/// In words: it has errors, an address cannot be listened on, or the system gives no threads.
pub fn run(options: &RunOptions) -> Result<(), String> {
    let checked = read(options)?;
    let signals = serving::signals([Signal::Int, Signal::Term, Signal::Hup])?;
    let runtime = Runtime::start(threads(options.threads)).map_err(|error| no_threads(&error))?;
    let node = runtime.node(NodeOptions::default());
    runtime.block_on(serve(checked, &node, options, signals))
}

async fn serve(
    checked: Checked,
    node: &Node,
    options: &RunOptions,
    mut signals: Signals,
) -> Result<(), String> {
    let bounds = HubOptions {
        workers: threads(options.workers),
        memory_bytes_max: options.memory_bytes_max,
        budget: options.budget,
        processes_max: options.processes_max,
        ..HubOptions::default()
    };
    let mut instance = Instance::start(checked, node, bounds).await.map_err(|fault| fault.to_string())?;
    let mut reload_is_due = false;
    let window = loop {
        let signal = if std::mem::take(&mut reload_is_due) {
            // Who wants an end does not wait for services; who wants another reload waits for this one.
            let ends = async {
                loop {
                    match signals.next().await {
                        Some(Ok(Signal::Hup)) => reload_is_due = true,
                        other => return Some(other),
                    }
                }
            };
            let reloads = async {
                reload(&mut instance, options).await;
                None
            };
            let Some(signal) = smol::future::or(ends, reloads).await else { continue };
            signal
        } else {
            signals.next().await
        };
        match signal {
            Some(Ok(Signal::Hup)) => reload_is_due = true,
            Some(Ok(Signal::Int)) => break serving::INTERRUPT_WINDOW,
            Some(Ok(_)) | None => break options.drain_window,
            Some(Err(error)) => return Err(format!("cannot listen for signals: {error}")),
        }
    };
    tracing::info!("stopping: clients are closed within {window:?} (again to stop at once)");
    let again = async { while let Some(Ok(Signal::Hup)) = signals.next().await {} };
    smol::future::or(instance.stop(window), again).await;
    tracing::info!("stopped");
    Ok(())
}

/// Reads the application again. One that has errors changes nothing.
async fn reload(instance: &mut Instance, options: &RunOptions) {
    let result = match read(options) {
        Ok(checked) => instance.reload(checked).await.map_err(|fault| fault.to_string()),
        Err(fault) => Err(fault),
    };
    match result {
        Ok(()) => tracing::info!("reloaded"),
        Err(fault) => tracing::error!(fault, "not reloaded: the application runs on as it was"),
    }
}

/// Reads and checks an application, and shows what was found.
fn read(options: &RunOptions) -> Result<Checked, String> {
    let mut checked = wsrelay_lua::check(&options.folder);
    show(&checked);
    if checked.has_errors() {
        return Err(format!("{} cannot run: see above", options.folder.display()));
    }
    if let Some(address) = options.listen {
        checked.listen_on(address)?;
    }
    Ok(checked)
}

fn show(checked: &Checked) {
    let mut err = io::stderr().lock();
    for finding in &checked.findings {
        // Who has closed standard error does not want to know.
        _ = writeln!(err, "{finding}");
    }
}

/// Says everything that is wrong with an application.
///
/// # Errors
///
/// When it has errors, once they are shown.
pub fn check(options: &CheckOptions) -> Result<(), String> {
    let checked = wsrelay_lua::check(&options.folder);
    show(&checked);
    if checked.has_errors() {
        return Err(format!("{} has errors: see above", options.folder.display()));
    }
    let mut out = io::stdout().lock();
    // As above.
    _ = writeln!(out, "{}: {}", options.folder.display(), checked.summary());
    if options.routes {
        for route in checked.routes() {
            _ = writeln!(out, "  {:7} {:32} {}", route.method, route.pattern, route.entry);
        }
    }
    Ok(())
}

/// Writes the chat application.
///
/// # Errors
///
/// In words: the folder is not empty, or cannot be written.
pub fn new(options: &NewOptions) -> Result<(), String> {
    let folder = &options.folder;
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(format!("{} is not empty", folder.display()));
    }
    for (name, text) in EXAMPLE {
        write(&folder.join(name), text)
            .map_err(|error| format!("cannot write {}: {error}", folder.join(name).display()))?;
    }
    let mut out = io::stdout().lock();
    // Who has closed standard output has the files all the same.
    _ = writeln!(
        out,
        "{} holds a chat; serve it with\n\n    wsrelay run {0}\n\nand open http://127.0.0.1:8080/",
        folder.display()
    );
    Ok(())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
