//! Non-interference (T1): what a tenant is told and what is written about it does not depend on any other tenant.

use ledger::Settings;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions as _, postgres::PgConnectOptions, sqlite::SqliteConnectOptions};
use std::{collections::BTreeMap, str::FromStr as _, time::Duration};
use tests::{
    http::{AMY, Host, RECEIPTS, Tenant, Till, Told, receipt},
    settings,
};

const BOB: &str = "13911112222";

/// Everything one tenant was told, in order, and everything written about it.
#[derive(Debug, Default)]
struct Seen {
    answers: Vec<String>,
    rows: Vec<String>,
    names: Names,
}

/// What is random gets the number of its first appearance, so that two runs can be compared.
#[derive(Debug, Default)]
struct Names(Vec<String>);

impl Names {
    /// The text with members, vouchers and decisions by number; digests, keys and sealed bytes are only said to be there.
    fn in_place(&mut self, text: &str, learns: bool) -> String {
        // Which lane decides hangs on random names of members.
        let text = text.replace("a.two-", "a-two-");
        let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words.map(|word| self.word(word, learns)).collect()
    }

    fn word(&mut self, word: &str, learns: bool) -> String {
        let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(word.len());
        let (name, rest) = word.split_at(end);
        // PostgreSQL begins bytes with an x.
        let digits = name.strip_prefix('x').unwrap_or(name);
        if digits.len() >= 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return format!("<hex>{rest}");
        }
        let is_uuid = name.len() == 36 && name.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
        let is_code = name.len() == 18 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let number = name.strip_prefix("a-").map(|rest| rest.strip_prefix("two-").unwrap_or(rest));
        let is_decision = number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        if !is_uuid && !is_code && !is_decision {
            return word.to_owned();
        }
        let known = self.0.iter().position(|known| known == name);
        if known.is_none() && learns {
            self.0.push(name.to_owned());
        }
        let number = known.or(learns.then(|| self.0.len() - 1));
        number.map_or(format!("<stranger>{rest}"), |number| format!("<{number}>{rest}"))
    }
}

impl Seen {
    fn told(&mut self, told: &Told) -> Value {
        let text = format!("{} {} {}", told.status, told.is_replayed(), told.text());
        let named = self.names.in_place(&text, true);
        self.answers.push(named);
        told.json()
    }
}

/// A day at a till: members, receipts, a quote, returns, stored value. `extra` fen are on one receipt.
async fn day(till: &Till, extra: i64) -> Seen {
    let mut seen = Seen::default();
    sell(till, extra, &mut seen).await;
    let quoted = till.post("/api/v1/pos/quotes", "q-1", &receipt("R-4", &[20_000])).await;
    let quote = seen.told(&quoted)["decision_id"].clone();
    let cancel = format!("/api/v1/pos/quotes/{}/cancel", quote.as_str().expect("an id"));
    seen.told(&till.post(&cancel, "c-1", &json!({})).await);
    seen.told(&till.take_back("R-2", &json!({"return_id": "B-1", "lines": [{"line": 1}]})).await);
    seen.told(&till.take_back("R-1", &json!({"return_id": "B-2"})).await);
    let recharge = json!({"recharge_id": "C-1", "member": {"phone": BOB}, "amount_fen": 50_000});
    seen.told(&till.post("/api/v1/pos/recharges", "r-1", &recharge).await);
    for path in [format!("{RECEIPTS}/R-2"), format!("{RECEIPTS}/R-9"), "/api/v1/pos/day-end?day=2026-03-02".into()] {
        seen.told(&till.get(&path).await);
    }
    for phone in [AMY, BOB, "13900000000"] {
        seen.told(&till.ask("/api/v1/pos/members/lookup", &json!({"phone": phone})).await);
    }
    seen
}

async fn sell(till: &Till, extra: i64, seen: &mut Seen) {
    let mut code = json!(null);
    for phone in [AMY, BOB, AMY] {
        let told = till.post("/api/v1/pos/members", &format!("join-{phone}"), &json!({"phone": phone})).await;
        code = seen.told(&told)["vouchers"][0]["code"].clone();
    }
    for (number, fen) in [("R-1", 12_800), ("R-2", 60_000 + extra), ("R-3", 9_999), ("R-1", 12_800)] {
        let mut sale = receipt(number, &[fen, 50]);
        (sale["vouchers"], sale["redeem_points"]) = (json!([code]), json!(10));
        seen.told(&till.sell(&sale).await);
    }
}

async fn tenant(host: &Host, id: &str) -> Tenant {
    let tiers = json!({"names": ["silver"], "thresholds": [50_000], "downgrade": "never", "valid_days": 0});
    let policies = [("standard", BTreeMap::new()), ("weekend-double", BTreeMap::new()), ("tiers", settings(tiers))];
    host.tenant(id, &policies, &Settings::default()).await
}

/// Another tenant's traffic, with the same ids everywhere: the same day first, then receipts without end.
async fn noise(till: Till) {
    day(&till, 7).await;
    for number in 0_u64.. {
        till.sell(&receipt(&format!("R-{number}"), &[31_337])).await;
    }
}

/// Tenant `acme`'s day, alone or beside another tenant's.
async fn run(is_alone: bool, extra: i64) -> Seen {
    let host = Host::open().await;
    let acme = tenant(&host, "acme").await;
    let other = if is_alone { None } else { Some(tenant(&host, "demo").await) };
    let noise: Vec<_> =
        other.iter().flat_map(|other| [0; 3].map(|_| tokio::spawn(noise(other.till.clone())))).collect();
    if !is_alone {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut seen = day(&acme.till, extra).await;
    let busy = noise.iter().filter(|noise| !noise.is_finished()).count();
    assert_eq!(busy, noise.len(), "the other tenant was there all the time");
    noise.iter().for_each(tokio::task::JoinHandle::abort);
    let rows = rows(&host.scratch.url, "acme").await.expect("rows");
    seen.rows = rows.iter().map(|row| seen.names.in_place(row, false)).collect();
    seen.rows.sort_unstable();
    seen
}

/// The columns that hold the place of decisions in their chains, which hangs on the lanes.
const PLACES: &str = "'stream', 'seq', 'before_stream', 'before_seq', 'last_stream', 'last_seq'";

/// Every row of every table that has the tenant's name in it, without [`PLACES`].
async fn rows(url: &str, tenant: &str) -> sqlx::Result<Vec<String>> {
    if url.starts_with("sqlite:") { rows_of_sqlite(url, tenant).await } else { rows_of_postgres(url, tenant).await }
}

async fn rows_of_sqlite(url: &str, tenant: &str) -> sqlx::Result<Vec<String>> {
    let mut connection = SqliteConnectOptions::from_str(url)?.connect().await?;
    let tables = format!(
        "select m.name, group_concat('quote(' || p.name || ')', ' || '','' || ') from sqlite_master m
         join pragma_table_info(m.name) p where p.name not in ({PLACES})
         group by m.name having sum(p.name = 'tenant_id') > 0 order by m.name"
    );
    let tables: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(tables)).fetch_all(&mut connection).await?;
    let mut rows: Vec<String> = Vec::new();
    for (table, columns) in tables {
        let sql = format!("select '{table}: ' || {columns} from {table} where tenant_id = $1");
        rows.extend(sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).bind(tenant).fetch_all(&mut connection).await?);
    }
    Ok(rows)
}

async fn rows_of_postgres(url: &str, tenant: &str) -> sqlx::Result<Vec<String>> {
    let mut connection = PgConnectOptions::from_str(url)?.connect().await?;
    let tables = "select table_name::text from information_schema.columns
        where column_name = 'tenant_id' and table_schema = current_schema() order by table_name";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await?;
    let mut rows: Vec<String> = Vec::new();
    for table in tables {
        let sql =
            format!("select '{table}: ' || (to_jsonb(t) - array[{PLACES}])::text from {table} t where tenant_id = $1");
        rows.extend(sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).bind(tenant).fetch_all(&mut connection).await?);
    }
    Ok(rows)
}

/// The first lines that differ; absent if none do.
fn difference(a: &[String], b: &[String]) -> Option<(String, String)> {
    let at = a.iter().zip(b).position(|(a, b)| a != b).or((a.len() != b.len()).then(|| a.len().min(b.len())))?;
    Some((a.get(at).cloned().unwrap_or_default(), b.get(at).cloned().unwrap_or_default()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tenant_sees_and_keeps_is_the_same_whatever_another_tenant_does() {
    let (alone, beside) = (run(true, 0).await, run(false, 0).await);
    assert_eq!(difference(&alone.answers, &beside.answers), None);
    assert_eq!(difference(&alone.rows, &beside.rows), None);
    let tables = ["member: ", "decision: ", "voucher: ", "sale_left: ", "identity: ", "entry: "];
    for table in tables {
        assert!(alone.rows.iter().any(|row| row.starts_with(table)), "no row of {table}");
    }
    assert_eq!(alone.answers.len(), 18);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_comparison_notices_a_single_fen() {
    let (one, other) = (run(true, 0).await, run(true, 1).await);
    assert!(difference(&one.answers, &other.answers).is_some());
    let (before, after) = difference(&one.rows, &other.rows).expect("a row");
    assert_ne!(before, after);
    assert_eq!(difference(&one.rows, &run(true, 0).await.rows), None, "and nothing where there is nothing");
}
