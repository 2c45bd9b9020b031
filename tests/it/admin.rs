//! What staff can do, asked over HTTP, and what they cannot.

mod desk;
mod members;
mod policies;
mod strangers;
