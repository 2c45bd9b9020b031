//! Real baskets, read one by one from JSON lines, packed with gzip or plain.

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use std::io::{self, BufRead, BufReader, Read};

/// Two weeks of receipts from 154 stores; `data/README.md` names the source.
pub static SHIPPED: &[u8] = include_bytes!("../data/baskets-2017-2w.jsonl.gz");

/// The longest line we read: forty times the longest of the quarter, and small enough to hold.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// The largest amount of one line, a thousand million yuan: sums of a basket stay exact.
const AMOUNT_FEN_MAX: u64 = 100_000_000_000;

/// How gzip begins.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What one household carried through one checkout.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basket {
    /// The shop's number for it; unique in a file.
    pub basket: String,
    /// Who bought.
    pub household: String,
    /// In which store.
    pub store: String,
    /// Local time in the shop: `YYYY-MM-DDTHH:MM:SS`.
    pub at: String,
    /// What was bought, in the order of the receipt.
    pub lines: Vec<BasketLine>,
}

/// One line of a basket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasketLine {
    /// Goods code.
    pub sku: String,
    /// Department of the shop, where known.
    pub department: Option<String>,
    /// Goods category, where known.
    pub category: Option<String>,
    /// Goods brand, where known.
    pub brand: Option<String>,
    /// Units; zero occurs.
    pub quantity: i64,
    /// What was paid for the line, in fen, after both discounts.
    pub amount_fen: i64,
    /// The shelf discount already taken off, in fen.
    pub shelf_discount_fen: i64,
    /// The coupon discount already taken off, in fen.
    pub coupon_discount_fen: i64,
}

impl Basket {
    /// What was paid for all lines, in fen.
    pub fn total_fen(&self) -> i64 {
        self.lines.iter().map(|line| line.amount_fen).fold(0, i64::saturating_add)
    }
}

/// Why a file of baskets cannot be read further; lines are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum BasketError {
    /// The bytes cannot be read or unpacked.
    #[error("line {line}: the file cannot be read")]
    Unreadable {
        /// Which line.
        line: u64,
        /// What the system says.
        source: io::Error,
    },
    /// The line has no end in sight.
    #[error("line {line}: longer than {LINE_BYTES_MAX} bytes")]
    TooLong {
        /// Which line.
        line: u64,
    },
    /// The line is not one basket as JSON.
    #[error("line {line}: not a basket: {what} at column {column}")]
    NotABasket {
        /// Which line.
        line: u64,
        /// What is wrong with it.
        what: String,
        /// Where, counted from 1; 0 on an empty line.
        column: usize,
    },
    /// The line is JSON of the right form with an impossible value.
    #[error("line {line}: {field} is {found:?}, which is not {wanted}")]
    BadValue {
        /// Which line.
        line: u64,
        /// Which field.
        field: &'static str,
        /// What stands there.
        found: String,
        /// What should.
        wanted: &'static str,
    },
}

/// Baskets in the order of their file. Ends at the end of the file or after the first error.
pub struct Baskets {
    input: Box<dyn BufRead + Send>,
    text: Vec<u8>,
    line: u64,
    ended: bool,
}

impl Baskets {
    /// Reads JSON lines, packed with gzip or plain; which of the two, the first bytes tell.
    ///
    /// # Errors
    /// [`BasketError::Unreadable`] if not even those can be read.
    pub fn new(input: impl Read + Send + 'static) -> Result<Self, BasketError> {
        let mut input = BufReader::new(input);
        let start = input.fill_buf().map_err(|source| BasketError::Unreadable { line: 1, source })?;
        let input: Box<dyn BufRead + Send> = if start.starts_with(&GZIP_MAGIC) {
            Box::new(BufReader::new(MultiGzDecoder::new(input)))
        } else {
            Box::new(input)
        };
        Ok(Self { input, text: Vec::new(), line: 0, ended: false })
    }

    /// Reads the baskets that are built in.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn shipped() -> Result<Self, BasketError> {
        Self::new(SHIPPED)
    }

    /// Reads the next line into `text`; no is the end of the file.
    fn read_line(&mut self) -> Result<bool, BasketError> {
        self.line += 1;
        let line = self.line;
        self.text.clear();
        let mut bounded = self.input.by_ref().take(LINE_BYTES_MAX + 1);
        let read =
            bounded.read_until(b'\n', &mut self.text).map_err(|source| BasketError::Unreadable { line, source })?;
        if read as u64 > LINE_BYTES_MAX {
            return Err(BasketError::TooLong { line });
        }
        Ok(read > 0)
    }

    fn read_basket(&mut self) -> Result<Option<Basket>, BasketError> {
        if !self.read_line()? {
            return Ok(None);
        }
        let line = self.line;
        let text = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        let basket: Basket = serde_json::from_slice(text).map_err(|e| not_a_basket(line, &e))?;
        check(&basket, line)?;
        Ok(Some(basket))
    }
}

impl Iterator for Baskets {
    type Item = Result<Basket, BasketError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read_basket().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Says what the parser says, without its own line number: to the parser every line is the first.
fn not_a_basket(line: u64, error: &serde_json::Error) -> BasketError {
    let said = error.to_string();
    let what = said.split(" at line ").next().unwrap_or_default().to_owned();
    BasketError::NotABasket { line, what, column: error.column() }
}

/// Refuses values that no shop prints.
fn check(basket: &Basket, line: u64) -> Result<(), BasketError> {
    let bad = |field, found: &str, wanted| BasketError::BadValue { line, field, found: found.to_owned(), wanted };
    for (field, text) in [("basket", &basket.basket), ("household", &basket.household), ("store", &basket.store)] {
        if text.is_empty() {
            return Err(bad(field, text, "a name"));
        }
    }
    if !is_local_time(&basket.at) {
        return Err(bad("at", &basket.at, "a local time like 2017-01-02T09:30:00"));
    }
    for goods in &basket.lines {
        let amounts = [goods.amount_fen, goods.shelf_discount_fen, goods.coupon_discount_fen];
        if let Some(amount) = amounts.into_iter().find(|fen| fen.unsigned_abs() > AMOUNT_FEN_MAX) {
            return Err(bad("lines", &amount.to_string(), "an amount of at most 100000000000 fen"));
        }
    }
    Ok(())
}

/// Whether the text has the form `YYYY-MM-DDTHH:MM:SS`; whether the day exists, the host judges.
fn is_local_time(text: &str) -> bool {
    const FORM: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let fits = |(form, byte): (&u8, &u8)| if *form == b'd' { byte.is_ascii_digit() } else { form == byte };
    text.len() == FORM.len() && FORM.iter().zip(text.as_bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    const GOOD: &str = r#"{"basket":"7","household":"900","store":"330","at":"2017-01-02T11:53:26","lines":[{"sku":"1","department":null,"category":"ROLLS","brand":"National","quantity":2,"amount_fen":50,"shelf_discount_fen":3,"coupon_discount_fen":1}]}"#;

    fn read(text: impl Into<Vec<u8>>) -> Vec<Result<Basket, String>> {
        let baskets = Baskets::new(io::Cursor::new(text.into())).into_iter().flatten();
        baskets.map(|basket| basket.map_err(|e| e.to_string())).collect()
    }

    #[test]
    fn a_line_that_is_no_basket_is_named_by_its_number() {
        let table = [
            ("{", "line 2: not a basket: EOF while parsing an object at column 1"),
            ("", "line 2: not a basket: EOF while parsing a value at column 0"),
            (
                &GOOD.replace("2017-01-02T11", "2017-01-02 11"),
                "line 2: at is \"2017-01-02 11:53:26\", which is not a local time like 2017-01-02T09:30:00",
            ),
            (&GOOD.replace("\"900\"", "\"\""), "line 2: household is \"\", which is not a name"),
            (
                &GOOD.replace(":50,", ":100000000001,"),
                "line 2: lines is \"100000000001\", which is not an amount of at most 100000000000 fen",
            ),
            (
                &GOOD.replace(":50,", ":0.5,"),
                "line 2: not a basket: invalid type: floating point `0.5`, expected i64 at column 178",
            ),
            (
                &GOOD.replace("\"sku\"", "\"x\""),
                "line 2: not a basket: unknown field `x`, expected one of `sku`, `department`, `category`, `brand`, `quantity`, `amount_fen`, `shelf_discount_fen`, `coupon_discount_fen` at column 86",
            ),
            (&"x".repeat(1 << 21), "line 2: longer than 1048576 bytes"),
        ];
        for (bad, said) in table {
            let found = read(format!("{GOOD}\n{bad}\n{GOOD}\n"));
            assert_eq!(found.len(), 2, "nothing is read after {said}");
            assert_eq!(found.last(), Some(&Err(said.to_owned())));
        }
    }

    #[test]
    fn a_basket_keeps_every_field() {
        let line = BasketLine {
            sku: "1".into(),
            department: None,
            category: Some("ROLLS".into()),
            brand: Some("National".into()),
            quantity: 2,
            amount_fen: 50,
            shelf_discount_fen: 3,
            coupon_discount_fen: 1,
        };
        let at = "2017-01-02T11:53:26".into();
        let basket = Basket { basket: "7".into(), household: "900".into(), store: "330".into(), at, lines: vec![line] };
        assert_eq!(read(GOOD), [Ok(basket)], "the last line needs no line feed");
    }

    #[test]
    fn packed_and_plain_read_the_same() -> anyhow::Result<()> {
        let plain = format!("{GOOD}\n{GOOD}\n");
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(plain.as_bytes())?;
        assert_eq!(read(packed.finish()?), read(plain));
        Ok(())
    }

    #[test]
    fn a_torn_archive_is_an_error_and_no_short_file() {
        let torn = read(SHIPPED.get(..200_000).unwrap_or_default());
        assert_eq!(torn.iter().filter(|basket| basket.is_err()).count(), 1);
        assert!(torn.last().is_some_and(|last| matches!(last, Err(e) if e.ends_with("the file cannot be read"))));
    }

    #[test]
    fn the_shipped_baskets_are_two_whole_weeks() -> anyhow::Result<()> {
        let baskets = Baskets::shipped()?.collect::<Result<Vec<_>, _>>()?;
        let days: std::collections::BTreeSet<_> = baskets.iter().filter_map(|b| b.at.get(..10)).collect();
        assert_eq!((baskets.len(), days.len()), (5_764, 14));
        assert_eq!((days.first(), days.last()), (Some(&"2017-01-02"), Some(&"2017-01-15")));
        assert_eq!(baskets.iter().map(Basket::total_fen).sum::<i64>(), 17_613_612);
        assert!(baskets.is_sorted_by_key(|b| b.at.clone()), "in the order of time");
        Ok(())
    }
}
