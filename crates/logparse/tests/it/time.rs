//! Times of every form, next to a calendar counted day by day.

use std::time::Duration;

use narae_logparse::Timestamp;
use narae_logparse::record::Unit;
use narae_logparse::time::{Context, Reading, TimeForm};
use proptest::prelude::*;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The calendar counted day by day, which nobody can get wrong.
#[test]
fn every_day_of_five_leap_cycles_follows_the_one_before() {
    let mut expected = -62_167_219_200_i64;
    for year in 0..2_101_u32 {
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for month in 1..=12_u32 {
            let days = match month {
                2 => 28 + u32::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            for day in 1..=days {
                let text = format!("{year:04}-{month:02}-{day:02}T00:00:00Z");
                let time = Timestamp::from_rfc3339(text.as_bytes()).unwrap();
                assert_eq!(time.unix_seconds(), expected, "{text}");
                assert_eq!(time.to_string(), text);
                expected += 86_400;
            }
            let after = format!("{year:04}-{month:02}-{:02}T00:00:00Z", days + 1);
            assert_eq!(Timestamp::from_rfc3339(after.as_bytes()), None, "{after}");
        }
    }
}

proptest! {
    #[test]
    fn both_forms_agree(year in 0..10_000_u16, month in 1..=12_usize, day in 1..=28_u8, (h, m, s) in (0..24_u8, 0..60_u8, 0..60_u8), (sign, oh, om) in ("[+-]", 0..24_u8, 0..60_u8)) {
        let clf = format!("{day:02}/{}/{year:04}:{h:02}:{m:02}:{s:02} {sign}{oh:02}{om:02}", MONTHS[month - 1]);
        let rfc = format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}{sign}{oh:02}:{om:02}");
        let time = Timestamp::from_clf(clf.as_bytes());
        prop_assert!(time.is_some());
        prop_assert_eq!(time, Timestamp::from_rfc3339(rfc.as_bytes()));
    }

    #[test]
    fn what_is_shown_is_read_back(seconds in "[0-9]{4}-0[1-9]-[12][0-8]T1[0-9]:[0-5][0-9]:[0-5][0-9]", nanoseconds in 0..1_000_000_000_u32) {
        let text = format!("{seconds}.{nanoseconds:09}Z");
        let time = Timestamp::from_rfc3339(text.as_bytes()).unwrap();
        prop_assert_eq!(time.subsecond_nanoseconds(), nanoseconds);
        prop_assert_eq!(Timestamp::from_rfc3339(time.to_string().as_bytes()), Some(time));
    }

    #[test]
    fn any_bytes_are_a_time_or_not(text in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = Timestamp::from_clf(&text);
        if let Some(time) = Timestamp::from_rfc3339(&text) {
            prop_assert!(time.unix_nanoseconds() != 0);
        }
    }
}

#[test]
fn what_does_not_exist_is_refused() {
    for text in [
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+0000",
        "2026-01-01T00:00:00Zz",
        "026-01-01T00:00:00Z",
        "",
    ] {
        assert_eq!(Timestamp::from_rfc3339(text.as_bytes()), None, "{text}");
    }
    for text in [
        "32/Jan/2026:00:00:00 +0000",
        "01/JAN/2026:00:00:00 +0000",
        "01/Jan/2026:00:00:00",
        "01/Jan/2026 00:00:00 +0000",
        "01/Jan/2026:00:00:00 00000",
    ] {
        assert_eq!(Timestamp::from_clf(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_leap_second_is_the_next_second_where_one_can_be() {
    let seconds =
        |text: &str| Timestamp::from_rfc3339(text.as_bytes()).map(|time| time.unix_seconds());
    assert_eq!(
        seconds("2016-12-31T23:59:60Z"),
        seconds("2017-01-01T00:00:00Z")
    );
    assert_eq!(
        seconds("2017-01-01T08:59:60+09:00"),
        seconds("2017-01-01T00:00:00Z")
    );
    assert_eq!(seconds("2016-12-30T23:59:60Z"), None);
    assert_eq!(seconds("2016-12-31T22:59:60Z"), None);
}

#[test]
fn the_last_year_is_where_it_should_be() {
    let last = Timestamp::from_rfc3339(b"9999-12-31T23:59:59Z").unwrap();
    assert_eq!(
        (last.unix_seconds(), last.to_string().as_str()),
        (253_402_300_799, "9999-12-31T23:59:59Z")
    );
}

#[test]
fn an_offset_may_lead_out_of_the_four_digit_years() {
    let shown = |text: &str| {
        Timestamp::from_rfc3339(text.as_bytes())
            .unwrap()
            .to_string()
    };
    assert_eq!(shown("0000-01-01T00:00:00+00:01"), "-0001-12-31T23:59:00Z");
    assert_eq!(shown("9999-12-31T23:59:59-00:01"), "+10000-01-01T00:00:59Z");
}

/// What a form makes of a text: UTC, `undated`, or `no`.
fn shown(form: TimeForm, text: &str, context: &Context) -> String {
    match form.parse(text.as_bytes(), context) {
        Some(Reading::Moment(time)) => time.to_string(),
        Some(Reading::Undated) => "undated".to_owned(),
        None => "no".to_owned(),
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text.as_bytes()).unwrap()
}

#[test]
fn forms_say_what_they_say() {
    let seoul = Context::default()
        .with_offset_seconds(9 * 3600)
        .with_reference(at("2026-11-21T03:00:00Z"));
    for (form, text, expected) in [
        (
            TimeForm::Rfc3339,
            "2026-11-21T04:44:44Z",
            "2026-11-21T04:44:44Z",
        ),
        (
            TimeForm::Clf,
            "06/Feb/2009:12:14:14.655",
            "2009-02-06T03:14:14.655Z",
        ),
        (
            TimeForm::Clf,
            "06/Feb/2009:12:14:14 -0700",
            "2009-02-06T19:14:14Z",
        ),
        (TimeForm::Iso, "2026/11/21 04:44:44", "2026-11-20T19:44:44Z"),
        (
            TimeForm::Iso,
            "2026-11-21 04:44:44,123",
            "2026-11-20T19:44:44.123Z",
        ),
        (
            TimeForm::Iso,
            "2026-11-21T04:44:44.5+05:30",
            "2026-11-20T23:14:44.500Z",
        ),
        (
            TimeForm::Iso,
            "2026-11-21 04:44:44.123 CEST",
            "2026-11-21T02:44:44.123Z",
        ),
        (
            TimeForm::Iso,
            "2026-11-21 04:44:44.123 -03",
            "2026-11-21T07:44:44.123Z",
        ),
        (
            TimeForm::Iso,
            "2025-07-22 15:45:51.323610 +0200",
            "2025-07-22T13:45:51.323610Z",
        ),
        (TimeForm::Iso, "2026-11-21 04:44:44 XYZ", "no"),
        (TimeForm::Iso, "2026-11/21 04:44:44", "no"),
        (TimeForm::Iso, "2026-02-29 04:44:44", "no"),
        (TimeForm::Iso, "2026-11-21 04:44:44.", "no"),
        (
            TimeForm::Asctime,
            "Wed Oct 11 14:32:52.123456 2000",
            "2000-10-11T05:32:52.123456Z",
        ),
        (
            TimeForm::Asctime,
            "Sun Oct  1 14:32:52 2000",
            "2000-10-01T05:32:52Z",
        ),
        (TimeForm::Asctime, "Xyz Oct  1 14:32:52 2000", "no"),
        (TimeForm::Syslog, "Nov 21 12:00:00", "2026-11-21T03:00:00Z"),
        (
            TimeForm::Syslog,
            "Nov  1 12:00:00.25",
            "2026-11-01T03:00:00.250Z",
        ),
        (TimeForm::Syslog, "Nov 01 12:00:00", "2026-11-01T03:00:00Z"),
        (
            TimeForm::Syslog,
            "Jan  5 2026 10:11:12",
            "2026-01-05T01:11:12Z",
        ),
        (TimeForm::Syslog, "Nov 22 12:00:00", "2026-11-22T03:00:00Z"),
        (TimeForm::Syslog, "Nov 22 12:00:01", "2025-11-22T03:00:01Z"),
        (TimeForm::Syslog, "Dec 31 23:59:59", "2025-12-31T14:59:59Z"),
        (TimeForm::Syslog, "Feb 29 10:00:00", "2024-02-29T01:00:00Z"),
        (TimeForm::Syslog, "Feb 30 10:00:00", "no"),
        (
            TimeForm::Klog,
            "1121 12:00:00.123456",
            "2026-11-21T03:00:00.123456Z",
        ),
        (TimeForm::Klog, "0231 12:00:00.123456", "no"),
        (
            TimeForm::TimeOfDay,
            "12:00:00.001",
            "2026-11-21T03:00:00.001Z",
        ),
        (TimeForm::TimeOfDay, "23:59:59", "2026-11-21T14:59:59Z"),
        (TimeForm::TimeOfDay, "00:00:01", "2026-11-20T15:00:01Z"),
        (TimeForm::TimeOfDay, "24:00:01", "no"),
        (
            TimeForm::Unix(Unit::Seconds),
            "1795236284.5",
            "2026-11-21T04:44:44.500Z",
        ),
        (
            TimeForm::Unix(Unit::Milliseconds),
            "1795236284001",
            "2026-11-21T04:44:44.001Z",
        ),
        (
            TimeForm::Unix(Unit::Microseconds),
            "1795236284000001",
            "2026-11-21T04:44:44.000001Z",
        ),
        (
            TimeForm::Unix(Unit::Nanoseconds),
            "1795236284000000001",
            "2026-11-21T04:44:44.000000001Z",
        ),
        (TimeForm::Unix(Unit::Seconds), "-1", "no"),
    ] {
        assert_eq!(shown(form, text, &seoul), expected, "{form:?} {text}");
    }
}

#[test]
fn without_a_reference_nothing_is_dated_and_no_date_is_made_up() {
    let nothing = Context::default();
    for (form, good, bad) in [
        (TimeForm::Syslog, "Feb 29 10:00:00", "Feb 30 10:00:00"),
        (
            TimeForm::Klog,
            "1121 12:00:00.123456",
            "1321 12:00:00.123456",
        ),
        (TimeForm::TimeOfDay, "12:00:00.001", "12:60:00.001"),
    ] {
        assert_eq!(shown(form, good, &nothing), "undated");
        assert_eq!(shown(form, bad, &nothing), "no");
    }
}

#[test]
fn a_caller_says_what_an_abbreviation_means() {
    let india = Context::default().with_zone_name("IST", 19_800);
    let text = "2026-11-21 05:30:00 IST";
    assert_eq!(shown(TimeForm::Iso, text, &india), "2026-11-21T00:00:00Z");
    assert_eq!(
        shown(TimeForm::Iso, text, &Context::default()),
        "2026-11-21T03:30:00Z"
    );
}

/// Every reference date of a leap cycle × every month and day, against a search over all the days of that name.
#[test]
fn the_year_is_the_nearest_for_every_reference_and_date() {
    let mut dates = Vec::new();
    for (month, day) in (1..=12).flat_map(|month| (1..=31).map(move |day| (month, day))) {
        let days: Vec<i64> = (2010..2045)
            .filter_map(|year| {
                let text = format!("{year:04}-{month:02}-{day:02}T00:00:00Z");
                Some(Timestamp::from_rfc3339(text.as_bytes())?.unix_seconds() / 86_400)
            })
            .collect();
        if !days.is_empty() {
            dates.push((format!("{} {day:2} 12:00:00", MONTHS[month - 1]), days));
        }
    }
    assert_eq!(dates.len(), 366);
    let day = |text| at(text).unix_seconds() / 86_400;
    let references = day("2023-01-01T00:00:00Z")..=day("2026-12-31T00:00:00Z");
    assert_eq!(references.clone().count(), 1461);
    for reference in references {
        let noon = (reference * 86_400 + 43_200).to_string();
        let noon = shown(TimeForm::Unix(Unit::Seconds), &noon, &Context::default());
        let context = Context::default().with_reference(at(&noon));
        let unlimited = context.clone().with_future(Duration::MAX);
        for (text, days) in &dates {
            let nearest = |limit: i64| {
                let allowed = days.iter().filter(|found| **found - reference <= limit);
                allowed
                    .min_by_key(|found| found.abs_diff(reference))
                    .copied()
            };
            let found = |context| {
                let found = TimeForm::Syslog.parse(text.as_bytes(), context);
                Some((found.and_then(Reading::moment)?.unix_seconds() - 43_200) / 86_400)
            };
            assert_eq!(found(&context), nearest(1), "{text} at {noon}");
            // A sample is enough here: the rule differs in the limit only.
            if reference % 16 == 0 {
                assert_eq!(found(&unlimited), nearest(i64::MAX), "{text} at {noon}");
            }
        }
    }
}

#[test]
fn a_century_without_leap_day_is_reached_over() {
    let of = |reference| {
        let context = Context::default().with_reference(at(reference));
        shown(TimeForm::Klog, "0229 00:00:00.000000", &context)
    };
    assert_eq!(of("2103-06-01T00:00:00Z"), "2096-02-29T00:00:00Z");
    assert_eq!(of("2104-02-28T00:00:00Z"), "2104-02-29T00:00:00Z");
    assert_eq!(of("2104-02-27T00:00:00Z"), "2096-02-29T00:00:00Z");
}

proptest! {
    #[test]
    fn any_bytes_are_a_time_of_a_form_or_not(text in prop_oneof!["[0-9A-Za-z:,. /+-]{0,32}", any::<String>()], seconds in 0..4_000_000_000_u32) {
        let reference = shown(TimeForm::Unix(Unit::Seconds), &seconds.to_string(), &Context::default());
        let context = Context::default().with_reference(at(&reference));
        for form in [TimeForm::Clf, TimeForm::Iso, TimeForm::Asctime, TimeForm::Syslog, TimeForm::Klog, TimeForm::TimeOfDay, TimeForm::Unix(Unit::Nanoseconds)] {
            if form.parse(text.as_bytes(), &context).is_none() {
                prop_assert_eq!(form.parse(text.as_bytes(), &Context::default()), None);
            }
        }
    }
}

/// An input that is written while it is read for longer than a day.
#[test]
fn a_reader_s_reference_moves_with_its_input() {
    use narae_logparse::reader::{Reader, ReaderOptions};
    use narae_logparse::{Event, Format};
    let at = |text: &str| Timestamp::from_rfc3339(text.as_bytes()).unwrap();
    let context = Context::default().with_reference(at("2026-11-20T10:00:00Z"));
    let options = ReaderOptions::default().with_context(context);
    let mut reader = Reader::with_options(Format::Syslog, &options);
    for (received, line, expected) in [
        (
            None,
            "<38>Nov 20 10:00:00 web-1 sshd[9]: hello\n",
            "2026-11-20T10:00:00Z",
        ),
        (
            Some("2026-11-23T12:00:00Z"),
            "<38>Nov 23 11:00:00 web-1 sshd[9]: hello\n",
            "2026-11-23T11:00:00Z",
        ),
    ] {
        if let Some(received) = received {
            reader.set_reference(at(received));
        }
        reader.push(line.as_bytes());
        let Some(Event::Record(record)) = reader.next_event() else {
            panic!("{line}");
        };
        assert_eq!(record.time(), Some(at(expected)));
    }
}
