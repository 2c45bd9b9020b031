//! Why something cannot be done, naming the rule and the numbers.

use crate::{Fen, Points, TooLarge};

/// A rule of the ledger that refuses what was asked. Nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A policy refuses the event.
    #[error("{0}")]
    Refused(String),
    /// More points than there are.
    #[error("redeeming {asked} points, but only {held} are held")]
    Overdrawn {
        /// What was asked for.
        asked: Points,
        /// What can be spent.
        held: Points,
    },
    /// More stored value than there is.
    #[error("paying {} yuan from stored value, but only {} are held", asked.in_yuan(), held.in_yuan())]
    StoredOverdrawn {
        /// What was asked for.
        asked: Fen,
        /// What is held.
        held: Fen,
    },
    /// The tenant does not let points pay.
    #[error("points cannot pay here")]
    PointsCannotPay,
    /// Points would pay more than there is to pay.
    #[error("{asked} points are worth more than the {} yuan to pay; redeem at most {most}", payable.in_yuan())]
    RedeemTooMuch {
        /// What was asked for.
        asked: Points,
        /// What there is to pay.
        payable: Fen,
        /// The most that makes sense.
        most: Points,
    },
    /// The act needs a member.
    #[error("this needs a member")]
    MemberRequired,
    /// The lines do not add up.
    #[error("the lines add up to {} yuan, but the total says {}", lines.in_yuan(), total.in_yuan())]
    TotalDiffers {
        /// Sum of the lines.
        lines: Fen,
        /// The total sent.
        total: Fen,
    },
    /// The receipt has more lines than the platform takes.
    #[error("the receipt has {lines} lines; at most {max} are accepted")]
    TooManyLines {
        /// How many it has.
        lines: usize,
        /// How many it may have.
        max: usize,
    },
    /// The sale a return names is not known.
    #[error("no sale with this receipt number is known at this till")]
    UnknownSale,
    /// Nothing is left to return.
    #[error("everything on this receipt has been returned already")]
    NothingLeft,
    /// A return names a line the sale does not have, or more than is left of it.
    #[error("line {line} cannot be returned: {why}")]
    BadReturnLine {
        /// Which line, counted from 0.
        line: u32,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The campaign has no draw open.
    #[error("the draw {0:?} is not open")]
    DrawClosed(String),
    /// The policy's odds are not those published before the draw opened.
    #[error("the odds of the draw {0:?} differ from the published ones; publish them first")]
    OddsDiffer(String),
    /// No policy answered the draw.
    #[error("no policy gives odds for the draw {0:?}")]
    NoOdds(String),
    /// The member has drawn as often as the day allows.
    #[error("today's {max} draws are used up")]
    DrawsUsedUp {
        /// How many a day allows.
        max: u32,
    },
    /// The member has signed in today already.
    #[error("signed in already today")]
    SignedInToday,
    /// The member has registered or bound a card already.
    #[error("this member is registered already")]
    AlreadyMember,
    /// An amount whose sign or size makes no sense here.
    #[error("{amount} {why}")]
    BadAmount {
        /// The amount given.
        amount: i64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A member cannot refer themselves.
    #[error("a member cannot be their own referrer")]
    SelfReferral,
    /// An amount outside ±2^53.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

impl PlanError {
    /// The stable code callers may branch on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Overdrawn { .. } => "overdrawn",
            Self::StoredOverdrawn { .. } => "stored_value_overdrawn",
            Self::PointsCannotPay => "points_cannot_pay",
            Self::RedeemTooMuch { .. } => "redeem_too_much",
            Self::MemberRequired => "member_required",
            Self::TotalDiffers { .. } => "total_differs",
            Self::TooManyLines { .. } => "too_many_lines",
            Self::UnknownSale => "unknown_sale",
            Self::NothingLeft => "nothing_left",
            Self::BadReturnLine { .. } => "bad_return_line",
            Self::DrawClosed(_) => "draw_closed",
            Self::OddsDiffer(_) => "odds_differ",
            Self::NoOdds(_) => "no_odds",
            Self::DrawsUsedUp { .. } => "draws_used_up",
            Self::SignedInToday => "signed_in_today",
            Self::AlreadyMember => "already_member",
            Self::BadAmount { .. } => "bad_amount",
            Self::SelfReferral => "self_referral",
            Self::TooLarge(_) => "too_large",
        }
    }
}
