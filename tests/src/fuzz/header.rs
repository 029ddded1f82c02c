//! One frame's header: what is written is what was read, more bytes never change what was said, and what is wrong is
//! wrong with the byte with which it is to the naive decoder.

use super::{Bounds, Verdict, naive};
use wsrelay_core::fault::ClientFault;
use wsrelay_core::wire::{FrameHeader, Role};

/// The bytes are a header, and perhaps more.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let parsed = FrameHeader::parse(bytes);
    let mut is_decided = false;
    for end in 0..=bytes.len().min(FrameHeader::MAX_BYTES + 1) {
        let early = FrameHeader::parse(&bytes[..end]);
        if !matches!(early, Ok(Some(_))) {
            assert_eq!(early.err(), plainly(&bytes[..end]), "with {end} bytes");
        }
        if early == Ok(None) {
            assert!(!is_decided, "said with fewer bytes than {end}, and then no longer");
        } else {
            assert_eq!(early, parsed, "said with {end} bytes");
            is_decided = true;
        }
    }
    assert!(is_decided || bytes.len() < FrameHeader::MAX_BYTES, "no header is longer");
    match parsed {
        Ok(Some((header, len))) => {
            assert_eq!(header.encode().as_slice(), &bytes[..len]);
            Verdict::Taken
        }
        Ok(None) => Verdict::Refused,
        Err(fault) => {
            assert!(is_one_of_a_header(fault), "{fault:?}");
            Verdict::Refused
        }
    }
}

/// The rule that these bytes of a header break already.
fn plainly(bytes: &[u8]) -> Option<ClientFault> {
    let is_masked = bytes.get(1).is_some_and(|second| second & 0x80 != 0);
    let role = if is_masked { Role::Server } else { Role::Client };
    let bounds =
        Bounds { role, message_bytes_max: usize::MAX, fragments_max: u32::MAX, compressed_bytes_max: None };
    naive::decode(bounds, bytes).fault.filter(|fault| is_one_of_a_header(*fault))
}

/// Whether a header alone can break this rule.
const fn is_one_of_a_header(fault: ClientFault) -> bool {
    match fault {
        ClientFault::ReservedBits
        | ClientFault::ReservedOpcode(_)
        | ClientFault::FragmentedControl
        | ClientFault::LongControl
        | ClientFault::LengthNotMinimal
        | ClientFault::LengthOverflow => true,
        ClientFault::Unmasked
        | ClientFault::Masked
        | ClientFault::UnexpectedContinuation
        | ClientFault::MissingContinuation
        | ClientFault::ShortClose
        | ClientFault::CloseCode(_)
        | ClientFault::CloseReason
        | ClientFault::Utf8
        | ClientFault::MessageTooBig
        | ClientFault::Deflate
        | ClientFault::DeflateRatio
        | ClientFault::TooManyFragments
        | ClientFault::Flood => false,
    }
}
