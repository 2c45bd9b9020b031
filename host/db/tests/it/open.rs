//! Opening, migrating, checking, copying, closing.

use crate::{build::*, on_each, whole};
use db::{Db, DbError, testing::Scratch};

fn unfit<T: std::fmt::Debug>(found: Result<T, DbError>, says: &str) {
    match found {
        Err(DbError::Unfit(why)) => assert!(why.contains(says), "{why}"),
        other => panic!("{says}: {other:?}"),
    }
}

#[tokio::test]
async fn a_database_opened_again_has_everything() {
    for scratch in Scratch::each().await.unwrap() {
        let mut shop = Shop::open(&scratch.db, "shop").await;
        let mut amy = Amy::new("amy");
        let one = shop.grant(&mut amy, 100);
        write(&scratch.db, std::slice::from_ref(&one)).await;

        let scratch = scratch.reopen().await.unwrap();

        let want = db::snapshot::Want { natural_key: one.natural_key, ..want_member(&shop.tenant, &amy.state.id) };
        let found = read(&scratch.db, want).await;
        assert_eq!(found.found[0].member.as_ref().unwrap().state, amy.state);
        assert_eq!(found.found[0].by_natural.as_ref().unwrap().reply, one.reply);
        assert_eq!(found.tenants[&shop.tenant].head, shop.head);
        write(&scratch.db, &[shop.grant(&mut amy, 1)]).await;
        whole(&scratch).await;
    }
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    on_each(async |scratch| {
        let shop = Shop::open(&scratch.db, "shop").await;
        let schema = scratch.db.schema().await.unwrap();
        assert_eq!(schema.applied, schema.known);
        assert_eq!(scratch.db.migrate().await.unwrap(), schema.known);
        assert_eq!(db::tenant::get(&scratch.db, &shop.tenant).await.unwrap().unwrap().name, "shop");
    })
    .await;
}

#[tokio::test]
async fn a_schema_that_is_not_ours_is_refused() {
    on_each(async |scratch| {
        let next = "insert into schema_version (version, name, digest) values (99, 'later', '')";
        scratch.sql(next).await.unwrap();
        unfit(scratch.db.migrate().await, "too new");
        scratch.sql("delete from schema_version where version = 99").await.unwrap();
        scratch.sql("update schema_version set digest = 'other' where version = 1").await.unwrap();
        unfit(scratch.db.schema().await, "not the one released");
        scratch.sql("delete from schema_version").await.unwrap();
        unfit(scratch.db.schema().await, "is needed");
        scratch.sql("drop table schema_version").await.unwrap();
        unfit(scratch.db.schema().await, "not there");
    })
    .await;
}

#[tokio::test]
async fn the_next_release_s_schema_is_served() {
    on_each(async |scratch| {
        let next = "insert into schema_version (version, name, digest) values (3, 'next', '')";
        scratch.sql(next).await.unwrap();
        assert_eq!(scratch.db.schema().await.unwrap().applied, 3);
    })
    .await;
}

#[tokio::test]
async fn a_healthy_database_says_what_it_stands_on() {
    on_each(async |scratch| {
        let health = scratch.db.check().await.unwrap();
        assert!(health.fit, "{health:?}");
        let expected = match scratch.db.kind() {
            db::Kind::Sqlite => ["synchronous: 2", "journal_mode: wal", "quick_check: ok", "schema: 2 of 2"],
            db::Kind::Postgres => ["synchronous_commit: on", "fsync: on", "full_page_writes: on", "schema: 2 of 2"],
        };
        for line in expected {
            assert!(health.lines.iter().any(|have| have == line), "{line}: {health:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn settings_that_could_lose_a_commit_make_it_unfit() {
    let scratch = Scratch::sqlite().await.unwrap();
    for (spoil, says) in [
        ("pragma synchronous = normal", "synchronous"),
        ("pragma foreign_keys = off", "foreign_keys"),
        ("pragma trusted_schema = on", "trusted_schema"),
        ("pragma locking_mode = exclusive", "locking_mode"),
    ] {
        scratch.sql(spoil).await.unwrap();
        let health = scratch.db.check().await.unwrap();
        assert!(!health.fit && health.lines[0].contains(says), "{health:?}");
        scratch.sql("pragma synchronous = full; pragma foreign_keys = on").await.unwrap();
        scratch.sql("pragma trusted_schema = off; pragma locking_mode = normal").await.unwrap();
    }
    assert!(scratch.db.check().await.unwrap().fit);
}

#[tokio::test]
async fn a_second_host_cannot_open_the_same_file() {
    let scratch = Scratch::sqlite().await.unwrap();
    unfit(Db::open(&scratch.url).await, "another host");
    scratch.db.close().await;
    Db::open(&scratch.url).await.unwrap();
}

#[tokio::test]
async fn an_address_of_no_kind_is_refused_without_repeating_it() {
    unfit(Db::open("mysql://user:secret@host/db").await, "begins with sqlite: or postgres://");
    let error = Db::open("postgres://user:secret@host:notaport/db").await.unwrap_err().to_string();
    assert!(!error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_backup_is_a_whole_database() {
    let scratch = Scratch::sqlite().await.unwrap();
    let mut shop = Shop::open(&scratch.db, "shop").await;
    write(&scratch.db, &[shop.grant(&mut Amy::new("amy"), 100)]).await;
    let to = scratch.file().unwrap().with_file_name("copy.db");

    db::backup::write(&scratch.db, &to).await.unwrap();

    assert!(matches!(db::backup::write(&scratch.db, &to).await, Err(DbError::Duplicate)));
    let copy = Db::open(&format!("sqlite:{}", to.display())).await.unwrap();
    assert!(copy.check().await.unwrap().fit);
    assert_eq!(db::audit::oracle(&copy).await.unwrap(), vec![]);
    assert_eq!(read(&copy, want(&shop.tenant)).await.tenants[&shop.tenant].head, shop.head);
}

#[tokio::test]
async fn a_backup_of_postgres_is_pg_dump_s_work() {
    let Some(scratch) = Scratch::postgres().await.unwrap() else { return };
    unfit(db::backup::write(&scratch.db, std::path::Path::new("copy")).await, "pg_dump");
}

#[tokio::test]
async fn a_full_disk_refuses_the_batch_and_reads_go_on() {
    let scratch = Scratch::sqlite().await.unwrap();
    let mut shop = Shop::open(&scratch.db, "shop").await;
    scratch.sql("pragma max_page_count = 1").await.unwrap();
    let mut one = shop.decision("receipt");
    one.record = "x".repeat(100_000);
    let outcome = commit(&scratch.db, std::slice::from_ref(&one)).await;
    assert!(matches!(outcome, db::journal::CommitOutcome::Failed(DbError::StorageFull)), "{outcome:?}");
    assert_eq!(read(&scratch.db, want(&shop.tenant)).await.tenants[&shop.tenant].head.seq, 0);
    scratch.sql("pragma max_page_count = 100000").await.unwrap();
    write(&scratch.db, &[one]).await;
}
