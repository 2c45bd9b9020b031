//! The tree both body formats are read into.

use std::fmt;

use crate::masked::Text;

/// One named field of a body with its text and the fields below it.
///
/// The order of fields is kept, a name may repeat, and a JSON member stands for the XML element
/// of the same name. `Debug` shows names and sizes only.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// An element without text and children.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), text: String::new(), children: Vec::new() }
    }

    pub(crate) fn text_mut(&mut self) -> &mut String {
        &mut self.text
    }

    pub(crate) fn push(&mut self, child: Element) {
        self.children.push(child);
    }

    /// The element's name, in WeChat's own case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The element's own text, without the blanks around its CDATA.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The fields below, in the order they were sent.
    #[must_use]
    pub fn children(&self) -> &[Element] {
        &self.children
    }

    /// The first field called `name`.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Every field called `name`: WeChat repeats `List` instead of nesting it.
    pub fn children_named(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first field called `name`, empty if there is none.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.child(name).map_or("", Element::text)
    }

    /// The same as a masked copy, empty if there is none.
    pub(crate) fn text_of(&self, name: &str) -> Text {
        Text::new(self.value(name))
    }

    /// The same, where WeChat sends an empty field for "nothing".
    pub(crate) fn given(&self, name: &str) -> Option<Text> {
        Some(self.text_of(name)).filter(|text| !text.is_empty())
    }

    /// A whole number, or nothing if the field is missing or written otherwise.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.value(name).trim().parse().ok()
    }

    /// WeChat's `1` for yes; anything else is no.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.value(name).trim() == "1"
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Element")
            .field("name", &self.name)
            .field("text_bytes", &self.text.len())
            .field("children", &self.children)
            .finish()
    }
}
