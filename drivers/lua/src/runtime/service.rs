//! Processes that are kept alive.

use super::door::Completion;
use super::ending::ERROR_CHARS_MAX;
use super::hub::Hub;
use crate::app::model::{Restart, Service};
use crate::printable::printable;
use crate::vm::Values;
use crate::vm::modules::errors::ErrorObject;
use smol::Timer;
use smol::channel::{self, Receiver, Sender};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wsrelay_core::process::{Event, Pid};
use wsrelay_smol::Context;

/// A service under supervision.
#[derive(Debug)]
pub struct Supervisor {
    /// The entry that it runs.
    pub service: Service,
    pid: Pid,
    /// The process that it started last.
    process: Arc<Mutex<Option<Pid>>>,
    node: wsrelay_host::Node,
    over: Receiver<()>,
}

impl Supervisor {
    /// The process that it started last, if it has started one.
    pub(crate) fn process(&self) -> Option<Pid> {
        *self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the service to end. Past its `stop_timeout` it is ended.
    pub fn ask_to_stop(&self, reason: &str) {
        // One that has stopped by itself does not hear it.
        _ = self.node.cancel(self.pid, reason);
    }

    /// Ready when the service has ended.
    pub async fn over(&self) {
        // Nothing is ever sent: this ends when the other end is gone.
        _ = self.over.recv().await;
    }
}

/// Starts a service, and starts it again whenever it fails. Ready when it runs, or has failed for the first time.
pub async fn supervise(hub: &Arc<Hub>, service: Service) -> Supervisor {
    let (running, first) = channel::bounded(1);
    let (alive, over) = channel::bounded::<()>(1);
    let (hub_of_task, service_of_task) = (Arc::clone(hub), service.clone());
    let process = Arc::new(Mutex::new(None));
    let process_of_task = Arc::clone(&process);
    let pid = hub.node().spawn(move |context| async move {
        let keeper = Keeper { hub: hub_of_task, service: service_of_task, process: process_of_task, context };
        keeper.keep(&running).await;
        drop(alive);
    });
    _ = first.recv().await;
    Supervisor { service, pid, process, node: wsrelay_host::Node::clone(hub.node()), over }
}

struct Keeper {
    hub: Arc<Hub>,
    service: Service,
    process: Arc<Mutex<Option<Pid>>>,
    context: Context,
}

/// How one life of the service ended.
enum Life {
    /// It is not to be started again.
    Over,
    /// It failed, after so long.
    Failed(ErrorObject, Duration),
}

impl Keeper {
    async fn keep(&self, running: &Sender<()>) {
        let id = self.service.id.as_str();
        let restart = &self.service.lifecycle.restart;
        let mut starts = 0_u32;
        loop {
            starts = starts.saturating_add(1);
            let (error, uptime) = match self.live(running).await {
                Life::Over => return,
                Life::Failed(error, uptime) => (error, uptime),
            };
            // Whoever starts the service waits for no more than its first attempt.
            _ = running.try_send(());
            if uptime >= self.service.lifecycle.stable_threshold {
                starts = 1;
            }
            let words = printable(&error.to_string(), ERROR_CHARS_MAX);
            if error.is_retryable() == Some(false) {
                tracing::error!(service = id, error = %words, "service failed for good: its error says that no retry will help");
                return;
            }
            if restart.max_attempts != 0 && starts >= restart.max_attempts {
                tracing::error!(service = id, error = %words, starts, "service failed for good: no attempts are left");
                return;
            }
            let delay = delay(restart, starts, self.hub.node().seed());
            tracing::warn!(service = id, error = %words, ?delay, "service failed; it is started again");
            if self.cancelled_within(delay).await {
                return;
            }
        }
    }

    async fn live(&self, running: &Sender<()>) -> Life {
        let Service { id, process, host, input, lifecycle, .. } = &self.service;
        let clock = self.hub.node().clock();
        let started = clock.now();
        let values = Values::from_json(input);
        let spawned = self.hub.spawn_watched(process.as_str(), host.as_str(), values);
        let spawned = within(lifecycle.start_timeout, spawned).await.unwrap_or_else(|| {
            Err(ErrorObject::new(
                crate::vm::modules::errors::Kind::Timeout,
                "the source took too long to load",
            ))
        });
        let (pid, end) = match spawned {
            Ok(spawned) => spawned,
            Err(error) => return Life::Failed(error, clock.now().since(started)),
        };
        tracing::info!(service = id.as_str(), %pid, "service started");
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(pid);
        _ = running.try_send(());
        let cancelled = async {
            loop {
                if let Event::Cancel { reason, .. } = self.context.next().await {
                    return Err(reason);
                }
            }
        };
        match smol::future::or(async { Ok(end.recv().await) }, cancelled).await {
            Ok(Ok(Completion::Failed(error))) => Life::Failed(error, clock.now().since(started)),
            Ok(Ok(Completion::Returned(_) | Completion::Spawned(_)) | Err(_)) => {
                tracing::info!(service = id.as_str(), "service ended");
                Life::Over
            }
            Err(reason) => {
                self.end(pid, &end, &reason).await;
                Life::Over
            }
        }
    }

    /// Asks the process to end, and ends it when it does not.
    async fn end(&self, pid: Pid, end: &Receiver<Completion>, reason: &str) {
        let node = self.hub.node();
        // It may have ended meanwhile.
        _ = node.cancel(pid, reason);
        if within(self.service.lifecycle.stop_timeout, end.recv()).await.is_none() {
            tracing::warn!(
                service = self.service.id.as_str(),
                "service did not end when asked; it is terminated"
            );
            _ = node.terminate(pid);
        }
    }

    async fn cancelled_within(&self, delay: Duration) -> bool {
        let cancelled = async { while !matches!(self.context.next().await, Event::Cancel { .. }) {} };
        within(delay, cancelled).await.is_some()
    }
}

/// The result of a future, unless it takes longer.
pub(crate) async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let late = async {
        Timer::after(time).await;
        None
    };
    smol::future::or(async { Some(pin!(future).await) }, late).await
}

/// How long to wait before the next start, after so many.
fn delay(restart: &Restart, starts: u32, seed: u64) -> Duration {
    let failures = i32::try_from(starts.saturating_sub(1)).unwrap_or(i32::MAX);
    let longest = restart.max_delay.as_secs_f64();
    let wanted = restart.initial_delay.as_secs_f64() * restart.backoff_factor.powi(failures);
    // From -1 to 1, out of the seed's upper bits.
    let spread = f64::from(u32::try_from(seed >> 32).unwrap_or(0)) / f64::from(u32::MAX) * 2.0 - 1.0;
    let jittered = wanted.min(longest) * (1.0 + restart.jitter * spread);
    Duration::try_from_secs_f64(jittered.clamp(0.0, longest)).unwrap_or(restart.max_delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_its_bound_and_varies_by_its_jitter() {
        let restart = Restart { max_delay: Duration::from_secs(5), jitter: 0.0, ..Restart::default() };
        let delays = [1, 2, 3, 4, 100].map(|starts| delay(&restart, starts, 7).as_millis());
        assert_eq!(delays, [1000, 2000, 4000, 5000, 5000]);
        let restart = Restart { jitter: 0.5, ..restart };
        assert_eq!(delay(&restart, 1, 0).as_millis(), 500);
        assert_eq!(delay(&restart, 1, u64::MAX).as_millis(), 1500);
    }
}
