//! Moments, and what the calendar of a tenant makes of them.

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeZone, Timelike};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Milliseconds in a day without a clock change.
pub const DAY_MS: i64 = 86_400_000;

/// A moment: milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMs(i64);

impl UnixMs {
    /// A moment from its milliseconds.
    pub const fn new(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The moment `ms` later (or earlier, if negative), stopping at the ends of time.
    pub const fn after_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// RFC 3339 in UTC, to the millisecond.
    pub fn to_rfc3339(self) -> String {
        DateTime::from_timestamp_millis(self.0)
            .map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
            .unwrap_or_default()
    }

    /// Reads RFC 3339 with any offset.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|t| Self(t.timestamp_millis()))
    }
}

/// A calendar day in a tenant's zone, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(i32);

impl Day {
    /// A day from its number.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The day `days` later, stopping at the ends of time.
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The calendar date.
    pub fn date(self) -> NaiveDate {
        NaiveDate::from_epoch_days(self.0).unwrap_or(NaiveDate::MAX)
    }

    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|date| date.to_string() == text);
        date.map(|date| Self(date.to_epoch_days()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date().format("%Y-%m-%d"))
    }
}

/// An IANA time zone, `Asia/Shanghai` unless the tenant says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(chrono_tz::Tz);

/// A name that is no IANA time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time zone; write one like Asia/Shanghai")]
pub struct BadZone(String);

impl Default for Zone {
    fn default() -> Self {
        Self(chrono_tz::Asia::Shanghai)
    }
}

impl TryFrom<String> for Zone {
    type Error = BadZone;
    fn try_from(name: String) -> Result<Self, BadZone> {
        chrono_tz::Tz::from_str(&name).map(Self).map_err(|_| BadZone(name))
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.0.name().to_owned()
    }
}

impl Zone {
    /// What the calendar and the clock on the wall say at a moment.
    pub fn local(self, at: UnixMs) -> LocalTime {
        let utc = DateTime::from_timestamp_millis(at.get()).unwrap_or_default();
        let utc = utc.naive_utc();
        let offset = self.0.offset_from_utc_datetime(&utc).fix();
        let local = utc.checked_add_offset(offset).unwrap_or(utc);
        LocalTime {
            day: Day(local.date().to_epoch_days()),
            year: local.year(),
            month: local.month() as u8,
            day_of_month: local.day() as u8,
            weekday: local.weekday().number_from_monday() as u8,
            hour: local.hour() as u8,
            minute: local.minute() as u8,
        }
    }

    /// The moment a local day begins: midnight, or the first moment after it where clocks jump over it.
    pub fn start_of(self, day: Day) -> UnixMs {
        let midnight = day.date().and_hms_opt(0, 0, 0).unwrap_or_default();
        // Clocks have jumped by quarters of an hour, and across the date line by a whole day.
        let first = (0..=96)
            .filter_map(|quarter| midnight.checked_add_signed(chrono::Duration::minutes(15 * quarter)))
            .find_map(|local| self.0.from_local_datetime(&local).earliest());
        UnixMs(first.map_or_else(|| midnight.and_utc().timestamp_millis(), |t| t.timestamp_millis()))
    }
}

/// A moment as the tenant's calendar and clock show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalTime {
    /// Days since 1970-01-01.
    pub day: Day,
    /// Calendar year.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day_of_month: u8,
    /// 1 = Monday to 7 = Sunday.
    pub weekday: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}
