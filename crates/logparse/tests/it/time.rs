use narae_logparse::Timestamp;
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
