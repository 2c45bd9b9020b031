//! Everything that is not the journal.

use crate::{build::*, on_each, whole};
use db::{
    DbError,
    api_key::ApiKey,
    campaign::CampaignRow,
    outbox,
    policy::{self, PolicyRow, RulebookEntry},
    session::Session,
    snapshot::MemberRef,
    staff::Staff,
    store::{Store, Till},
    wechat_account::WechatAccount,
};
use ledger::{Day, Digest, Fen, MonthDay, Notice, Settings, StoreId, TillId, UnixMs};

const NOW: UnixMs = UnixMs::new(1_000_000);

fn store_id(name: &str) -> StoreId {
    StoreId::new(name).unwrap()
}

pub fn policy(name: &str, digest: &str) -> PolicyRow {
    PolicyRow {
        name: name.to_owned(),
        digest: Digest::new(digest).unwrap(),
        language: "rhai".to_owned(),
        source: b"source".to_vec(),
        artifact: vec![0, 255, 1],
        description: ledger::Description {
            name: name.to_owned(),
            summary: String::new(),
            events: Vec::new(),
            params: Vec::new(),
            stats: Vec::new(),
        },
        created_at: NOW,
        created_by: "amy".to_owned(),
    }
}

#[tokio::test]
async fn tenants_are_listed_in_pages_and_their_settings_change_by_version() {
    on_each(async |scratch| {
        let db = &scratch.db;
        for name in ["a", "b", "c"] {
            db::tenant::create(db, &tenant(name), name, &Settings::default(), NOW).await.unwrap();
        }
        let again = db::tenant::create(db, &tenant("a"), "again", &Settings::default(), NOW).await;
        assert!(matches!(again, Err(DbError::Duplicate)), "{again:?}");
        let page = db::tenant::list(db, Some(&tenant("a")), 1).await.unwrap();
        assert_eq!(page.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), vec!["b"]);

        let changed = Settings { points_per_yuan: 7, ..Settings::default() };
        assert_eq!(db::tenant::set_settings(db, &tenant("b"), &changed, 1).await.unwrap(), 2);
        let late = db::tenant::set_settings(db, &tenant("b"), &Settings::default(), 1).await;
        assert!(matches!(late, Err(DbError::Stale)));
        assert_eq!(db::tenant::get(db, &tenant("b")).await.unwrap().unwrap().settings, changed);
        assert!(matches!(db::tenant::rename(db, &tenant("x"), "x").await, Err(DbError::Missing(_))));
    })
    .await;
}

#[tokio::test]
async fn a_till_needs_its_store_and_both_are_the_tenant_s_own() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let (one, two) = (Shop::open(db, "one").await.tenant, Shop::open(db, "two").await.tenant);
        let store = Store { id: store_id("S1"), name: "西湖".to_owned(), detail: "{}".to_owned(), created_at: NOW };
        let till = Till {
            store: store_id("S1"),
            id: TillId::new("T1").unwrap(),
            name: "1号".to_owned(),
            created_at: NOW,
            created_by: "amy".to_owned(),
        };
        assert!(matches!(db::store::create_till(db, &one, &till).await, Err(DbError::Missing("store"))));
        db::store::create(db, &one, &store).await.unwrap();
        assert!(matches!(db::store::create(db, &one, &store).await, Err(DbError::Duplicate)));
        db::store::create_till(db, &one, &till).await.unwrap();
        assert!(matches!(db::store::create_till(db, &one, &till).await, Err(DbError::Duplicate)));
        assert!(matches!(db::store::create_till(db, &two, &till).await, Err(DbError::Missing("store"))));
        db::store::update(db, &one, &store.id, "东湖", "{\"a\":1}").await.unwrap();
        assert_eq!(db::store::list(db, &one).await.unwrap()[0].name, "东湖");
        assert_eq!(db::store::tills(db, &one).await.unwrap(), vec![till]);
        assert_eq!(db::store::tills(db, &two).await.unwrap(), vec![]);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_found_by_its_id_alone_and_ends_when_revoked() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let key = ApiKey {
            key_id: "tk_1".to_owned(),
            tenant: tenant("shop"),
            store: Some(store_id("S1")),
            till: None,
            label: "前台".to_owned(),
            secret_sealed: vec![0, 1, 255],
            created_at: NOW,
            created_by: "amy".to_owned(),
            revoked_at: None,
        };
        db::api_key::create(db, &key).await.unwrap();
        assert!(matches!(db::api_key::create(db, &key).await, Err(DbError::Duplicate)));
        assert_eq!(db::api_key::find(db, "tk_1").await.unwrap(), Some(key.clone()));
        assert_eq!(db::api_key::find(db, "tk_2").await.unwrap(), None);
        let foreign = db::api_key::revoke(db, &tenant("other"), "tk_1", NOW).await;
        assert!(matches!(foreign, Err(DbError::Missing("key"))));
        db::api_key::revoke(db, &key.tenant, "tk_1", NOW).await.unwrap();
        db::api_key::revoke(db, &key.tenant, "tk_1", NOW.after_ms(5)).await.unwrap();
        assert_eq!(db::api_key::list(db, &key.tenant).await.unwrap()[0].revoked_at, Some(NOW));
    })
    .await;
}

fn session(token: &str, subject: &str) -> Session {
    Session {
        token_hash: token.to_owned(),
        tenant: tenant("shop"),
        kind: "staff".to_owned(),
        subject: subject.to_owned(),
        created_at: NOW,
        expires_at: NOW.after_ms(100),
    }
}

#[tokio::test]
async fn a_session_ends_by_itself_by_signing_out_and_with_its_password() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let amy = Staff {
            login: "amy".to_owned(),
            name: "Amy".to_owned(),
            password_hash: "h1".to_owned(),
            role: "admin".to_owned(),
            created_at: NOW,
            created_by: "bob".to_owned(),
            disabled_at: None,
        };
        db::staff::create(db, &tenant("shop"), &amy).await.unwrap();
        for (token, subject) in [("t1", "amy"), ("t2", "amy"), ("t3", "bob")] {
            db::session::create(db, &session(token, subject)).await.unwrap();
        }
        let alive = async |token: &str, ms| db::session::find(db, token, NOW.after_ms(ms)).await.unwrap().is_some();
        assert!(alive("t1", 99).await && !alive("t1", 100).await);
        db::session::end(db, "t1").await.unwrap();
        assert!(!alive("t1", 0).await && alive("t2", 0).await);
        db::staff::set_password(db, &tenant("shop"), "amy", "h2").await.unwrap();
        assert!(!alive("t2", 0).await && alive("t3", 0).await);
        db::staff::disable(db, &tenant("shop"), "amy", NOW).await.unwrap();
        let stored = db::staff::get(db, &tenant("shop"), "amy").await.unwrap().unwrap();
        assert_eq!((stored.password_hash.as_str(), stored.disabled_at), ("h2", Some(NOW)));
        assert_eq!(db::session::sweep(db, NOW.after_ms(100)).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_appid_belongs_to_one_tenant() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let account = WechatAccount {
            original_id: "gh_1".to_owned(),
            appid: "wx1".to_owned(),
            mode: "secure".to_owned(),
            app_secret_sealed: None,
            token_sealed: Some(vec![1]),
            aes_key_sealed: Some(vec![2, 0]),
            aes_key_previous_sealed: None,
            detail: "{}".to_owned(),
            updated_at: NOW,
            updated_by: "amy".to_owned(),
        };
        db::wechat_account::put(db, &tenant("one"), &account).await.unwrap();
        let changed = WechatAccount { app_secret_sealed: Some(vec![9]), ..account.clone() };
        db::wechat_account::put(db, &tenant("one"), &changed).await.unwrap();
        assert_eq!(db::wechat_account::get(db, &tenant("one")).await.unwrap(), Some(changed));
        let taken = db::wechat_account::put(db, &tenant("two"), &account).await;
        assert!(matches!(taken, Err(DbError::Duplicate)), "{taken:?}");
        assert_eq!(db::wechat_account::tenant_of(db, "wx1").await.unwrap(), Some(tenant("one")));
    })
    .await;
}

#[tokio::test]
async fn the_highest_rulebook_is_in_force_and_old_ones_stay() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let shop = Shop::open(db, "shop").await.tenant;
        let row = policy("standard", "d1");
        policy::insert(db, &shop, &row).await.unwrap();
        policy::insert(db, &shop, &row).await.unwrap();
        let listed = policy::list(db, &shop).await.unwrap();
        assert_eq!((listed.len(), &listed[0].digest), (1, &row.digest));
        assert_eq!(policy::get(db, &shop, &row.name, &row.digest).await.unwrap().unwrap().artifact, row.artifact);
        let entry = |digest: &str| RulebookEntry {
            name: "standard".to_owned(),
            digest: Digest::new(digest).unwrap(),
            params: Default::default(),
        };
        assert_eq!(policy::current_rulebook(db, &shop).await.unwrap(), None);
        assert_eq!(policy::publish(db, &shop, 0, &[entry("d1")], NOW, "amy", "first").await.unwrap(), 1);
        let late = policy::publish(db, &shop, 0, &[], NOW, "bob", "late").await;
        assert!(matches!(late, Err(DbError::Stale)), "{late:?}");
        let unknown = policy::publish(db, &shop, 1, &[entry("d2")], NOW, "amy", "").await;
        assert!(matches!(unknown, Err(DbError::Missing("policy version"))), "{unknown:?}");
        assert_eq!(policy::publish(db, &shop, 1, &[], NOW, "amy", "none").await.unwrap(), 2);
        assert_eq!(policy::current_rulebook(db, &shop).await.unwrap().unwrap().note, "none");
        assert_eq!(policy::rulebook(db, &shop, 1).await.unwrap().unwrap().entries, vec![entry("d1")]);
        assert_eq!(policy::rulebooks(db, &shop, 9).await.unwrap().len(), 2);
        let config = db::tenant::get(db, &shop).await.unwrap().unwrap().config_version;
        assert_eq!(config, 3, "each rulebook moves the configuration, refused ones do not");
    })
    .await;
}

/// Three notices of a topic, from three decisions.
async fn notices(db: &db::Db) -> Shop {
    let mut shop = Shop::open(db, "shop").await;
    let batch = [1, 2, 3].map(|n| {
        let mut one = shop.decision("receipt");
        one.plan.notices.push(Notice { topic: "event".to_owned(), body: serde_json::json!(n), due: None });
        one
    });
    write(db, &batch).await;
    shop
}

#[tokio::test]
async fn a_notice_is_one_taker_s_until_its_lease_ends() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let shop = notices(db).await.tenant;
        let (now, until) = (UnixMs::new(1_800_000_000_000), UnixMs::new(1_800_000_060_000));
        assert_eq!(outbox::tenants_waiting(db).await.unwrap(), vec![shop.clone()]);
        let first = outbox::claim(db, &shop, "event", "a", now, until, 2).await.unwrap();
        let second = outbox::claim(db, &shop, "event", "b", now, until, 9).await.unwrap();
        assert_eq!(outbox::claim(db, &shop, "message", "b", now, until, 9).await.unwrap(), vec![]);
        assert_eq!((first.len(), second.len(), first[0].body.as_str(), first[0].tries), (2, 1, "1", 1));
        outbox::done(db, &shop, &first[0].outbox_id, "a").await.unwrap();
        let again = outbox::done(db, &shop, &first[0].outbox_id, "a").await;
        assert!(matches!(again, Err(DbError::Stale)));
        // The second taker finds what the first left behind, and the first can no longer end it.
        let left = outbox::claim(db, &shop, "event", "c", until, until.after_ms(1), 1).await.unwrap();
        assert_eq!((left[0].outbox_id.as_str(), left[0].tries), (first[1].outbox_id.as_str(), 2));
        let late = outbox::done(db, &shop, &first[1].outbox_id, "a").await;
        assert!(matches!(late, Err(DbError::Stale)));
    })
    .await;
}

#[tokio::test]
async fn a_notice_is_tried_again_put_aside_and_revived() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let shop = notices(db).await.tenant;
        let (now, until) = (UnixMs::new(1_800_000_000_000), UnixMs::new(1_800_000_060_000));
        let all = outbox::claim(db, &shop, "event", "a", now, until, 9).await.unwrap();
        outbox::retry(db, &shop, &all[0].outbox_id, "a", now.after_ms(500), "busy").await.unwrap();
        outbox::dead(db, &shop, &all[1].outbox_id, "a", "gone").await.unwrap();
        outbox::done(db, &shop, &all[2].outbox_id, "a").await.unwrap();
        assert_eq!(outbox::claim(db, &shop, "event", "b", now, until, 9).await.unwrap(), vec![]);
        let again = outbox::claim(db, &shop, "event", "b", now.after_ms(500), until, 9).await.unwrap();
        assert_eq!((again.len(), again[0].last_error.as_deref()), (1, Some("busy")));
        let dead = outbox::dead_letters(db, &shop, None, 9).await.unwrap();
        assert_eq!((dead.len(), dead[0].last_error.as_deref()), (1, Some("gone")));
        outbox::revive(db, &shop, &dead[0].outbox_id, now).await.unwrap();
        assert_eq!(outbox::claim(db, &shop, "event", "c", now, until, 9).await.unwrap().len(), 1);
        assert_eq!(outbox::sweep(db, &shop, 10).await.unwrap(), 1);
        for n in [0, 1] {
            outbox::dead(db, &shop, &all[n].outbox_id, if n == 0 { "b" } else { "c" }, "gone").await.unwrap();
        }
        assert_eq!(outbox::tenants_waiting(db).await.unwrap(), vec![]);
    })
    .await;
}

#[tokio::test]
async fn a_campaign_opens_once_and_shows_its_secret_when_closed() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let shop = Shop::open(db, "shop").await.tenant;
        let row = CampaignRow {
            campaign: "wheel".to_owned(),
            commitment: "c0ffee".to_owned(),
            secret_sealed: vec![7, 0],
            published_odds: "{}".to_owned(),
            opened_at: NOW,
            revealed_secret: None,
            closed_at: None,
        };
        db::campaign::open(db, &shop, &row).await.unwrap();
        assert!(matches!(db::campaign::open(db, &shop, &row).await, Err(DbError::Duplicate)));
        assert_eq!(db::campaign::open_of(db, &shop).await.unwrap(), vec![row]);
        db::campaign::close(db, &shop, "wheel", "5ec7e7", NOW.after_ms(9)).await.unwrap();
        assert!(matches!(db::campaign::close(db, &shop, "wheel", "other", NOW).await, Err(DbError::Stale)));
        let closed = db::campaign::get(db, &shop, "wheel").await.unwrap().unwrap();
        assert_eq!(closed.revealed_secret.as_deref(), Some("5ec7e7"));
        assert_eq!(db::campaign::open_of(db, &shop).await.unwrap(), vec![]);
        let config = db::tenant::get(db, &shop).await.unwrap().unwrap().config_version;
        assert_eq!(config, 3);
    })
    .await;
}

#[tokio::test]
async fn the_first_key_check_value_stays() {
    on_each(async |scratch| {
        assert_eq!(db::platform::key_check(&scratch.db, "one").await.unwrap(), "one");
        assert_eq!(db::platform::key_check(&scratch.db, "two").await.unwrap(), "one");
    })
    .await;
}

#[tokio::test]
async fn the_calendar_finds_birthdays_and_members_due() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let mut batch = Vec::new();
        for (name, birthday, due) in [("a", 3, Some(10)), ("b", 4, Some(12)), ("c", 3, None), ("d", 3, Some(9))] {
            let mut who = Amy::new(name);
            who.state.birthday = Some(MonthDay { month: 2, day: birthday });
            let mut one = shop.grant(&mut who, 1);
            one.next_due_day = due.map(Day::new);
            let mut more = shop.grant(&mut who, 1);
            more.next_due_day = due.map(Day::new);
            batch.extend([one, more]);
        }
        let later = batch.split_off(4);
        write(db, &batch).await;
        write(db, &later).await;
        let names = |ids: Vec<ledger::MemberId>| ids.into_iter().map(String::from).collect::<Vec<_>>();
        let birthdays = db::nightly::birthdays(db, &shop.tenant, "02-03", None, 2).await.unwrap();
        assert_eq!(names(birthdays), vec!["a", "c"]);
        let rest = db::nightly::birthdays(db, &shop.tenant, "02-03", Some(&member_id("c")), 2).await.unwrap();
        assert_eq!(names(rest), vec!["d"]);
        let due = db::nightly::due(db, &shop.tenant, Day::new(10), None, 9).await.unwrap();
        assert_eq!(names(due), vec!["a", "d"]);
    })
    .await;
}

#[tokio::test]
async fn a_member_no_longer_due_is_not_found_by_the_calendar() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let mut amy = Amy::new("amy");
        for due in [Some(Day::new(5)), None] {
            let mut one = shop.grant(&mut amy, 1);
            one.next_due_day = due;
            write(db, &[one]).await;
            let found = db::nightly::due(db, &shop.tenant, Day::new(9), None, 9).await.unwrap();
            assert_eq!(found.len(), usize::from(due.is_some()));
        }
    })
    .await;
}

#[tokio::test]
async fn day_end_adds_up_a_store_s_day_by_till_and_kind() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let mut batch = Vec::new();
        for n in 0..60 {
            let mut one = shop.decision(if n % 5 == 0 { "return" } else { "receipt" });
            one.till = Some(TillId::new(if n % 2 == 0 { "T1" } else { "T2" }).unwrap());
            one.amount = Some(Fen::new(n));
            one.business_day = Some(Day::new(20_000 + i32::try_from(n / 20).unwrap()));
            one.at = UnixMs::new(n * ledger::DAY_MS / 20);
            batch.push(one);
        }
        write(db, &batch).await;
        let day = db::reconcile::day(db, &shop.tenant, Day::new(20_001), UnixMs::new(ledger::DAY_MS)).await.unwrap();
        let told: Vec<_> =
            day.iter().map(|t| (t.till.as_ref().unwrap().as_str(), t.kind.as_str(), t.count, t.amount.get())).collect();
        let sum = |wanted: fn(i64) -> bool| (20..40).filter(|n| wanted(*n)).sum::<i64>();
        assert_eq!(
            told,
            vec![
                ("T1", "receipt", 8, sum(|n| n % 2 == 0 && n % 5 != 0)),
                ("T1", "return", 2, sum(|n| n % 10 == 0)),
                ("T2", "receipt", 8, sum(|n| n % 2 == 1 && n % 5 != 0)),
                ("T2", "return", 2, sum(|n| n % 10 == 5)),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_forgotten_member_keeps_the_ledger_and_loses_the_name() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let mut amy = Amy::new("amy");
        let mut one = shop.grant(&mut amy, 9);
        one.profile_sealed = Some(vec![1, 0, 2]);
        one.new_identities = vec![("phone".to_owned(), "p".to_owned()), ("openid".to_owned(), "o".to_owned())];
        write(db, &[one, shop.grant(&mut amy, 1)]).await;
        let (tenant, id) = (&shop.tenant, &amy.state.id);
        assert_eq!(db::member::profile(db, tenant, id).await.unwrap(), Some(vec![1, 0, 2]));
        assert_eq!(db::member::identities(db, tenant, id).await.unwrap().len(), 2);
        db::member::set_profile(db, tenant, id, &[5]).await.unwrap();
        db::member::forget(db, tenant, id).await.unwrap();
        assert_eq!(db::member::profile(db, tenant, id).await.unwrap(), None);
        let phone = MemberRef::Identity { kind: "phone", index: "p".to_owned() };
        assert_eq!(db::member::find(db, tenant, &phone).await.unwrap(), None);
        assert_eq!(db::member::list(db, tenant, None, 9).await.unwrap()[0].points, 10);
        let nobody = db::member::forget(db, tenant, &member_id("bob")).await;
        assert!(matches!(nobody, Err(DbError::Missing("member"))));
        whole(scratch).await;
    })
    .await;
}

#[tokio::test]
async fn a_decision_is_found_by_its_id_and_in_pages() {
    on_each(async |scratch| {
        let db = &scratch.db;
        let mut shop = Shop::open(db, "shop").await;
        let batch: Vec<_> = (0..5).map(|_| shop.decision("receipt")).collect();
        write(db, &batch).await;
        let row = db::audit::decision(db, &shop.tenant, &batch[2].decision_id).await.unwrap().unwrap();
        assert_eq!(
            (row.record, row.reply, row.hash),
            (batch[2].record.clone(), batch[2].reply.clone(), batch[2].hash.clone())
        );
        assert_eq!((row.amount, row.business_day), (batch[2].amount, batch[2].business_day));
        let page = db::audit::decisions(db, &shop.tenant, Some((STREAM, 2)), 2).await.unwrap();
        assert_eq!(page.iter().map(|row| row.seq).collect::<Vec<_>>(), vec![3, 4]);
        let odd = ledger::DecisionId::new("nonsense").unwrap();
        assert_eq!(db::audit::decision(db, &shop.tenant, &odd).await.unwrap(), None);
    })
    .await;
}
