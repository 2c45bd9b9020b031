//! Calendar days as numbers, and how cases may write them.

use crate::types::{Day, LocalTime};
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};
use std::fmt;

/// Days since 1970-01-01 of a date of the Gregorian calendar.
fn day_number(year: i32, month: u8, day_of_month: u8) -> Day {
    // Years begin in March here, so that the leap day is the last of the year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i32::from(month) + 9) % 12) + 2) / 5 + i32::from(day_of_month) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day: year, month, day of the month.
pub fn date(day: Day) -> (i32, u8, u8) {
    let shifted = i64::from(day) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year as i32, month as u8, day_of_month as u8)
}

/// Reads `YYYY-MM-DD`; `None` for anything else and for days no calendar has.
pub fn parse_date(text: &str) -> Option<Day> {
    let (year, month, day_of_month) = parts(text)?;
    let day = day_number(year, month, day_of_month);
    (date(day) == (year, month, day_of_month)).then_some(day)
}

fn parts(text: &str) -> Option<(i32, u8, u8)> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    let whole = parts.next().is_none() && (1..=12).contains(&month);
    whole.then_some((i32::from(year), month as u8, day as u8))
}

/// A number of at most `width` digits; fewer are fine, as the host's own reader takes them.
fn digits(text: &str, width: usize) -> Option<u16> {
    ((1..=width).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Reads `YYYY-MM-DDTHH:MM` as the calendar and the clock on the wall show it.
fn parse_moment(text: &str) -> Option<LocalTime> {
    let (day, clock) = text.split_once('T')?;
    let (year, month, day_of_month) = parts(day)?;
    let day = parse_date(day)?;
    let (hour, minute) = clock.split_once(':')?;
    let (hour, minute) = (digits(hour, 2)? as u8, digits(minute, 2)? as u8);
    // 1970-01-01 was a Thursday.
    let weekday = (day + 3).rem_euclid(7) as u8 + 1;
    (hour < 24 && minute < 60).then_some(LocalTime { day, year, month, day_of_month, weekday, hour, minute })
}

/// A day: its number, or its date.
pub(crate) fn day<'de, D: Deserializer<'de>>(from: D) -> Result<Day, D::Error> {
    from.deserialize_any(DayVisitor)
}

/// A day, or null.
pub(crate) fn maybe<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Day>, D::Error> {
    from.deserialize_option(MaybeVisitor)
}

/// A moment: `"2026-11-21T08:30"`, or the record.
pub(crate) fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<LocalTime, D::Error> {
    from.deserialize_any(MomentVisitor)
}

struct DayVisitor;

impl Visitor<'_> for DayVisitor {
    type Value = Day;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day: a date like \"2026-12-31\", or days since 1970-01-01")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Day, E> {
        Day::try_from(number).map_err(|_| E::custom("a day out of range"))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Day, E> {
        Day::try_from(number).map_err(|_| E::custom("a day out of range"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Day, E> {
        parse_date(text).ok_or_else(|| E::custom(format!("{text:?} is no date; write one like 2026-12-31")))
    }
}

struct MaybeVisitor;

impl<'de> Visitor<'de> for MaybeVisitor {
    type Value = Option<Day>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        DayVisitor.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<Option<Day>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Day>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Option<Day>, D::Error> {
        day(from).map(Some)
    }
}

struct MomentVisitor;

impl<'de> Visitor<'de> for MomentVisitor {
    type Value = LocalTime;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a moment like \"2026-11-21T08:30\", or its record")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LocalTime, E> {
        parse_moment(text).ok_or_else(|| E::custom(format!("{text:?} is no moment; write one like 2026-11-21T08:30")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LocalTime, A::Error> {
        serde::Deserialize::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_the_same_both_ways() {
        for (text, number) in [("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("2026-11-21", 20_778)] {
            assert_eq!(parse_date(text), Some(number), "{text}");
        }
        for day in (-800_000..800_000).step_by(17) {
            let (y, m, d) = date(day);
            assert_eq!(day_number(y, m, d), day);
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in
            ["", "2026-02-29", "2026-13-01", "2026-00-01", "2026-001-1", "2026-01-01-01", "+026-01-01", "20260101"]
        {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_knows_its_weekday() {
        let saturday = parse_moment("2026-11-21T08:30");
        let wanted =
            LocalTime { day: 20_778, year: 2026, month: 11, day_of_month: 21, weekday: 6, hour: 8, minute: 30 };
        assert_eq!(saturday, Some(wanted));
        assert_eq!(parse_moment("2026-11-21T24:00"), None);
        assert_eq!(parse_moment("2026-11-21"), None);
    }
}
