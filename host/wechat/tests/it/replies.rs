//! Answers as WeChat must receive them.

use wechat::callback::{Config, Format, seal};
use wechat::reply::{Article, Reply, ReplyKind};
use wechat::{Error, OpenId, Text, xml};

use crate::support::{ACCOUNT, FOLLOWER, KEY, RANDOM, key, plain, secure};

const AT_S: i64 = 1_763_712_001;

fn seal_with(config: &Config, kind: ReplyKind) -> Result<String, Error> {
    let reply = Reply::new(OpenId::new(FOLLOWER), Text::new(ACCOUNT), kind);
    seal(config, &reply, AT_S, "42", &RANDOM)
}

fn readable(kind: ReplyKind) -> String {
    seal_with(&plain(), kind).unwrap()
}

/// The common head and `rest`, as WeChat's page shows it.
fn written(msg_type: &str, rest: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{FOLLOWER}]]></ToUserName><FromUserName><![CDATA[{ACCOUNT}]]></FromUserName><CreateTime>{AT_S}</CreateTime><MsgType><![CDATA[{msg_type}]]></MsgType>{rest}</xml>"
    )
}

fn article(title: &str) -> Article {
    Article {
        title: Text::new(title),
        description: Text::new("一分钟入会"),
        picture_url: Text::new("https://m.example.cn/a.jpg"),
        url: Text::new("https://m.example.cn/r"),
    }
}

#[test]
fn each_kind_of_answer_is_written_as_wechat_reads_it() {
    let image = ReplyKind::Image { media_id: Text::new("m1") };
    let anyone = ReplyKind::TransferToService { to_staff: None };
    let someone = ReplyKind::TransferToService { to_staff: Some(Text::new("kf1@shop")) };
    for (kind, msg_type, rest) in [
        (ReplyKind::Text(Text::new("好")), "text", "<Content><![CDATA[好]]></Content>"),
        (image, "image", "<Image><MediaId><![CDATA[m1]]></MediaId></Image>"),
        (anyone, "transfer_customer_service", ""),
        (someone, "transfer_customer_service", "<TransInfo><KfAccount><![CDATA[kf1@shop]]></KfAccount></TransInfo>"),
    ] {
        assert_eq!(readable(kind), written(msg_type, rest));
    }
}

#[test]
fn articles_are_counted_and_listed() {
    let item = "<item><Title><![CDATA[送30积分]]></Title><Description><![CDATA[一分钟入会]]></Description><PicUrl><![CDATA[https://m.example.cn/a.jpg]]></PicUrl><Url><![CDATA[https://m.example.cn/r]]></Url></item>";
    let rest = format!("<ArticleCount>2</ArticleCount><Articles>{item}{item}</Articles>");
    let news = ReplyKind::News(vec![article("送30积分"); 2]);
    assert_eq!(readable(news), written("news", &rest));
}

#[test]
fn an_answer_cannot_break_out_of_its_cdata() {
    let text = "a]]></Content><Evil>1</Evil><![CDATA[";
    let tree = xml::parse(readable(ReplyKind::Text(Text::new(text))).as_bytes(), &plain().limits);
    let tree = tree.unwrap();
    assert_eq!(tree.value("Content"), text);
    assert!(tree.child("Evil").is_none());
}

#[test]
fn characters_that_xml_cannot_carry_are_left_out() {
    let body = readable(ReplyKind::Text(Text::new("a\u{0}b\u{1b}c\u{ffff}d\n")));
    assert!(body.contains("<![CDATA[abcd\n]]>"));
}

#[test]
fn answers_that_wechat_would_drop_are_refused() {
    let limits = plain().limits;
    let text = |bytes: usize| ReplyKind::Text(Text::new("x".repeat(bytes)));
    let news = |count: usize| ReplyKind::News(vec![article("t"); count]);
    for (bytes, bytes_max) in [(0, limits.text_reply_bytes_max), (2_049, 2_048)] {
        let refused = seal_with(&plain(), text(bytes)).unwrap_err();
        assert_eq!(refused, Error::ReplyLength { bytes, bytes_max });
    }
    for count in [0, 9] {
        let refused = seal_with(&plain(), news(count)).unwrap_err();
        assert_eq!(refused, Error::ReplyArticles { count, count_max: 8 });
    }
    assert!(seal_with(&plain(), text(2_048)).is_ok());
    assert!(seal_with(&plain(), news(8)).is_ok());
}

#[test]
fn success_and_empty_stay_bare_in_every_mode() {
    for config in [plain(), secure()] {
        assert_eq!(seal_with(&config, ReplyKind::Success).unwrap(), "success");
        assert_eq!(seal_with(&config, ReplyKind::Empty).unwrap(), "");
    }
}

#[test]
fn a_callback_in_json_is_answered_in_json() {
    let config = Config { format: Format::Json, ..secure() };
    let body = seal_with(&config, ReplyKind::Text(Text::new("好"))).unwrap();
    let envelope: serde_json::Value = serde_json::from_str(&body).unwrap();
    let answer = key(KEY).decrypt(envelope["Encrypt"].as_str().unwrap()).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(envelope["TimeStamp"], AT_S);
    assert_eq!(envelope["Nonce"], "42");
    assert_eq!(answer["ToUserName"], FOLLOWER);
    assert_eq!(answer["Content"], "好");
}

#[test]
fn a_callback_in_json_has_no_news() {
    let config = Config { format: Format::Json, ..plain() };
    let refused = seal_with(&config, ReplyKind::News(vec![article("t")]));
    assert_eq!(refused, Err(Error::ReplyFormat));
}
