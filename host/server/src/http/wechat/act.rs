//! What a follower's message or event means to the ledger.

use super::{account::Account, words};
use crate::{
    apply::Asked,
    error::ApiError,
    http::{
        Front, ask,
        member::new_id,
        natural,
        who::Named,
        wish::{Asker, UNKNOWN_MEMBER, Wish},
    },
    seal::IdentityKind,
};
use ledger::{Act, Event, Join, Reply, UnixMs};
use wechat::message::{Event as Push, Kind, Message};

/// The longest scene, key or word that becomes part of an event, in characters.
const WORD_MAX: usize = 64;

/// What is to be done about a push.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    /// Somebody follows; the scene of the QR code that brought them.
    Follow(Option<String>),
    /// Something happened to a member.
    Event(Event),
    /// Nothing.
    Nothing,
}

/// Lets the push happen, once, and says what the follower reads; nothing if there is nothing to say.
pub(super) async fn happen(front: &Front, account: &Account, message: &Message) -> Result<Option<String>, ApiError> {
    let follower = Follower::of(front, account, message);
    match meaning(account, message) {
        Meaning::Nothing => Ok(None),
        Meaning::Follow(scene) if account.detail.follow_is_member => {
            let reply = follower.join(scene, "").await?;
            Ok(Some(words::welcome(&account.detail.welcome, Some(&reply))))
        }
        Meaning::Follow(scene) => {
            let reply = known(follower.event(Event::Follow(scene)).await)?;
            Ok(Some(words::welcome(&account.detail.welcome, reply.as_ref())))
        }
        Meaning::Event(Event::SignIn) => follower.sign_in(account).await.map(|reply| Some(words::signed_in(&reply))),
        // Whoever never was a member has nothing an event could change.
        Meaning::Event(event) => known(follower.event(event).await).map(|reply| reply.as_ref().and_then(words::said)),
    }
}

/// Nothing instead of a refusal because nobody has this name.
fn known(reply: Result<Reply, ApiError>) -> Result<Option<Reply>, ApiError> {
    match reply {
        Err(error) if error.code() == UNKNOWN_MEMBER => Ok(None),
        reply => reply.map(Some),
    }
}

fn meaning(account: &Account, message: &Message) -> Meaning {
    let custom = |name: &str, data: serde_json::Value| Meaning::Event(Event::Custom(name.to_owned(), data.to_string()));
    match &message.kind {
        Kind::Event(Push::Subscribe { scene, .. }) => {
            Meaning::Follow(scene.as_ref().map(|scene| bounded(scene.as_str())))
        }
        Kind::Event(Push::Unsubscribe) => custom("unfollow", serde_json::json!({})),
        Kind::Event(Push::Scan { scene, .. }) => custom("scan", serde_json::json!({"scene": bounded(scene.as_str())})),
        Kind::Event(Push::Click { key }) if is_among(&account.detail.sign_in_words, key.as_str()) => {
            Meaning::Event(Event::SignIn)
        }
        Kind::Event(Push::Click { key }) => custom("click", serde_json::json!({"key": bounded(key.as_str())})),
        Kind::Text { content, .. } if is_among(&account.detail.sign_in_words, content.as_str()) => {
            Meaning::Event(Event::SignIn)
        }
        // What followers write is theirs: only words the merchant listed are kept.
        Kind::Text { content, .. } if is_among(&account.detail.words, content.as_str()) => {
            custom("text", serde_json::json!({"word": content.as_str().trim()}))
        }
        _ => Meaning::Nothing,
    }
}

fn is_among(words: &[String], given: &str) -> bool {
    words.iter().any(|word| word == given.trim())
}

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(WORD_MAX).collect()
}

/// Who sent the push, as the ledger knows them.
struct Follower<'a> {
    front: &'a Front,
    asker: Asker,
    named: Named,
    index: String,
    business_at: UnixMs,
}

impl<'a> Follower<'a> {
    fn of(front: &'a Front, account: &Account, message: &Message) -> Self {
        let index = front.app.sealer.index(&account.tenant, IdentityKind::OpenId, message.from.as_str());
        // The name WeChat gives the push holds the openid, so only its fingerprint is kept.
        let push = front.app.sealer.fingerprint(&account.tenant, message.dedupe_key().as_bytes());
        let asker = Asker {
            tenant: account.tenant.clone(),
            principal: "wechat".to_owned(),
            key: natural::wechat(&account.appid, &push),
            store: None,
            till: None,
            now: front.app.clock.now(),
        };
        let named = Named::by_index(IdentityKind::OpenId, index.clone());
        let business_at = UnixMs::new(message.created_at_s.saturating_mul(1_000));
        Self { front, asker, named, index, business_at }
    }

    /// Makes the follower a member, or greets them again. `suffix` tells two acts of one push apart.
    async fn join(&self, scene: Option<String>, suffix: &str) -> Result<Reply, ApiError> {
        let member = new_id(self.front, self.asker.now)?;
        let event = Event::Follow(scene);
        let meaning = (&self.named, event.clone());
        let join = Join { member, event, birthday: None, referrer: None };
        let mut asked = self.asked(&meaning, Act::Join(join), suffix)?;
        asked.identities = vec![(IdentityKind::OpenId.as_str(), self.index.clone())];
        self.ask(asked).await
    }

    async fn event(&self, event: Event) -> Result<Reply, ApiError> {
        let asked = self.asked(&(&self.named, &event), Act::Event(event.clone()), "")?;
        self.ask(asked).await
    }

    /// Signs in for the day; somebody who followed before we were there becomes a member first.
    async fn sign_in(&self, account: &Account) -> Result<Reply, ApiError> {
        match self.event(Event::SignIn).await {
            Err(error) if error.code() == UNKNOWN_MEMBER && account.detail.follow_is_member => {
                self.join(None, "/join").await?;
                self.event(Event::SignIn).await
            }
            reply => reply,
        }
    }

    fn asked(&self, meaning: &impl serde::Serialize, act: Act, suffix: &str) -> Result<Asked, ApiError> {
        let name = format!("{}{suffix}", self.asker.key);
        let asker = Asker { key: name.clone(), ..self.asker.clone() };
        let wish = Wish {
            route: "wechat",
            body: meaning,
            natural_key: Some(name),
            business_at: self.business_at,
            member: Some(&self.named),
            sale: None,
            act,
        };
        asker.asks(self.front, wish)
    }

    async fn ask(&self, asked: Asked) -> Result<Reply, ApiError> {
        let replied = ask(&self.front.app, asked).await?;
        serde_json::from_slice(&replied.body).map_err(ApiError::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::AccountDetail;
    use ledger::TenantId;
    use wechat::{
        Limits, Text,
        callback::{Config, Format, Mode, Token},
    };

    fn account() -> Account {
        let detail = AccountDetail { words: vec!["积分".to_owned()], ..AccountDetail::default() };
        Account {
            tenant: TenantId::new("t1").expect("an id"),
            appid: "wx1".to_owned(),
            config: Config::new(Token::new("token").expect("a token"), Mode::Plain),
            detail,
        }
    }

    fn push(fields: &str) -> Meaning {
        let xml = format!(
            "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>{fields}</xml>"
        );
        let message = Message::parse(&Text::new(xml), Format::Xml, &Limits::default()).expect("a message");
        meaning(&account(), &message)
    }

    #[test]
    fn every_kind_of_push_has_its_meaning() {
        let event = |name: &str, key: &str| {
            push(&format!("<MsgType>event</MsgType><Event>{name}</Event><EventKey>{key}</EventKey>"))
        };
        let text = |said: &str| push(&format!("<MsgType>text</MsgType><Content>{said}</Content><MsgId>9</MsgId>"));
        let custom = |name: &str, data: &str| Meaning::Event(Event::Custom(name.to_owned(), data.to_owned()));
        assert_eq!(event("subscribe", "qrscene_7"), Meaning::Follow(Some("7".to_owned())));
        assert_eq!(event("subscribe", ""), Meaning::Follow(None));
        assert_eq!(event("unsubscribe", ""), custom("unfollow", "{}"));
        assert_eq!(event("SCAN", "7"), custom("scan", r#"{"scene":"7"}"#));
        assert_eq!(event("CLICK", "签到"), Meaning::Event(Event::SignIn));
        assert_eq!(event("CLICK", "menu"), custom("click", r#"{"key":"menu"}"#));
        assert_eq!(text(" 签到 "), Meaning::Event(Event::SignIn));
        assert_eq!(text("积分"), custom("text", r#"{"word":"积分"}"#));
        assert_eq!(text("我的电话是 13812341234"), Meaning::Nothing);
        assert_eq!(event("VIEW", "https://example.com"), Meaning::Nothing);
    }
}
