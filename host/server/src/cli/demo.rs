//! `punchcard demo`: the main job in one command.

use super::data;
use crate::{
    app::App,
    clock::Clock,
    config::Config,
    edge,
    entropy::Entropy,
    host::Opened,
    http, jobs,
    passwords::Passwords,
    replay::{self, Replayed},
    seal::SecretText,
    setup::{ADMIN, Desk, NewAccount, NewKey},
    shipped,
    telemetry::{self, Stopwatch},
    tenants::Tenants,
    verify::{Verdict, verify},
};
use anyhow::{Context as _, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ledger::{Settings, StoreId, TenantId, TillId};
use sandbox::{Baskets, Credential, Import, Summary, Till, counted_nonces};
use serde_json::json;
use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// The demo's merchant.
const TENANT: &str = "demo";
/// Its first store and till.
const STORE: &str = "s1";
const TILL: &str = "t1";
/// Who administers it.
const ADMIN_USER: &str = "admin";
/// Where a demo remembers what it showed, so that it can be started again.
const CREDENTIALS: &str = "demo.json";
/// Baskets in the shipped extract, for the progress bar.
const SHIPPED_BASKETS: u64 = 5_764;

/// Try everything: a host with a demo merchant, a till, a WeChat account and real baskets.
#[derive(Debug, Args)]
pub struct Demo {
    /// Address and port to listen on; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the demo lives. A demo that is there already goes on.
    #[arg(long, default_value = "demo-data")]
    data: PathBuf,
    /// `postgres://…` instead of the embedded database.
    #[arg(long, env = "PUNCHCARD_DATABASE")]
    database: Option<String>,
    /// Print one JSON line when ready, and nothing else.
    #[arg(long)]
    json: bool,
    /// Start without the baskets.
    #[arg(long)]
    no_import: bool,
    /// A file of baskets instead of the shipped two weeks.
    #[arg(long, value_name = "FILE")]
    baskets: Option<PathBuf>,
    /// Stop after the summary instead of serving on.
    #[arg(long)]
    once: bool,
}

#[expect(clippy::print_stdout, reason = "what the command was asked for")]
fn say(line: &str) {
    println!("{line}");
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::start_metrics();
        let config = Config {
            listen: self.listen,
            data_dir: self.data.clone(),
            database: self.database.clone(),
            test_mode: true,
            ..Config::default()
        };
        let opened = Opened::open(config).await?;
        let credentials = credentials(&opened).await?;
        let app = opened.start(Clock::System, "a".to_owned());
        let listener =
            TcpListener::bind(self.listen).await.with_context(|| format!("cannot listen on {}", self.listen))?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = serve(&app, listener);
        let imported = if self.no_import { None } else { Some(self.import(&url, &credentials).await?) };
        if let Some(summary) = imported
            && !self.json
        {
            report(&app, &summary).await?;
        }
        if self.json {
            say(&ready(&url, &credentials).to_string());
        } else {
            greet(&url, &credentials);
        }
        if self.once {
            return Ok(ExitCode::SUCCESS);
        }
        server.await?;
        Ok(ExitCode::SUCCESS)
    }

    async fn import(&self, url: &str, credentials: &Credentials) -> anyhow::Result<Summary> {
        let (baskets, total) = match &self.baskets {
            Some(path) => {
                let count = count(path)?;
                (Baskets::new(open(path)?)?, count)
            }
            None => (Baskets::shipped()?, SHIPPED_BASKETS),
        };
        let bar = if self.json { ProgressBar::hidden() } else { ProgressBar::new(total) };
        bar.set_style(ProgressStyle::with_template("importing receipts {bar:40} {pos}/{len}  {per_sec}  {eta}")?);
        let till = importer(url, credentials)?;
        let options = Import::default();
        let summary = sandbox::import(baskets, &till, &options, |so_far| bar.set_position(so_far.receipts)).await?;
        bar.finish_and_clear();
        ensure!(
            summary.refused == 0,
            "{} receipts were refused, the first: {:?}",
            summary.refused,
            summary.refusals.first()
        );
        Ok(summary)
    }
}

fn open(path: &Path) -> anyhow::Result<fs::File> {
    fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))
}

/// How many baskets a file holds.
fn count(path: &Path) -> anyhow::Result<u64> {
    let mut count = 0;
    for basket in Baskets::new(open(path)?)? {
        basket?;
        count += 1;
    }
    Ok(count)
}

fn serve(app: &App, listener: TcpListener) -> JoinHandle<()> {
    let (app, stop) = (app.clone(), edge::stop_signal());
    tokio::spawn(async move {
        let jobs = jobs::start(app.clone());
        let drained = edge::serve(listener, http::router(app.clone()), &app.config.edge, stop).await;
        jobs.stop().await;
        if let Err(why) = drained {
            tracing::error!(%why, "serving ended badly");
        }
    })
}

/// A till with the demo's import key.
fn importer(url: &str, credentials: &Credentials) -> anyhow::Result<Till> {
    let credential = Credential {
        key: credentials.import.key_id.clone(),
        secret: wechat::Secret::new(credentials.import.secret.as_str().to_owned()),
    };
    let nonces = counted_nonces(&Entropy.hex::<12>()?);
    Ok(Till::new(url, credential, clock(), nonces)?)
}

fn clock() -> sandbox::Clock {
    let began = Clock::System.now().get();
    let running = Stopwatch::start();
    // Anchored once, then monotonic: rates stay right when the wall clock is set meanwhile.
    Arc::new(move || Duration::from_millis(u64::try_from(began).unwrap_or(0)) + running.took())
}

/// What the demo shows, kept beside its data.
#[derive(serde::Serialize, serde::Deserialize)]
struct Credentials {
    password: SecretText,
    till: NewKey,
    import: NewKey,
    token: String,
    aes_key: String,
}

/// Sets the demo up, or reads what an earlier start set up.
async fn credentials(opened: &Opened) -> anyhow::Result<Credentials> {
    let path = opened.config.data_dir.join(CREDENTIALS);
    if path.exists() {
        return serde_json::from_slice(&fs::read(&path)?).with_context(|| format!("cannot read {}", path.display()));
    }
    let dir = &opened.config.data_dir;
    let made = set_up(opened).await.with_context(|| {
        let dir = dir.display();
        format!("the demo cannot be set up in {dir}; if its first start was interrupted, remove {dir} and start again")
    })?;
    keep(&path, &made).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(made)
}

/// Writes beside the file and renames it into place, so that half of it is never read, not even after a power cut.
fn keep(path: &Path, made: &Credentials) -> anyhow::Result<()> {
    let draft = path.with_extension("draft");
    let mut options = fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create(true).truncate(true), 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(&serde_json::to_vec(made)?)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(fs::File::open(dir)?.sync_all()?)
}

async fn set_up(opened: &Opened) -> anyhow::Result<Credentials> {
    let now = Clock::System.now();
    let desk = Desk { db: &opened.db, sealer: &opened.sealer, entropy: Entropy, now, by: "demo" };
    let (tenant, store, till) = (TenantId::new(TENANT)?, StoreId::new(STORE)?, TillId::new(TILL)?);
    let settings = Settings { vouchers_per_receipt: 3, ..Settings::default() };
    desk.tenant(&tenant, "威云演示店", &settings).await?;
    desk.store(&tenant, store.clone(), "演示门店", "{}").await?;
    desk.till(&tenant, store.clone(), till.clone(), "前台").await?;
    shipped::publish(&opened.db, &opened.engine, &tenant, &rulebook(), now, "demo").await?;
    let password = SecretText::new(Entropy.hex::<8>()?);
    let hash = Passwords::new(1, Entropy).hash(password.clone()).await?;
    desk.staff(&tenant, ADMIN_USER, "演示管理员", ADMIN, hash).await?;
    let token = Entropy.hex::<16>()?;
    let aes_key: String = Entropy.hex::<32>()?.chars().take(43).collect();
    let account = NewAccount {
        original_id: "gh_a9e855c33b6b".into(),
        appid: "wxdemo0000000001".into(),
        mode: "secure".into(),
        token: Some(SecretText::new(token.clone())),
        aes_key: Some(SecretText::new(aes_key.clone())),
        app_secret: None,
        settings: crate::setup::AccountDetail::default(),
    };
    desk.account(&tenant, account).await?;
    let (key, import) = (desk.key(&tenant, &store, &till, "demo").await?, desk.import_key(&tenant, "baskets").await?);
    Ok(Credentials { password, till: key, import, token, aes_key })
}

/// The demo's rulebook: the manual's own numbers, weekends double, and tiers by what a member spends in a year.
fn rulebook() -> Vec<(&'static str, shipped::Settings)> {
    let settings = |value: serde_json::Value| serde_json::from_value(value).unwrap_or_default();
    vec![
        ("standard", settings(json!({"recharge_fen": [50_000], "recharge_gift_fen": [5_000]}))),
        ("weekend-double", settings(json!({}))),
        ("birthday", settings(json!({}))),
        ("tiers", settings(json!({"names": ["silver", "gold"], "thresholds": [50_000, 200_000]}))),
        ("lottery", settings(json!({}))),
    ]
}

/// What came of the import, and the proof that it is all there.
#[expect(clippy::float_arithmetic, reason = "a rate for people to read")]
async fn report(app: &App, summary: &Summary) -> anyhow::Result<()> {
    let tenant = TenantId::new(TENANT)?;
    let seconds = summary.took.as_secs_f64().max(0.001);
    let rate = (summary.receipts + summary.members) as f64 / seconds;
    say(&format!(
        "{} receipts of {} members in {seconds:.1} s ({rate:.0} decisions a second): \
         {} points, {} vouchers, {} tier-ups",
        summary.receipts, summary.members, summary.points, summary.vouchers, summary.tier_ups
    ));
    match verify(&app.db, &tenant).await? {
        Verdict::Whole(w) => say(&format!(
            "audit: whole — {} decisions chained, {} entries, {} members' balances rebuilt",
            w.decisions, w.entries, w.members
        )),
        Verdict::Differs(what) => anyhow::bail!("audit: {what}"),
    }
    let timer = Stopwatch::start();
    let mut known = Tenants::new(Arc::clone(&app.sealer));
    let done = replay::all(&app.db, &app.engine, &mut known, &tenant, |_| {}).await?;
    replayed(&done, timer.took())
}

fn replayed(done: &Replayed, took: Duration) -> anyhow::Result<()> {
    if let Some(how) = &done.differs {
        anyhow::bail!("replay: {how}");
    }
    let seconds = took.as_secs_f64();
    say(&format!("replay: {} decisions byte-identical in {seconds:.1} s", done.decisions));
    Ok(())
}

fn ready(url: &str, credentials: &Credentials) -> serde_json::Value {
    json!({
        "url": url,
        "tenant": TENANT,
        "admin": {"user": ADMIN_USER, "password": credentials.password},
        "till": {"store": STORE, "till": TILL, "key": credentials.till.key_id, "secret": credentials.till.secret},
        "import": {"key": credentials.import.key_id, "secret": credentials.import.secret},
        "wechat": {
            "original_id": "gh_a9e855c33b6b",
            "appid": "wxdemo0000000001",
            "token": credentials.token,
            "encoding_aes_key": credentials.aes_key,
            "mode": "secure",
        },
    })
}

fn greet(url: &str, credentials: &Credentials) {
    say(&format!("\nserving on {url}; stop with Ctrl-C. Score a receipt (a signature holds for five minutes):\n"));
    say(&data::signed_curl(url, &credentials.till, Clock::System.now(), &Entropy.hex::<8>().unwrap_or_default()));
    say(&format!("\nadmin: {ADMIN_USER} / {}   metrics: {url}/metrics", credentials.password.as_str()));
}
