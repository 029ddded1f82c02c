//! Process identifiers (P1).

use alloc::string::{String, ToString};
use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;

/// Names one start of one node.
///
/// The host draws it anew at every start, so that a PID from before a restart never names a
/// process from after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

/// A process: small and `Copy` inside, opaque text outside.
///
/// The text is `{node|serial}`, for example `{5f0c3a9e11d2b7c4|0x00004}`. Programs compare it and
/// hand it on; they do not look inside. A PID is never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid {
    node: NodeId,
    serial: NonZeroU64,
}

impl Pid {
    /// The process `serial` of `node`. The host that hands out serials never repeats one.
    #[must_use]
    pub const fn new(node: NodeId, serial: NonZeroU64) -> Self {
        Self { node, serial }
    }

    /// The node that the process runs on.
    #[must_use]
    pub const fn node(self) -> NodeId {
        self.node
    }

    /// The process's number on its node; only the host that gave it out knows what it means.
    #[must_use]
    pub const fn serial(self) -> NonZeroU64 {
        self.serial
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{:016x}|{:#07x}}}", self.node.0, self.serial)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a PID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PidFault(String);

impl fmt::Display for PidFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a PID", self.0)
    }
}

impl core::error::Error for PidFault {}

impl FromStr for Pid {
    type Err = PidFault;

    /// Reads what `Display` writes, and only that: one process has one text.
    fn from_str(text: &str) -> Result<Self, PidFault> {
        let fault = || PidFault(text.chars().take(64).collect());
        let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or_else(fault)?;
        let (node, serial) = inner.split_once("|0x").ok_or_else(fault)?;
        let node = u64::from_str_radix(node, 16).map_err(|_| fault())?;
        let serial = u64::from_str_radix(serial, 16).ok().and_then(NonZeroU64::new).ok_or_else(fault)?;
        let pid = Self::new(NodeId(node), serial);
        if pid.to_string() == text { Ok(pid) } else { Err(fault()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(node: u64, serial: u64) -> Pid {
        Pid::new(NodeId(node), NonZeroU64::new(serial).unwrap())
    }

    #[test]
    fn a_pid_reads_back_from_its_own_text() {
        for (pid, text) in [
            (pid(0x5f0c_3a9e_11d2_b7c4, 4), "{5f0c3a9e11d2b7c4|0x00004}"),
            (pid(0, u64::MAX), "{0000000000000000|0xffffffffffffffff}"),
        ] {
            assert_eq!(pid.to_string(), text);
            assert_eq!(text.parse(), Ok(pid));
        }
    }

    #[test]
    fn only_the_one_text_of_a_pid_is_accepted() {
        for text in [
            "",
            "{}",
            "{|}",
            "5f0c3a9e11d2b7c4|0x00004",
            "{5f0c3a9e11d2b7c4|0x0}",
            "{5f0c3a9e11d2b7c4|0x4}",
            "{5F0C3A9E11D2B7C4|0x00004}",
            "{+f0c3a9e11d2b7c4|0x00004}",
            "{5f0c3a9e11d2b7c4|0x00004} ",
            "{5f0c3a9e11d2b7c4|0x10000000000000000}",
            "{é|0x00004}",
        ] {
            assert!(text.parse::<Pid>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_optional_pid_costs_no_more_than_a_pid() {
        assert_eq!(size_of::<Option<Pid>>(), 16);
    }
}
