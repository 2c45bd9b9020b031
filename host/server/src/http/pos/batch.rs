//! Many receipts at once, from tills that were without a line: item by item, in their order.

use super::checkout::ReceiptBody;
use crate::{
    apply::Replied,
    error::{ApiError, Problem},
    http::{
        Front, ask,
        body::parse,
        caller::{Call, JsonCall, check_key},
    },
    pay_code::Use,
};
use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

/// Receipts that are final, each with its own idempotency key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchBody {
    items: Vec<Box<RawValue>>,
}

/// What became of each, in their order.
#[derive(Serialize)]
pub(super) struct Results {
    accepted: usize,
    refused: usize,
    items: Vec<ItemResult>,
}

/// What became of one.
#[derive(Serialize)]
struct ItemResult {
    /// Its place in the batch, counted from 0.
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    /// The status it would have had alone.
    status: u16,
    replayed: bool,
    /// The answer it would have had alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
    /// Or why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// An item on its way.
struct Item {
    key: Option<String>,
    settled: Result<Replied, ApiError>,
}

/// `POST /api/v1/pos/receipts/batch`: one bad item never blocks the others.
pub(super) async fn batch(
    State(front): State<Arc<Front>>,
    JsonCall(call): JsonCall,
) -> Result<Json<Results>, ApiError> {
    let body: BatchBody = parse(&call.body)?;
    let max = front.app.config.pos.batch_receipts_max;
    if body.items.is_empty() || body.items.len() > max {
        let text = format!("has {}; send 1 to {max} receipts at a time", body.items.len());
        return Err(ApiError::invalid("items", text));
    }
    let running = body.items.iter().map(|raw| Box::pin(item(&front, &call, raw)) as Running<'_, Item>);
    let settled = all(running.collect()).await;
    let items: Vec<ItemResult> = settled.into_iter().enumerate().map(|(index, item)| item.result(index)).collect();
    let accepted = items.iter().filter(|item| item.body.is_some()).count();
    Ok(Json(Results { accepted, refused: items.len() - accepted, items }))
}

async fn item(front: &Front, call: &Call, raw: &RawValue) -> Item {
    let body: ReceiptBody = match parse(raw.get().as_bytes()) {
        Ok(body) => body,
        Err(error) => return Item { key: None, settled: Err(error) },
    };
    let key = body.idempotency_key.clone();
    let settled = settled(front, call, body).await;
    Item { key, settled }
}

async fn settled(front: &Front, call: &Call, body: ReceiptBody) -> Result<Replied, ApiError> {
    let key = body.idempotency_key.clone().unwrap_or_default();
    check_key(&key).ok_or_else(|| ApiError::invalid("idempotency_key", "must have 1 to 255 printable characters"))?;
    let asker = call.asker(key);
    let checked = body.checked(front, &asker, Use::Spend(&asker.key))?;
    let asked = checked.confirmed(front, &asker)?;
    ask(&front.app, asked).await.map_err(|error| checked.refused(front, &asker, error))
}

impl Item {
    fn result(self, index: usize) -> ItemResult {
        let answered = self.settled.and_then(|replied| {
            let text = String::from_utf8(replied.body).map_err(ApiError::internal)?;
            let answer = RawValue::from_string(text).map_err(ApiError::internal)?;
            Ok((replied.status, replied.replayed, answer))
        });
        match answered {
            Ok((status, replayed, answer)) => {
                ItemResult { index, idempotency_key: self.key, status, replayed, body: Some(answer), problem: None }
            }
            Err(error) => ItemResult {
                index,
                idempotency_key: self.key,
                status: error.status().as_u16(),
                replayed: false,
                body: None,
                problem: Some(error.problem()),
            },
        }
    }
}

/// Work on its way.
type Running<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs all at once, begun in their order: they enter the ledger's queue one behind the other and share its
/// commits.
async fn all<T: Unpin>(mut running: Vec<Running<'_, T>>) -> Vec<T> {
    let mut done: Vec<Option<T>> = running.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (work, output) in running.iter_mut().zip(&mut done) {
            if output.is_none()
                && let Poll::Ready(ready) = work.as_mut().poll(cx)
            {
                *output = Some(ready);
            }
        }
        if done.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Mutex, time::Duration};

    #[tokio::test]
    async fn all_begin_in_order_and_answer_in_order() {
        let begun = Mutex::new(Vec::new());
        let begun = &begun;
        let running = [30_u64, 10, 20].into_iter().map(|ms| {
            Box::pin(async move {
                begun.lock().expect("no panic").push(ms);
                tokio::time::sleep(Duration::from_millis(ms)).await;
                ms
            }) as Running<'_, u64>
        });
        assert_eq!(all(running.collect()).await, [30, 10, 20]);
        assert_eq!(*begun.lock().expect("no panic"), [30, 10, 20]);
    }
}
