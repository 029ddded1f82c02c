use super::super::testing::run;
use quickcheck::quickcheck;

/// Each program with what it gives.
fn check(rows: &[(&str, &str)]) {
    for (program, expected) in rows {
        assert_eq!(run(program), *expected, "{program}");
    }
}

#[test]
fn now_is_what_the_clock_says() {
    check(&[
        ("return time.now():unix()", "1735484645"),
        ("return time.now():utc():format(time.RFC3339NANO)", "2024-12-29T15:04:05.25Z"),
        ("return type(time.now())", "userdata"),
    ]);
}

#[test]
fn a_time_is_written_in_the_layouts_of_go() {
    let of = |layout: &str| run(&format!("return time.now():utc():format({layout:?})"));
    for (layout, expected) in [
        ("2006-01-02 15:04:05", "2024-12-29 15:04:05"),
        ("Monday, January 2, 2006", "Sunday, December 29, 2024"),
        ("Mon Jan _2 06", "Sun Dec 29 24"),
        ("3:04PM 03:04pm", "3:04PM 03:04pm"),
        ("15:04:05.000", "15:04:05.250"),
        ("15:04:05.999", "15:04:05.25"),
        ("15:04:05,000", "15:04:05,250"),
        ("002", "364"),
        ("-07:00 -0700 -07 Z07:00 MST", "+00:00 +0000 +00 Z UTC"),
        ("no elements", "no elements"),
    ] {
        assert_eq!(of(layout), expected, "{layout}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    check(&[
        ("return time.parse(time.RFC3339, '2024-02-29T12:30:45+02:00'):unix()", "1709202645"),
        ("return time.parse('2006-01-02', '2024-03-01'):format_rfc3339()", "2024-03-01T00:00:00Z"),
        ("return (time.parse('3:04PM', '11:15PM')):hour()", "23"),
        ("local t, e = time.parse('2006-01-02', '2024-02-30') return t, e:kind()", "nil Invalid"),
        ("local t, e = time.parse('2006-01-02', 'soon') return t, e:kind()", "nil Invalid"),
    ]);
}

#[test]
fn a_date_has_its_parts_and_moves_by_calendar_and_by_clock() {
    check(&[
        (
            "return time.date(2024, 2, 29, 1, 2, 3, 4, time.utc):add_date(1, 0, 0):format('2006-01-02')",
            "2025-03-01",
        ),
        ("return time.date(2024, 12, 31, 0, 0, 0, 0, time.utc):year_day()", "366"),
        ("return time.date(2024, 12, 29, 0, 0, 0, 0, time.utc):weekday() == time.SUNDAY", "true"),
        ("return tostring(time.now():add('1h30m'):sub(time.now()))", "1h30m0s"),
        ("return tostring(time.now() - time.now():add('1m'))", "-1m0s"),
        ("return time.now():before(time.now():add(1e9)), time.now() < time.now():add(1)", "true true"),
    ]);
}

#[test]
fn durations_are_strings_nanoseconds_or_durations_and_print_as_go_prints_them() {
    check(&[
        ("return tostring(time.parse_duration('1h30m45s'))", "1h30m45s"),
        ("return tostring(time.parse_duration(1500 * time.MILLISECOND))", "1.5s"),
        ("return tostring(time.parse_duration(0))", "0s"),
        ("return tostring(time.parse_duration('-2m'))", "-2m0s"),
        ("return time.parse_duration('90m'):hours()", "1.5"),
        ("return time.parse_duration('1.5s'):milliseconds()", "1500"),
        ("local d, e = time.parse_duration('soon') return d, e:kind()", "nil Invalid"),
        ("local d, e = time.parse_duration(0/0) return d, e:kind()", "nil Invalid"),
    ]);
}

#[test]
fn zones_are_known_by_name_and_by_offset() {
    check(&[
        (
            "return time.date(2024, 7, 1, 12, 0, 0, 0, time.utc):in_location(time.load_location('Europe/Berlin')):format('15:04 -0700 MST')",
            "14:00 +0200 CEST",
        ),
        ("return time.now():in_location(time.fixed_zone('X', -3600)):format('15:04 -07:00')", "14:04 -01:00"),
        ("local l, e = time.load_location('Nowhere/Land') return l, e:kind()", "nil NotFound"),
        ("local l, e = time.load_location('') return l, e:kind()", "nil Invalid"),
    ]);
}

quickcheck! {
    /// Whatever a script gives, it gets a text or an error, and nothing panics.
    fn any_layout_and_text_give_an_answer(layout: String, text: String) -> bool {
        let program = format!("local t = time.parse({layout:?}, {text:?}) return t and 'time' or 'nothing'");
        let written = format!("return type(time.now():format({layout:?}))");
        matches!(&*run(&program), "time" | "nothing" | "") && matches!(&*run(&written), "string" | "")
            || run(&program).starts_with("raised")
    }

    fn any_number_is_a_duration_or_none(number: f64) -> bool {
        let program = format!("local d = time.parse_duration(tonumber('{number}') or 0/0) return d and 'some' or 'none'");
        matches!(&*run(&program), "some" | "none")
    }

    /// Seconds of the years 1 to 9999.
    fn a_time_survives_rfc_3339(seconds: i64) -> bool {
        let seconds = seconds.rem_euclid(315_000_000_000) - 62_000_000_000;
        let program = format!("return time.parse(time.RFC3339, time.unix({seconds}, 0):utc():format_rfc3339()):unix()");
        run(&program) == seconds.to_string()
    }
}
