//! Compression: what one library writes the other reads, and hostile bytes cost no more than the bound.

use super::Verdict;
use std::num::NonZeroU32;
use wsrelay_core::deflate::{Deflater, Inflater};
use wsrelay_core::fault::ClientFault;
use wsrelay_sim::wire::Deflating;

/// More than this comes out in no step.
const STEP_BYTES: usize = 16 * 1024;

/// The bytes are one for the settings, and payloads, each behind its length in two bytes.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let Some((settings, rest)) = bytes.split_first() else { return Verdict::Refused };
    let payloads = payloads(rest);
    there_and_back(*settings, &payloads);
    hostile(*settings, &payloads)
}

fn payloads(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut payloads = Vec::new();
    while let Some((len, behind)) = rest.split_first_chunk() {
        let (payload, behind) = behind.split_at(usize::from(u16::from_be_bytes(*len)).min(behind.len()));
        payloads.push(payload);
        rest = behind;
    }
    payloads
}

/// The payloads as messages, from each library to the other, with and without a memory.
fn there_and_back(settings: u8, messages: &[&[u8]]) {
    let (window_bits, level) = (8 + settings % 8, 1 + settings / 8 % 9);
    let forgets = settings >= 128;
    let agreement = if forgets {
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    } else {
        "permessage-deflate"
    };
    let mut client = Deflating::agreed(agreement).expect("an agreement");
    let (mut deflater, mut inflater) = (Deflater::new(window_bits, level), Inflater::new());
    for message in messages {
        if forgets {
            deflater.reset();
            inflater.reset();
        }
        let mut payload = Vec::new();
        deflater.compress(message, &mut payload);
        assert_eq!(client.inflate(&payload).as_deref(), Some(*message), "from the relay");
        let mut back = Vec::new();
        let result = inflater.inflate(&client.compress(message), message.len(), None, &mut back);
        assert_eq!((result, &back[..]), (Ok(()), *message), "from the client");
    }
}

/// The payloads as they are. Where both libraries read something, it is the same; and no bound is exceeded by more than a
/// step.
fn hostile(settings: u8, payloads: &[&[u8]]) -> Verdict {
    let message_bytes_max = [0, 100, 10_000, 1_000_000][usize::from(settings % 4)];
    let ratio_max = [None, NonZeroU32::new(1), NonZeroU32::new(20), None][usize::from(settings / 4 % 4)];
    let (mut client, mut inflater) =
        (Deflating::agreed("permessage-deflate").expect("an agreement"), Inflater::new());
    let mut verdict = Verdict::Refused;
    for payload in payloads {
        let mut message = Vec::new();
        let result = inflater.inflate(payload, message_bytes_max, ratio_max, &mut message);
        let by_ratio = ratio_max.map_or(usize::MAX, |ratio| payload.len() * ratio.get() as usize);
        assert!(message.len() <= message_bytes_max.min(by_ratio) + STEP_BYTES, "{} bytes", message.len());
        match result {
            Ok(()) => {
                assert!(message.len() <= message_bytes_max.min(by_ratio), "{} bytes", message.len());
                // The other library is more strict about some tables of codes.
                let Some(other) = client.inflate(payload) else { return Verdict::Taken };
                assert_eq!(message, other);
                verdict = Verdict::Taken;
            }
            Err(fault) => {
                assert!(
                    matches!(
                        fault,
                        ClientFault::Deflate | ClientFault::MessageTooBig | ClientFault::DeflateRatio
                    ),
                    "{fault:?}"
                );
                return verdict;
            }
        }
    }
    verdict
}
