//! Naming a push, so that its retries are recognised.

use crate::crypto::sha1_hex;
use crate::element::Element;
use crate::limits::Limits;

/// Key of a message or an event.
pub(super) fn message_key(fields: &Element, limits: &Limits) -> String {
    match fields.value("MsgId") {
        "" => bounded(event_key(fields), limits),
        id => bounded(id.to_owned(), limits),
    }
}

/// Key of a component notice, which has no sender.
pub(super) fn component_key(fields: &Element, limits: &Limits) -> String {
    let parts = ["AppId", "CreateTime", "InfoType", "AuthorizerAppid"];
    bounded(join(parts.map(|name| fields.value(name))), limits)
}

/// Sender and second alone do not name an event: two different ones can share a second.
fn event_key(fields: &Element) -> String {
    // MsgID, with a capital D, names the template message or broadcast a receipt is about; a
    // follower may well get two of those in one second.
    let about = first(fields, &["EventKey", "CardId", "MsgID"]);
    let which = first(fields, &["UserCardCode", "Ticket"]);
    join([fields.value("FromUserName"), fields.value("CreateTime"), fields.value("Event"), about, which])
}

fn first<'e>(fields: &'e Element, names: &[&str]) -> &'e str {
    names.iter().map(|name| fields.value(name)).find(|value| !value.is_empty()).unwrap_or("")
}

fn join<const N: usize>(parts: [&str; N]) -> String {
    parts.join("|").trim_end_matches('|').to_owned()
}

fn bounded(key: String, limits: &Limits) -> String {
    if key.len() <= limits.dedupe_key_bytes_max { key } else { format!("sha1:{}", sha1_hex(&[&key])) }
}
