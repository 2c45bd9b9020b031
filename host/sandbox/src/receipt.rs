//! What a till sends: receipts, returns and new members, as the host's HTTP interface reads them.

use crate::baskets::{Basket, BasketLine};
use serde::Serialize;

/// The shops' clocks; China has one time zone and no summer time.
const OFFSET: &str = "+08:00";

/// How the baskets were paid: the data does not say, so cash.
const CASH: &str = "cash";

/// Who stands at the till. Written as `{"card": "H900"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberRef {
    /// Found by phone number.
    Phone(String),
    /// Found by card number.
    Card(String),
    /// Found by the code on the member's phone.
    PayCode(String),
    /// The host's own id.
    Id(String),
}

/// Where something happened. Only an import key may say so, in the query; the key of a till says it itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Where {
    /// Which shop.
    pub store: String,
    /// Which till.
    pub till: String,
}

/// A receipt, final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The till's own number for it.
    pub receipt: String,
    /// For import keys only.
    #[serde(skip)]
    pub at: Option<Where>,
    /// When it was printed, RFC 3339.
    pub business_at: String,
    /// Who bought; absent for a receipt without a member.
    pub member: Option<MemberRef>,
    /// In the order of the receipt; zero and negative lines are valid.
    pub lines: Vec<ReceiptLine>,
    /// What the customer owes for all lines, in fen.
    pub total_fen: i64,
    /// How it was paid.
    pub payments: Vec<Payment>,
    /// Vouchers presented.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vouchers: Vec<String>,
    /// Points the member wants to pay with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redeem_points: Option<i64>,
    /// How long the till waits for an answer, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ReceiptLine {
    /// Goods code.
    pub sku: String,
    /// What the receipt prints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Department of the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Goods category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Goods brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Units.
    pub quantity: i64,
    /// What the customer pays for the line after discounts, in fen.
    pub amount_fen: i64,
    /// The discounts already taken off, in fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount_fen: Option<i64>,
}

/// One payment of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// The till's name for the means of payment.
    pub method: String,
    /// How much, in fen.
    pub amount_fen: i64,
}

/// One receipt of a batch with its own idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Batched {
    /// The caller's name for this attempt.
    pub idempotency_key: String,
    /// What was bought.
    #[serde(flatten)]
    pub receipt: Receipt,
}

/// Goods that come back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Return {
    /// The till's number of this return.
    pub return_id: String,
    /// For import keys only: where the sale was.
    #[serde(skip)]
    pub at: Option<Where>,
    /// When they came back, RFC 3339; absent = now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_at: Option<String>,
    /// What comes back; absent = everything that is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<ReturnLine>>,
}

/// Part of one line of the sale.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ReturnLine {
    /// Which line of the sale, counted from 0.
    pub line: u32,
    /// Units that come back; absent = all that is left of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i64>,
    /// What they cost, in fen; absent = their share of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_fen: Option<i64>,
}

/// Somebody who becomes a member at the till.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewMember {
    /// The mobile number.
    pub phone: String,
    /// The card number.
    pub card: String,
    /// For import keys only: where.
    #[serde(skip)]
    pub at: Option<Where>,
    /// When, RFC 3339; absent = now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_at: Option<String>,
}

impl Receipt {
    /// The receipt of a basket, bought by its household's card and paid in cash.
    ///
    /// `at` names store and till for an import key; the key of a till needs none.
    pub fn of_basket(basket: &Basket, at: Option<Where>) -> Self {
        let total_fen = basket.total_fen();
        Self {
            receipt: basket.basket.clone(),
            at,
            business_at: business_at(basket),
            member: Some(MemberRef::Card(card_of(&basket.household))),
            lines: basket.lines.iter().map(ReceiptLine::of_goods).collect(),
            total_fen,
            payments: vec![Payment { method: CASH.into(), amount_fen: total_fen }],
            vouchers: Vec::new(),
            redeem_points: None,
            deadline_ms: None,
        }
    }
}

impl ReceiptLine {
    fn of_goods(goods: &BasketLine) -> Self {
        Self {
            sku: goods.sku.clone(),
            name: None,
            department: goods.department.clone(),
            category: goods.category.clone(),
            brand: goods.brand.clone(),
            quantity: goods.quantity,
            amount_fen: goods.amount_fen,
            discount_fen: Some(goods.shelf_discount_fen.saturating_add(goods.coupon_discount_fen)),
        }
    }
}

/// The card a household of the baskets holds: `H` and its number.
pub fn card_of(household: &str) -> String {
    format!("H{household}")
}

/// An invented mobile number for a household of the baskets, which have none: `139` and its number.
pub fn phone_of(household: &str) -> String {
    format!("139{household:0>8}")
}

/// The basket's local time with the shop's offset.
pub(crate) fn business_at(basket: &Basket) -> String {
    format!("{}{OFFSET}", basket.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn basket() -> Basket {
        let line = |amount_fen, shelf_discount_fen, coupon_discount_fen| BasketLine {
            sku: "s".into(),
            department: Some("GROCERY".into()),
            category: None,
            brand: None,
            quantity: 3,
            amount_fen,
            shelf_discount_fen,
            coupon_discount_fen,
        };
        Basket {
            basket: "31".into(),
            household: "900".into(),
            store: "330".into(),
            at: "2017-01-02T11:53:26".into(),
            lines: vec![line(150, 20, 5), line(0, 0, 0)],
        }
    }

    #[test]
    fn a_basket_becomes_a_receipt_of_its_household() -> anyhow::Result<()> {
        let at = Where { store: "330".into(), till: "1".into() };
        let receipt = Receipt::of_basket(&basket(), Some(at));
        let line = |amount, discount| json!({"sku": "s", "department": "GROCERY", "quantity": 3, "amount_fen": amount, "discount_fen": discount});
        let wanted = json!({
            "receipt": "31", "business_at": "2017-01-02T11:53:26+08:00",
            "member": {"card": "H900"}, "lines": [line(150, 25), line(0, 0)], "total_fen": 150,
            "payments": [{"method": "cash", "amount_fen": 150}],
        });
        assert_eq!(serde_json::to_value(&receipt)?, wanted);
        Ok(())
    }

    #[test]
    fn the_key_of_a_till_names_no_store() -> anyhow::Result<()> {
        let batched = Batched { idempotency_key: "k".into(), receipt: Receipt::of_basket(&basket(), None) };
        let sent = serde_json::to_value(&batched)?;
        assert_eq!((sent.get("store"), sent.get("till")), (None, None));
        assert_eq!((sent.get("idempotency_key"), sent.get("receipt")), (Some(&json!("k")), Some(&json!("31"))));
        Ok(())
    }

    #[test]
    fn a_return_of_everything_names_no_lines() -> anyhow::Result<()> {
        let whole = Return { return_id: "r".into(), ..Return::default() };
        assert_eq!(serde_json::to_value(&whole)?, json!({"return_id": "r"}));
        let one = ReturnLine { line: 1, quantity: Some(2), amount_fen: None };
        let part = Return { lines: Some(vec![one]), ..whole };
        assert_eq!(serde_json::to_value(&part)?, json!({"return_id": "r", "lines": [{"line": 1, "quantity": 2}]}));
        Ok(())
    }
}
