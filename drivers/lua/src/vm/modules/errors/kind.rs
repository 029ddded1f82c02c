//! What went wrong, in a word.

/// What went wrong, in one word that a program can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no such thing.
    NotFound,
    /// There is one already.
    AlreadyExists,
    /// An argument or a text is not what it should be.
    Invalid,
    /// Not allowed.
    PermissionDenied,
    /// Not now; perhaps later.
    Unavailable,
    /// A fault of what was called.
    Internal,
    /// Somebody asked for an end.
    Canceled,
    /// The state forbids it.
    Conflict,
    /// It took too long.
    Timeout,
    /// Too often.
    RateLimited,
    /// Nobody said.
    Unknown,
}

impl Kind {
    pub(super) const ALL: [Self; 11] = [
        Self::NotFound,
        Self::AlreadyExists,
        Self::Invalid,
        Self::PermissionDenied,
        Self::Unavailable,
        Self::Internal,
        Self::Canceled,
        Self::Conflict,
        Self::Timeout,
        Self::RateLimited,
        Self::Unknown,
    ];

    /// The value of the constant, which is what `kind()` returns.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Invalid => "Invalid",
            Self::PermissionDenied => "PermissionDenied",
            Self::Unavailable => "Unavailable",
            Self::Internal => "Internal",
            Self::Canceled => "Canceled",
            Self::Conflict => "Conflict",
            Self::Timeout => "Timeout",
            Self::RateLimited => "RateLimited",
            Self::Unknown => "",
        }
    }

    /// The name of the constant, which is the spelling of older programs.
    #[must_use]
    pub fn constant(self) -> &'static str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::Invalid => "INVALID",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
            Self::Canceled => "CANCELED",
            Self::Conflict => "CONFLICT",
            Self::Timeout => "TIMEOUT",
            Self::RateLimited => "RATE_LIMITED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The kind of either spelling; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text || kind.constant() == text)
    }

    /// Whether the same call may succeed later; `None` where it depends.
    pub(super) fn retryable(self) -> Option<bool> {
        match self {
            Self::Unavailable | Self::Timeout | Self::RateLimited | Self::Canceled | Self::Unknown => None,
            Self::NotFound
            | Self::AlreadyExists
            | Self::Invalid
            | Self::PermissionDenied
            | Self::Internal
            | Self::Conflict => Some(false),
        }
    }
}
