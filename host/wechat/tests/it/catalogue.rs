//! The catalogue of messages and events, one claim each, with invented values.

use wechat::Limits;
use wechat::callback::Format;
use wechat::message::{ComponentNotice, ComponentNoticeKind, Consent, Event, Kind, Message, NoticeSent, PictureSource};

use crate::support::{ACCOUNT, CARD, FOLLOWER, event, read, some, t};

fn kind(msg_type: &str, rest: &str) -> Kind {
    let text = format!(
        "<xml><ToUserName>{ACCOUNT}</ToUserName><FromUserName>{FOLLOWER}</FromUserName><CreateTime>1</CreateTime><MsgType>{msg_type}</MsgType>{rest}<MsgId>7</MsgId></xml>"
    );
    Message::parse(&t(&text), Format::Xml, &Limits::default()).unwrap().kind
}

#[test]
fn a_scene_loses_its_prefix_once_and_only_for_new_followers() {
    for (name, key, scene) in [
        ("subscribe", "qrscene_ref:M35", some("ref:M35")),
        ("subscribe", "qrscene_qrscene_x", some("qrscene_x")),
        ("subscribe", "qrscene_", None),
        ("subscribe", "", None),
        ("subscribe", "last_trade_no_42", None),
    ] {
        let found = read(name, &format!("<EventKey><![CDATA[{key}]]></EventKey>"));
        assert_eq!(found, Event::Subscribe { scene, ticket: None });
    }
    let found = read("SCAN", "<EventKey>qrscene_x</EventKey><Ticket>T</Ticket>");
    assert_eq!(found, Event::Scan { scene: t("qrscene_x"), ticket: some("T") });
}

#[test]
fn event_names_are_read_in_any_case_and_between_blanks() {
    for name in ["unsubscribe", "UNSUBSCRIBE", " Unsubscribe "] {
        assert_eq!(read(name, ""), Event::Unsubscribe);
    }
    let spaced = read(" user_get_card ", "");
    assert!(matches!(spaced, Event::Card(_)));
}

#[test]
fn texts_and_pictures_are_read() {
    let content = t("hi");
    assert_eq!(
        kind("text", "<Content>hi</Content><bizmsgmenuid>101</bizmsgmenuid>"),
        Kind::Text { content, menu_id: some("101") }
    );
    assert_eq!(
        kind("image", "<PicUrl>u</PicUrl><MediaId>m</MediaId>"),
        Kind::Image { picture_url: t("u"), media_id: t("m") }
    );
}

#[test]
fn recordings_and_videos_are_read() {
    assert_eq!(
        kind("voice", "<MediaId>m</MediaId><Format>amr</Format>"),
        Kind::Voice { media_id: t("m"), format: t("amr"), recognition: None }
    );
    assert_eq!(
        kind("shortvideo", "<MediaId>m</MediaId><ThumbMediaId>n</ThumbMediaId>"),
        Kind::Video { media_id: t("m"), thumb_media_id: t("n") }
    );
}

#[test]
fn places_and_links_are_read() {
    assert_eq!(
        kind(
            "location",
            "<Location_X>22.5</Location_X><Location_Y>114.05</Location_Y><Scale>15</Scale><Label>深圳</Label>"
        ),
        Kind::Location { latitude: t("22.5"), longitude: t("114.05"), scale: t("15"), label: t("深圳") }
    );
    assert_eq!(
        kind("link", "<Title>a</Title><Description>b</Description><Url>c</Url>"),
        Kind::Link { title: t("a"), description: t("b"), url: t("c") }
    );
}

#[test]
fn files_are_read() {
    let file = "<Title>a</Title><Description>b</Description><FileKey>k</FileKey><FileMd5>d</FileMd5><FileTotalLen>9</FileTotalLen>";
    assert_eq!(
        kind("file", file),
        Kind::File { title: t("a"), description: t("b"), file_key: t("k"), md5: t("d"), size_bytes: Some(9) }
    );
}

#[test]
fn tapped_menu_entries_are_read() {
    let link = "<EventKey>x</EventKey><MenuId>4</MenuId>";
    let key = t("x");
    assert_eq!(read("CLICK", link), Event::Click { key });
    let (url, menu_id) = (t("x"), some("4"));
    assert_eq!(read("VIEW", link), Event::View { url, menu_id });
    let (page, menu_id) = (t("x"), some("4"));
    let wanted = Event::ViewMiniProgram { page, menu_id };
    assert_eq!(read("view_miniprogram", link), wanted);
}

#[test]
fn codes_scanned_through_the_menu_are_read() {
    let scan = "<EventKey>k</EventKey><ScanCodeInfo><ScanType>barcode</ScanType><ScanResult>CODE_128,1</ScanResult></ScanCodeInfo>";
    let scanned =
        |waits| Event::CodeScanned { key: t("k"), scan_type: t("barcode"), scan_result: t("CODE_128,1"), waits };
    assert_eq!(read("scancode_push", scan), scanned(false));
    assert_eq!(read("scancode_waitmsg", scan), scanned(true));
}

#[test]
fn places_chosen_through_the_menu_are_read() {
    let place = "<EventKey>k</EventKey><SendLocationInfo><Location_X>1</Location_X><Location_Y>2</Location_Y><Scale>3</Scale><Label>l</Label><Poiname>p</Poiname></SendLocationInfo>";
    let selected = Event::LocationSelected {
        key: t("k"),
        latitude: t("1"),
        longitude: t("2"),
        label: t("l"),
        place_name: some("p"),
    };
    assert_eq!(read("location_select", place), selected);
}

#[test]
fn the_deepest_known_event_is_within_the_limits() {
    let item = "<item><PicMd5Sum>d</PicMd5Sum></item>";
    // Nine pictures are the most WeChat lets one choose.
    let rest = format!(
        "<EventKey>k</EventKey><SendPicsInfo><Count>9</Count><PicList>{}</PicList></SendPicsInfo>",
        item.repeat(9)
    );
    for (name, source) in [
        ("pic_sysphoto", PictureSource::Camera),
        ("pic_photo_or_album", PictureSource::CameraOrAlbum),
        ("pic_weixin", PictureSource::WeChatAlbum),
    ] {
        let md5_sums = vec![t("d"); 9];
        assert_eq!(read(name, &rest), Event::Pictures { key: t("k"), source, md5_sums });
    }
}

#[test]
fn receipts_and_profile_events_are_read() {
    let place = "<Latitude>1.5</Latitude><Longitude>2</Longitude><Precision>65</Precision>";
    let broadcast = "<MsgID>5</MsgID><Status>sendsuccess</Status><TotalCount>4</TotalCount><FilterCount>3</FilterCount><SentCount>2</SentCount><ErrorCount>1</ErrorCount>";
    assert_eq!(read("LOCATION", place), Event::Location { latitude: t("1.5"), longitude: t("2"), precision: t("65") });
    assert_eq!(
        read("MASSSENDJOBFINISH", broadcast),
        Event::BroadcastSent {
            msg_id: t("5"),
            status: t("sendsuccess"),
            total_count: Some(4),
            filter_count: Some(3),
            sent_count: Some(2),
            error_count: Some(1),
        }
    );
    assert_eq!(read("user_info_modified", ""), Event::ProfileChanged);
    assert_eq!(
        read("user_authorization_revoke", "<RevokeInfo>1,2</RevokeInfo>"),
        Event::ProfileRevoked { revoked: t("1,2") }
    );
}

#[test]
fn repeated_lists_of_consents_are_read() {
    let list = |id: &str, status: &str| {
        format!(
            "<List><TemplateId>{id}</TemplateId><SubscribeStatusString>{status}</SubscribeStatusString><PopupScene>1</PopupScene></List>"
        )
    };
    let lists = format!("{}{}", list("A", "accept"), list("B", "reject"));
    let consent = |id: &str, accepted| Consent { template_id: t(id), accepted, scene: some("1") };
    let both = vec![consent("A", true), consent("B", false)];
    let wrapped = format!("<SubscribeMsgPopupEvent>{lists}</SubscribeMsgPopupEvent>");
    assert_eq!(read("subscribe_msg_popup_event", &wrapped), Event::ConsentAsked(both.clone()));
    // Mini programs leave the wrapper out.
    assert_eq!(read("subscribe_msg_change_event", &lists), Event::ConsentChanged(both));
}

#[test]
fn sent_notices_are_read() {
    let sent = "<SubscribeMsgSentEvent><List><TemplateId>A</TemplateId><MsgID>1700827132819550001</MsgID><ErrorCode>0</ErrorCode><ErrorStatus>success</ErrorStatus></List></SubscribeMsgSentEvent>";
    assert_eq!(
        read("subscribe_msg_sent_event", sent),
        Event::NoticesSent(vec![NoticeSent {
            template_id: t("A"),
            msg_id: t("1700827132819550001"),
            error_code: Some(0),
            error_status: t("success"),
        }])
    );
}

#[test]
fn an_unknown_event_keeps_its_fields() {
    let message = event("card_pay_order", "<OrderId>404090001</OrderId><A><B>1</B></A>");
    let name = "card_pay_order".to_owned();
    assert_eq!(message.kind, Kind::Event(Event::Other { name }));
    assert_eq!(message.field("OrderId"), "404090001");
    assert_eq!(message.fields().child("A").unwrap().value("B"), "1");
    let msg_type = "brand_new".to_owned();
    assert_eq!(kind("Brand_New", ""), Kind::Other { msg_type });
}

#[test]
fn only_some_events_take_an_answer() {
    for (name, takes) in [
        ("subscribe", true),
        ("SCAN", true),
        ("CLICK", true),
        ("scancode_waitmsg", true),
        ("pic_weixin", true),
        ("location_select", true),
        ("unsubscribe", false),
        ("VIEW", false),
        ("LOCATION", false),
        ("scancode_push", false),
        ("user_get_card", false),
        ("x", false),
    ] {
        assert_eq!(event(name, "").takes_reply(), takes, "{name}");
    }
}

#[test]
fn two_events_of_one_second_have_different_keys() {
    let common = format!("{FOLLOWER}|1763712000");
    for (name, rest, tail) in [
        ("unsubscribe", "<EventKey></EventKey>", "unsubscribe"),
        ("CLICK", "<EventKey>A</EventKey>", "CLICK|A"),
        ("SCAN", "<EventKey>A</EventKey><Ticket>T</Ticket>", "SCAN|A|T"),
        ("user_get_card", CARD, "user_get_card|pCard|918273"),
        ("TEMPLATESENDJOBFINISH", "<MsgID>1</MsgID>", "TEMPLATESENDJOBFINISH|1"),
        ("x", "<Ticket>T</Ticket>", "x||T"),
    ] {
        assert_eq!(event(name, rest).dedupe_key(), format!("{common}|{tail}"));
    }
}

#[test]
fn a_huge_key_is_replaced_by_its_hash() {
    let click = |n: usize| event("VIEW", &format!("<EventKey>{}</EventKey>", "x".repeat(n)));
    let key = click(5_000).dedupe_key().to_owned();
    assert_eq!(key.len(), "sha1:".len() + 40);
    assert_ne!(key, click(5_001).dedupe_key());
}

#[test]
fn a_stored_message_is_read_back_as_it_was() {
    let message = event("user_get_card", CARD);
    let again = Message::parse(message.plaintext(), Format::Xml, &Limits::default());
    assert_eq!(again.unwrap(), message);
}

#[test]
fn component_notices_are_read() {
    let text = "<xml><AppId>wx1</AppId><CreateTime>1763712010</CreateTime><InfoType>authorized</InfoType><AuthorizerAppid>wx2</AuthorizerAppid><AuthorizationCode>c</AuthorizationCode><AuthorizationCodeExpiredTime>1763715610</AuthorizationCodeExpiredTime><PreAuthCode>p</PreAuthCode></xml>";
    let notice = ComponentNotice::parse(&t(text), Format::Xml, &Limits::default()).unwrap();
    assert_eq!(notice.dedupe_key(), "wx1|1763712010|authorized|wx2");
    let ComponentNoticeKind::Authorized(authorization) = notice.kind else {
        panic!("misread");
    };
    assert_eq!(authorization.authorizer_app_id, t("wx2"));
    assert_eq!(authorization.code.as_str(), "c");
    assert_eq!(authorization.code_expires_at_s, Some(1_763_715_610));
    assert_eq!(authorization.pre_auth_code.as_str(), "p");
}
