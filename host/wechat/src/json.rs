//! Reading the JSON form of a push: mini programs may choose it instead of XML.

use serde_json::Value;

use crate::element::Element;
use crate::error::Error;
use crate::limits::Limits;
use crate::xml::utf8;

/// Reads one body into the same tree that XML gives, under the same limits.
///
/// A list becomes its name repeated; numbers keep all their digits; `null` is empty text.
///
/// # Errors
/// [`Error::BodyTooLarge`], [`Error::NotUtf8`], [`Error::Malformed`], [`Error::TooManyElements`]
/// or [`Error::TooDeep`].
pub(crate) fn parse(body: &[u8], limits: &Limits) -> Result<Element, Error> {
    let value: Value = serde_json::from_str(utf8(body, limits)?).map_err(|_| Error::Malformed)?;
    let Value::Object(fields) = value else {
        return Err(Error::Malformed);
    };
    let mut root = Element::new("json");
    let mut tree = Builder { limits, elements: 1 };
    for (name, value) in fields {
        tree.add(&mut root, &name, value, 1)?;
    }
    Ok(root)
}

struct Builder<'l> {
    limits: &'l Limits,
    elements: usize,
}

impl Builder<'_> {
    /// Adds one member; recursion ends at `depth_max`.
    fn add(&mut self, parent: &mut Element, name: &str, value: Value, depth: usize) -> Result<(), Error> {
        match value {
            Value::Array(items) => {
                for item in items {
                    // A list within a list has no name to repeat, and WeChat sends none.
                    if item.is_array() {
                        return Err(Error::Malformed);
                    }
                    self.add_one(parent, name, item, depth)?;
                }
                Ok(())
            }
            single => self.add_one(parent, name, single, depth),
        }
    }

    fn add_one(&mut self, parent: &mut Element, name: &str, value: Value, depth: usize) -> Result<(), Error> {
        self.count(depth)?;
        let mut element = Element::new(name);
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.add(&mut element, &name, value, depth.saturating_add(1))?;
                }
            }
            Value::String(text) => *element.text_mut() = text,
            Value::Number(number) => *element.text_mut() = number.to_string(),
            Value::Bool(flag) => *element.text_mut() = flag.to_string(),
            Value::Null | Value::Array(_) => {}
        }
        parent.push(element);
        Ok(())
    }

    fn count(&mut self, depth: usize) -> Result<(), Error> {
        if self.elements >= self.limits.elements_max {
            return Err(Error::TooManyElements { elements_max: self.limits.elements_max });
        }
        if depth > self.limits.depth_max {
            return Err(Error::TooDeep { depth_max: self.limits.depth_max });
        }
        self.elements = self.elements.saturating_add(1);
        Ok(())
    }
}
