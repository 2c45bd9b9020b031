//! Signatures for pages inside of WeChat: the JS-SDK and adding cards.

use crate::crypto::{sha1_hex, signature};
use crate::masked::Secret;

/// What `wx.config` signs.
#[derive(Clone, Copy, Debug)]
pub struct JsSdk<'a> {
    /// The official account's `jsapi_ticket`.
    pub ticket: &'a Secret,
    /// A random text, repeated to the page as `nonceStr`.
    pub nonce: &'a str,
    /// Unix seconds, repeated to the page.
    pub timestamp_s: i64,
    /// The address in the address bar, neither encoded nor decoded once more.
    pub page_url: &'a str,
}

impl JsSdk<'_> {
    /// The signature, over the address without its fragment.
    #[must_use]
    pub fn signature(&self) -> String {
        let url = match self.page_url.split_once('#') {
            Some((before, _)) => before,
            None => self.page_url,
        };
        sha1_hex(&[
            "jsapi_ticket=",
            self.ticket.as_str(),
            "&noncestr=",
            self.nonce,
            "&timestamp=",
            &self.timestamp_s.to_string(),
            "&url=",
            url,
        ])
    }
}

/// What the `cardExt` of `wx.addCard` signs. Leave empty what the page does not send.
#[derive(Clone, Copy, Debug)]
pub struct CardExt<'a> {
    /// The official account's card `api_ticket`; not the `jsapi_ticket`.
    pub api_ticket: &'a Secret,
    /// Unix seconds, repeated in `cardExt`.
    pub timestamp_s: i64,
    /// The card template.
    pub card_id: &'a str,
    /// The card's number, if the page sets it.
    pub code: &'a str,
    /// The only follower who may take it, if there is one.
    pub open_id: &'a str,
    /// A random text, repeated in `cardExt` as `nonce_str`.
    pub nonce: &'a str,
}

impl CardExt<'_> {
    /// The signature: the values sorted and joined.
    #[must_use]
    pub fn signature(&self) -> String {
        signature(&[
            self.api_ticket.as_str(),
            &self.timestamp_s.to_string(),
            self.card_id,
            self.code,
            self.open_id,
            self.nonce,
        ])
    }
}
