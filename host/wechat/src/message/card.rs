//! Events about WeChat cards.

use crate::element::Element;
use crate::masked::{OpenId, Text, UnionId};

/// One follower's copy of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The card template.
    pub card_id: Text,
    /// The number on this copy.
    pub code: Text,
}

/// What happened to a card. Amounts are in fen, as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardEvent {
    /// WeChat finished the review of a card template; the sender is not a follower.
    Reviewed {
        /// The card template.
        card_id: Text,
        /// Whether it may be given out.
        passed: bool,
        /// Why not.
        refuse_reason: Option<Text>,
    },
    /// A follower took a card, or restored one deleted before.
    Taken {
        /// The copy.
        card: Card,
        /// Who passed it on, if it was a present.
        given_by: Option<OpenId>,
        /// The code it had with the former owner.
        old_code: Option<Text>,
        /// The tag of the place where it was offered; missing when restored.
        outer_str: Option<Text>,
        /// The same in the older, numeric form.
        outer_id: Option<Text>,
        /// Whether a deleted card came back: not a new membership.
        restored: bool,
        /// Whether a friend recommended it.
        recommended: bool,
        /// The person across bound accounts.
        union_id: Option<UnionId>,
    },
    /// A follower passes a card on.
    Gifted {
        /// The copy.
        card: Card,
        /// To whom.
        friend: Option<OpenId>,
        /// Whether it came back because nobody took it.
        returned: bool,
        /// Whether it was offered to a group.
        to_chat_room: bool,
    },
    /// A follower deleted a card; it may come back as [`CardEvent::Taken`].
    Deleted {
        /// The copy.
        card: Card,
    },
    /// A card was used up.
    Consumed {
        /// The copy.
        card: Card,
        /// `FROM_API`, `FROM_MP` or `FROM_MOBILE_HELPER`.
        source: Text,
        /// Name of the store, if WeChat knows it.
        location_name: Option<Text>,
        /// Who took it in.
        staff: Option<OpenId>,
        /// The code typed in by hand.
        verify_code: Option<Text>,
        /// The amount typed in by hand, as written.
        remark_amount: Option<Text>,
        /// Our own tag from the call that used it.
        outer_str: Option<Text>,
    },
    /// A follower paid from the card.
    Paid {
        /// The copy.
        card: Card,
        /// WeChat Pay's number of the payment.
        transaction_id: Text,
        /// WeChat's id of the store.
        location_id: Option<Text>,
        /// What was paid, in fen.
        fee_fen: Option<i64>,
        /// What it cost before, in fen.
        original_fee_fen: Option<i64>,
    },
    /// A follower looked at a card; only if the template asks for it.
    Viewed {
        /// The copy.
        card: Card,
        /// The tag of the place where it was taken.
        outer_str: Option<Text>,
    },
    /// A follower came into the chat from a card.
    SessionEntered {
        /// The copy.
        card: Card,
    },
    /// Balances on a card changed. It also echoes our own update: never book it.
    Updated {
        /// The copy.
        card: Card,
        /// Change of points, as sent.
        bonus_change: Option<i64>,
        /// Change of the balance, as sent; its unit is not documented.
        balance_change: Option<Text>,
    },
    /// A follower filled in the membership form: fetch what was written.
    FormSubmitted {
        /// The copy.
        card: Card,
    },
    /// Few copies are left.
    StockLow {
        /// The card template.
        card_id: Text,
        /// WeChat's sentence about it.
        detail: Text,
    },
}

impl Card {
    fn read(fields: &Element) -> Self {
        Self { card_id: fields.text_of("CardId"), code: fields.text_of("UserCardCode") }
    }
}

impl CardEvent {
    /// Reads a card event, or nothing if `name` (in lower case) is no known one.
    pub(super) fn read(name: &str, fields: &Element) -> Option<Self> {
        let card = Card::read(fields);
        Some(match name {
            "card_pass_check" | "card_not_pass_check" => Self::Reviewed {
                card_id: card.card_id,
                passed: name == "card_pass_check",
                refuse_reason: fields.given("RefuseReason"),
            },
            "user_get_card" => Self::taken(card, fields),
            "user_gifting_card" => Self::Gifted {
                card,
                friend: open_id(fields, "FriendUserName"),
                returned: fields.flag("IsReturnBack"),
                to_chat_room: fields.flag("IsChatRoom"),
            },
            "user_del_card" => Self::Deleted { card },
            "user_consume_card" => Self::consumed(card, fields),
            "user_pay_from_pay_cell" => Self::Paid {
                card,
                transaction_id: fields.text_of("TransId"),
                location_id: fields.given("LocationId"),
                fee_fen: fields.number("Fee"),
                original_fee_fen: fields.number("OriginalFee"),
            },
            "user_view_card" => Self::Viewed { card, outer_str: fields.given("OuterStr") },
            "user_enter_session_from_card" => Self::SessionEntered { card },
            "update_member_card" => Self::Updated {
                card,
                bonus_change: fields.number("ModifyBonus"),
                balance_change: fields.given("ModifyBalance"),
            },
            "submit_membercard_user_info" => Self::FormSubmitted { card },
            "card_sku_remind" => Self::StockLow { card_id: card.card_id, detail: fields.text_of("Detail") },
            _ => return None,
        })
    }

    fn taken(card: Card, fields: &Element) -> Self {
        Self::Taken {
            card,
            given_by: open_id(fields, "FriendUserName").filter(|_| fields.flag("IsGiveByFriend")),
            old_code: fields.given("OldUserCardCode"),
            outer_str: fields.given("OuterStr"),
            outer_id: fields.given("OuterId"),
            restored: fields.flag("IsRestoreMemberCard"),
            recommended: fields.flag("IsRecommendByFriend"),
            union_id: Some(UnionId::new(fields.value("UnionId"))).filter(|id| !id.is_empty()),
        }
    }

    fn consumed(card: Card, fields: &Element) -> Self {
        Self::Consumed {
            card,
            source: fields.text_of("ConsumeSource"),
            location_name: fields.given("LocationName"),
            staff: open_id(fields, "StaffOpenId"),
            verify_code: fields.given("VerifyCode"),
            remark_amount: fields.given("RemarkAmount"),
            outer_str: fields.given("OuterStr"),
        }
    }
}

fn open_id(fields: &Element, name: &str) -> Option<OpenId> {
    Some(OpenId::new(fields.value(name))).filter(|id| !id.is_empty())
}
