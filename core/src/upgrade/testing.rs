//! What several tests of this module share.

use super::{Read, Request, RequestReader};
use crate::fault::HttpFault;
use crate::limits::Limits;
use bytes::BytesMut;

/// Reads `text` as one request over plain TCP from an unknown peer.
pub(super) fn read(text: impl AsRef<[u8]>) -> Result<Option<Read>, HttpFault> {
    RequestReader::new(None, false).read(&mut BytesMut::from(text.as_ref()), &Limits::default())
}

/// The request that `text` must be.
pub(super) fn request(text: &str) -> Request {
    match read(text) {
        Ok(Some(Read::Request(request))) => request,
        other => panic!("{text:?} was read as {other:?}"),
    }
}
