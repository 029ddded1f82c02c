//! All Lua processes of a program.

use super::asking::Asking;
use super::bus::Bus;
use super::context::Context;
use super::door::{Completion, Door};
use super::function::Call;
use super::start::{Reply, Start};
use super::worker::{self, Worker};
use crate::app::Application;
use crate::app::model::{EntryId, Lifecycle};
use crate::http::MessageForm;
use crate::vm::modules::errors::{ErrorObject, Kind};
use crate::vm::{Program, Programs, Values};
use smol::channel::{self, Receiver};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use wsrelay_core::fault::HttpFault;
use wsrelay_core::process::Pid;
use wsrelay_core::upgrade::{Request, Response, refusal};
use wsrelay_smol::Node;

pub use super::start::Relation;

/// The bounds of Lua processes.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// Threads that run Lua. Default: one a core. A host with fewer `workers` uses the first of them.
    pub workers: usize,
    /// Largest memory of one process, in bytes of its Lua state. Default 16 MiB. A process past it is ended.
    pub memory_bytes_max: usize,
    /// Safepoints (loops, calls, returns) that a script may pass without waiting or receiving anything. Default 200 million, which is two to four
    /// seconds of work. A process past it is ended.
    pub budget: u64,
    /// Most processes that share a Lua state. Default 128; at most 200.
    pub processes_per_state: usize,
    /// Most processes at once, functions at work among them. Default 100,000: some 2 GB. Past it nothing is spawned, and
    /// requests get 503.
    pub processes_max: usize,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            workers: thread::available_parallelism().map_or(1, Into::into),
            memory_bytes_max: 16 * 1024 * 1024,
            budget: 200_000_000,
            processes_per_state: 128,
            processes_max: 100_000,
        }
    }
}

/// Why no process was spawned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpawnFault {
    /// There is no entry with this id.
    NoEntry(String),
    /// The entry is no `process.lua`.
    NotAProcess(String),
    /// There is no `process.host` with this id.
    NoHost(String),
    /// The name is taken, or malformed.
    Name(wsrelay_host::NameFault),
    /// There are too many processes.
    TooMany,
}

impl fmt::Display for SpawnFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEntry(id) => write!(f, "entry {id} not found"),
            Self::NotAProcess(id) => write!(f, "entry {id} is not a process.lua"),
            Self::NoHost(id) => write!(f, "host {id} not found"),
            Self::Name(fault) => fault.fmt(f),
            Self::TooMany => f.write_str("there are too many processes"),
        }
    }
}

impl std::error::Error for SpawnFault {}

impl SpawnFault {
    /// The same as a script sees it.
    #[must_use]
    pub fn to_error(&self) -> ErrorObject {
        let kind = match self {
            Self::NoEntry(_) | Self::NoHost(_) => Kind::NotFound,
            Self::NotAProcess(_) => Kind::Invalid,
            Self::TooMany => Kind::Unavailable,
            Self::Name(wsrelay_host::NameFault::Taken(_)) => Kind::AlreadyExists,
            Self::Name(_) => Kind::Invalid,
        };
        ErrorObject::new(kind, self.to_string())
    }
}

/// The application that runs now.
#[derive(Debug, Default)]
pub(crate) struct Current {
    pub(crate) application: Application,
    pub(crate) programs: Programs,
}

/// Starts Lua processes and knows where they run.
#[derive(Debug)]
pub struct Hub {
    node: Node,
    options: HubOptions,
    workers: Vec<Worker>,
    next: AtomicUsize,
    current: RwLock<Arc<Current>>,
    is_raw: AtomicBool,
    pub(crate) bus: Bus,
    pub(super) asking: Asking,
    numbers: AtomicU64,
    running: Mutex<BTreeMap<Pid, Arc<Program>>>,
}

impl Hub {
    /// A hub with its workers, and no code yet.
    ///
    /// # Errors
    ///
    /// When the system gives no more threads.
    pub fn start(node: &Node, options: HubOptions) -> io::Result<Arc<Self>> {
        let workers = (0..options.workers.max(1)).map(Worker::new).collect::<Vec<_>>();
        let hub = Arc::new(Self {
            node: node.clone(),
            options,
            workers,
            next: AtomicUsize::new(0),
            current: RwLock::default(),
            is_raw: AtomicBool::new(false),
            bus: Bus::default(),
            asking: Asking::default(),
            numbers: AtomicU64::new(1),
            running: Mutex::default(),
        });
        for worker in &hub.workers {
            worker::run(worker, &hub)?;
        }
        Ok(hub)
    }

    /// Takes another application; the old one comes back.
    pub(crate) fn exchange(
        &self,
        application: Application,
        programs: Programs,
        message_form: MessageForm,
    ) -> Arc<Current> {
        self.is_raw.store(message_form == MessageForm::Raw, Ordering::Relaxed);
        let current = Arc::new(Current { application, programs });
        mem::replace(&mut *self.current.write().unwrap_or_else(PoisonError::into_inner), current)
    }

    pub(crate) fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a client's message is to the process that gets it.
    pub(crate) fn message_form(&self) -> MessageForm {
        if self.is_raw.load(Ordering::Relaxed) { MessageForm::Raw } else { MessageForm::Table }
    }

    /// The node.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// The bounds of processes.
    #[must_use]
    pub const fn options(&self) -> &HubOptions {
        &self.options
    }

    /// A number that nobody else has.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Starts a process from outside of any.
    ///
    /// # Errors
    ///
    /// [`SpawnFault`]; or why its source could not be loaded.
    pub async fn spawn(&self, id: &str, host: &str, arguments: Values) -> Result<Pid, ErrorObject> {
        self.spawn_watched(id, host, arguments).await.map(|(pid, _)| pid)
    }

    /// Starts a process from outside of any, and tells how it ends.
    pub(crate) async fn spawn_watched(
        &self,
        id: &str,
        host: &str,
        arguments: Values,
    ) -> Result<(Pid, Receiver<Completion>), ErrorObject> {
        let ((sender, receiver), (last, end)) = (channel::bounded(1), channel::bounded(1));
        let replies = (Some(Reply::Channel(sender)), Some(Reply::Channel(last)));
        let pid =
            self.begin(id, host, arguments, None, replies.0, replies.1).map_err(|fault| fault.to_error())?;
        // Whoever does not wait until it is loaded does not want it.
        let mut wanted = Running { node: wsrelay_host::Node::clone(&self.node), pid: Some(pid) };
        match receiver.recv().await {
            Ok(Completion::Spawned(pid)) => {
                wanted.pid = None;
                Ok((pid, end))
            }
            Ok(Completion::Failed(error)) => Err(error),
            Ok(Completion::Returned(_)) | Err(_) => {
                Err(ErrorObject::new(Kind::Unavailable, "the process was not started: its worker is gone"))
            }
        }
    }

    /// Runs a process from outside of any, to its end: what it returned, or why it failed.
    ///
    /// # Errors
    ///
    /// The process's error, or [`SpawnFault`].
    pub async fn exec(&self, id: &str, host: &str, arguments: Values) -> Result<Values, ErrorObject> {
        let (sender, receiver) = channel::bounded(1);
        self.begin(id, host, arguments, None, None, Some(Reply::Channel(sender)))
            .map_err(|fault| fault.to_error())?;
        match receiver.recv().await {
            Ok(Completion::Returned(values)) => Ok(values),
            Ok(Completion::Failed(error)) => Err(error),
            Ok(Completion::Spawned(_)) | Err(_) => {
                Err(ErrorObject::new(Kind::Unavailable, "the process was not run: its worker is gone"))
            }
        }
    }

    /// Has a process started. Its name is its own before anybody can see it run.
    pub(crate) fn begin(
        &self,
        id: &str,
        host: &str,
        arguments: Values,
        name: Option<&str>,
        loaded: Option<Reply>,
        ended: Option<Reply>,
    ) -> Result<Pid, SpawnFault> {
        let current = self.current();
        let program = current.programs.get(id).ok_or_else(|| SpawnFault::NoEntry(id.to_owned()))?;
        if !program.is_process() {
            return Err(SpawnFault::NotAProcess(id.to_owned()));
        }
        let hosts = &current.application.hosts;
        let host =
            hosts.get(&EntryId::resolve("", host)).ok_or_else(|| SpawnFault::NoHost(host.to_owned()))?;
        if self.is_full() {
            return Err(SpawnFault::TooMany);
        }
        let door = Door::new(&self.node);
        if let Some(name) = name
            && let Err(fault) = door.cell().register(name)
        {
            door.cell().end(wsrelay_core::process::ExitReason::Normal);
            return Err(SpawnFault::Name(fault));
        }
        let pid = door.cell().pid();
        let program = Arc::clone(program);
        self.runs(pid, &program);
        let start = Start { door, program, arguments, loaded, ended, call: None };
        self.place(host.workers.unwrap_or(usize::MAX)).start(start);
        Ok(pid)
    }

    /// Has a function answer a request. When nobody waits for the answer any more, the function is ended.
    pub async fn call(
        &self,
        function: &str,
        request: Request,
        params: Vec<(String, String)>,
    ) -> Option<Response> {
        let current = self.current();
        let program = Arc::clone(current.programs.get(function)?);
        if self.is_full() {
            return Some(refusal(&HttpFault::Unavailable));
        }
        let (reply, answer) = channel::bounded(1);
        let door = Door::new(&self.node);
        self.runs(door.cell().pid(), &program);
        let running = Running { node: wsrelay_host::Node::clone(&self.node), pid: Some(door.cell().pid()) };
        let call = Some(Call { request, params, reply });
        let start = Start { door, program, arguments: Values::default(), loaded: None, ended: None, call };
        self.place(usize::MAX).start(start);
        let response = answer.recv().await.ok();
        drop(running);
        response
    }

    /// The worker for the next process: the one with the fewest, and of several, each in its turn.
    fn place(&self, workers_max: usize) -> &Worker {
        let among = &self.workers[..self.workers.len().min(workers_max.max(1))];
        let (before, after) = among.split_at(self.next.fetch_add(1, Ordering::Relaxed) % among.len());
        after.iter().chain(before).min_by_key(|worker| worker.load()).unwrap_or(&among[0])
    }

    /// How many processes live on each worker.
    #[must_use]
    pub fn loads(&self) -> Vec<usize> {
        self.workers.iter().map(Worker::load).collect()
    }

    fn is_full(&self) -> bool {
        self.registry().len() >= self.options.processes_max
    }

    /// A process runs this program from now on.
    pub(crate) fn runs(&self, pid: Pid, program: &Arc<Program>) {
        self.registry().insert(pid, Arc::clone(program));
    }

    /// It has ended.
    pub(crate) fn ran(&self, pid: Pid) {
        self.registry().remove(&pid);
    }

    /// The processes that run, functions among them.
    #[must_use]
    pub fn running(&self) -> Vec<Pid> {
        self.registry().keys().copied().collect()
    }

    /// Asks the processes whose code is no longer that of their entry to end, but for these, and ends those that do not in time.
    pub(crate) fn retire(&self, kept: &[Pid]) {
        let old = self.with_old_code();
        for (pid, entry) in old.into_iter().filter(|(pid, _)| !kept.contains(pid)) {
            tracing::info!(%pid, %entry, "process has old code; it is asked to end");
            // It may have ended meanwhile.
            _ = self.ask_to_end(None, pid, "code changed", Some(Lifecycle::default().stop_timeout));
        }
    }

    /// The processes whose code is no longer that of their entry, and that entry.
    pub(crate) fn with_old_code(&self) -> BTreeMap<Pid, EntryId> {
        let current = self.current();
        let is_old = |program: &Program| {
            let new = current.programs.get(program.code.id.as_str());
            program.is_process() && new.is_none_or(|new| new.fingerprint != program.fingerprint)
        };
        let registry = self.registry();
        let old = registry.iter().filter(|(_, program)| is_old(program));
        old.map(|(pid, program)| (*pid, program.code.id.clone())).collect()
    }

    fn registry(&self) -> MutexGuard<'_, BTreeMap<Pid, Arc<Program>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new process's context.
    pub(crate) fn context(self: &Arc<Self>, door: &Arc<Door>, program: &Arc<Program>) -> Context {
        Context::new(Arc::clone(self), Arc::clone(door), Arc::clone(program))
    }

    /// Stops the workers; every process that is left is ended.
    pub fn stop(&self) {
        for worker in &self.workers {
            worker.stop();
        }
    }
}

/// A function at work, or a process that is being loaded, for somebody who waits.
struct Running {
    node: wsrelay_host::Node,
    pid: Option<Pid>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            // It is over when it has answered; then there is nobody to end.
            _ = self.node.terminate(pid);
        }
    }
}
