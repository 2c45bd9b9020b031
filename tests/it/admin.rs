//! What staff can do, asked over HTTP, and what they cannot.

mod adjustments;
mod desk;
mod members;
mod policies;
mod strangers;
