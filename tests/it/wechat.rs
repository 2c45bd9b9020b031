//! WeChat's callbacks through the real door (I6): each push acts once and is answered at once.

use db::snapshot::MemberRef;
use ledger::DAY_MS;
use punchcard::{config::Config, seal::IdentityKind};
use serde_json::json;
use std::time::{Duration, Instant};
use tests::{
    callback::{FOLLOWER, WeChat},
    http::{Host, Tenant},
};

const MODES: [&str; 3] = ["plain", "compatible", "secure"];
/// What we promise; WeChat itself waits five times as long.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Gives points for scanning one code, and takes its time over sign-ins.
const SCRIPT: &str = r#"
fn describe() { #{ name: "scan", summary: "" } }
fn on_custom(ctx, name, data) { if name == "scan" { grant("scan", 5); } }
fn on_sign_in(ctx) { let sum = 0; for n in 0..3000 { sum += n; } }
"#;

struct Scene {
    host: Host,
    tenant: Tenant,
    wechat: WeChat,
}

async fn scene_with(mode: &'static str, config: Config) -> Scene {
    let host = Host::with(config).await;
    let tenant = host.demo().await;
    let settings = json!({"words": ["积分"], "welcome": "欢迎光临"});
    let wechat = WeChat::connect(&tenant.admin().await, &host.web, &host.clock, mode, settings).await;
    Scene { host, tenant, wechat }
}

async fn scene(mode: &'static str) -> Scene {
    scene_with(mode, Config::default()).await
}

impl Scene {
    /// The follower's points; absent if they are no member.
    async fn points(&self) -> Option<i64> {
        let index = self.host.app.sealer.index(&self.tenant.id, IdentityKind::OpenId, FOLLOWER);
        let who = MemberRef::Identity { kind: IdentityKind::OpenId.as_str(), index };
        let found = db::member::find(&self.host.app.db, &self.tenant.id, &who).await.expect("readable");
        found.map(|member| member.state.accounts.points.balance)
    }

    async fn decisions(&self) -> usize {
        db::audit::decisions(&self.host.app.db, &self.tenant.id, None, 100).await.expect("readable").len()
    }

    /// Pushes, and gives what the follower reads.
    async fn says(&self, fields: &str) -> Option<String> {
        let told = self.wechat.push(fields).await;
        assert_eq!(told.status, 200, "{}", told.text());
        self.wechat.read(&told)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_is_verified_in_every_mode() {
    for mode in MODES {
        let scene = scene(mode).await;
        let told = scene.wechat.verify("5819<b>&4").await;
        assert_eq!((told.status, told.text().as_str()), (200, "5819<b>&4"), "{mode}");
        assert!(told.header("Content-Type").starts_with("text/plain"), "as HTML it would run");
        let forger = WeChat { token: "another".to_owned(), ..scene.wechat.clone() };
        let told = forger.verify("5819").await;
        assert_eq!((told.status, told.body.len()), (403, 0), "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_becomes_a_member_and_signs_in_once_a_day() {
    for mode in MODES {
        let scene = scene(mode).await;
        let wechat = &scene.wechat;
        assert_eq!(scene.says(&wechat.event("subscribe", "")).await.as_deref(), Some("欢迎光临"), "{mode}");
        assert_eq!(scene.points().await, Some(0), "{mode}");
        let signed_in = "签到成功，获得 12 积分\n可用积分 12";
        assert_eq!(scene.says(&wechat.text(1, " 签到 ")).await.as_deref(), Some(signed_in), "{mode}");
        let already = "今天已经签到过了，明天再来吧";
        assert_eq!(scene.says(&wechat.event("CLICK", "签到")).await.as_deref(), Some(already), "{mode}");
        scene.host.later(DAY_MS);
        let next_day = "签到成功，获得 12 积分\n可用积分 24";
        assert_eq!(scene.says(&wechat.event("CLICK", "签到")).await.as_deref(), Some(next_day), "{mode}");
        assert_eq!(scene.points().await, Some(24), "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_followed_before_we_were_there_becomes_a_member_by_signing_in() {
    let scene = scene("secure").await;
    let said = scene.says(&scene.wechat.text(1, "签到")).await;
    assert_eq!(said.as_deref(), Some("签到成功，获得 12 积分\n可用积分 12"));
    assert_eq!(scene.points().await, Some(12));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_push_three_times_has_one_effect_and_three_answers() {
    let scene = scene("secure").await;
    let (follow, word) = (scene.wechat.event("subscribe", "qrscene_7"), scene.wechat.text(7, "签到"));
    for push in [&follow, &word] {
        let first = scene.says(push).await;
        assert!(first.is_some());
        for _ in 0..2 {
            assert_eq!(scene.says(push).await, first);
        }
    }
    assert_eq!((scene.points().await, scene.decisions().await), (Some(12), 2));
    let at_once = tokio::join!(scene.says(&word), scene.says(&word), scene.says(&word));
    assert!(at_once.0.is_some() && at_once.0 == at_once.1 && at_once.1 == at_once.2);
    assert_eq!((scene.points().await, scene.decisions().await), (Some(12), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_scored_and_unfollowing_keeps_the_points() {
    let scene = scene("secure").await;
    scene.tenant.add_script(SCRIPT, 1).await;
    let wechat = &scene.wechat;
    scene.says(&wechat.event("subscribe", "")).await;
    assert_eq!(scene.says(&wechat.event("SCAN", "7")).await.as_deref(), Some("积分 +5"));
    assert_eq!(scene.says(&wechat.event("unsubscribe", "")).await, None, "nobody is there to read");
    assert_eq!(scene.points().await, Some(5));
    scene.host.later(1_000);
    scene.says(&wechat.event("subscribe", "")).await;
    assert_eq!(scene.points().await, Some(5), "whoever comes back finds their points");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_followers_write_is_not_kept_unless_it_was_listed() {
    let scene = scene("secure").await;
    scene.says(&scene.wechat.event("subscribe", "")).await;
    let before = scene.decisions().await;
    assert_eq!(scene.says(&scene.wechat.text(1, "我的电话是 13812341234")).await, None);
    assert_eq!(scene.decisions().await, before);
    assert_eq!(scene.says(&scene.wechat.text(2, "积分")).await, None, "no policy answers it");
    assert_eq!(scene.decisions().await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_push_is_refused_without_a_word_and_without_effect() {
    let scene = scene("secure").await;
    let (real, message) = (scene.wechat.clone(), scene.wechat.event("subscribe", ""));
    let other_key = "zYxWvUtSrQpOnMlKjIhGfEdCbA9876543210abcdefg".to_owned();
    let early = punchcard::clock::Clock::manual(scene.host.clock.now().after_ms(-DAY_MS));
    let to_another = message.replace("gh_0123456789ab", "gh_another");
    for (what, forger, message) in [
        ("signed with another token", WeChat { token: "another".to_owned(), ..real.clone() }, &message),
        ("for another appid", WeChat { app_id: "wx99aa11bb22cc33dd".to_owned(), ..real.clone() }, &message),
        ("encrypted with another key", WeChat { aes_key: other_key, ..real.clone() }, &message),
        ("a day old", WeChat { clock: early, ..real.clone() }, &message),
        ("plain, to an account that is not", WeChat { mode: "plain", ..real.clone() }, &message),
        ("to another account", real.clone(), &to_another),
    ] {
        let told = forger.push(message).await;
        assert_eq!((told.status, told.body.len()), (403, 0), "{what}: {}", told.text());
    }
    let mut changed = real.written(&message);
    changed.path = changed.path.replace("nonce=1", "nonce=2");
    assert_eq!(scene.host.web.send(&changed).await.status, 403);
    let mut nobody = real.written(&message);
    nobody.path = nobody.path.replace("/wx/demo/", "/wx/nobody/");
    let told = scene.host.web.send(&nobody).await;
    assert_eq!((told.status, told.body.len()), (404, 0));
    assert_eq!((scene.points().await, scene.decisions().await), (None, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_push_cannot_pass_at_an_account_in_compatible_mode() {
    let scene = scene("compatible").await;
    let plain = WeChat { mode: "plain", ..scene.wechat.clone() };
    assert_eq!(plain.push(&plain.event("subscribe", "")).await.status, 403);
    // Whoever changes the readable half of a push changes nothing: only the ciphertext is believed.
    let mut changed = scene.wechat.written(&scene.wechat.event("subscribe", ""));
    let body = String::from_utf8(changed.body).expect("a text");
    changed.body = body.replacen(FOLLOWER, "oSomebodyElse", 1).into_bytes();
    assert_eq!(scene.host.web.send(&changed).await.status, 200);
    assert_eq!(scene.points().await, Some(0), "the follower of the ciphertext follows");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_answered_within_a_second() {
    let scene = scene("secure").await;
    let mut took = Vec::new();
    for number in 0..9 {
        let began = Instant::now();
        scene.says(&scene.wechat.text(number, "签到")).await.expect("words");
        took.push(began.elapsed());
        scene.host.later(DAY_MS);
    }
    took.sort_unstable();
    let (half, most) = (took.get(4).copied().unwrap_or_default(), took.last().copied().unwrap_or_default());
    println!("a push is answered in p50 {} ms, max {} ms", half.as_millis(), most.as_millis());
    assert!(half < ANSWER_WITHIN, "{took:?}");
    assert_eq!(scene.points().await, Some(9 * 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_takes_too_long_is_answered_success_and_goes_on() {
    let mut config = Config::default();
    config.wechat.answer_ms_max = 1;
    let scene = scene_with("secure", config).await;
    scene.tenant.add_script(SCRIPT, 16).await;
    assert_eq!(scene.says(&scene.wechat.text(1, "签到")).await, None, "`success`, and no words");
    for _ in 0..200 {
        if scene.points().await == Some(12) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the sign-in was never settled: {:?}", scene.points().await);
}
