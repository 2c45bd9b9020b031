//! Writes receipts into a SQLite file and says of each when it is answered. Its system calls are traced by the
//! power-cut test: `writer FILE ACKS COUNT full|normal`.

use anyhow::{Context as _, bail};
use db::{Db, snapshot::MemberRef};
use ledger::{
    Act, Checkout, Event, Fen, Join, Line, MemberId, Receipt, Settings, StoreId, TenantId, TillId, sha256_hex,
};
use punchcard::{
    app::App,
    apply::{Asked, apply_event},
    clock::Clock,
    shipped,
};
use std::{collections::BTreeMap, fs::File, io::Write as _};
use tests::{NOON, faults::TENANT, host};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, acks, count, mode] = args.as_slice() else { bail!("writer FILE ACKS COUNT full|normal") };
    let db = Db::open(&format!("sqlite:{file}")).await?;
    db.migrate().await?;
    match mode.as_str() {
        "full" => {}
        "normal" => db::testing::without_sync(&db).await?,
        other => bail!("{other} is neither full nor normal"),
    }
    let app = host(&db, &Clock::manual(NOON), "a");
    let tenant = TenantId::new(TENANT)?;
    db::tenant::create(&db, &tenant, "Tenant", &Settings::default(), NOON).await?;
    shipped::publish(&db, &app.engine, &tenant, &[("standard", BTreeMap::new())], NOON, "test").await?;
    let amy = MemberId::new("amy")?;
    let join = Join { member: amy.clone(), event: Event::Register, birthday: None, referrer: None };
    ask(&app, &tenant, &amy, "join", Act::Join(join)).await?;
    let mut acks = File::create(acks)?;
    for n in 0..count.parse::<i64>().context("how many")? {
        let key = format!("k-{n}");
        let reply = ask(&app, &tenant, &amy, &key, Act::Receipt(receipt(n))).await?;
        acks.write_all(format!("{key} {}\n", sha256_hex(&reply)).as_bytes())?;
    }
    Ok(())
}

fn receipt(n: i64) -> Checkout {
    let amount = Fen::new(1_000 + n);
    let line = Line { sku: "1".into(), quantity_milli: 1_000, amount, ..Line::default() };
    let receipt = Receipt { receipt: format!("R-{n}"), lines: vec![line], total: amount, ..Receipt::default() };
    Checkout { receipt, ..Checkout::default() }
}

async fn ask(app: &App, tenant: &TenantId, member: &MemberId, key: &str, act: Act) -> anyhow::Result<Vec<u8>> {
    let asked = Asked {
        tenant: tenant.clone(),
        principal: "till:k1".to_owned(),
        idempotency_key: key.to_owned(),
        input_hash: sha256_hex(key.as_bytes()),
        natural_key: Some(format!("receipt/s1/t1/{key}")),
        store: StoreId::new("s1").ok(),
        till: TillId::new("t1").ok(),
        business_at: NOON,
        member: Some(MemberRef::Id(member.clone())),
        sale: None,
        identities: Vec::new(),
        profile_sealed: None,
        act,
    };
    Ok(apply_event(app, asked).await?.body)
}
