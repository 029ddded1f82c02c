//! The slow, obvious decoder: one byte after the other, everything in vectors.

use super::{Bounds, Outcome};
use bytes::Bytes;
use wsrelay_core::fault::ClientFault;
use wsrelay_core::wire::{CloseCode, CloseFrame, Data, Incoming, Kind, Role, Text};

/// Decodes a stream that has arrived whole, as far as it goes.
#[must_use]
pub fn decode(bounds: Bounds, stream: &[u8]) -> Outcome {
    let mut naive = Naive { bounds, rest: stream, message: None, outcome: Outcome::default() };
    loop {
        match naive.frame() {
            Ok(()) => {}
            Err(Stop::Dry | Stop::Closed) => return naive.outcome,
            Err(Stop::Fault(fault)) => {
                naive.outcome.fault = Some(fault);
                return naive.outcome;
            }
        }
    }
}

struct Naive<'a> {
    bounds: Bounds,
    rest: &'a [u8],
    message: Option<Message>,
    outcome: Outcome,
}

struct Message {
    is_text: bool,
    is_compressed: bool,
    frames: u32,
    payload: Vec<u8>,
}

enum Stop {
    Dry,
    Closed,
    Fault(ClientFault),
}

impl From<ClientFault> for Stop {
    fn from(fault: ClientFault) -> Self {
        Self::Fault(fault)
    }
}

impl Naive<'_> {
    fn byte(&mut self) -> Result<u8, Stop> {
        let (first, rest) = self.rest.split_first().ok_or(Stop::Dry)?;
        self.rest = rest;
        Ok(*first)
    }

    fn frame(&mut self) -> Result<(), Stop> {
        let first = self.byte()?;
        let (fin, opcode) = (first >= 128, first % 16);
        let control = opcode >= 8;
        let reserved = first % 128 / 16;
        let may_be_compressed = self.bounds.compressed_bytes_max.is_some() && [1, 2].contains(&opcode);
        if reserved != 0 && !(reserved == 4 && may_be_compressed) {
            return Err(ClientFault::ReservedBits.into());
        }
        if ![0, 1, 2, 8, 9, 10].contains(&opcode) {
            return Err(ClientFault::ReservedOpcode(opcode).into());
        }
        if control && !fin {
            return Err(ClientFault::FragmentedControl.into());
        }
        let second = self.byte()?;
        let len = self.len(second % 128, control)?;
        let mut key = [0; 4];
        if second >= 128 {
            for byte in &mut key {
                *byte = self.byte()?;
            }
        }
        match self.bounds.role {
            Role::Server if second < 128 => return Err(ClientFault::Unmasked.into()),
            Role::Client if second >= 128 => return Err(ClientFault::Masked.into()),
            Role::Server | Role::Client => {}
        }
        if control {
            self.control(opcode, len, key)
        } else {
            self.data((fin, reserved != 0), opcode, len, key)
        }
    }

    fn len(&mut self, code: u8, control: bool) -> Result<u64, Stop> {
        if code < 126 {
            return Ok(code.into());
        }
        if control {
            return Err(ClientFault::LongControl.into());
        }
        let mut len = 0_u64;
        for index in 0..if code == 126 { 2 } else { 8 } {
            len = (len << 8) | u64::from(self.byte()?);
            if code == 127 && index == 0 && len >= 128 {
                return Err(ClientFault::LengthOverflow.into());
            }
            if code == 127 && index == 5 && len == 0 || code == 126 && index == 1 && len < 126 {
                return Err(ClientFault::LengthNotMinimal.into());
            }
        }
        Ok(len)
    }

    fn control(&mut self, opcode: u8, len: u64, key: [u8; 4]) -> Result<(), Stop> {
        let mut payload = Vec::new();
        for index in 0..len {
            payload.push(self.byte()? ^ key[(index % 4) as usize]);
        }
        self.outcome.incoming.push(match opcode {
            9 => Incoming::Ping(Bytes::from(payload)),
            10 => Incoming::Pong(Bytes::from(payload)),
            _ => {
                self.outcome.incoming.push(Incoming::Close(close(&payload)?));
                return Err(Stop::Closed);
            }
        });
        Ok(())
    }

    fn data(
        &mut self,
        (fin, is_compressed): (bool, bool),
        opcode: u8,
        len: u64,
        key: [u8; 4],
    ) -> Result<(), Stop> {
        let mut message = match (opcode, self.message.take()) {
            (0, None) => return Err(ClientFault::UnexpectedContinuation.into()),
            (0, Some(message)) => message,
            (_, None) => Message { is_text: opcode == 1, is_compressed, frames: 0, payload: Vec::new() },
            (_, Some(_)) => return Err(ClientFault::MissingContinuation.into()),
        };
        let bytes_max = match self.bounds.compressed_bytes_max {
            Some(bytes_max) if message.is_compressed => bytes_max,
            _ => self.bounds.message_bytes_max,
        };
        if u128::from(len) + message.payload.len() as u128 > bytes_max as u128 {
            return Err(ClientFault::MessageTooBig.into());
        }
        message.frames += 1;
        if message.frames > self.bounds.fragments_max {
            return Err(ClientFault::TooManyFragments.into());
        }
        let mut dry = false;
        for index in 0..len {
            let Ok(byte) = self.byte() else {
                dry = true;
                break;
            };
            message.payload.push(byte ^ key[(index % 4) as usize]);
        }
        // What has arrived of a text is looked at even if more of it is to come.
        let error = std::str::from_utf8(&message.payload).err();
        if message.is_text && !message.is_compressed && error.is_some_and(|error| error.error_len().is_some())
        {
            return Err(ClientFault::Utf8.into());
        }
        if dry {
            return Err(Stop::Dry);
        }
        if !fin {
            self.message = Some(message);
            if len == 0 {
                self.outcome.incoming.push(Incoming::EmptyFragment);
            }
            return Ok(());
        }
        let payload = Bytes::from(message.payload);
        if message.is_compressed {
            let kind = if message.is_text { Kind::Text } else { Kind::Binary };
            self.outcome.incoming.push(Incoming::Compressed(kind, payload));
            return Ok(());
        }
        self.outcome.incoming.push(Incoming::Message(if message.is_text {
            Data::Text(Text::try_from(payload).map_err(|_| ClientFault::Utf8)?)
        } else {
            Data::Binary(payload)
        }));
        Ok(())
    }
}

fn close(payload: &[u8]) -> Result<Option<CloseFrame>, ClientFault> {
    if payload.is_empty() {
        return Ok(None);
    }
    if payload.len() == 1 {
        return Err(ClientFault::ShortClose);
    }
    let code = u16::from(payload[0]) * 256 + u16::from(payload[1]);
    if !(1000..5000).contains(&code) || (1015..3000).contains(&code) || [1004, 1005, 1006].contains(&code) {
        return Err(ClientFault::CloseCode(code));
    }
    let reason = std::str::from_utf8(&payload[2..]).map_err(|_| ClientFault::CloseReason)?;
    Ok(Some(CloseFrame { code: CloseCode::new(code).expect("the code was checked"), reason: reason.into() }))
}
