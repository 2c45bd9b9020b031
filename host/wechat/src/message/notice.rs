//! Subscribe notices: what a follower agreed to, and what became of a notice.

use crate::element::Element;
use crate::masked::Text;

/// A follower's answer about one notice template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The template.
    pub template_id: Text,
    /// `accept` means yes; everything else means no.
    pub accepted: bool,
    /// Where it was asked: `1` on an H5 page, `2` in an article. Only when it was asked.
    pub scene: Option<Text>,
}

/// What became of one notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeSent {
    /// The template.
    pub template_id: Text,
    /// WeChat's id of the notice, a 64-bit number.
    pub msg_id: Text,
    /// 0 if it was delivered; missing if WeChat sent no number.
    pub error_code: Option<i64>,
    /// The same in words, such as `success`.
    pub error_status: Text,
}

/// Official accounts wrap the repeated `List` once more, mini programs do not.
fn lists<'e>(fields: &'e Element, wrapper: &str) -> impl Iterator<Item = &'e Element> {
    fields.child(wrapper).unwrap_or(fields).children_named("List")
}

pub(super) fn consents(fields: &Element, wrapper: &str) -> Vec<Consent> {
    lists(fields, wrapper)
        .map(|list| Consent {
            template_id: list.text_of("TemplateId"),
            accepted: list.value("SubscribeStatusString").trim() == "accept",
            scene: list.given("PopupScene"),
        })
        .collect()
}

pub(super) fn notices_sent(fields: &Element, wrapper: &str) -> Vec<NoticeSent> {
    lists(fields, wrapper)
        .map(|list| NoticeSent {
            template_id: list.text_of("TemplateId"),
            msg_id: list.text_of("MsgID"),
            error_code: list.number("ErrorCode"),
            error_status: list.text_of("ErrorStatus"),
        })
        .collect()
}
