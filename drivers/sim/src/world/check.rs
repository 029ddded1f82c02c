//! What has to hold after every step, by what can be asked of a connection and of a mailbox.

use super::World;
use super::served::Served;
use crate::watch::Invariant;
use wsrelay_core::relay::Session;

impl World {
    /// What has to hold for a connection after anything that was done with it.
    pub(super) fn check(&mut self, index: usize, served: &mut Served) {
        let relay = &self.shared.relay;
        let (limits, held_max) = (&relay.limits, relay.limits.memory_max(&relay.compression));
        let held = served.port.connection().held_bytes() + served.unwritten_bytes();
        if held > held_max {
            let what = format!("client {index} holds {held} bytes, of {held_max}");
            self.watch.fail(Invariant::Memory, what);
        }
        let session = served.port.connection().session();
        let waiting = served.port.mailbox().len();
        // What comes from other threads is counted apart until it is fetched.
        let waiting_max = limits.outbox_messages_max * 4 * self.workers.len().min(2);
        if waiting > waiting_max {
            let what = format!("{waiting} messages wait for client {index}, of {waiting_max}");
            self.watch.fail(Invariant::Bounds, what);
        }
        let (messages, bytes) = session.map_or((0, 0), Session::queued);
        if messages > limits.outbox_messages_max || bytes > limits.outbox_bytes_max {
            let what = format!("the outbox of client {index} holds {messages} messages and {bytes} bytes");
            self.watch.fail(Invariant::Bounds, what);
        }
        let target = session.and_then(Session::awaits_room);
        let is_idle = !served.port.wake().is_due(self.now)
            && target.is_none()
            && self.parties[index].outgoing.is_empty()
            && self.parties[index].up.is_empty();
        let unwritten = served.unwritten_bytes() as u64;
        let nothing_to_write = unwritten == 0;
        let sent = served.written + unwritten;
        let now = self.now;
        if let Some(relay) = self.watch.relay(index) {
            relay.causes.target_full |= target.is_some();
            if nothing_to_write {
                relay.causes.progress(now, &self.shared.relay.limits);
            }
            if is_idle {
                relay.pings.iter_mut().for_each(|ping| _ = ping.mark.get_or_insert(sent));
            }
        }
    }

    /// The same for the mailbox of a process.
    pub(super) fn check_mailbox(&mut self, index: usize) {
        let Some(running) = &self.actors[index] else { return };
        let limits = &self.shared.relay.limits;
        let (len, threads) = (running.runner.mailbox().len(), self.workers.len());
        let len_max = limits.mailbox_messages_max * threads.min(2)
            + limits.turn_messages_max as usize * threads.max(self.parties.len());
        if len > len_max {
            let what = format!("{len} messages wait for process {index}, of {len_max}");
            self.watch.fail(Invariant::Bounds, what);
        }
    }
}
