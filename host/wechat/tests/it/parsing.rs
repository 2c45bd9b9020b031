//! Bodies: what is read, what is refused before it costs anything.

use wechat::callback::{Format, open};
use wechat::message::{Kind, Message};
use wechat::{Error, Limits, Text, xml};

use crate::support::{NOW_S, plain, plain_push, text_message};

fn parse(body: &str) -> Result<wechat::Element, Error> {
    xml::parse(body.as_bytes(), &Limits::default())
}

#[test]
fn markup_that_wechat_never_sends_is_refused() {
    for body in [
        "<!DOCTYPE xml><xml></xml>",
        "<!DOCTYPE xml [<!ENTITY a \"b\">]><xml>&a;</xml>",
        "<!DOCTYPE xml SYSTEM \"file:///etc/passwd\"><xml></xml>",
        "<?xml version=\"1.0\" encoding=\"GB18030\"?><xml></xml>",
        "<?php x ?><xml></xml>",
        "<xml><!-- a comment --></xml>",
        "<xml a=\"1\"></xml>",
        "<xml xmlns=\"urn:x\"></xml>",
        "<xml><a b='c'/></xml>",
        "<xml>&undefined;</xml>",
    ] {
        assert_eq!(parse(body), Err(Error::ForbiddenMarkup), "{body}");
    }
}

#[test]
fn broken_xml_is_malformed() {
    for body in [
        "",
        " ",
        "text",
        "<xml>",
        "</xml>",
        "<xml></xlm>",
        "<xml></xml><xml></xml>",
        "<xml></xml>tail",
        "<![CDATA[x]]>",
        "<xml><![CDATA[x</xml>",
        "<xml>&</xml>",
        "<xml>&#0;</xml>",
        "<xml>&#xD800;</xml>",
        "<!ELEMENT a>",
        "<xml",
        // What the reader would take for names.
        "<<!DOCTYPE/>",
        "<xml><a\u{0}/></xml>",
        "<xml><a/b/></xml>",
        "<xml><1/></xml>",
        "<></>",
    ] {
        assert_eq!(parse(body), Err(Error::Malformed), "{body}");
    }
}

#[test]
fn a_body_is_measured_before_it_is_parsed() {
    let limits = Limits::default();
    let body = vec![b'<'; limits.body_bytes_max + 1];
    let refused = xml::parse(&body, &limits).unwrap_err();
    let bytes_max = limits.body_bytes_max;
    assert_eq!(refused, Error::BodyTooLarge { bytes: bytes_max + 1, bytes_max });
}

#[test]
fn sixty_four_elements_pass_and_one_more_does_not() {
    let body = |children: usize| format!("<xml>{}</xml>", "<a/>".repeat(children));
    assert!(parse(&body(63)).is_ok());
    assert_eq!(parse(&body(64)), Err(Error::TooManyElements { elements_max: 64 }));
}

#[test]
fn four_levels_below_the_root_pass_and_five_do_not() {
    let body = |depth: usize| format!("<xml>{}{}</xml>", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(parse(&body(4)).is_ok());
    assert_eq!(parse(&body(5)), Err(Error::TooDeep { depth_max: 4 }));
}

#[test]
fn a_tag_with_thousands_of_attributes_is_refused_at_once() {
    let attributes: String = (0..6_000).map(|n| format!(" a{n}=\"\"")).collect();
    assert!(attributes.len() < Limits::default().body_bytes_max);
    assert_eq!(parse(&format!("<xml{attributes}/>")), Err(Error::ForbiddenMarkup));
}

#[test]
fn another_encoding_than_utf_8_is_refused() {
    // "会员" in GB18030.
    let body = b"<xml><Content>\xbb\xe1\xd4\xb1</Content></xml>";
    assert_eq!(xml::parse(body, &Limits::default()), Err(Error::NotUtf8));
}

#[test]
fn blanks_around_cdata_go_and_blanks_inside_stay() {
    let tree = parse("<xml>\n <a> <![CDATA[ b ]]> </a>\n <c> d </c><e>f &amp; g &#38;</e></xml>");
    let tree = tree.unwrap();
    assert_eq!(tree.value("a"), " b ");
    assert_eq!(tree.value("c"), "d");
    assert_eq!(tree.value("e"), "f & g &");
}

#[test]
fn cdata_may_hold_what_would_be_markup_elsewhere() {
    let tree = parse("<xml><a><![CDATA[<!DOCTYPE &x;]]></a></xml>").unwrap();
    assert_eq!(tree.value("a"), "<!DOCTYPE &x;");
}

#[test]
fn a_split_cdata_is_read_as_one_text() {
    let tree = parse("<xml><a><![CDATA[]]]]><![CDATA[>]]></a></xml>").unwrap();
    assert_eq!(tree.value("a"), "]]>");
}

#[test]
fn the_order_of_fields_and_unknown_fields_do_not_matter() {
    let text = "<xml><New><Deep>1</Deep></New><MsgType>TEXT</MsgType><Content>hi</Content><CreateTime> 7 </CreateTime><FromUserName>o1</FromUserName></xml>";
    let message = Message::parse(&Text::new(text), Format::Xml, &Limits::default()).unwrap();
    let content = Text::new("hi");
    assert_eq!(message.kind, Kind::Text { content, menu_id: None });
    assert_eq!(message.created_at_s, 7);
    assert!(message.to.is_empty());
}

#[test]
fn a_message_without_sender_time_or_type_is_refused() {
    for name in ["FromUserName", "CreateTime", "MsgType"] {
        let sent = plain_push(&text_message("x").replace(name, "Gone"));
        let refused = open(&plain(), &sent.query, &sent.body, NOW_S).unwrap_err();
        assert_eq!(refused, Error::MissingField { name });
        assert_eq!(refused.http_status(), 400);
    }
}

fn from_json(body: &str) -> Result<Message, Error> {
    Message::parse(&Text::new(body), Format::Json, &Limits::default())
}

#[test]
fn json_numbers_keep_all_their_digits() {
    let message = from_json(r#"{"FromUserName":"o1","CreateTime":1,"MsgType":"text","MsgId":18446744073709551615}"#);
    assert_eq!(message.unwrap().dedupe_key(), "18446744073709551615");
}

#[test]
fn json_has_the_same_limits_as_xml() {
    let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert_eq!(from_json(&nested(5)), Err(Error::TooDeep { depth_max: 4 }));
    let many = format!("{{\"a\":[{}]}}", vec!["1"; 64].join(","));
    assert_eq!(from_json(&many), Err(Error::TooManyElements { elements_max: 64 }));
    for body in ["", "[]", "1", "{\"a\":[[1]]}", "{", "{}x"] {
        assert_eq!(from_json(body), Err(Error::Malformed), "{body}");
    }
}
