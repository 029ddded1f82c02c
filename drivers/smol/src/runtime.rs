//! Executor threads, and a node whose processes run on them.

use crate::process::{Context, Runner};
use smol::Executor;
use smol::channel::{self, Sender};
use std::future::Future;
use std::io;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use wsrelay_core::process::{Actor, Pid};
use wsrelay_host::{ActorRunner, IntoExit, NameFault, NodeOptions, ProcessCell, panic_reason};

/// A few threads that run one executor.
///
/// Dropping it stops them and ends every process and connection that ran on them.
#[derive(Debug)]
pub struct Runtime {
    executor: Option<Arc<Executor<'static>>>,
    stop: Sender<()>,
    threads: Vec<JoinHandle<()>>,
}

impl Runtime {
    /// Starts `threads` executor threads, at least one.
    ///
    /// # Errors
    ///
    /// When the system gives no more threads.
    pub fn start(threads: usize) -> io::Result<Self> {
        let executor = Arc::new(Executor::new());
        let (stop, stopped) = channel::bounded::<()>(1);
        let threads = (0..threads.max(1))
            .map(|number| {
                let (executor, stopped) = (Arc::clone(&executor), stopped.clone());
                thread::Builder::new().name(format!("wsrelay-{number}")).spawn(move || {
                    // Ends when the sender is gone.
                    _ = smol::block_on(executor.run(stopped.recv()));
                })
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self { executor: Some(executor), stop, threads })
    }

    /// A node whose processes run here.
    #[must_use]
    pub fn node(&self, options: NodeOptions) -> Node {
        let executor = self.executor.as_ref().map_or_else(Weak::new, Arc::downgrade);
        Node { host: wsrelay_host::Node::new(options), executor }
    }

    /// Runs a future on the calling thread, beside the others.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.stop.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to give.
            _ = thread.join();
        }
        self.executor = None;
    }
}

/// A [`wsrelay_host::Node`] that can start processes on an executor. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Node {
    host: wsrelay_host::Node,
    executor: Weak<Executor<'static>>,
}

impl Deref for Node {
    type Target = wsrelay_host::Node;

    fn deref(&self) -> &Self::Target {
        &self.host
    }
}

impl Node {
    /// A node whose processes run on an executor that you drive yourself.
    #[must_use]
    pub fn on(executor: &Arc<Executor<'static>>, options: NodeOptions) -> Self {
        Self { host: wsrelay_host::Node::new(options), executor: Arc::downgrade(executor) }
    }

    /// Starts an async function as a process.
    ///
    /// It ends when the function returns: normally, or as a crash when it returns an error or panics. It
    /// is dropped where it waits when it is terminated, or when a linked process crashes and it does not
    /// trap that.
    ///
    /// ```
    /// use wsrelay_smol::core::message::{Payload, Topic};
    /// use wsrelay_smol::{NodeOptions, Runtime};
    ///
    /// let runtime = Runtime::start(1)?;
    /// let node = runtime.node(NodeOptions::default());
    /// let (sender, receiver) = smol::channel::bounded(1);
    /// let pid = node.spawn(|context| async move {
    ///     let message = context.receive().await;
    ///     _ = sender.send(message.topic).await;
    /// });
    /// node.send(pid, Topic::from("greeting"), "hello")?;
    /// assert_eq!(runtime.block_on(receiver.recv())?, Topic::from("greeting"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn<F, B>(&self, body: F) -> Pid
    where
        F: FnOnce(Context) -> B,
        B: Future<Output: IntoExit> + Send + 'static,
    {
        let cell = ProcessCell::new(&self.host);
        self.start(cell, body)
    }

    /// Starts an async function as the process called `name`, unless there is one already: then its PID
    /// comes back as the error, and nothing was started.
    ///
    /// # Errors
    ///
    /// [`NameFault`].
    pub fn spawn_named<F, B>(&self, name: &str, body: F) -> Result<Pid, NameFault>
    where
        F: FnOnce(Context) -> B,
        B: Future<Output: IntoExit> + Send + 'static,
    {
        let cell = ProcessCell::new(&self.host);
        if let Err(fault) = cell.register(name) {
            cell.end(wsrelay_core::process::ExitReason::Normal);
            return Err(fault);
        }
        Ok(self.start(cell, body))
    }

    fn start<F, B>(&self, cell: Arc<ProcessCell>, body: F) -> Pid
    where
        F: FnOnce(Context) -> B,
        B: Future<Output: IntoExit> + Send + 'static,
    {
        let pid = cell.pid();
        let context = Context::new(Arc::clone(&cell), self.clone());
        match catch_unwind(AssertUnwindSafe(|| body(context))) {
            Ok(body) => self.run(Runner::new(cell, body)),
            // P5: it had not begun to wait for anything, but it was a process already.
            Err(panic) => cell.end(panic_reason(&*panic)),
        }
        pid
    }

    /// Starts a pure actor as a process.
    pub fn spawn_actor<A: Actor + Send + 'static>(&self, actor: A) -> Pid {
        let runner = ActorRunner::new(&self.host, actor);
        let pid = runner.pid();
        self.run(crate::actor::run(runner, self.host.clone()));
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
        let runner = ActorRunner::new(&self.host, actor);
        let pid = runner.pid();
        self.host.register(name, pid)?;
        self.run(crate::actor::run(runner, self.host.clone()));
        Ok(pid)
    }

    /// Runs a task beside the processes. Where the executor is gone, it is dropped.
    pub(crate) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(executor) = self.executor.upgrade() {
            executor.spawn(task).detach();
        }
    }
}
