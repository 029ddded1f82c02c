//! One connection's compression.

use super::engine::Engine;
use super::stream::{Deflater, Inflater, compressed_bytes_max};
use super::{Agreement, Deflate};
use crate::fault::ClientFault;
use crate::limits::Limits;
use crate::wire::{Data, Kind};
use alloc::boxed::Box;
use bytes::Bytes;

/// What a connection has agreed on, and what it remembers for it.
#[derive(Debug)]
pub(crate) struct Codec {
    agreement: Agreement,
    options: Deflate,
    /// Of a connection whose messages refer to those before them, from the first on.
    deflater: Option<Box<Deflater>>,
    inflater: Option<Box<Inflater>>,
}

impl Codec {
    pub(crate) const fn new(agreement: Agreement, options: Deflate) -> Self {
        Self { agreement, options, deflater: None, inflater: None }
    }

    /// Most bytes of a compressed message.
    pub(crate) const fn compressed_bytes_max(message_bytes_max: usize) -> usize {
        compressed_bytes_max(message_bytes_max)
    }

    /// The payload of a message's frame with RSV1 set; `None` for a message that goes as it is.
    pub(crate) fn compress(&mut self, data: &Data, limits: &Limits, engine: &mut Engine) -> Option<Bytes> {
        if data.len() < self.options.min_bytes.max(1) {
            return None;
        }
        if self.agreement.server_no_context_takeover {
            // A client that is behind takes a whole outbox of messages in one turn, and the next client the same ones: they
            // have to be found again, with what they were compressed to. A third for what short ones cost beside their bytes.
            let recent_bytes_max = limits.outbox_bytes_max.saturating_mul(3);
            let window_bits = self.agreement.server_window_bits();
            return engine.compress(data.as_bytes(), window_bits, &self.options, recent_bytes_max);
        }
        let Self { agreement, options, deflater, .. } = self;
        let deflater =
            deflater.get_or_insert_with(|| Box::new(options.deflater(agreement.server_window_bits())));
        let work = engine.work();
        deflater.compress(data.as_bytes(), work);
        // It has to go, even where it is more: from here on, messages refer to it.
        let compressed = Bytes::copy_from_slice(work);
        engine.tidy();
        Some(compressed)
    }

    /// The message that the payload of its frames becomes.
    pub(crate) fn inflate(
        &mut self,
        kind: Kind,
        payload: &[u8],
        message_bytes_max: usize,
        engine: &mut Engine,
    ) -> Result<Data, ClientFault> {
        let forgets = self.agreement.client_no_context_takeover;
        let (shared, work) = engine.inflater();
        let inflater = if forgets { shared } else { self.inflater.get_or_insert_default() };
        let result = inflater
            .inflate(payload, message_bytes_max, self.options.ratio_max, work)
            .and_then(|()| Data::checked(kind, work));
        engine.tidy();
        result
    }
}

impl Agreement {
    /// How far back the server's messages may refer, as a power of two.
    pub(super) fn server_window_bits(&self) -> u8 {
        self.server_max_window_bits.unwrap_or(15)
    }
}
