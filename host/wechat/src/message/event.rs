//! Events: following, menus, receipts of sent messages.

use crate::element::Element;
use crate::masked::Text;
use crate::message::card::CardEvent;
use crate::message::notice::{self, Consent, NoticeSent};

/// What WeChat puts in front of a scene when the follower was new.
const NEW_FOLLOWER_PREFIX: &str = "qrscene_";

/// An event, by WeChat's catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody followed.
    Subscribe {
        /// The scene of the parametric QR code that brought them, without its prefix.
        scene: Option<Text>,
        /// The ticket of that QR code.
        ticket: Option<Text>,
    },
    /// Somebody stopped following; WeChat demands that their profile data goes.
    Unsubscribe,
    /// A follower scanned a parametric QR code.
    Scan {
        /// Its scene.
        scene: Text,
        /// Its ticket.
        ticket: Option<Text>,
    },
    /// Where a follower is, if reporting is on.
    Location {
        /// Decimal degrees, as written.
        latitude: Text,
        /// Decimal degrees, as written.
        longitude: Text,
        /// Metres, as written.
        precision: Text,
    },
    /// A menu entry with a key was tapped.
    Click {
        /// The entry's key.
        key: Text,
    },
    /// A menu entry with a link was tapped.
    View {
        /// The link.
        url: Text,
        /// The menu it belongs to.
        menu_id: Option<Text>,
    },
    /// A menu entry that opens a mini program was tapped.
    ViewMiniProgram {
        /// The page in it.
        page: Text,
        /// The menu it belongs to.
        menu_id: Option<Text>,
    },
    /// A code was scanned through the menu.
    CodeScanned {
        /// The entry's key.
        key: Text,
        /// `qrcode` or `barcode`.
        scan_type: Text,
        /// What it said; a barcode as `CODE_128,123…`.
        scan_result: Text,
        /// Whether WeChat waits and shows our answer.
        waits: bool,
    },
    /// Pictures were chosen through the menu; they come as messages of their own.
    Pictures {
        /// The entry's key.
        key: Text,
        /// Where they came from.
        source: PictureSource,
        /// MD5 of each, in hex.
        md5_sums: Vec<Text>,
    },
    /// A place was chosen through the menu.
    LocationSelected {
        /// The entry's key.
        key: Text,
        /// Decimal degrees, as written.
        latitude: Text,
        /// Decimal degrees, as written.
        longitude: Text,
        /// Address in words.
        label: Text,
        /// Name of the place.
        place_name: Option<Text>,
    },
    /// What became of a template message.
    TemplateSent {
        /// WeChat's id of the message, a 64-bit number.
        msg_id: Text,
        /// `success`, or `failed:` with a reason.
        status: Text,
    },
    /// What became of a broadcast.
    BroadcastSent {
        /// WeChat's id of the broadcast, a 64-bit number.
        msg_id: Text,
        /// `sendsuccess`, or why not.
        status: Text,
        /// How many followers were meant.
        total_count: Option<i64>,
        /// How many were left after filtering.
        filter_count: Option<i64>,
        /// How many got it.
        sent_count: Option<i64>,
        /// How many did not.
        error_count: Option<i64>,
    },
    /// Something about a card.
    Card(CardEvent),
    /// A follower was asked for consent to notices.
    ConsentAsked(Vec<Consent>),
    /// A follower changed consent in the settings.
    ConsentChanged(Vec<Consent>),
    /// What became of subscribe notices.
    NoticesSent(Vec<NoticeSent>),
    /// A follower changed their profile: fetch it again.
    ProfileChanged,
    /// A follower withdrew the permission to hold their profile: delete it.
    ProfileRevoked {
        /// Which data, as WeChat's number list.
        revoked: Text,
    },
    /// An event this version does not know; [`crate::message::Message::field`] has its fields.
    Other {
        /// The event's name, in lower case.
        name: String,
    },
}

/// Where menu pictures came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureSource {
    /// The camera.
    Camera,
    /// The camera or the album.
    CameraOrAlbum,
    /// WeChat's own album.
    WeChatAlbum,
}

impl Event {
    /// Reads an event. Names differ in case from event to event, so case does not count.
    pub(super) fn read(fields: &Element) -> Self {
        let name = fields.value("Event").trim().to_ascii_lowercase();
        Self::following(&name, fields)
            .or_else(|| Self::menu(&name, fields))
            .or_else(|| Self::receipt(&name, fields))
            .or_else(|| CardEvent::read(&name, fields).map(Self::Card))
            .unwrap_or(Self::Other { name })
    }

    /// Whether WeChat shows an answer to the event.
    pub(super) fn takes_reply(&self) -> bool {
        matches!(
            self,
            Self::Subscribe { .. }
                | Self::Scan { .. }
                | Self::Click { .. }
                | Self::CodeScanned { waits: true, .. }
                | Self::Pictures { .. }
                | Self::LocationSelected { .. }
        )
    }

    fn following(name: &str, fields: &Element) -> Option<Self> {
        Some(match name {
            "subscribe" => Self::Subscribe { scene: new_follower_scene(fields), ticket: fields.given("Ticket") },
            "unsubscribe" => Self::Unsubscribe,
            "scan" => Self::Scan { scene: fields.text_of("EventKey"), ticket: fields.given("Ticket") },
            "location" => Self::Location {
                latitude: fields.text_of("Latitude"),
                longitude: fields.text_of("Longitude"),
                precision: fields.text_of("Precision"),
            },
            "user_info_modified" => Self::ProfileChanged,
            "user_authorization_revoke" => Self::ProfileRevoked { revoked: fields.text_of("RevokeInfo") },
            _ => return None,
        })
    }

    fn menu(name: &str, fields: &Element) -> Option<Self> {
        let key = fields.text_of("EventKey");
        let menu_id = fields.given("MenuId");
        Some(match name {
            "click" => Self::Click { key },
            "view" => Self::View { url: key, menu_id },
            "view_miniprogram" => Self::ViewMiniProgram { page: key, menu_id },
            "scancode_push" => Self::code_scanned(key, fields, false),
            "scancode_waitmsg" => Self::code_scanned(key, fields, true),
            "pic_sysphoto" => Self::pictures(key, PictureSource::Camera, fields),
            "pic_photo_or_album" => Self::pictures(key, PictureSource::CameraOrAlbum, fields),
            "pic_weixin" => Self::pictures(key, PictureSource::WeChatAlbum, fields),
            "location_select" => Self::location_selected(key, fields),
            _ => return None,
        })
    }

    fn receipt(name: &str, fields: &Element) -> Option<Self> {
        Some(match name {
            "templatesendjobfinish" => {
                Self::TemplateSent { msg_id: fields.text_of("MsgID"), status: fields.text_of("Status") }
            }
            "masssendjobfinish" => Self::BroadcastSent {
                msg_id: fields.text_of("MsgID"),
                status: fields.text_of("Status"),
                total_count: fields.number("TotalCount"),
                filter_count: fields.number("FilterCount"),
                sent_count: fields.number("SentCount"),
                error_count: fields.number("ErrorCount"),
            },
            "subscribe_msg_popup_event" => Self::ConsentAsked(notice::consents(fields, "SubscribeMsgPopupEvent")),
            "subscribe_msg_change_event" => Self::ConsentChanged(notice::consents(fields, "SubscribeMsgChangeEvent")),
            "subscribe_msg_sent_event" => Self::NoticesSent(notice::notices_sent(fields, "SubscribeMsgSentEvent")),
            _ => return None,
        })
    }

    fn code_scanned(key: Text, fields: &Element, waits: bool) -> Self {
        let info = fields.child("ScanCodeInfo").unwrap_or(fields);
        Self::CodeScanned { key, scan_type: info.text_of("ScanType"), scan_result: info.text_of("ScanResult"), waits }
    }

    fn pictures(key: Text, source: PictureSource, fields: &Element) -> Self {
        let list = fields.child("SendPicsInfo").and_then(|info| info.child("PicList"));
        let md5_sums = list
            .into_iter()
            .flat_map(|list| list.children_named("item"))
            .map(|item| item.text_of("PicMd5Sum"))
            .collect();
        Self::Pictures { key, source, md5_sums }
    }

    fn location_selected(key: Text, fields: &Element) -> Self {
        let info = fields.child("SendLocationInfo").unwrap_or(fields);
        Self::LocationSelected {
            key,
            latitude: info.text_of("Location_X"),
            longitude: info.text_of("Location_Y"),
            label: info.text_of("Label"),
            place_name: info.given("Poiname"),
        }
    }
}

/// The scene a new follower came through.
///
/// The prefix goes once: a scene may begin with the same word itself. A key without the prefix
/// is no scene (after a payment WeChat sends `last_trade_no_…` there).
fn new_follower_scene(fields: &Element) -> Option<Text> {
    fields.value("EventKey").strip_prefix(NEW_FOLLOWER_PREFIX).filter(|scene| !scene.is_empty()).map(Text::new)
}
