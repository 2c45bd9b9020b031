//! What WeChat pushes, in types.

mod card;
mod component;
mod dedupe;
mod event;
mod notice;

pub use card::{Card, CardEvent};
pub use component::{Authorization, ComponentNotice, ComponentNoticeKind};
pub use event::{Event, PictureSource};
pub use notice::{Consent, NoticeSent};

use crate::callback::{Format, KeySlot};
use crate::element::Element;
use crate::error::Error;
use crate::limits::Limits;
use crate::masked::{OpenId, Text};
use crate::reply::{Reply, ReplyKind};

/// A message or an event from one follower to one official account, already verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The official account's original id (`gh_…`).
    pub to: Text,
    /// The follower. Some events of the platform itself carry an id of WeChat's own here.
    pub from: OpenId,
    /// When it happened, in Unix seconds. A card event may arrive a day later.
    pub created_at_s: i64,
    /// What happened.
    pub kind: Kind,
    fields: Element,
    plaintext: Text,
    dedupe_key: Text,
    slot: KeySlot,
}

/// The kinds of ordinary messages, and the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A typed text.
    Text {
        /// The text.
        content: Text,
        /// Which entry of a menu message was tapped, if one was.
        menu_id: Option<Text>,
    },
    /// A picture.
    Image {
        /// Address of the picture.
        picture_url: Text,
        /// WeChat's id of it.
        media_id: Text,
    },
    /// A spoken message.
    Voice {
        /// WeChat's id of the recording.
        media_id: Text,
        /// File format, such as `amr`.
        format: Text,
        /// What was understood, where recognition is switched on.
        recognition: Option<Text>,
    },
    /// A video; short ones (小视频) come the same way.
    Video {
        /// WeChat's id of the video.
        media_id: Text,
        /// WeChat's id of its preview.
        thumb_media_id: Text,
    },
    /// A place the follower sent.
    Location {
        /// Decimal degrees, as written.
        latitude: Text,
        /// Decimal degrees, as written.
        longitude: Text,
        /// Zoom of the map.
        scale: Text,
        /// Address in words.
        label: Text,
    },
    /// A link.
    Link {
        /// Its title.
        title: Text,
        /// Its description.
        description: Text,
        /// Its address.
        url: Text,
    },
    /// A file.
    File {
        /// Its name.
        title: Text,
        /// Its description.
        description: Text,
        /// WeChat's id of it.
        file_key: Text,
        /// MD5 of the content, in hex.
        md5: Text,
        /// Size in bytes.
        size_bytes: Option<i64>,
    },
    /// Something that happened instead of being said.
    Event(Event),
    /// A type this version does not know; see [`Message::field`] for what it holds.
    Other {
        /// The `MsgType`, in lower case.
        msg_type: String,
    },
}

impl Message {
    /// Reads a message from its verified text, for instance from an inbox that stored
    /// [`Message::plaintext`].
    ///
    /// # Errors
    /// What is wrong with the text, or [`Error::MissingField`] without a sender, a time or a type.
    pub fn parse(plaintext: &Text, format: Format, limits: &Limits) -> Result<Self, Error> {
        let fields = format.parse(plaintext.as_str().as_bytes(), limits)?;
        let from = required(&fields, "FromUserName")?;
        let msg_type = required(&fields, "MsgType")?.trim().to_ascii_lowercase();
        let created_at_s = created_at_s(&fields)?;
        Ok(Self {
            to: fields.text_of("ToUserName"),
            from: OpenId::new(from),
            created_at_s,
            kind: Kind::read(msg_type, &fields),
            dedupe_key: Text::new(dedupe::message_key(&fields, limits)),
            plaintext: plaintext.clone(),
            slot: KeySlot::default(),
            fields,
        })
    }

    pub(crate) fn opened_with(self, slot: KeySlot) -> Self {
        Self { slot, ..self }
    }

    /// The name of this push: the same for every retry of it, another for every other push.
    ///
    /// `MsgId` where there is one, else
    /// `FromUserName|CreateTime|Event|EventKey, CardId or MsgID|UserCardCode or Ticket`, without
    /// empty parts at the end. A key longer than
    /// [`Limits::dedupe_key_bytes_max`] is replaced by `sha1:` and its SHA-1. Unique per official
    /// account only: store it beside the account.
    #[must_use]
    pub fn dedupe_key(&self) -> &str {
        self.dedupe_key.as_str()
    }

    /// An answer to the sender, to be sealed with the key that opened this message.
    #[must_use]
    pub fn reply(&self, kind: ReplyKind) -> Reply {
        Reply::with_key(self.from.clone(), self.to.clone(), kind, self.slot)
    }

    /// Whether WeChat shows an answer to this message; otherwise answer `success`.
    #[must_use]
    pub fn takes_reply(&self) -> bool {
        match &self.kind {
            Kind::Event(event) => event.takes_reply(),
            Kind::Other { .. } => false,
            _ => true,
        }
    }

    /// A top-level field by WeChat's own name, empty if it was not sent.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.value(name)
    }

    /// All fields as they were sent, for kinds this version does not know.
    #[must_use]
    pub fn fields(&self) -> &Element {
        &self.fields
    }

    /// The verified text this message was read from. It holds personal data.
    #[must_use]
    pub fn plaintext(&self) -> &Text {
        &self.plaintext
    }

    /// Which key opened it.
    #[must_use]
    pub fn key_slot(&self) -> KeySlot {
        self.slot
    }
}

impl Kind {
    fn read(msg_type: String, fields: &Element) -> Self {
        let text = |name| fields.text_of(name);
        match msg_type.as_str() {
            "text" => Self::Text { content: text("Content"), menu_id: fields.given("bizmsgmenuid") },
            "image" => Self::Image { picture_url: text("PicUrl"), media_id: text("MediaId") },
            "voice" => Self::Voice {
                media_id: text("MediaId"),
                format: text("Format"),
                recognition: fields.given("Recognition"),
            },
            "video" | "shortvideo" => Self::Video { media_id: text("MediaId"), thumb_media_id: text("ThumbMediaId") },
            "location" => Self::Location {
                latitude: text("Location_X"),
                longitude: text("Location_Y"),
                scale: text("Scale"),
                label: text("Label"),
            },
            "link" => Self::Link { title: text("Title"), description: text("Description"), url: text("Url") },
            "file" => Self::File {
                title: text("Title"),
                description: text("Description"),
                file_key: text("FileKey"),
                md5: text("FileMd5"),
                size_bytes: fields.number("FileTotalLen"),
            },
            "event" => Self::Event(Event::read(fields)),
            _ => Self::Other { msg_type },
        }
    }
}

/// A field every push of its kind has.
fn required<'e>(fields: &'e Element, name: &'static str) -> Result<&'e str, Error> {
    match fields.value(name) {
        "" => Err(Error::MissingField { name }),
        value => Ok(value),
    }
}

fn created_at_s(fields: &Element) -> Result<i64, Error> {
    fields.number("CreateTime").ok_or(Error::MissingField { name: "CreateTime" })
}
