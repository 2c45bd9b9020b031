//! The text of a push, as XML and as JSON: bounded, and nothing in it gets into the shape of an answer.

use crate::planted;
use wechat::{
    Element, Limits, Text,
    callback::{Config, Format, Mode, Token, seal},
    message::{ComponentNotice, Message},
    reply::{Article, ReplyKind},
    xml,
};

const NOW_S: i64 = 1_763_712_003;

/// Parses, writes again, answers, and reads the answer as WeChat would.
pub fn run(body: &[u8]) {
    let limits = Limits::default();
    if let Ok(tree) = xml::parse(body, &limits) {
        assert!(count(&tree) <= limits.elements_max && depth(&tree) <= limits.depth_max, "beyond its limits");
        assert!(!has_markup(body), "markup that WeChat never sends");
        let again = xml::parse(written(&tree).as_bytes(), &limits).expect("what was read can be written");
        assert_eq!(shape(&again), shape(&tree), "what is written reads as it was");
    }
    let Ok(body) = std::str::from_utf8(body) else { return };
    for format in [Format::Xml, Format::Json] {
        let body = Text::new(body);
        if let Ok(message) = Message::parse(&body, format, &limits) {
            let key = message.dedupe_key();
            assert!(!key.is_empty() && key.len() <= limits.dedupe_key_bytes_max, "a name to store: {key:?}");
            assert_eq!(Message::parse(&body, format, &limits).as_ref(), Ok(&message), "the same every time");
            answers(&message, format, &limits);
        }
        if let Ok(notice) = ComponentNotice::parse(&body, format, &limits) {
            let key = notice.dedupe_key();
            assert!(!key.is_empty() && key.len() <= limits.dedupe_key_bytes_max, "a name to store: {key:?}");
        }
    }
}

/// Every kind of answer that repeats what a follower wrote.
fn answers(message: &Message, format: Format, limits: &Limits) {
    let said = Text::new(cut(message.plaintext().as_str(), limits.text_reply_bytes_max));
    let content = Text::new(cut(message.field("Content"), limits.text_reply_bytes_max));
    let article = Article {
        title: content.clone(),
        description: said.clone(),
        picture_url: said.clone(),
        url: Text::new(message.field("EventKey")),
    };
    for (kind, fields) in [
        (ReplyKind::Text(said.clone()), vec![("Content", said.as_str())]),
        (ReplyKind::Text(content.clone()), vec![("Content", content.as_str())]),
        (ReplyKind::Image { media_id: said.clone() }, vec![("Image/MediaId", said.as_str())]),
        (ReplyKind::TransferToService { to_staff: Some(said.clone()) }, vec![("TransInfo/KfAccount", said.as_str())]),
        (
            ReplyKind::News(vec![article.clone()]),
            vec![
                ("ArticleCount", "1"),
                ("Articles/item/Title", article.title.as_str()),
                ("Articles/item/Description", article.description.as_str()),
                ("Articles/item/PicUrl", article.picture_url.as_str()),
                ("Articles/item/Url", article.url.as_str()),
            ],
        ),
    ] {
        let mut config = Config::new(Token::new("token").expect("a token"), Mode::Plain);
        config.format = format;
        let Ok(answer) = seal(&config, &message.reply(kind), NOW_S, "nonce", &[0; 16]) else { continue };
        let head = [("ToUserName", message.from.as_str()), ("FromUserName", message.to.as_str())];
        let carried: Vec<(String, String)> =
            head.into_iter().chain(fields).map(|(n, v)| (n.into(), v.into())).collect();
        holds(&answer, format, carried);
    }
}

/// The answer holds what it should and nothing else.
fn holds(answer: &str, format: Format, mut carried: Vec<(String, String)>) {
    let mut found = match format {
        Format::Xml => {
            // Planted: CDATA whose end mark is not taken apart.
            let answer = if planted() { answer.replace("]]]]><![CDATA[>", "]]>") } else { answer.to_owned() };
            let parsed = xml::parse(answer.as_bytes(), &Limits { body_bytes_max: 1 << 20, ..Limits::default() });
            carried.iter_mut().for_each(|(_, value)| value.retain(is_xml_char));
            leaves(&parsed.expect("an answer is XML"))
        }
        Format::Json => json_leaves("", &serde_json::from_str(answer).expect("an answer is JSON")),
    };
    let ours = [("CreateTime", NOW_S.to_string())];
    for (name, value) in ours {
        let at = found.iter().position(|leaf| *leaf == (name.to_owned(), value.clone())).expect("our own time");
        found.remove(at);
    }
    let kind = found.iter().position(|(name, _)| name == "MsgType").expect("a type");
    found.remove(kind);
    found.sort();
    carried.sort();
    assert_eq!(found, carried, "an answer carries what was said, and nothing else");
}

fn leaves(tree: &Element) -> Vec<(String, String)> {
    let below = |child: &Element| -> Vec<(String, String)> {
        let name = child.name();
        if child.children().is_empty() {
            return vec![(name.to_owned(), child.text().to_owned())];
        }
        leaves(child).into_iter().map(|(rest, value)| (format!("{name}/{rest}"), value)).collect()
    };
    tree.children().iter().flat_map(below).collect()
}

fn json_leaves(name: &str, value: &serde_json::Value) -> Vec<(String, String)> {
    match value {
        serde_json::Value::Object(fields) => {
            let prefix = if name.is_empty() { String::new() } else { format!("{name}/") };
            fields.iter().flat_map(|(field, value)| json_leaves(&format!("{prefix}{field}"), value)).collect()
        }
        serde_json::Value::String(text) => vec![(name.to_owned(), text.clone())],
        other => vec![(name.to_owned(), other.to_string())],
    }
}

/// The tree as XML, every text in CDATA.
fn written(tree: &Element) -> String {
    let text = tree.text().replace("]]>", "]]]]><![CDATA[>");
    let children: String = tree.children().iter().map(written).collect();
    format!("<{0}><![CDATA[{text}]]>{children}</{0}>", tree.name())
}

type Shape = (String, String, Vec<Element>);

fn shape(tree: &Element) -> Shape {
    (tree.name().to_owned(), tree.text().to_owned(), tree.children().to_vec())
}

/// Whether anything but elements, text, CDATA and references stands in the body.
fn has_markup(body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body);
    let mut rest = body.as_ref();
    while let Some(at) = rest.find("<!").into_iter().chain(rest.find("<?")).min() {
        match rest[at..].strip_prefix("<![CDATA[").and_then(|inside| inside.split_once("]]>")) {
            Some((_, behind)) => rest = behind,
            None => return true,
        }
    }
    false
}

fn count(tree: &Element) -> usize {
    1 + tree.children().iter().map(count).sum::<usize>()
}

fn depth(tree: &Element) -> usize {
    tree.children().iter().map(depth).max().map_or(0, |below| below + 1)
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// The `Char` production of XML 1.0, told apart from the product's own.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
