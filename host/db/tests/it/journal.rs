//! The batch read and the batch write.

use crate::{build::*, on_each};
use db::snapshot::{MemberRef, Want};

#[tokio::test]
async fn what_a_batch_writes_the_next_read_finds() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let mut amy = Amy::new("amy");
        let mut first = shop.grant(&mut amy, 100);
        first.new_identities.push(("phone".to_owned(), "index-of-13800000000".to_owned()));
        first.plan.vouchers.push(Shop::voucher(&first, "V1"));
        let second = shop.grant(&mut amy, 28);
        write(db, &[first.clone(), second.clone()]).await;

        let found = read(db, Want {
            idempotency_key: second.idempotency_key.clone(),
            natural_key: first.natural_key.clone(),
            member: Some(MemberRef::Identity { kind: "phone", index: "index-of-13800000000".to_owned() }),
            sale: first.natural_key.clone(),
            ..want(&shop.tenant)
        })
        .await;

        let one = &found.found[0];
        assert_eq!(one.by_key.as_ref().unwrap().reply, second.reply);
        assert_eq!(one.by_natural.as_ref().unwrap().reply, first.reply);
        let member = one.member.as_ref().unwrap();
        assert_eq!((member.version, &member.state), (2, &amy.state));
        assert_eq!(one.vouchers, first.plan.vouchers);
        assert_eq!(one.sale.as_ref().unwrap().record, first.record);
        let tenant = &found.tenants[&shop.tenant];
        assert_eq!((tenant.config_version, &tenant.head), (1, &shop.head));
    })
    .await;
}
