//! What happened: the one thing a policy is asked about.

use crate::{Fen, MemberId, Points, TillId, VoucherCode};
use serde::{Deserialize, Serialize};

/// The kinds of event a policy can handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// See [`Event::Follow`].
    Follow,
    /// See [`Event::Register`].
    Register,
    /// See [`Event::Bind`].
    Bind,
    /// See [`Event::Referral`].
    Referral,
    /// See [`Event::SignIn`].
    SignIn,
    /// See [`Event::Receipt`].
    Receipt,
    /// See [`Event::Return`].
    Return,
    /// See [`Event::Recharge`].
    Recharge,
    /// See [`Event::Draw`].
    Draw,
    /// See [`Event::Birthday`].
    Birthday,
    /// See [`Event::TierReview`].
    TierReview,
    /// See [`Event::Voucher`].
    Voucher,
    /// See [`Event::Custom`].
    Custom,
}

impl EventKind {
    /// The name it has in the database, in cases and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Register => "register",
            Self::Bind => "bind",
            Self::Referral => "referral",
            Self::SignIn => "sign_in",
            Self::Receipt => "receipt",
            Self::Return => "return",
            Self::Recharge => "recharge",
            Self::Draw => "draw",
            Self::Birthday => "birthday",
            Self::TierReview => "tier_review",
            Self::Voucher => "voucher",
            Self::Custom => "custom",
        }
    }
}

/// Something that happened to a member or at a till.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The member follows the account (again); the scene of the QR code, if any.
    Follow(Option<String>),
    /// The member registered.
    Register,
    /// The member bound an existing card.
    Bind,
    /// The member referred this new member.
    Referral(MemberId),
    /// The member signed in for the day.
    SignIn,
    /// A receipt at a till.
    Receipt(Receipt),
    /// Part or all of a receipt came back.
    Return(Returned),
    /// Principal paid into the member's stored value.
    Recharge(Fen),
    /// The member asks for a draw in this campaign.
    Draw(String),
    /// The member's birthday begins.
    Birthday,
    /// The nightly tier review.
    TierReview,
    /// A voucher of the member changed.
    Voucher(VoucherCode, VoucherChange),
    /// A tenant's own event: its name, and its data as JSON text.
    Custom(String, String),
}

impl Event {
    /// Which kind it is.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Follow(_) => EventKind::Follow,
            Self::Register => EventKind::Register,
            Self::Bind => EventKind::Bind,
            Self::Referral(_) => EventKind::Referral,
            Self::SignIn => EventKind::SignIn,
            Self::Receipt(_) => EventKind::Receipt,
            Self::Return(_) => EventKind::Return,
            Self::Recharge(_) => EventKind::Recharge,
            Self::Draw(_) => EventKind::Draw,
            Self::Birthday => EventKind::Birthday,
            Self::TierReview => EventKind::TierReview,
            Self::Voucher(..) => EventKind::Voucher,
            Self::Custom(..) => EventKind::Custom,
        }
    }
}

/// A receipt (a POS transaction).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Receipt {
    /// The till's own number for it.
    pub receipt: String,
    /// The till that printed it; empty in hand-written cases.
    pub till: Option<TillId>,
    /// In the order of the receipt; zero and negative lines are valid.
    pub lines: Vec<Line>,
    /// What the customer owes for all lines, before vouchers and points.
    pub total: Fen,
    /// What is left of the total to pay in money or stored value, after presented vouchers, redeemed points
    /// and the discounts of policies earlier in the rulebook. Points are earned on this.
    pub payable: Fen,
    /// How it was paid.
    pub payments: Vec<Payment>,
    /// Points the member wants to pay with.
    pub redeem_points: Points,
}

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Line {
    /// Goods code.
    pub sku: String,
    /// Department of the shop.
    pub department: String,
    /// Goods category.
    pub category: String,
    /// Goods brand.
    pub brand: String,
    /// Thousandths of a unit, so that weighed goods stay exact.
    pub quantity_milli: i64,
    /// What the customer pays for the line after shelf discounts.
    pub amount: Fen,
    /// The shelf discount already taken off.
    pub discount: Fen,
}

/// One payment of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Payment {
    /// The till's name for the means of payment; `stored_value`, `points` and `voucher` are ours.
    pub method: String,
    /// How much.
    pub amount: Fen,
}

/// What came back of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Returned {
    /// The receipt it was sold on.
    pub receipt: String,
    /// What the returned goods cost.
    pub amount: Fen,
    /// Nothing of the receipt is left.
    pub whole: bool,
}

/// What happened to a voucher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoucherChange {
    /// The member got it.
    Issued,
    /// It paid for part of a receipt.
    Used,
    /// A return gave it back.
    Restored,
    /// It ran out.
    Expired,
    /// It was taken away.
    Voided,
}
