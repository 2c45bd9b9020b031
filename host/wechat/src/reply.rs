//! Passive replies: what may stand in the answer to a push.

use serde_json::{Map, Value, json};

use crate::callback::{Format, KeySlot};
use crate::error::Error;
use crate::limits::Limits;
use crate::masked::{OpenId, Text};
use crate::xml;

/// An answer to one follower. Build it with [`crate::message::Message::reply`], which swaps the
/// addresses and remembers the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    to: OpenId,
    from: Text,
    slot: KeySlot,
    kind: ReplyKind,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// Received, nothing to show: the bare word `success`.
    Success,
    /// The same as an empty body.
    Empty,
    /// A text; `<a href>` works in it.
    Text(Text),
    /// A picture uploaded before.
    Image {
        /// WeChat's id of the picture.
        media_id: Text,
    },
    /// One or more articles; one is shown after a follower's own message, up to eight after an
    /// event.
    News(Vec<Article>),
    /// Hands the follower over to customer service.
    TransferToService {
        /// One staff member's service login, or whoever is free.
        to_staff: Option<Text>,
    },
}

/// One article of a news answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// Headline.
    pub title: Text,
    /// Line below it.
    pub description: Text,
    /// Address of the picture.
    pub picture_url: Text,
    /// Address the article opens.
    pub url: Text,
}

impl Reply {
    /// An answer from the official account `from` (its original id) to the follower `to`.
    ///
    /// It is encrypted with the current key; an answer to a message should come from
    /// [`crate::message::Message::reply`] instead.
    #[must_use]
    pub fn new(to: OpenId, from: Text, kind: ReplyKind) -> Self {
        Self::with_key(to, from, kind, KeySlot::Current)
    }

    pub(crate) fn with_key(to: OpenId, from: Text, kind: ReplyKind, slot: KeySlot) -> Self {
        Self { to, from, slot, kind }
    }

    pub(crate) fn slot(&self) -> KeySlot {
        self.slot
    }

    /// The answers that are never wrapped or encrypted.
    pub(crate) fn bare(&self) -> Option<&'static str> {
        match self.kind {
            ReplyKind::Success => Some("success"),
            ReplyKind::Empty => Some(""),
            _ => None,
        }
    }

    /// The readable answer, before any encryption.
    pub(crate) fn render(&self, format: Format, created_at_s: i64, limits: &Limits) -> Result<String, Error> {
        self.check(limits)?;
        match format {
            Format::Xml => Ok(self.render_xml(created_at_s)),
            Format::Json => self.render_json(created_at_s),
        }
    }

    fn check(&self, limits: &Limits) -> Result<(), Error> {
        match &self.kind {
            ReplyKind::Text(text) if text.is_empty() || text.as_str().len() > limits.text_reply_bytes_max => {
                Err(Error::ReplyLength { bytes: text.as_str().len(), bytes_max: limits.text_reply_bytes_max })
            }
            ReplyKind::News(articles) if articles.is_empty() || articles.len() > limits.articles_max => {
                Err(Error::ReplyArticles { count: articles.len(), count_max: limits.articles_max })
            }
            _ => Ok(()),
        }
    }

    fn msg_type(&self) -> &'static str {
        match self.kind {
            ReplyKind::Success | ReplyKind::Empty | ReplyKind::Text(_) => "text",
            ReplyKind::Image { .. } => "image",
            ReplyKind::News(_) => "news",
            ReplyKind::TransferToService { .. } => "transfer_customer_service",
        }
    }

    fn render_xml(&self, created_at_s: i64) -> String {
        let mut out = String::new();
        xml::open_tag(&mut out, "xml");
        xml::push_cdata(&mut out, "ToUserName", self.to.as_str());
        xml::push_cdata(&mut out, "FromUserName", self.from.as_str());
        xml::push_number(&mut out, "CreateTime", created_at_s);
        xml::push_cdata(&mut out, "MsgType", self.msg_type());
        match &self.kind {
            ReplyKind::Success | ReplyKind::Empty => {}
            ReplyKind::Text(text) => xml::push_cdata(&mut out, "Content", text.as_str()),
            ReplyKind::Image { media_id } => {
                xml::open_tag(&mut out, "Image");
                xml::push_cdata(&mut out, "MediaId", media_id.as_str());
                xml::close_tag(&mut out, "Image");
            }
            ReplyKind::News(articles) => push_articles(&mut out, articles),
            ReplyKind::TransferToService { to_staff } => {
                if let Some(login) = to_staff {
                    xml::open_tag(&mut out, "TransInfo");
                    xml::push_cdata(&mut out, "KfAccount", login.as_str());
                    xml::close_tag(&mut out, "TransInfo");
                }
            }
        }
        xml::close_tag(&mut out, "xml");
        out
    }

    /// The JSON form has the names of the XML form.
    fn render_json(&self, created_at_s: i64) -> Result<String, Error> {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("ToUserName", json!(self.to.as_str()));
        put("FromUserName", json!(self.from.as_str()));
        put("CreateTime", json!(created_at_s));
        put("MsgType", json!(self.msg_type()));
        match &self.kind {
            ReplyKind::Text(text) => {
                put("Content", json!(text.as_str()));
            }
            ReplyKind::Image { media_id } => {
                put("Image", json!({ "MediaId": media_id.as_str() }));
            }
            ReplyKind::TransferToService { to_staff: Some(login) } => {
                put("TransInfo", json!({ "KfAccount": login.as_str() }));
            }
            ReplyKind::News(_) => return Err(Error::ReplyFormat),
            ReplyKind::Success | ReplyKind::Empty | ReplyKind::TransferToService { to_staff: None } => {}
        }
        Ok(Value::Object(fields).to_string())
    }
}

fn push_articles(out: &mut String, articles: &[Article]) {
    // At most `articles_max`, so the conversion cannot fail.
    let count = i64::try_from(articles.len()).unwrap_or(i64::MAX);
    xml::push_number(out, "ArticleCount", count);
    xml::open_tag(out, "Articles");
    for article in articles {
        xml::open_tag(out, "item");
        xml::push_cdata(out, "Title", article.title.as_str());
        xml::push_cdata(out, "Description", article.description.as_str());
        xml::push_cdata(out, "PicUrl", article.picture_url.as_str());
        xml::push_cdata(out, "Url", article.url.as_str());
        xml::close_tag(out, "item");
    }
    xml::close_tag(out, "Articles");
}
