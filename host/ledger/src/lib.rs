//! The domain of Punchcard, pure: what happened, what a policy may know, what it may ask for, and what
//! will be written because of it.
//!
//! No I/O, no clock, no randomness: equal inputs give equal plans, at the till and on the server.
//! Money is whole fen, points are whole points, moments are Unix milliseconds.

mod act;
mod chain;
mod decision;
mod entry;
mod event;
mod facts;
mod id;
mod money;
mod param;
mod plan;
mod sale;
mod settings;
mod state;
mod time;
mod view;
mod voucher;

pub use act::*;
pub use chain::*;
pub use decision::*;
pub use entry::*;
pub use event::*;
pub use facts::*;
pub use id::*;
pub use money::*;
pub use param::*;
pub use plan::*;
pub use sale::*;
pub use settings::*;
pub use state::*;
pub use time::*;
pub use voucher::*;
