//! Values as they travel in JSON: each with the words that say what it must be.

use ledger::{Day, Fen, MonthDay, Points, UnixMs};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// Thousandths in one unit.
const MILLI: i64 = 1_000;
/// Decimals of a quantity that count.
const DECIMALS: usize = 3;
/// Digits of a quantity, at most: enough for 18 of an i64 with its three decimals.
const QUANTITY_DIGITS_MAX: usize = 15;

/// A quantity in thousandths, read from a decimal number or a text without ever being a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity(pub i64);

impl Quantity {
    /// Reads `-?digits(.digits)?` with up to three decimals that are not zero.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let numeric = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !numeric(whole) || !numeric(part) || whole.len() > QUANTITY_DIGITS_MAX {
            return None;
        }
        // Databases write numeric(16,4) with its zeros: they change nothing.
        let part = part.trim_end_matches('0');
        if part.len() > DECIMALS {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let part: i64 = format!("{part:0<DECIMALS$}").parse().ok()?;
        whole.checked_mul(MILLI)?.checked_add(part)?.checked_mul(sign).map(Self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let text =
            if text.starts_with('"') { serde_json::from_str(text).map_err(D::Error::custom)? } else { text.to_owned() };
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom("must be a decimal number with up to 3 decimals, such as 1, -2 or \"0.455\"")
        })
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (sign, size) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let milli = MILLI.unsigned_abs();
        serializer.collect_str(&format_args!("{sign}{}.{:03}", size / milli, size % milli))
    }
}

/// A whole number within ±2^53, with the words for anything else.
struct Whole(&'static str);

impl Visitor<'_> for Whole {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<i64, E> {
        Fen::checked(number).map(Fen::get).map_err(|_| E::custom("must be within ±2^53"))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::custom("must be within ±2^53")).and_then(|number| self.visit_i64(number))
    }
}

/// An amount of money in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Amount(pub Fen);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_i64(Whole("a whole number of fen, such as 1280 for 12.80 yuan"))
            .map(|n| Self(Fen::new(n)))
    }
}

/// A number of points, 0 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct PointsIn(pub Points);

impl<'de> Deserialize<'de> for PointsIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_i64(Whole("a whole number of points, 0 or more"))?;
        if number < 0 {
            return Err(D::Error::custom("must be 0 or more"));
        }
        Ok(Self(Points::new(number)))
    }
}

/// A signed whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Number(pub i64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(Whole("a whole number")).map(Self)
    }
}

/// A moment, RFC 3339 with its offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub UnixMs);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        UnixMs::from_rfc3339(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("must be a time with its offset, such as 2026-11-21T18:30:00+08:00"))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339())
    }
}

/// A date, `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub Day);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let day = Day::parse(&text).filter(|day| day.to_string() == text);
        day.map(Self).ok_or_else(|| D::Error::custom("must be a date such as 2026-11-21"))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Month and day of birth, from `MM-DD`, or from `YYYY-MM-DD`, whose year is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Birthday(pub MonthDay);

impl Birthday {
    fn parse(text: &str) -> Option<Self> {
        let (year, month_day) = match text.len() {
            5 => ("2000", text),
            10 => (text.get(..4)?, text.get(5..)?),
            _ => return None,
        };
        let full = format!("{year}-{month_day}");
        Day::parse(&full).filter(|day| day.to_string() == full)?;
        let (month, day) = month_day.split_once('-')?;
        Some(Self(MonthDay { month: month.parse().ok()?, day: day.parse().ok()? }))
    }
}

impl<'de> Deserialize<'de> for Birthday {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("must be a birthday such as 05-31 or 1990-05-31"))
    }
}

impl Serialize for Birthday {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:02}-{:02}", self.0.month, self.0.day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_read_exactly_or_not_at_all() {
        for (text, milli) in [
            ("1", Some(1_000)),
            ("0", Some(0)),
            ("-2", Some(-2_000)),
            ("0.455", Some(455)),
            ("-0.001", Some(-1)),
            ("1.5", Some(1_500)),
            ("2.0000", Some(2_000)),
            ("123456789012345.678", Some(123_456_789_012_345_678)),
            // A float would make 1.0049999… of it.
            ("1.005", Some(1_005)),
            ("1.0005", None),
            ("1e3", None),
            ("1.", None),
            (".5", None),
            ("+1", None),
            ("--1", None),
            ("", None),
            ("-", None),
            (" 1", None),
            ("1,5", None),
            ("١", None),
            ("1234567890123456", None),
        ] {
            assert_eq!(Quantity::parse(text).map(|q| q.0), milli, "{text:?}");
        }
    }

    #[test]
    fn a_quantity_may_be_a_number_or_a_text() {
        let read = |json: &str| serde_json::from_str::<Quantity>(json).map(|q| q.0).ok();
        assert_eq!(read("1.005"), Some(1_005));
        assert_eq!(read("\"1.005\""), Some(1_005));
        assert_eq!(read("\"\\u0031\""), Some(1_000));
        for refused in ["1e3", "1.0001", "true", "null", "[1]", "\"\"", "\"a\""] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }

    #[test]
    fn money_is_whole_fen() {
        let read = |json: &str| serde_json::from_str::<Amount>(json).map(|a| a.0.get());
        assert_eq!(read("1280").ok(), Some(1280));
        assert_eq!(read("-5").ok(), Some(-5));
        assert_eq!(read("9007199254740992").ok(), Some(1 << 53));
        for refused in ["12.80", "\"1280\"", "9007199254740993", "18446744073709551615", "1e400", "-0", "null"] {
            assert!(read(refused).is_err(), "{refused}");
        }
        let error = read("12.8").expect_err("no float").to_string();
        assert!(error.contains("a whole number of fen"), "{error}");
    }

    #[test]
    fn a_birthday_is_a_day_that_exists() {
        let read = |text| Birthday::parse(text).map(|b| (b.0.month, b.0.day));
        assert_eq!(read("05-31"), Some((5, 31)));
        assert_eq!(read("1990-05-31"), Some((5, 31)));
        assert_eq!(read("02-29"), Some((2, 29)));
        for refused in ["02-30", "1990-02-29", "5-31", "1990-5-31", "13-01", "", "生日好快"] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_moment_needs_its_offset() {
        let read = |text: &str| serde_json::from_str::<Moment>(&format!("\"{text}\"")).map(|m| m.0.get()).ok();
        assert_eq!(read("1970-01-01T08:00:00+08:00"), Some(0));
        assert_eq!(read("1970-01-01T00:00:01.5Z"), Some(1_500));
        assert_eq!(read("1970-01-01T00:00:00"), None);
        assert_eq!(read("1970-01-01"), None);
    }
}
