//! The path from an act to its durable answer.

use ledger::{Fen, Line, Points, Receipt};
use punchcard::verify::{Verdict, verify};
use tests::TestApp;

fn receipt(number: &str, fen: i64) -> Receipt {
    let line = Line { sku: "1".into(), quantity_milli: 1_000, amount: Fen::new(fen), ..Line::default() };
    Receipt { receipt: number.into(), lines: vec![line], total: Fen::new(fen), ..Receipt::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_sent_twice_accrues_once() {
    let app = TestApp::start().await;
    let amy = app.member("amy").await;
    let asked = app.receipt(&receipt("R-1", 12_800), &amy);

    let (first, _) = app.ask(asked.clone()).await.expect("accepted");
    let (_, again) = app.ask(asked).await.expect("replayed");

    assert_eq!(first.points.earned, Points::new(128));
    assert!(again.replayed);
    assert_eq!(serde_json::to_vec(&first).expect("JSON"), again.body);
    // 30 points came with the registration.
    assert_eq!(app.state(&amy).await.spendable(ledger::Day::new(i32::MAX)), Points::new(158));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_tills_on_one_member_are_all_accepted_in_order() {
    let app = TestApp::start().await;
    let amy = app.member("amy").await;
    let asks = (0..64).map(|n| app.ask(app.receipt(&receipt(&format!("R-{n}"), 1_000), &amy)));

    let answers = futures_join(asks).await;

    let balances: Vec<i64> = answers.into_iter().map(|a| a.expect("accepted").0.points.balance.get()).collect();
    assert_eq!(balances, (1..=64).map(|n| 30 + 10 * n).collect::<Vec<_>>());
    let verdict = verify(&app.scratch.db, &app.tenant).await.expect("readable");
    assert!(matches!(verdict, Verdict::Whole(w) if w.decisions == 65), "{verdict:?}");
    assert_eq!(db::audit::oracle(&app.scratch.db).await.expect("readable"), vec![]);
}

/// Polls all at once, in order.
async fn futures_join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (future, output) in &mut waiting {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(done) => *output = Some(done),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, output)| output).collect()
}
