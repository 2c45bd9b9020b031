//! What a follower reads.

use crate::error::ApiError;
use ledger::{Points, Reply};

/// Lines of the ledger's answer a reply repeats: more would not be read.
const LINES_MAX: usize = 6;

/// To a new follower: the merchant's welcome, and what they got for following.
pub(super) fn welcome(welcome: &str, reply: Option<&Reply>) -> String {
    let got = reply.and_then(said);
    let parts = [Some(welcome.to_owned()).filter(|text| !text.is_empty()), got];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// After signing in for the day.
pub(super) fn signed_in(reply: &Reply) -> String {
    let points = &reply.points;
    let earned = match points.earned {
        none if none == Points::ZERO => "签到成功".to_owned(),
        earned => format!("签到成功，获得 {earned} 积分"),
    };
    let others = effects(reply, |kind| kind != "points");
    let held = format!("可用积分 {}", points.balance);
    std::iter::once(earned).chain(others).chain([held]).collect::<Vec<_>>().join("\n")
}

/// What an event gave; nothing if it gave nothing.
pub(super) fn said(reply: &Reply) -> Option<String> {
    let lines: Vec<String> = effects(reply, |_| true).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn effects(reply: &Reply, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
    let shown = reply.effects.iter().filter(move |effect| effect.kind != "tag" && wanted(&effect.kind));
    shown.map(|effect| effect.text.clone()).take(LINES_MAX).collect::<Vec<_>>().into_iter()
}

/// A refusal the follower can do something about; `success` without words for all others.
pub(super) fn refusal(error: &ApiError) -> Option<String> {
    match error {
        ApiError::Rule(ledger::PlanError::SignedInToday) => Some("今天已经签到过了，明天再来吧".to_owned()),
        ApiError::Rule(ledger::PlanError::Refused(text)) => Some(text.clone()),
        error if error.code() == super::super::wish::UNKNOWN_MEMBER => Some("您还不是会员，请先注册".to_owned()),
        error => {
            tracing::warn!(%error, code = error.code(), "a push had no effect");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(earned: i64, effects: &[(&str, &str)]) -> Reply {
        let effects: Vec<_> = effects
            .iter()
            .map(|(kind, text)| serde_json::json!({"policy": "p", "rule": "r", "kind": kind, "text": text}))
            .collect();
        let points = serde_json::json!({"earned": earned, "redeemed": 0, "balance": 30, "pending": 0});
        let reply = serde_json::json!({"decision_id": "a-1", "member": null, "points": points, "effects": effects,
            "reasons": [], "vouchers": [], "next": [], "print_lines": []});
        serde_json::from_value(reply).expect("a reply")
    }

    #[test]
    fn a_sign_in_tells_what_it_gave_and_what_is_held() {
        assert_eq!(
            signed_in(&reply(12, &[("points", "积分 +12"), ("voucher", "获得 5 元券"), ("tag", "标签")])),
            "签到成功，获得 12 积分\n获得 5 元券\n可用积分 30"
        );
        assert_eq!(signed_in(&reply(0, &[])), "签到成功\n可用积分 30");
    }

    #[test]
    fn a_welcome_comes_before_what_following_gave() {
        assert_eq!(welcome("欢迎", Some(&reply(20, &[("points", "积分 +20")]))), "欢迎\n积分 +20");
        assert_eq!(welcome("欢迎", None), "欢迎");
    }

    #[test]
    fn only_what_the_follower_can_act_on_is_said() {
        assert!(refusal(&ApiError::Rule(ledger::PlanError::SignedInToday)).is_some());
        assert!(refusal(&ApiError::Busy(1)).is_none());
    }
}
