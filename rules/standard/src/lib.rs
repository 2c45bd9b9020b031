//! The standard policy: the 会员参数 page of the platform Punchcard replaces, plus points for spending and
//! gifts on recharges. Rules and their ids: `sign-in`, `referral`, `registration`, `registration-voucher`,
//! `registration-link`, `binding`, `spend`, `recharge-gift`.

mod gifts;
mod spend;

use punchcard_rules::prelude::*;

/// 标准会员规则：签到、推荐、注册、绑定送积分，注册送代金券，消费积分，储值赠送。
#[policy(name = "standard")]
pub mod standard {
    use super::*;

    /// What the merchant sets, in the order of the form.
    #[derive(Debug, Clone)]
    pub struct Params {
        /// 是否签到送积分
        #[param(default = true)]
        pub sign_in: bool,
        /// 签到送积分
        /// 每天签到一次所得的积分；0 表示不送
        #[param(default = 12, max = 100_000)]
        pub sign_in_points: i64,
        /// 是否显示推荐人
        /// 会员注册页显示推荐人一栏
        #[param(default = true)]
        pub show_referrer: bool,
        /// 是否推荐送积分
        #[param(default = true)]
        pub referral: bool,
        /// 推荐送积分
        /// 推荐的新会员注册成功后，推荐人所得的积分；0 表示不送
        #[param(default = 20, max = 100_000)]
        pub referral_points: i64,
        /// 注册送积分
        /// 注册成为会员所得的积分；0 表示不送
        #[param(default = 30, max = 100_000)]
        pub registration_points: i64,
        /// 绑定送积分
        /// 绑定已有会员卡所得的积分；0 表示不送
        #[param(default = 10, max = 100_000)]
        pub binding_points: i64,
        /// 消费查询时间（天）
        /// 会员可以查询最近多少天的消费清单
        #[param(default = 1_000, max = 36_500)]
        pub purchase_history_days: i64,
        /// 是否关注成为会员
        /// 关注公众号后立即成为会员
        #[param(default = true)]
        pub follow_joins: bool,
        /// 是否注册送代金券
        #[param(default = true)]
        pub registration_voucher: bool,
        /// 代金券面额
        #[param(money, default = 1_500)]
        pub voucher_face: i64,
        /// 代金券有效期（天）
        /// 从领取次日起算，最后一天仍可使用
        #[param(default = 30, min = 0, max = 3_650)]
        pub voucher_valid_days: i64,
        /// 代金券最低消费
        /// 单笔消费满此金额才可使用；0 表示不限
        #[param(money, default = 10_000)]
        pub voucher_min_spend: i64,
        /// 代金券结束时间
        /// 最后一个发券日；留空表示一直发放
        #[param(date, default = "")]
        pub voucher_issue_until: Option<Day>,
        /// 关注发送注册链接
        /// 关注公众号后发送一条注册链接
        #[param(default = false)]
        pub send_registration_link: bool,
        /// 注册页取消验证码
        /// 会员注册时不需要短信验证码
        #[param(default = false)]
        pub register_without_code: bool,
        /// 注册页取消卡密码
        /// 会员注册时不需要卡密码
        #[param(default = false)]
        pub register_without_card_password: bool,
        /// 消费多少分钱得 1 积分
        /// 100 表示每满 1 元得 1 积分，不足部分舍去；0 表示消费不积分
        #[param(default = 100)]
        pub fen_per_point: i64,
        /// 不积分的商品类别
        #[param(default = [])]
        pub excluded_categories: Vec<String>,
        /// 按应付总额积分
        /// 默认只对实付金额积分；开启后代金券、积分和优惠抵扣的部分也积分
        #[param(default = false)]
        pub earn_on_total: bool,
        /// 享受倍数的会员等级
        /// 与下一项一一对应
        #[param(default = [])]
        pub tier_names: Vec<String>,
        /// 等级积分倍数（万分比）
        /// 10000 表示 1 倍，15000 表示 1.5 倍
        #[param(default = [])]
        pub tier_rates_bp: Vec<i64>,
        /// 储值满额（分）
        /// 与下一项一一对应，例如 50000 表示充 500 元
        #[param(default = [])]
        pub recharge_fen: Vec<i64>,
        /// 储值赠送（分）
        /// 例如 5000 表示送 50 元；只按达到的最高一档赠送
        #[param(default = [])]
        pub recharge_gift_fen: Vec<i64>,
    }

    /// Sends the registration link to whoever is no member yet.
    pub fn on_follow(ctx: &Context<Params>, _scene: Option<&str>, out: &mut Decision) {
        let p = &ctx.params;
        if !p.send_registration_link {
            out.skipped("registration-link", "未开启关注发送注册链接");
        } else if ctx.member().is_some() && !p.follow_joins {
            out.skipped("registration-link", "已是会员，不再发送注册链接");
        } else {
            out.message("registration-link", "registration_link", "欢迎关注，点击链接完善会员资料");
            out.applied("registration-link", "已发送注册链接");
        }
    }

    /// Points and the voucher of a new member.
    pub fn on_register(ctx: &Context<Params>, out: &mut Decision) {
        gifts::points("registration", "注册", true, ctx.params.registration_points, out);
        gifts::registration_voucher(ctx, out);
    }

    /// Points for binding an existing card.
    pub fn on_bind(ctx: &Context<Params>, out: &mut Decision) {
        gifts::points("binding", "绑定会员卡", true, ctx.params.binding_points, out);
    }

    /// Points for whoever referred the new member.
    pub fn on_referral(ctx: &Context<Params>, _new_member: &str, out: &mut Decision) {
        gifts::points("referral", "推荐会员", ctx.params.referral, ctx.params.referral_points, out);
    }

    /// Points for the day's sign-in.
    pub fn on_sign_in(ctx: &Context<Params>, out: &mut Decision) {
        gifts::points("sign-in", "签到", ctx.params.sign_in, ctx.params.sign_in_points, out);
    }

    /// Points for spending.
    pub fn on_receipt(ctx: &Context<Params>, receipt: &Receipt, out: &mut Decision) {
        spend::points(ctx, receipt, out);
    }

    /// The gift of a recharge.
    pub fn on_recharge(ctx: &Context<Params>, amount: Fen, out: &mut Decision) {
        gifts::recharge(&ctx.params, amount, out);
    }
}

punchcard_rules::cases!(standard::Policy, "cases.json");
