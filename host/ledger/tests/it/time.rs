//! Moments, local days and the calendar.

use crate::runner::holds;
use crate::say::{capped, one, tick};
use crate::world::world;
use ledger::{Act, DAY_MS, Day, Event, LocalTime, Period, UnixMs, Zone};
use proptest::prelude::*;

fn zone(name: &str) -> Zone {
    name.to_owned().try_into().unwrap()
}

fn at(text: &str) -> UnixMs {
    UnixMs::from_rfc3339(text).unwrap()
}

fn clock(local: LocalTime) -> String {
    format!("{} {} {:02}:{:02}", local.day, local.weekday, local.hour, local.minute)
}

#[test]
fn the_wall_clock_follows_the_zone_through_its_changes() {
    let table = [
        ("Asia/Shanghai", "2026-03-01T15:59:59.999Z", "2026-03-01 7 23:59"),
        ("Asia/Shanghai", "2026-03-01T16:00:00Z", "2026-03-02 1 00:00"),
        ("America/New_York", "2026-03-08T06:59:59Z", "2026-03-08 7 01:59"),
        ("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08 7 03:00"),
        ("America/New_York", "2026-11-01T05:59:59Z", "2026-11-01 7 01:59"),
        ("America/New_York", "2026-11-01T06:00:00Z", "2026-11-01 7 01:00"),
        ("America/New_York", "2026-12-31T23:00:00Z", "2026-12-31 4 18:00"),
        ("Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01 4 05:45"),
    ];
    for (name, moment, wall) in table {
        assert_eq!(clock(zone(name).local(at(moment))), wall, "{name} {moment}");
    }
}

#[test]
fn a_day_begins_at_midnight_or_where_the_clock_jumps_to() {
    let table = [
        ("Asia/Shanghai", "2026-03-02", "2026-03-01T16:00:00.000Z"),
        ("America/New_York", "2026-03-08", "2026-03-08T05:00:00.000Z"),
        ("America/New_York", "2026-03-09", "2026-03-09T04:00:00.000Z"),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00:00.000Z"),
        ("America/New_York", "2026-11-02", "2026-11-02T05:00:00.000Z"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00.000Z"),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00.000Z"),
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00.000Z"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z"),
    ];
    for (name, day, start) in table {
        assert_eq!(zone(name).start_of(Day::parse(day).unwrap()).to_rfc3339(), start, "{name} {day}");
    }
}

#[test]
fn a_day_and_its_start_round_trip_in_every_year() {
    for name in ["America/New_York", "Asia/Shanghai", "Europe/London", "Africa/Cairo", "Australia/Lord_Howe"] {
        let zone = zone(name);
        for number in 18_000..25_000 {
            let (day, start) = (Day::new(number), zone.start_of(Day::new(number)));
            assert_eq!(zone.local(start).day, day, "{name}: {day} begins on another day");
            assert_eq!(zone.local(start.after_ms(-1)).day, day.plus(-1), "{name}: {day} begins late");
            let length = (zone.start_of(day.plus(1)).get() - start.get()) / 60_000;
            assert!((1_380..=1_500).contains(&length), "{name}: {day} lasts {length} minutes");
        }
    }
}

#[test]
fn every_moment_lies_in_the_day_that_began_last() {
    let zones = prop_oneof![Just("America/New_York"), Just("Asia/Shanghai"), Just("Asia/Kathmandu")];
    holds(2_000, (zones, 0..4_000_000_000_i64, 0..1_000_i64), |(name, seconds, ms)| {
        let (zone, moment) = (zone(name), UnixMs::new(seconds * 1_000 + ms));
        let local = zone.local(moment);
        assert!(zone.start_of(local.day) <= moment && moment < zone.start_of(local.day.plus(1)));
        let date = local.day.date();
        assert_eq!(format!("{:04}-{:02}-{:02}", local.year, local.month, local.day_of_month), date.to_string());
        assert_eq!(u32::from(local.weekday), chrono::Datelike::weekday(&date).number_from_monday());
        assert_eq!(UnixMs::from_rfc3339(&moment.to_rfc3339()), Some(moment));
        assert_eq!(Day::parse(&local.day.to_string()), Some(local.day));
    });
}

#[test]
fn the_ends_of_time_do_not_panic() {
    let zones = ["Asia/Shanghai", "America/New_York", "Pacific/Apia"].map(zone);
    let edge = 8_210_266_876_799_999;
    for ms in [i64::MIN, -edge - 1, -edge, -1, 0, 1, edge - DAY_MS, edge - 1, edge, edge + 1, i64::MAX] {
        for zone in zones {
            let local = zone.local(UnixMs::new(ms));
            assert!((1..=7).contains(&local.weekday));
            assert!(!UnixMs::new(ms).to_rfc3339().contains('\n'));
        }
    }
    for number in [i32::MIN, -200_000_000, -100_000_000, -1, 0, 95_000_000, 95_026_601, 200_000_000, i32::MAX] {
        let day = Day::new(number);
        assert!(!format!("{day} {}", zones[0].start_of(day).get()).is_empty());
    }
    assert_eq!(Day::new(i32::MAX).plus(1), Day::new(i32::MAX));
    assert_eq!(UnixMs::new(i64::MAX).after_ms(1), UnixMs::new(i64::MAX));
}

#[test]
fn days_and_zones_are_read_strictly() {
    for bad in ["", "2026-02-30", "2026/02/01", "20260201", "2026-13-01", "2026-2-1", "+2026-02-1", "yesterday"] {
        assert_eq!(Day::parse(bad), None, "{bad}");
    }
    for bad in ["", "Shanghai", "asia/shanghai", "UTC+8", "Asia/Shanghai "] {
        assert!(Zone::try_from(bad.to_owned()).is_err(), "{bad}");
    }
    assert_eq!(serde_json::to_string(&Zone::default()).unwrap(), "\"Asia/Shanghai\"");
}

/// Grants 10 under a cap of 10 on each of two days, and gives the balance: 20 if the days lie in two periods.
fn two_days(period: Period, first: &str, second: &str) -> i64 {
    let mut shop = world().under(move |_, event| match event {
        Event::Custom(..) => one([("capped", capped(10, 10, period))]),
        _ => one([]),
    });
    shop = shop.with("amy");
    for moment in [first, second] {
        shop.at = at(moment);
        shop.act("amy", tick()).unwrap();
    }
    shop.balance("amy")
}

#[test]
fn a_cap_counts_in_calendar_periods_of_the_zone() {
    let table = [
        (Period::Day, "2026-03-02T00:00:00+08:00", "2026-03-02T23:59:59+08:00", 10),
        (Period::Day, "2026-03-02T23:59:59+08:00", "2026-03-03T00:00:00+08:00", 20),
        (Period::Week, "2026-03-02T00:00:00+08:00", "2026-03-08T23:59:59+08:00", 10),
        (Period::Week, "2026-03-08T23:59:59+08:00", "2026-03-09T00:00:00+08:00", 20),
        (Period::Week, "2025-12-29T12:00:00+08:00", "2026-01-04T12:00:00+08:00", 10),
        (Period::Month, "2026-02-01T00:00:00+08:00", "2026-02-28T23:59:59+08:00", 10),
        (Period::Month, "2026-02-28T23:59:59+08:00", "2026-03-01T00:00:00+08:00", 20),
        (Period::Year, "2026-01-01T00:00:00+08:00", "2026-12-31T23:59:59+08:00", 10),
        (Period::Year, "2024-12-31T12:00:00+08:00", "2025-01-01T12:00:00+08:00", 20),
        (Period::Life, "2020-01-01T12:00:00+08:00", "2031-01-01T12:00:00+08:00", 10),
        (Period::Event, "2026-03-02T12:00:00+08:00", "2026-03-02T12:00:00+08:00", 20),
    ];
    for (period, first, second, held) in table {
        assert_eq!(two_days(period, first, second), held, "{period:?} {first} {second}");
    }
}

#[test]
fn caps_of_different_periods_are_counted_apart_even_where_they_begin_together() {
    // 1 June 2026 is a Monday: day, week and month begin together.
    let periods = [Period::Day, Period::Week, Period::Month];
    let mut shop = world().under(move |_, event| match event {
        Event::Custom(..) => one(periods.map(|period| ("same", capped(10, 10, period)))),
        _ => one([]),
    });
    shop.at = at("2026-06-01T12:00:00+08:00");
    shop = shop.with("amy");
    shop.act("amy", tick()).unwrap();
    assert_eq!(shop.balance("amy"), 30);
}

#[test]
fn inv_c2_a_member_signs_in_once_a_local_day() {
    let table = [
        ("Asia/Shanghai", "2026-03-02T00:00:00+08:00", "2026-03-02T23:59:59+08:00", false),
        ("Asia/Shanghai", "2026-03-02T23:59:59+08:00", "2026-03-03T00:00:00+08:00", true),
        ("America/New_York", "2026-03-08T00:30:00-05:00", "2026-03-08T23:30:00-04:00", false),
        ("America/New_York", "2026-11-01T00:30:00-04:00", "2026-11-01T23:30:00-05:00", false),
        ("America/New_York", "2026-11-01T23:30:00-05:00", "2026-11-02T00:30:00-05:00", true),
    ];
    for (name, first, second, both) in table {
        let mut shop = world().set(|s| s.zone = zone(name));
        shop.at = at(first);
        shop = shop.with("amy");
        let sign_in = || Act::Event(Event::SignIn);
        shop.act("amy", sign_in()).unwrap();
        shop.at = at(second);
        let again = shop.act("amy", sign_in()).map(|_| ());
        assert_eq!(again, if both { Ok(()) } else { Err(ledger::PlanError::SignedInToday) }, "{name} {second}");
        assert_eq!(shop.of("amy").life.sign_ins, 1 + i64::from(both));
    }
}
