//! What client and server agree on beside RFC 6455 (§9).

use super::headers::Headers;
#[cfg(feature = "deflate")]
use crate::deflate::{Agreement, negotiate};
use crate::relay::{Codec, Compression};
use alloc::boxed::Box;
use alloc::string::String;

/// The header of offers and of the agreement (RFC 6455 §11.3.2).
pub(super) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// The extensions of one connection. By default, none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// How messages are compressed, if they are.
    #[cfg(feature = "deflate")]
    pub deflate: Option<Agreement>,
}

impl Extensions {
    /// What a server that compresses in this way accepts of a request's offers.
    #[must_use]
    pub fn accept(request: &Headers, compression: &Compression) -> Self {
        match compression {
            Compression::Off => {
                // Nobody looks at the offers.
                _ = request;
                Self::default()
            }
            #[cfg(feature = "deflate")]
            Compression::Deflate(options) => Self { deflate: negotiate(request, options) },
        }
    }

    /// The value of `Sec-WebSocket-Extensions` in the response, if it has one.
    #[must_use]
    pub fn header_value(&self) -> Option<String> {
        #[cfg(feature = "deflate")]
        return self.deflate.map(|agreement| alloc::format!("{agreement}"));
        #[cfg(not(feature = "deflate"))]
        None
    }

    /// What a connection that has agreed on these compresses with, if it does.
    pub(crate) fn codec(extensions: Self, compression: &Compression) -> Option<Box<Codec>> {
        match compression {
            Compression::Off => {
                _ = extensions;
                None
            }
            #[cfg(feature = "deflate")]
            Compression::Deflate(options) => {
                extensions.deflate.map(|agreement| Box::new(Codec::new(agreement, *options)))
            }
        }
    }
}
