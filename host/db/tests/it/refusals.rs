//! What makes a batch stale. Every test also shows that nothing of the batch was written.

use crate::{build::*, journal::left_of, on_each, whole};
use db::{journal::Written, testing::Scratch};
use ledger::StockUse;

/// The batch is refused as stale, wrote nothing, and the next batch goes through.
async fn stale(scratch: &Scratch, shop: &mut Shop, batch: &[Written]) {
    let count = "select (select count(*) from decision), (select count(*) from member), (select count(*) from voucher),
                 (select count(*) from identity), (select count(*) from stock), (select count(*) from outbox)";
    let before = scratch.told(count).await.unwrap();
    refused(&scratch.db, batch).await;
    assert_eq!(scratch.told(count).await.unwrap(), before);
    shop.rewind(batch.len());
    write(&scratch.db, &[shop.decision("receipt")]).await;
    whole(scratch).await;
}

#[tokio::test]
async fn an_idempotency_key_used_before_is_stale() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let first = shop.decision("receipt");
        write(&scratch.db, std::slice::from_ref(&first)).await;
        let mut amy = Amy::new("amy");
        let mut again = shop.grant(&mut amy, 1);
        again.idempotency_key = first.idempotency_key;
        stale(scratch, &mut shop, &[again]).await;
    })
    .await;
}

#[tokio::test]
async fn the_same_key_of_another_caller_is_not_the_same_key() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let first = shop.decision("receipt");
        let mut other = shop.decision("receipt");
        other.idempotency_key = first.idempotency_key.clone();
        other.principal = "till:2".to_owned();
        write(&scratch.db, &[first, other]).await;
    })
    .await;
}

#[tokio::test]
async fn a_natural_key_used_before_is_stale_even_within_the_batch() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let first = shop.decision("receipt");
        let mut again = shop.decision("receipt");
        again.natural_key = first.natural_key.clone();
        stale(scratch, &mut shop, &[first, again]).await;
    })
    .await;
}

#[tokio::test]
async fn a_decision_of_a_number_taken_is_stale() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        write(&scratch.db, &[shop.decision("receipt")]).await;
        shop.rewind(1);
        let mut again = shop.decision("receipt");
        (again.natural_key, again.idempotency_key) = (None, None);
        refused(&scratch.db, &[again]).await;
        whole(scratch).await;
    })
    .await;
}

#[tokio::test]
async fn a_member_whose_version_moved_is_stale() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let (mut amy, mut bob) = (Amy::new("amy"), Amy::new("bob"));
        write(&scratch.db, &[shop.grant(&mut amy, 10)]).await;
        let mut late = amy.clone();
        write(&scratch.db, &[shop.grant(&mut amy, 10)]).await;
        let batch = [shop.grant(&mut bob, 1), shop.grant(&mut late, 10)];
        stale(scratch, &mut shop, &batch).await;
        let kept = db::audit::members(&scratch.db, &shop.tenant, None, 10).await.unwrap();
        assert_eq!((kept.len(), kept[0].version, &kept[0].state), (1, 2, &amy.state));
    })
    .await;
}

#[tokio::test]
async fn a_new_member_who_is_there_already_is_stale() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        write(&scratch.db, &[shop.grant(&mut Amy::new("amy"), 10)]).await;
        let batch = [shop.grant(&mut Amy::new("amy"), 10)];
        stale(scratch, &mut shop, &batch).await;
    })
    .await;
}

#[tokio::test]
async fn an_identity_somebody_has_is_stale() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let batch = ["amy", "bob"].map(|name| {
            let mut one = shop.grant(&mut Amy::new(name), 1);
            one.new_identities.push(("openid".to_owned(), "o-1".to_owned()));
            one
        });
        stale(scratch, &mut shop, &batch).await;
    })
    .await;
}

#[tokio::test]
async fn a_voucher_code_that_exists_is_stale() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let (mut amy, mut bob) = (Amy::new("amy"), Amy::new("bob"));
        let mut first = shop.grant(&mut amy, 1);
        first.plan.vouchers.push(Shop::voucher(&first, "V1"));
        write(&scratch.db, &[first]).await;
        let mut again = shop.grant(&mut bob, 1);
        again.plan.vouchers.push(Shop::voucher(&again, "V1"));
        stale(scratch, &mut shop, &[again]).await;
    })
    .await;
}

#[tokio::test]
async fn a_changed_voucher_that_is_not_the_member_s_is_stale() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let (mut amy, mut bob) = (Amy::new("amy"), Amy::new("bob"));
        let mut first = shop.grant(&mut amy, 1);
        first.plan.vouchers.push(Shop::voucher(&first, "V1"));
        write(&scratch.db, std::slice::from_ref(&first)).await;
        let mut steal = shop.grant(&mut bob, 1);
        let voucher = ledger::Voucher { member: bob.state.id.clone(), ..first.plan.vouchers[0].clone() };
        steal.plan.vouchers.push(voucher);
        stale(scratch, &mut shop, &[steal]).await;
    })
    .await;
}

#[tokio::test]
async fn settings_changed_in_between_are_stale() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let planned = shop.decision("receipt");
        let settings = ledger::Settings::default();
        assert_eq!(db::tenant::set_settings(&scratch.db, &shop.tenant, &settings, 1).await.unwrap(), 2);
        refused(&scratch.db, std::slice::from_ref(&planned)).await;
        write(&scratch.db, &[Written { config_version_seen: 2, ..planned }]).await;
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_is_not_there_is_stale() {
    on_each(async |scratch| {
        let mut shop = Shop { tenant: tenant("nobody"), head: Shop::open(&scratch.db, "shop").await.head };
        refused(&scratch.db, &[shop.decision("receipt")]).await;
    })
    .await;
}

fn taking(shop: &mut Shop, delta: i64, max: Option<i64>) -> Written {
    let mut one = shop.decision("draw");
    one.plan.stock.push(StockUse { name: "prize".to_owned(), delta, max, since: 0 });
    one
}

#[tokio::test]
async fn a_counter_beyond_its_maximum_is_stale() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        write(&scratch.db, &[taking(&mut shop, 2, Some(3))]).await;
        let batch = [taking(&mut shop, 1, Some(3)), taking(&mut shop, 1, Some(3))];
        stale(scratch, &mut shop, &batch).await;
        write(&scratch.db, &[taking(&mut shop, 1, Some(3))]).await;
        let batch = [taking(&mut shop, -4, Some(3))];
        stale(scratch, &mut shop, &batch).await;
    })
    .await;
}

#[tokio::test]
async fn a_new_counter_beyond_its_maximum_is_stale() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let batch = [taking(&mut shop, 4, Some(3))];
        stale(scratch, &mut shop, &batch).await;
        let batch = [taking(&mut shop, -1, None)];
        stale(scratch, &mut shop, &batch).await;
    })
    .await;
}

#[tokio::test]
async fn giving_back_is_never_refused_by_a_lowered_maximum() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        write(&scratch.db, &[taking(&mut shop, 9, Some(10))]).await;
        write(&scratch.db, &[taking(&mut shop, -1, Some(5))]).await;
        let batch = [taking(&mut shop, 1, Some(5))];
        stale(scratch, &mut shop, &batch).await;
        write(&scratch.db, &[taking(&mut shop, -5, Some(5))]).await;
        let stock = read(&scratch.db, want(&shop.tenant)).await.tenants.remove(&shop.tenant).unwrap().stock;
        assert_eq!(stock["prize"], ledger::Counter { used: 3, max: Some(5), since: 0 });
    })
    .await;
}

#[tokio::test]
async fn of_two_returns_planned_on_the_same_sale_one_is_stale() {
    on_each(async |scratch| {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let sale = shop.decision("receipt");
        let name = sale.natural_key.clone().unwrap();
        write(&scratch.db, std::slice::from_ref(&sale)).await;
        for returns in [1, 2] {
            let mut first = shop.decision("return");
            first.plan.sale = Some((name.clone(), left_of(&sale.decision_id, returns)));
            write(&scratch.db, &[first]).await;
            let mut second = shop.decision("return");
            second.plan.sale = Some((name.clone(), left_of(&sale.decision_id, returns)));
            stale(scratch, &mut shop, &[second]).await;
        }
    })
    .await;
}
