//! Names of things: each its own type, so that a till can never stand where a store should.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest id we keep, in bytes.
pub const ID_BYTES_MAX: usize = 128;

/// An id that is empty, too long, or holds control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must have 1 to {ID_BYTES_MAX} bytes and no control characters")]
pub struct BadId {
    /// Which id it was.
    pub what: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks length and characters.
            ///
            /// # Errors
            /// [`BadId`] if the text is empty, longer than [`ID_BYTES_MAX`] bytes, or has control characters.
            pub fn new(text: impl Into<String>) -> Result<Self, BadId> {
                let text = text.into();
                if text.is_empty() || text.len() > ID_BYTES_MAX || text.chars().any(char::is_control) {
                    return Err(BadId { what: $what });
                }
                Ok(Self(text.into_boxed_str()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Whose rules (商户).
    TenantId, "tenant"
);
id!(
    /// Which shop (门店).
    StoreId, "store"
);
id!(
    /// Which till (收银机).
    TillId, "till"
);
id!(
    /// Who earns (会员).
    MemberId, "member"
);
id!(
    /// What a member shows to use a voucher (券).
    VoucherCode, "voucher"
);
id!(
    /// Names one decision for ever: stream, dash, sequence number.
    DecisionId, "decision"
);
id!(
    /// Lower-case hex SHA-256 of a policy's source: names one immutable policy version.
    Digest, "digest"
);
