//! Reading the small XML that WeChat sends, and writing the smaller XML it accepts.
//!
//! The reader refuses everything a push never holds (DOCTYPE, comments, instructions, attributes,
//! unknown entities) instead of trying to handle it safely.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::element::Element;
use crate::error::Error;
use crate::limits::Limits;

/// Reads one body into a tree.
///
/// Blanks around CDATA go, text inside of CDATA stays as it is.
///
/// # Errors
/// [`Error::BodyTooLarge`] before anything is parsed, [`Error::NotUtf8`], [`Error::Malformed`],
/// [`Error::ForbiddenMarkup`], [`Error::TooManyElements`] or [`Error::TooDeep`].
pub fn parse(body: &[u8], limits: &Limits) -> Result<Element, Error> {
    let mut reader = Reader::from_str(utf8(body, limits)?);
    let mut tree = Builder::new(limits);
    // Bounded by the body: every turn consumes at least one byte or ends the loop.
    loop {
        match reader.read_event().map_err(|_| Error::Malformed)? {
            Event::Start(tag) => tree.open(&tag)?,
            Event::Empty(tag) => {
                tree.open(&tag)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(text) => tree.loose_text(&text)?,
            Event::CData(text) => tree.exact_text(&text)?,
            Event::GeneralRef(reference) => tree.exact_text(&resolve(&reference)?)?,
            Event::DocType(_) | Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {
                return Err(Error::ForbiddenMarkup);
            }
            Event::Eof => return tree.finish(),
        }
    }
}

/// The body as text, if it is small enough to be read at all.
pub(crate) fn utf8<'b>(body: &'b [u8], limits: &Limits) -> Result<&'b str, Error> {
    if body.len() > limits.body_bytes_max {
        return Err(Error::BodyTooLarge { bytes: body.len(), bytes_max: limits.body_bytes_max });
    }
    std::str::from_utf8(body).map_err(|_| Error::NotUtf8)
}

/// A character reference or one of the five entities of XML; there is no DTD to define others.
fn resolve(reference: &BytesRef<'_>) -> Result<String, Error> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| Error::Malformed)? {
        return Ok(character.to_string());
    }
    resolve_xml_entity(reference).map(str::to_owned).ok_or(Error::ForbiddenMarkup)
}

/// An element whose end tag has not come yet.
struct Open {
    element: Element,
    /// Bytes of its text that came from CDATA or a reference and are not trimmed.
    kept: usize,
}

struct Builder<'l> {
    limits: &'l Limits,
    stack: Vec<Open>,
    root: Option<Element>,
    elements: usize,
}

impl<'l> Builder<'l> {
    fn new(limits: &'l Limits) -> Self {
        Self { limits, stack: Vec::new(), root: None, elements: 0 }
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), Error> {
        if self.root.is_some() {
            return Err(Error::Malformed);
        }
        if !tag.attributes_raw().trim().is_empty() {
            return Err(Error::ForbiddenMarkup);
        }
        // The reader takes whatever stands between the brackets, `<<!DOCTYPE/>` included.
        if !is_name(tag.name().as_ref()) {
            return Err(Error::Malformed);
        }
        if self.elements >= self.limits.elements_max {
            return Err(Error::TooManyElements { elements_max: self.limits.elements_max });
        }
        // The stack holds the ancestors, so its length is the new element's depth below the root.
        if self.stack.len() > self.limits.depth_max {
            return Err(Error::TooDeep { depth_max: self.limits.depth_max });
        }
        self.elements = self.elements.saturating_add(1);
        self.stack.push(Open { element: Element::new(tag.name().as_ref()), kept: 0 });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let Open { mut element, kept } = self.stack.pop().ok_or(Error::Malformed)?;
        let trimmed = element.text().trim_end().len();
        element.text_mut().truncate(trimmed.max(kept));
        match self.stack.last_mut() {
            Some(parent) => parent.element.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    /// Text outside of CDATA: blanks at either end of the element do not count.
    fn loose_text(&mut self, text: &str) -> Result<(), Error> {
        let Some(open) = self.stack.last_mut() else {
            return if text.trim().is_empty() { Ok(()) } else { Err(Error::Malformed) };
        };
        let buffer = open.element.text_mut();
        // Nothing exact came before, so the blanks at the front are layout.
        buffer.push_str(if buffer.is_empty() && open.kept == 0 { text.trim_start() } else { text });
        Ok(())
    }

    /// CDATA and references mean every byte they say.
    fn exact_text(&mut self, text: &str) -> Result<(), Error> {
        let open = self.stack.last_mut().ok_or(Error::Malformed)?;
        open.element.text_mut().push_str(text);
        open.kept = open.element.text().len();
        Ok(())
    }

    fn finish(self) -> Result<Element, Error> {
        if !self.stack.is_empty() {
            return Err(Error::Malformed);
        }
        self.root.ok_or(Error::Malformed)
    }
}

/// Appends `<name><![CDATA[text]]></name>`.
///
/// The end mark of CDATA inside the text is split over two sections; characters that XML 1.0
/// cannot carry are left out, because one of them would make WeChat drop the whole answer.
pub(crate) fn push_cdata(out: &mut String, name: &str, text: &str) {
    let clean: String = text.chars().filter(|c| is_xml_char(*c)).collect();
    open_tag(out, name);
    out.push_str("<![CDATA[");
    out.push_str(&clean.replace("]]>", "]]]]><![CDATA[>"));
    out.push_str("]]>");
    close_tag(out, name);
}

/// Appends `<name>number</name>`.
pub(crate) fn push_number(out: &mut String, name: &str, number: i64) {
    open_tag(out, name);
    out.push_str(&number.to_string());
    close_tag(out, name);
}

pub(crate) fn open_tag(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

pub(crate) fn close_tag(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Whether WeChat could have sent it: its names are ASCII words.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// The `Char` production of XML 1.0.
fn is_xml_char(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        // Surrogates are no characters in Rust; these two are in Unicode but not in XML.
        '\u{fffe}' | '\u{ffff}' => false,
        other => other >= ' ',
    }
}
