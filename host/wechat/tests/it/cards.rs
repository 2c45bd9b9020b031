//! Events about cards.

use wechat::message::{Card, CardEvent, Event};
use wechat::{OpenId, UnionId};

use crate::support::{CARD, read, some, t};

fn card() -> Card {
    Card { card_id: t("pCard"), code: t("918273") }
}

fn read_card(name: &str, rest: &str) -> CardEvent {
    match read(name, &format!("{CARD}{rest}")) {
        Event::Card(event) => event,
        other => panic!("{name} is read as {other:?}"),
    }
}

#[test]
fn a_card_that_is_taken_says_from_whom_and_whether_it_came_back() {
    let rest = "<IsGiveByFriend>1</IsGiveByFriend><FriendUserName>oF</FriendUserName><OldUserCardCode>8</OldUserCardCode><OuterId>0</OuterId><IsRestoreMemberCard>1</IsRestoreMemberCard><UnionId>oU</UnionId>";
    assert_eq!(
        read_card("user_get_card", rest),
        CardEvent::Taken {
            card: card(),
            given_by: Some(OpenId::new("oF")),
            old_code: some("8"),
            outer_str: None,
            outer_id: some("0"),
            restored: true,
            recommended: false,
            union_id: Some(UnionId::new("oU")),
        }
    );
}

#[test]
fn a_card_passed_on_says_to_whom() {
    let rest = "<FriendUserName>oF</FriendUserName><IsReturnBack>1</IsReturnBack>";
    let gifted =
        CardEvent::Gifted { card: card(), friend: Some(OpenId::new("oF")), returned: true, to_chat_room: false };
    assert_eq!(read_card("user_gifting_card", rest), gifted);
}

#[test]
fn changed_balances_of_a_card_are_read_with_their_sign() {
    let rest = "<ModifyBonus>-12</ModifyBonus><ModifyBalance>0.5</ModifyBalance>";
    let updated = CardEvent::Updated { card: card(), bonus_change: Some(-12), balance_change: some("0.5") };
    assert_eq!(read_card("update_member_card", rest), updated);
}

#[test]
fn the_life_of_a_card_is_read() {
    let (card, outer_str) = (card(), some("s"));
    let viewed = read_card("user_view_card", "<OuterStr>s</OuterStr>");
    let deleted = read_card("user_del_card", "");
    let entered = read_card("user_enter_session_from_card", "");
    let submitted = read_card("submit_membercard_user_info", "");
    assert_eq!(deleted, CardEvent::Deleted { card: card.clone() });
    assert_eq!(entered, CardEvent::SessionEntered { card: card.clone() });
    assert_eq!(submitted, CardEvent::FormSubmitted { card: card.clone() });
    assert_eq!(viewed, CardEvent::Viewed { card, outer_str });
}

#[test]
fn cards_used_and_paid_with_are_read() {
    let used = "<ConsumeSource>FROM_API</ConsumeSource><LocationName></LocationName><StaffOpenId>oS</StaffOpenId><OuterStr>pos5</OuterStr>";
    let paid = "<TransId>42000</TransId><LocationId>29</LocationId><Fee>8800</Fee><OriginalFee>x</OriginalFee>";
    assert_eq!(
        read_card("user_consume_card", used),
        CardEvent::Consumed {
            card: card(),
            source: t("FROM_API"),
            location_name: None,
            staff: Some(OpenId::new("oS")),
            verify_code: None,
            remark_amount: None,
            outer_str: some("pos5"),
        }
    );
    assert_eq!(
        read_card("user_pay_from_pay_cell", paid),
        CardEvent::Paid {
            card: card(),
            transaction_id: t("42000"),
            location_id: some("29"),
            fee_fen: Some(8_800),
            original_fee_fen: None,
        }
    );
}

#[test]
fn news_about_card_templates_is_read() {
    let reviewed = |passed, refuse_reason| CardEvent::Reviewed { card_id: t("pCard"), passed, refuse_reason };
    let refused = "<RefuseReason>logo</RefuseReason>";
    assert_eq!(read_card("card_pass_check", ""), reviewed(true, None));
    assert_eq!(read_card("card_not_pass_check", refused), reviewed(false, some("logo")));
    assert_eq!(
        read_card("card_sku_remind", "<Detail>low</Detail>"),
        CardEvent::StockLow { card_id: t("pCard"), detail: t("low") }
    );
}
