//! The trial world: a till that signs what it posts, and real baskets to post.
//!
//! The demo, the tests and the load runs meet the host here the way a shop does: over HTTP, with a
//! till's key. Nothing in this crate knows the ledger. Time and nonces come in as closures, money is
//! whole fen and points are whole points.
//!
//! One basket travels [`Baskets`] → [`Receipt::of_basket`] → [`Till::post_receipt`] → [`Answer`];
//! [`import`] sends a whole file that way, [`run_load`] as fast as the host answers.

mod answer;
mod backoff;
mod baskets;
#[cfg(test)]
mod fake_host;
mod histogram;
mod history;
mod import;
mod load;
mod receipt;
mod sign;
mod summary;
mod till;

pub use answer::{Answer, BatchItem, PointsMoved, Problem};
pub use backoff::Backoff;
pub use baskets::{Basket, BasketError, BasketLine, Baskets, SHIPPED};
pub use histogram::Histogram;
pub use history::{Claim, History, HistoryLine, Outcome, TwoAnswers, claims, read_history};
pub use import::{Import, ImportError, Members, import};
pub use load::{Load, LoadReport, Shot, Until, WhenLost, run_load};
pub use receipt::{
    Batched, MemberRef, NewMember, Payment, Receipt, ReceiptLine, Return, ReturnLine, Where, card_of, phone_of,
};
pub use sign::{Signed, sign};
pub use summary::{Refusal, Summary};
pub use till::{Clock, Credential, Nonces, Reply, Till, TillError, TillLimits, counted_nonces};
