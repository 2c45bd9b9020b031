//! The names a component imports and exports, read from its own top level.
//!
//! For showing only: what may be imported is judged by the engine. A file this cannot read has no names here.

/// First bytes of a component.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
/// Section of a component's imports.
const IMPORTS: u8 = 10;
/// Section of a component's exports.
const EXPORTS: u8 = 11;
/// The sort of a type.
const TYPE: u8 = 3;
/// Bits in a group of a LEB128 number.
const GROUP_BITS: u32 = 7;

/// What a component imports and exports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Names {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// Reads the names of a component.
pub(super) fn names(component: &[u8]) -> Option<Names> {
    let mut rest = Bytes(component.strip_prefix(COMPONENT)?);
    let mut names = Names::default();
    while !rest.0.is_empty() {
        let (section, size) = (rest.byte()?, rest.number()?);
        let mut body = Bytes(rest.take(size)?);
        match section {
            IMPORTS => names.imports.extend(body.list(Bytes::import)?),
            EXPORTS => names.exports.extend(body.list(Bytes::export)?),
            _ => {}
        }
    }
    Some(names)
}

/// Bytes not read yet.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// An unsigned LEB128 number of at most 32 bits.
    fn number(&mut self) -> Option<usize> {
        let mut number = 0_u32;
        for group in 0.. {
            let byte = self.byte()?;
            let shifted = u32::from(byte & 0x7f).checked_mul(1_u32.checked_shl(group * GROUP_BITS)?)?;
            number = number.checked_add(shifted)?;
            if byte & 0x80 == 0 {
                break;
            }
        }
        usize::try_from(number).ok()
    }

    fn list(&mut self, item: impl Fn(&mut Self) -> Option<(String, u8)>) -> Option<Vec<String>> {
        let count = self.number()?;
        let named = (0..count).map(|_| item(self)).collect::<Option<Vec<_>>>()?;
        // A type's name is spelling, not something a policy reaches.
        Some(named.into_iter().filter(|(_, sort)| *sort != TYPE).map(|(name, _)| name).collect())
    }

    /// A name; newer tools write its version's rest behind it.
    fn name(&mut self) -> Option<String> {
        let kind = self.byte()?;
        let length = self.number()?;
        let name = String::from_utf8(self.take(length)?.to_vec()).ok()?;
        if kind == 1 {
            let length = self.number()?;
            self.take(length)?;
        }
        Some(name)
    }

    /// A name and its sort.
    fn import(&mut self) -> Option<(String, u8)> {
        Some((self.name()?, self.described()?))
    }

    fn export(&mut self) -> Option<(String, u8)> {
        let (name, sort) = (self.name()?, self.byte()?);
        // A core sort has a second byte.
        if sort == 0 {
            self.byte()?;
        }
        self.number()?;
        if self.byte()? == 1 {
            self.described()?;
        }
        Some((name, sort))
    }

    /// The sort of an import or export, its type read over.
    fn described(&mut self) -> Option<u8> {
        let sort = self.byte()?;
        self.type_of(sort).map(|()| sort)
    }

    fn type_of(&mut self, sort: u8) -> Option<()> {
        match sort {
            // A core module: a fixed byte, then its type.
            0 => {
                self.byte()?;
                self.number().map(drop)
            }
            // A value by another's index or by its type; a type equal to another.
            2 | TYPE => match self.byte()? {
                0 => self.number().map(drop),
                // A resource of its own has nothing more; a value's type is a number.
                _ => Some(()),
            },
            1 | 4 | 5 => self.number().map(drop),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shipped_component_imports_the_contract_and_exports_two_functions() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/standard/policy.wasm");
        let names = names(&std::fs::read(path).expect("committed")).expect("a component");
        assert_eq!(names.imports, ["punchcard:policy/types@1.0.0"], "it logs nothing");
        assert_eq!(names.exports, ["describe", "evaluate"]);
    }

    #[test]
    fn what_is_no_component_has_no_names() {
        let cut = [COMPONENT, &[IMPORTS, 5, 1]].concat();
        let endless = [COMPONENT, &[IMPORTS, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
        for bytes in [&b""[..], b"\0asm\x01\0\0\0", &cut, &endless] {
            assert_eq!(names(bytes), None, "{bytes:?}");
        }
        assert_eq!(names(COMPONENT), Some(Names::default()));
    }
}
