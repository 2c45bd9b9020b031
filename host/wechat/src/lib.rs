//! The WeChat platform, as bytes in and bytes out.
//!
//! Everything here is pure: no network, no clock, no randomness, no tenant and no member. The
//! caller passes the time in Unix seconds, the sixteen random bytes and the nonce, and gets a
//! verdict or the exact bytes to send. Sources are WeChat's own pages on message push, passive
//! replies, card events, JS-SDK and mini program data; where WeChat leaves a choice open, the
//! choice is a named [`Limits`] field.
//!
//! One callback travels [`callback::open`] → [`message::Message`] → [`message::Message::reply`] →
//! [`callback::seal`].

mod element;
mod error;
mod json;
mod limits;
mod masked;

pub mod callback;
pub mod crypto;
pub mod message;
pub mod mini_program;
pub mod page;
pub mod reply;
pub mod xml;

pub use element::Element;
pub use error::Error;
pub use limits::Limits;
pub use masked::{OpenId, Secret, Text, UnionId};
