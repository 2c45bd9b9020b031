use super::*;

fn read(change: impl Fn(&mut serde_json::Value)) -> Result<Checkout, ApiError> {
    let mut body = serde_json::json!({
        "receipt": "R-1",
        "business_at": "2026-11-21T18:30:00+08:00",
        "member": null,
        "lines": [
            {"sku": "a", "name": "米", "category": "food", "quantity": "0.455", "amount_fen": 1200, "discount_fen": 30},
            {"sku": "bag", "quantity": -1, "amount_fen": -200},
        ],
        "total_fen": 1000,
        "payments": [{"method": "cash", "amount_fen": 1000}],
    });
    change(&mut body);
    let body: ReceiptBody = parse(body.to_string().as_bytes())?;
    let till = TillId::new("t1").expect("an id");
    body.checkout(&PosLimits { lines_max: 3, vouchers_max: 2, ..PosLimits::default() }, Some(&till))
}

fn refusal(change: impl Fn(&mut serde_json::Value)) -> String {
    read(change).expect_err("refused").to_string()
}

#[test]
fn a_receipt_is_read_to_the_thousandth_and_the_fen() {
    let checkout = read(|_| {}).expect("a good receipt");
    let receipt = &checkout.receipt;
    assert_eq!(receipt.lines[0].quantity_milli, 455);
    assert_eq!(receipt.lines[1].quantity_milli, -1_000);
    assert_eq!((receipt.total, receipt.payable), (Fen::new(1_000), Fen::new(1_000)));
    assert_eq!(receipt.lines[0].discount, Fen::new(30));
    assert_eq!(receipt.till.as_ref().map(TillId::as_str), Some("t1"));
}

#[test]
fn a_total_that_differs_is_refused_with_both_numbers() {
    assert_eq!(
        refusal(|body| body["total_fen"] = 999.into()),
        "total_fen: is 999, but amount_fen of the lines adds up to 1000; they must be equal"
    );
}

/// Spoils a receipt.
type Change<'a> = &'a dyn Fn(&mut serde_json::Value);

#[test]
fn every_limit_names_its_field() {
    let long = "x".repeat(129);
    let cases: [(&str, Change<'_>); 8] = [
        ("lines: has 4 items", &|b| b["lines"] = vec![b["lines"][0].clone(); 4].into()),
        ("vouchers: has 3 items", &|b| b["vouchers"] = serde_json::json!(["1", "2", "3"])),
        ("vouchers[1]: is there twice", &|b| b["vouchers"] = serde_json::json!(["1", "1"])),
        ("lines[0].sku: must have at most", &|b| b["lines"][0]["sku"] = long.as_str().into()),
        ("lines[1].name: must have at most", &|b| b["lines"][1]["name"] = "a\u{0}".into()),
        ("lines[1].quantity: must be within", &|b| b["lines"][1]["quantity"] = 1_000_001.into()),
        ("payments[0].method: must name", &|b| b["payments"][0]["method"] = "".into()),
        ("receipt: must be", &|b| b["receipt"] = "".into()),
    ];
    for (says, change) in cases {
        let text = refusal(change);
        assert!(text.starts_with(says), "{text}");
    }
}

#[test]
fn an_unknown_field_is_no_silent_loss() {
    let text = refusal(|body| body["lines"][0]["amount"] = 5.into());
    assert!(text.contains("unknown field `amount`"), "{text}");
}
