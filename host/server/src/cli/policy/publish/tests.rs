use super::*;
use crate::{config::Config, host::Opened};
use clap::Parser;
use ledger::{Settings as Tenancy, TenantId, UnixMs};
use std::{fs, path::Path};
use tempfile::TempDir;

/// The commands as they are typed.
#[derive(Debug, Parser)]
struct Typed {
    #[command(subcommand)]
    command: super::super::PolicyCommand,
}

/// A data folder with one tenant, and a policy beside it.
async fn shop() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { data_dir: folder.path().join("data"), ..Config::default() };
    let opened = Opened::open(config).await.expect("opened");
    let tenant = TenantId::new("demo").expect("an id");
    db::tenant::create(&opened.db, &tenant, "Demo", &Tenancy::default(), UnixMs::new(0)).await.expect("made");
    opened.db.close().await;
    policy(folder.path(), "a", 5);
    folder
}

fn policy(folder: &Path, name: &str, points: i64) {
    let path = folder.join(name);
    fs::create_dir_all(&path).expect("made");
    let describe =
        format!(r#"#{{ name: "{name}", params: [#{{ name: "points", kind: "number", initial: {points} }}] }}"#);
    let script = format!(r#"fn describe() {{ {describe} }} fn on_bind(ctx) {{ grant("bind", ctx.params.points); }}"#);
    let cases = format!(
        r#"{{"cases":[{{"name":"binding","event":"bind","expect":{{"effects":[
            {{"rule":"bind","effect":{{"grant_points":{{"amount":{points}}}}}}}]}}}}]}}"#
    );
    fs::write(path.join("policy.rhai"), script).expect("written");
    fs::write(path.join("cases.json"), cases).expect("written");
}

/// Runs a command in the shop; `@name` stands for a policy's folder.
async fn say(shop: &TempDir, line: &str) -> anyhow::Result<String> {
    let in_shop = |word: &str| match word.strip_prefix('@') {
        Some(name) => shop.path().join(name).display().to_string(),
        None => word.to_owned(),
    };
    let data = shop.path().join("data").display().to_string();
    let fixed = ["--tenant".to_owned(), "demo".to_owned(), "--data".to_owned(), data];
    let words = std::iter::once("policy".to_owned()).chain(line.split(' ').map(in_shop)).chain(fixed);
    match Typed::try_parse_from(words)?.command {
        super::super::PolicyCommand::Publish(publish) => publish.run().await,
        super::super::PolicyCommand::List(list) => list.run().await,
        super::super::PolicyCommand::Rollback(rollback) => rollback.run().await,
        super::super::PolicyCommand::Unpublish(unpublish) => unpublish.run().await,
        other => panic!("not about a rulebook: {other:?}"),
    }
    .map(|said| said.text)
}

async fn refused(shop: &TempDir, line: &str) -> String {
    format!("{:#}", say(shop, line).await.expect_err(line))
}

#[tokio::test]
async fn a_policy_is_published_changed_rolled_back_and_taken_out() {
    let shop = shop().await;
    let said = say(&shop, "publish @a").await.expect("published");
    assert!(said.contains("1 case hold") && said.contains("rulebook version 0 → 1"), "{said}");
    let said = say(&shop, "publish @a --params points=7").await.expect("published");
    assert!(said.contains("1 → 2") && said.contains("points=7  other settings"), "{said}");

    policy(shop.path(), "a", 6);
    let said = say(&shop, "publish @a --note better").await.expect("published");
    assert!(said.contains("2 → 3") && said.contains("points=7  another version"), "settings are kept: {said}");
    let said = say(&shop, "publish @a").await.expect("published");
    assert!(said.contains("in force already"), "{said}");

    let said = say(&shop, "rollback --to 1").await.expect("rolled back");
    assert!(said.contains("as in version 1 again") && said.contains("3 → 4"), "{said}");
    let list = say(&shop, "list").await.expect("listed");
    assert!(list.starts_with("rulebook version 4\n") && list.contains("roll back to version 1"), "{list}");
    assert!(list.contains("better") && list.contains("defaults"), "{list}");

    let said = say(&shop, "unpublish a").await.expect("taken out");
    assert!(said.contains("4 → 5") && said.contains("taken out"), "{said}");
    assert!(refused(&shop, "unpublish a").await.contains("a is not in the rulebook"));
    let said = say(&shop, "rollback").await.expect("rolled back");
    assert!(said.contains("as in version 4 again"), "{said}");
}

#[tokio::test]
async fn policies_stand_where_they_are_put() {
    let shop = shop().await;
    policy(shop.path(), "b", 1);
    for line in ["publish @a", "publish @b", "publish @a --as c --position 1"] {
        say(&shop, line).await.expect(line);
    }
    let list = say(&shop, "list").await.expect("listed");
    assert!(list.contains("c, a, b"), "{list}");
    assert!(refused(&shop, "publish @b --position 4").await.contains("it is from 1 to 3"));
    say(&shop, "publish @b --position 1").await.expect("moved");
    assert!(say(&shop, "list").await.expect("listed").contains("b, c, a"));
}

#[tokio::test]
async fn nothing_is_published_unless_every_case_holds() {
    let shop = shop().await;
    let cases = r#"{"cases":[{"name":"wrong","event":"bind","expect":{}}]}"#;
    fs::write(shop.path().join("a/cases.json"), cases).expect("written");
    let why = refused(&shop, "publish @a").await;
    assert!(
        why.contains("1 of 1 case do not hold, so nothing was published") && why.contains("case 1 (wrong)"),
        "{why}"
    );
    fs::remove_file(shop.path().join("a/cases.json")).expect("removed");
    assert!(refused(&shop, "publish @a").await.contains("a policy without cases is not published"));
    assert!(say(&shop, "list").await.expect("listed").contains("no rulebook has been published yet"));
    assert!(refused(&shop, "rollback").await.contains("there is no rulebook before version 0"));
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let shop = shop().await;
    let elsewhere = Kept::try_at(&shop.path().join("nowhere")).await;
    assert!(elsewhere.contains("there is no host's data in"), "{elsewhere}");
    assert!(refused(&shop, "rollback --to 9").await.contains("there is no rulebook version 9"));
    assert!(refused(&shop, "publish @a --params pionts=1").await.contains("no parameter \"pionts\"; it has points"));
}

impl Kept {
    /// Why the data in a folder cannot be opened.
    async fn try_at(data: &Path) -> String {
        #[derive(Debug, Parser)]
        struct Only {
            #[command(flatten)]
            kept: Kept,
        }
        let words = ["x", "--tenant", "demo", "--data"].map(str::to_owned).into_iter();
        let only = Only::try_parse_from(words.chain([data.display().to_string()])).expect("parsed");
        format!("{:#}", only.kept.open().await.err().expect("refused"))
    }
}
