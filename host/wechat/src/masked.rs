//! Strings that must not reach a log: their `Debug` says that they are there, not what they say.

use std::fmt;

use serde::Deserialize;

/// Text that WeChat or a follower sent.
///
/// It may hold personal data, so `Debug` shows only its length in bytes.
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

/// The name one official account knows one follower by.
///
/// The same person has another one at every official account and mini program.
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct OpenId(String);

/// The name of one person across the official accounts and mini programs bound to one platform.
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct UnionId(String);

/// A credential: a ticket, an authorization code, a token.
///
/// It cannot be compared with `==`, which would not run in constant time.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

macro_rules! masked {
    ($name:ident) => {
        impl $name {
            /// Takes the string as it is.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// The string itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether nothing was sent.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }
    };
}

masked!(Text);
masked!(OpenId);
masked!(UnionId);
masked!(Secret);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl fmt::Debug for OpenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenId(***)")
    }
}

impl fmt::Debug for UnionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnionId(***)")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}
