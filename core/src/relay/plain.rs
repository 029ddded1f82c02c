//! What stands for compression where it was left out of the build.

use crate::fault::ClientFault;
use crate::limits::Limits;
use crate::wire::{Data, Kind};
use bytes::Bytes;

/// Nobody has one.
#[derive(Debug)]
pub(crate) enum Codec {}

/// Nothing is shared.
#[derive(Debug, Default)]
pub(crate) struct Engine;

impl Codec {
    pub(crate) const fn compressed_bytes_max(message_bytes_max: usize) -> usize {
        message_bytes_max
    }

    pub(crate) fn compress(&mut self, _: &Data, _: &Limits, _: &mut Engine) -> Option<Bytes> {
        match *self {}
    }

    pub(crate) fn inflate(
        &mut self,
        _: Kind,
        _: &[u8],
        _: usize,
        _: &mut Engine,
    ) -> Result<Data, ClientFault> {
        match *self {}
    }
}
