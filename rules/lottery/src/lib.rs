//! Draws on a wheel, a chest, a scratch card or an egg: who may draw, what it costs, and the odds. The host
//! draws and keeps the stock. Rules and their ids: `odds`, `member`, `tier`, `points`, `daily`, `prizes`.
//!
//! Free chances and the daily limit count all of a member's draws of the day, whatever campaign they were in.

mod prizes;

use punchcard_rules::prelude::*;

/// 抽奖规则：大转盘、拆宝箱、刮刮卡、砸金蛋的资格、消耗与奖品。
#[policy(name = "lottery")]
pub mod lottery {
    use super::*;

    /// What the merchant sets.
    #[derive(Debug, Clone)]
    pub struct Params {
        /// 活动编号
        /// 只用于此活动；留空表示所有活动
        #[param(default = "")]
        pub campaign: String,
        /// 活动标题
        #[param(default = "幸运大转盘")]
        pub title: String,
        /// 抽奖形式
        /// wheel 大转盘，chest 拆宝箱，scratch 刮刮卡，egg 砸金蛋
        #[param(choice("wheel", "chest", "scratch", "egg"), default = "wheel")]
        pub kind: String,
        /// 每次消耗积分
        #[param(default = 10, max = 1_000_000)]
        pub cost: i64,
        /// 每天免费次数
        #[param(default = 1, max = 1_000)]
        pub free_per_day: i64,
        /// 每天最多次数
        /// 含免费次数；0 表示不限
        #[param(default = 3, max = 1_000)]
        pub per_day: i64,
        /// 参与所需积分
        /// 积分余额达到此数才能参与，不会扣除
        #[param(default = 0)]
        pub min_points: i64,
        /// 可参与的会员等级
        /// 留空表示不限
        #[param(default = [])]
        pub tiers: Vec<String>,
        /// 奖品名称
        /// 以下各项与奖品一一对应
        #[param(default = ["20 积分", "5 元代金券", "定制水杯"])]
        pub prize_names: Vec<String>,
        /// 奖品类型
        /// points 积分，voucher 代金券，gift 储值，goods 到店领取，nothing 仅名称
        #[param(default = ["points", "voucher", "goods"])]
        pub prize_kinds: Vec<String>,
        /// 奖品数值
        /// 积分数，或代金券、储值的金额（分）；其他类型填 0
        #[param(default = [20, 500, 0])]
        pub prize_values: Vec<i64>,
        /// 奖品权重
        #[param(default = [3_000, 900, 100])]
        pub prize_weights: Vec<i64>,
        /// 奖品库存
        /// -1 表示不限
        #[param(default = [-1, 500, 20])]
        pub prize_stocks: Vec<i64>,
        /// 未中奖权重
        /// 中奖率为奖品权重除以全部权重之和
        #[param(default = 6_000)]
        pub none_weight: i64,
        /// 代金券最低消费
        #[param(money, default = 0)]
        pub voucher_min_spend: i64,
        /// 代金券有效期（天）
        #[param(default = 30, max = 3_650)]
        pub voucher_valid_days: i64,
    }

    /// Draws of the day.
    #[derive(Debug, Clone, Default)]
    pub struct Stats {
        /// How many the member has had today.
        #[stat(draws, days = 1)]
        pub today: i64,
    }

    /// Answers with the odds, or says why the member may not draw.
    pub fn on_draw(ctx: &Context<Params, Stats>, campaign: &str, out: &mut Decision) {
        let p = &ctx.params;
        if !p.campaign.is_empty() && p.campaign != campaign {
            return out.skipped("odds", "不是本活动");
        }
        let cost = if ctx.stats.today < p.free_per_day { 0 } else { p.cost };
        if !may_draw(ctx, cost, out) {
            return;
        }
        let Some(prizes) = prizes::read(p) else {
            out.reject("prizes", "抽奖暂不可用，请联系商家");
            return out.skipped("prizes", "奖品设置有误：各项数量须一致，名称不重复，类型、数值、权重有效");
        };
        out.set_odds(
            "odds",
            Odds {
                campaign: campaign.to_owned(),
                cost,
                per_day: small(p.per_day),
                prizes,
                none_weight: small(p.none_weight),
            },
        );
        out.applied("odds", if cost == 0 { "本次免费".to_owned() } else { format!("本次消耗 {cost} 积分") });
    }

    fn may_draw(ctx: &Context<Params, Stats>, cost: Points, out: &mut Decision) -> bool {
        let p = &ctx.params;
        let Some(member) = ctx.member() else {
            refuse(out, "member", "请先成为会员");
            return false;
        };
        if !p.tiers.is_empty() && !p.tiers.contains(&member.tier) {
            refuse(out, "tier", &format!("仅限{}参与", p.tiers.join("、")));
            return false;
        }
        if p.per_day > 0 && ctx.stats.today >= p.per_day {
            let text = format!("今天的 {} 次机会已用完", p.per_day);
            out.reject("daily", &text);
            out.missed("daily", text, "draws_left", 0, 1);
            return false;
        }
        let need = cost.max(p.min_points);
        if need > 0 && member.points < need {
            let text = format!("需要 {need} 积分，现有 {} 积分", member.points);
            out.reject("points", &text);
            out.missed("points", text, "points", member.points, need);
            return false;
        }
        true
    }

    fn refuse(out: &mut Decision, rule: &str, text: &str) {
        out.reject(rule, text);
        out.skipped(rule, text);
    }
}

/// A parameter as the contract's smaller number; its bounds keep it inside.
fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

punchcard_rules::cases!(lottery::Policy, "cases.json");
