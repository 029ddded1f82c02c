//! Worker threads, and a node whose processes run on them.

use crate::process::{self, Context};
use crate::shared::{Attended, Shared, Task, Workers};
use crate::worker::{WAKER, Worker};
use mio::Poll;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use wsrelay_core::process::{Actor, ExitReason, Pid};
use wsrelay_host::{ActorRunner, IntoExit, Local, NameFault, NodeOptions, ProcessCell};

/// A few worker threads and the node whose processes they run.
///
/// Dropping it stops them and ends every process and connection that ran on them. Processes with a thread
/// of their own are ended too; their code learns of it when it next waits for something.
#[derive(Debug)]
pub struct Runtime {
    workers: Arc<Workers>,
    threads: Vec<JoinHandle<()>>,
    node: Node,
}

impl Runtime {
    /// Starts `threads` workers, at least one and at most [`wsrelay_host::Node::HOMES_MAX`].
    ///
    /// # Errors
    ///
    /// When the system gives no more threads or descriptors.
    pub fn start(threads: usize, options: NodeOptions) -> io::Result<Self> {
        let count = threads.clamp(1, wsrelay_host::Node::HOMES_MAX);
        let host = wsrelay_host::Node::with_homes(options, count);
        let mut polls = Vec::new();
        let mut all = Vec::new();
        for number in 0..count {
            let poll = Poll::new()?;
            all.push(Shared::new(number, mio::Waker::new(poll.registry(), WAKER)?));
            polls.push(poll);
        }
        let workers = Arc::new(Workers::new(all));
        let node = Node { host, workers: Arc::downgrade(&workers) };
        // From here on, dropping it stops those threads that have been started.
        let mut runtime = Self { workers, threads: Vec::new(), node };
        for (number, poll) in polls.into_iter().enumerate() {
            let shared = Arc::clone(&runtime.workers.all()[number]);
            let local = Local::new(runtime.node.host.clone(), Arc::clone(&shared.home));
            let builder = thread::Builder::new().name(format!("wsrelay-{number}"));
            runtime.threads.push(builder.spawn(move || Worker::new(shared, poll, local).run())?);
        }
        Ok(runtime)
    }

    /// The node whose processes run here.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.workers.stop();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to give.
            _ = thread.join();
        }
    }
}

/// A [`wsrelay_host::Node`] that can start processes on the workers of a [`Runtime`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Node {
    host: wsrelay_host::Node,
    workers: Weak<Workers>,
}

impl Deref for Node {
    type Target = wsrelay_host::Node;

    fn deref(&self) -> &Self::Target {
        &self.host
    }
}

impl Node {
    pub(crate) fn workers(&self) -> Option<Arc<Workers>> {
        self.workers.upgrade()
    }

    /// Starts a pure actor as a process: on the worker that this is called on, an actor or a handler being
    /// at work there, or else on the next in turn. Where the runtime has ended, it ends at once.
    pub fn spawn_actor<A: Actor + Send + 'static>(&self, actor: A) -> Pid {
        let (runner, worker) = self.runner(actor);
        let pid = runner.pid();
        start(worker.as_deref(), runner);
        pid
    }

    /// Starts a pure actor as the process called `name`, unless there is one already.
    ///
    /// # Errors
    ///
    /// [`NameFault`], and nothing was started.
    pub fn spawn_actor_named<A: Actor + Send + 'static>(
        &self,
        name: &str,
        actor: A,
    ) -> Result<Pid, NameFault> {
        let (runner, worker) = self.runner(actor);
        let pid = runner.pid();
        self.host.register(name, pid)?;
        start(worker.as_deref(), runner);
        Ok(pid)
    }

    fn runner<A: Actor>(&self, actor: A) -> (ActorRunner<A>, Option<Arc<Shared>>) {
        match self.workers().map(|workers| Arc::clone(workers.choose())) {
            Some(worker) => (ActorRunner::new_at(&self.host, &worker.home, actor), Some(worker)),
            None => (ActorRunner::new(&self.host, actor), None),
        }
    }

    /// Starts a function as a process on a thread of its own, where it may block.
    ///
    /// It ends when the function returns: normally, or as a crash when it returns an error or panics. When it
    /// is terminated, or a linked process crashes and it does not trap that, it is over for everybody else at
    /// once; its function learns of it by the `None` that it gets when it next waits for something, and
    /// should return.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use wsrelay_thread::core::message::{Payload, Topic};
    /// use wsrelay_thread::{NodeOptions, Runtime};
    ///
    /// let runtime = Runtime::start(1, NodeOptions::default())?;
    /// let node = runtime.node();
    /// let (sender, receiver) = mpsc::channel();
    /// let pid = node.spawn_thread(move |context| {
    ///     for message in context.inbox() {
    ///         _ = sender.send(message.topic);
    ///     }
    /// })?;
    /// node.send(pid, Topic::from("greeting"), "hello")?;
    /// assert_eq!(receiver.recv()?, Topic::from("greeting"));
    /// node.terminate(pid)?;
    /// assert!(receiver.recv().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the system gives no more threads.
    pub fn spawn_thread<F, R>(&self, body: F) -> io::Result<Pid>
    where
        F: FnOnce(Context) -> R + Send + 'static,
        R: IntoExit,
    {
        self.start_thread(ProcessCell::new(&self.host), body)
    }

    /// Starts a function as the process called `name` on a thread of its own, unless there is one already.
    ///
    /// # Errors
    ///
    /// [`NameFault`] as the inner one, and nothing was started; the outer one as for [`Node::spawn_thread`].
    pub fn spawn_thread_named<F, R>(&self, name: &str, body: F) -> io::Result<Result<Pid, NameFault>>
    where
        F: FnOnce(Context) -> R + Send + 'static,
        R: IntoExit,
    {
        let cell = ProcessCell::new(&self.host);
        if let Err(fault) = cell.register(name) {
            cell.end(ExitReason::Normal);
            return Ok(Err(fault));
        }
        self.start_thread(cell, body).map(Ok)
    }

    fn start_thread<F, R>(&self, cell: Arc<ProcessCell>, body: F) -> io::Result<Pid>
    where
        F: FnOnce(Context) -> R + Send + 'static,
        R: IntoExit,
    {
        let pid = cell.pid();
        let Some(workers) = self.workers() else {
            cell.end(ExitReason::Killed);
            return Ok(pid);
        };
        let worker = Arc::clone(workers.choose());
        if let Err(error) = process::start(&cell, self, body) {
            cell.end(ExitReason::Killed);
            return Err(error);
        }
        worker.ask(Task::Attend(Attended(cell)));
        Ok(pid)
    }
}

/// Without a worker, the process ends with its runner.
fn start<A: Actor + Send + 'static>(worker: Option<&Shared>, runner: ActorRunner<A>) {
    if let Some(worker) = worker {
        worker.ask(Task::Start(Box::new(runner)));
    }
}
