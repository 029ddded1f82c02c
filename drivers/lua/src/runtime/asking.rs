//! Processes that were asked to end, and are ended at a deadline.

use super::hub::Hub;
use super::service::within;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wsrelay_core::process::{Event, Pid, Signal};
use wsrelay_core::time::Instant;
use wsrelay_host::SendFault;

/// Who was asked, until it has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asking(Arc<Mutex<BTreeMap<Pid, Asked>>>);

#[derive(Debug)]
struct Asked {
    times: usize,
    deadline: Option<Instant>,
    /// The process that waits for its end, or the deadline.
    watch: Pid,
}

/// How often a process hears that it is to end. Those that do not listen keep what they are told.
const TIMES_MAX: usize = 100;
/// Longest reason.
const REASON_BYTES_MAX: usize = 1024;

impl Asking {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Pid, Asked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    /// Asks a process to end. If it has not ended after a time, it is ended; of several such times, the first counts.
    pub(crate) fn ask_to_end(
        &self,
        from: Option<Pid>,
        pid: Pid,
        reason: &str,
        time: Option<Duration>,
    ) -> Result<(), SendFault> {
        let deadline = time.map(|time| self.node().clock().now() + time);
        let mut asking = self.asking.lock();
        let asked = asking.get_mut(&pid);
        let times = asked.as_ref().map_or(0, |asked| asked.times);
        let is_sooner = deadline.is_some_and(|deadline| {
            asked.as_ref().and_then(|asked| asked.deadline).is_none_or(|former| deadline < former)
        });
        if times >= TIMES_MAX && !is_sooner {
            return Err(SendFault::Full);
        }
        if times < TIMES_MAX {
            let reason = &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)];
            self.node().signal(&pid.into(), Signal::Cancel { from, reason: Arc::from(reason) })?;
        }
        match asked {
            Some(asked) if !is_sooner => asked.times += 1,
            asked => {
                if let Some(asked) = asked {
                    // It may have come to its end by now.
                    _ = self.node().terminate(asked.watch);
                }
                let watch = self.watch(pid, time);
                asking.insert(pid, Asked { times: times + 1, deadline, watch });
            }
        }
        Ok(())
    }

    /// A process that waits for the end of another one, and ends it after a time.
    fn watch(&self, pid: Pid, time: Option<Duration>) -> Pid {
        let (node, asking) = (wsrelay_host::Node::clone(self.node()), self.asking.clone());
        self.node().spawn(move |context| async move {
            let gone = async {
                if context.monitor(pid).is_ok() {
                    while !matches!(context.event().await, Event::Exit { .. }) {}
                }
            };
            match time {
                None => gone.await,
                Some(time) if within(time, gone).await.is_some() => {}
                // It has ended in time, or is ended.
                Some(_) => _ = node.terminate(pid),
            }
            let mut asking = asking.lock();
            if asking.get(&pid).is_some_and(|asked| asked.watch == context.pid()) {
                asking.remove(&pid);
            }
        })
    }
}
