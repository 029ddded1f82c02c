use jiff::tz::TimeZoneDatabase;
use mlua::Value;
use quickcheck::quickcheck;

use super::super::testing::{lua, run, run_in};
use super::duration::{Duration, duration_arg};
use super::location::{Civil, Location};
use super::{format, parse};

/// Each program with what it gives.
fn check(rows: &[(&str, &str)]) {
    for (program, expected) in rows {
        assert_eq!(run(program), *expected, "{program}");
    }
}

#[test]
fn now_is_what_the_clock_says() {
    check(&[
        ("return time.now():unix(), time.now():nanosecond()", "1735484645 250000000"),
        ("return time.now():utc():format(time.RFC3339NANO)", "2024-12-29T15:04:05.25Z"),
        ("return tostring(time.now():utc())", "2024-12-29 15:04:05.25 +0000 UTC"),
        ("return time.now():unix_nano() == 1735484645.25 * time.SECOND", "true"),
        (
            "return type(time.now()), type(time.utc), type(time.parse_duration(1))",
            "userdata userdata userdata",
        ),
    ]);
}

#[test]
fn a_time_has_parts() {
    let parts = "year month day hour minute second nanosecond weekday year_day".split(' ');
    let program = |part| format!("return time.date(2024, 12, 31, 23, 59, 58, 7, time.utc):{part}()");
    assert_eq!(
        parts.map(|part| run(&program(part))).collect::<Vec<_>>(),
        ["2024", "12", "31", "23", "59", "58", "7", "2", "366"]
    );
    check(&[
        ("return time.now():utc():date()", "2024 12 29"),
        ("return time.now():utc():clock()", "15 4 5"),
        ("return time.date(1, 1, 1, 0, 0, 0, 0, time.utc):is_zero(), time.now():is_zero()", "true false"),
        ("return time.now():utc():weekday() == time.SUNDAY, time.DECEMBER, time.SATURDAY", "true 12 6"),
        ("return time.now():utc():location():string(), tostring(time.localtz)", "UTC Local"),
    ]);
}

#[test]
fn a_time_moves_by_calendar_and_by_clock() {
    let date = |moved: &str| {
        run(&format!(
            "return time.date(2024, 1, 31, 12, 0, 0, 0, time.utc){moved}:format('2006-01-02 15:04:05')"
        ))
    };
    for (moved, expected) in [
        (":add_date(0, 1, 0)", "2024-03-02 12:00:00"),
        (":add_date(1, -1, 1)", "2025-01-01 12:00:00"),
        (":add('-36h')", "2024-01-30 00:00:00"),
        (":add(1.5 * time.MINUTE)", "2024-01-31 12:01:30"),
        (":add(time.parse_duration('1s'))", "2024-01-31 12:00:01"),
        // Multiples count from the first of January of the year 1.
        (":truncate('5h')", "2024-01-31 10:00:00"),
        (":add('29m59.5s'):truncate('1h')", "2024-01-31 12:00:00"),
        (":add('30m'):round('1h')", "2024-01-31 13:00:00"),
        (":add('29m59s'):round('1h')", "2024-01-31 12:00:00"),
        (":add('1s'):round(0):truncate(-1)", "2024-01-31 12:00:01"),
    ] {
        assert_eq!(date(moved), expected, "{moved}");
    }
    check(&[
        ("return tostring(time.now():add('1h30m'):sub(time.now()))", "1h30m0s"),
        ("local t, e = time.now():add('soon') return t, e:kind()", "nil Invalid"),
        ("return time.now():sub(5)", "raised: bad argument #1 to 'Time:sub' (Time expected, got number)"),
    ]);
}

#[test]
fn times_and_durations_have_operators() {
    check(&[
        (
            "local t = time.now() return t + '1m' == t:add('1m'), '1m' + t == t + time.MINUTE, t == t + 1",
            "true true false",
        ),
        (
            "local t = time.now() return tostring(t - (t + '1m')), (t - '1m'):before(t), t:after(t - 1)",
            "-1m0s true true",
        ),
        (
            "local t = time.now() return t < t + 1, t <= t, t > t, t:equal(t:utc()), t == t:utc()",
            "true true false true true",
        ),
        (
            "local d = time.parse_duration('1m') return tostring(d + '1s'), tostring(d - 1e9), tostring(-d)",
            "1m1s 59s -1m0s",
        ),
        (
            "local d = time.parse_duration('1m') return tostring(d * 1.5), tostring(2 * d), d < d * 2, d == d + 0",
            "1m30s 2m0s true true",
        ),
        ("return time.parse_duration(5) == time.utc, time.now() == time.utc", "false false"),
    ]);
    assert!(run("return time.now() < 5").starts_with("raised: "));
    assert!(run("return time.now() + time.now()").starts_with("raised: "));
    assert!(run("return time.parse_duration(5) + 'soon'").starts_with("raised: "));
}

#[test]
fn durations_are_texts_nanoseconds_or_durations() {
    for (argument, expected) in [
        ("'1h30m45s'", "1h30m45s"),
        ("1500 * time.MILLISECOND", "1.5s"),
        ("0", "0s"),
        ("'-2m'", "-2m0s"),
        ("'+.5s'", "500ms"),
        ("'1.h'", "1h0m0s"),
        ("'0'", "0s"),
        ("'1us2µs3μs'", "6µs"),
        ("'1.5ms'", "1.5ms"),
        ("1.9", "1ns"),
        ("'100h0.000000001s'", "100h0m0.000000001s"),
        ("'9223372036854775807ns'", "2562047h47m16.854775807s"),
        ("'-9223372036854775808ns'", "-2562047h47m16.854775808s"),
        ("time.parse_duration('3h')", "3h0m0s"),
    ] {
        assert_eq!(run(&format!("return tostring(time.parse_duration({argument}))")), expected, "{argument}");
    }
    check(&[
        ("local d = time.parse_duration('90m') return d:hours(), d:minutes(), d:seconds()", "1.5 90 5400"),
        (
            "local d = time.parse_duration('1.5s') return d:milliseconds(), d:microseconds(), d:nanoseconds()",
            "1500 1500000 1500000000",
        ),
    ]);
}

#[test]
fn what_is_no_duration_is_invalid() {
    let wrong = [
        "'soon'",
        "''",
        "'-'",
        "'.s'",
        "'1'",
        "'1 h'",
        "'1d'",
        "'1h-5m'",
        "'9223372036854775808ns'",
        "'99999999999999999999h'",
        "'\\255'",
        "0/0",
        "1/0",
        "1e19",
        "nil",
        "{}",
        "time.utc",
        "true",
    ];
    for argument in wrong {
        let program = format!("local d, e = time.parse_duration({argument}) return d, e:kind()");
        assert_eq!(run(&program), "nil Invalid", "{argument}");
    }
}

#[test]
fn zones_are_known_by_name_and_by_offset() {
    let berlin =
        |program: &str| run(&format!("local berlin = time.load_location('Europe/Berlin') return {program}"));
    for (program, expected) in [
        (
            "time.date(2024, 7, 1, 12, 0, 0, 0, time.utc):in_location(berlin):format('15:04 -0700 MST')",
            "14:00 +0200 CEST",
        ),
        ("time.date(2024, 1, 1, 0, 0, 0, 0, berlin):utc():format_rfc3339()", "2023-12-31T23:00:00Z"),
        // The clocks skip from two to three, and go back from three to two.
        ("time.date(2024, 3, 31, 2, 30, 0, 0, berlin):format('15:04 MST')", "03:30 CEST"),
        ("time.date(2024, 10, 27, 2, 30, 0, 0, berlin):format('15:04 MST')", "02:30 CEST"),
        ("time.date(2024, 10, 27, 2, 30, 0, 0, berlin):add('1h'):format('15:04 MST')", "02:30 CET"),
        ("berlin:string(), time.now():in_location(berlin):location() == berlin", "Europe/Berlin true"),
        (
            "berlin == time.utc, time.load_location('UTC') == time.utc, time.load_location('Local') == time.localtz",
            "false true true",
        ),
    ] {
        assert_eq!(berlin(program), expected, "{program}");
    }
    check(&[
        (
            "return time.now():in_location(time.fixed_zone('X', -3600)):format('15:04 -07:00 MST')",
            "14:04 -01:00 X",
        ),
        ("return time.now():in_location(time.fixed_zone('', 7200)):format('MST')", "+0200"),
        ("local l, e = time.load_location('Nowhere/Land') return l, e:kind()", "nil NotFound"),
        ("local l, e = time.load_location('../etc/passwd') return l, e:kind()", "nil NotFound"),
        ("local l, e = time.load_location('') return l, e:kind()", "nil Invalid"),
        ("local l, e = time.fixed_zone('X', 100000) return l, e:kind()", "nil Invalid"),
    ]);
}

#[test]
fn zones_are_known_on_a_machine_without_a_database() {
    let zone = TimeZoneDatabase::bundled().get("America/New_York").unwrap();
    assert_eq!(zone.iana_name(), Some("America/New_York"));
}

#[test]
fn what_lies_outside_the_calendar_becomes_its_end() {
    check(&[
        (
            "return time.date(9999, 12, 31, 23, 59, 59, 999999999, time.utc):format(time.RFC3339NANO)",
            "9999-12-31T23:59:59.999999999Z",
        ),
        ("return time.parse(time.RFC3339, '9999-12-31T23:59:59Z'):format_rfc3339()", "9999-12-31T23:59:59Z"),
        (
            "return time.date(9999, 12, 31, 0, 0, 0, 0, time.load_location('Asia/Tokyo')):format_rfc3339()",
            "9999-12-31T00:00:00+09:00",
        ),
        ("return time.parse(time.RFC3339, '0000-01-01T00:00:00Z'):unix()", "-62167219200"),
        ("return time.date(1e300, 1, 1, 0, 0, 0, 0, time.utc):year()", "9999"),
        ("return time.date(-1e300, -1/0, 1/0, -1e300, 1e300, -1e300, 1e300, time.utc):year()", "-9999"),
        ("return time.unix(1e300, 1e300):utc():year(), time.unix(-1e300):utc():year()", "9999 -9999"),
        ("return time.unix(253402300799):add('2562047h'):utc():year()", "9999"),
        ("return time.now():add_date(1e18, -1e18, 1e300):year()", "9999"),
        ("return tostring(time.unix(1e300):sub(time.unix(-1e300)))", "2562047h47m16.854775807s"),
        ("return tostring(-time.parse_duration('-9223372036854775808ns'))", "2562047h47m16.854775807s"),
        (
            "return tostring(time.parse_duration('1h') * (0/0)), tostring(time.parse_duration('1h') * (-1/0))",
            "0s -2562047h47m16.854775808s",
        ),
        (
            "return time.unix(-1e300):round('2562047h'):utc():year(), time.unix(1e300):truncate(9e18):utc():year() > 9000",
            "-9937 true",
        ),
        ("return time.unix(0/0)", "raised: bad argument #1 to 'time.unix' (number expected, got NaN)"),
    ]);
}

#[test]
fn the_module_waits_for_nothing_and_nobody_can_change_it() {
    assert_eq!(run("return time.sleep, time.after, (pcall(function() time.now = 1 end))"), "nil nil false");
}

quickcheck! {
    /// Whatever a script gives, it gets a text or an error, and nothing panics.
    fn any_layout_and_text_give_an_answer(layout: Vec<u8>, text: Vec<u8>, choices: Vec<u8>) -> bool {
        let pieces = ["2006", "01", "Jan", "_2", "002", "15", "3", "PM", "04", "05", ".000", ",999", "Z07:00", "-07", "MST", " ", "-"];
        let near: String = choices.iter().map(|choice| pieces[usize::from(*choice) % pieces.len()]).collect();
        let at = super::Time::from_unix(1_735_484_645, 5, Location::utc());
        let written = format::format(&at, near.as_bytes());
        let utc = Location::utc();
        // None of them is more than a time or a reason.
        let _ = parse::parse(near.as_bytes(), &written, &utc, &utc);
        let _ = parse::parse(near.as_bytes(), &text, &utc, &utc);
        parse::parse(&layout, &text, &utc, &utc).is_ok_and(|_| true) || !format::format(&at, &layout).is_empty() || layout.is_empty()
    }

    fn any_number_is_a_duration_or_none(number: f64) -> bool {
        duration_arg(&Value::Number(number)).is_ok() == (number.abs() < 9.2e18)
    }

    fn a_duration_is_read_as_it_is_written(nanos: i64) -> bool {
        let lua = lua();
        let text = lua.create_string(Duration(nanos).to_string()).unwrap();
        duration_arg(&Value::String(text)) == Ok(nanos)
    }

    fn any_text_is_a_duration_or_none(choices: Vec<u8>) -> bool {
        let pieces = ["-", "+", ".", "0", "9", "00000000000000000000", "18446744073709551615", "h", "m", "s", "ns", "µs", " "];
        let text: String = choices.iter().map(|choice| pieces[usize::from(*choice) % pieces.len()]).collect();
        let lua = lua();
        let once = duration_arg(&Value::String(lua.create_string(&text).unwrap()));
        once.is_err() || text.contains(|character: char| character.is_ascii_digit())
    }

    /// Years 1 to 9999, any nanosecond and any offset of whole minutes.
    fn a_time_survives_rfc_3339(seconds: i64, nanos: u32, minutes: i16) -> bool {
        let seconds = seconds.rem_euclid(315_000_000_000) - 62_000_000_000;
        let (nanos, minutes) = (nanos % 1_000_000_000, minutes % (24 * 60));
        let program = format!(
            "local t = time.unix({seconds}, {nanos}):in_location(time.fixed_zone('', {minutes} * 60))
            local text = t:format(time.RFC3339NANO)
            local read = time.parse(time.RFC3339, text)
            return read == t, read:format(time.RFC3339NANO) == text, read:unix(), read:nanosecond()"
        );
        run_in(&lua(), &program) == format!("true true {seconds} {nanos}")
    }

    /// On the first and the last day of the calendar jiff has no timestamp.
    fn a_date_is_the_same_instant_for_us_and_for_jiff(seconds: i64) -> bool {
        let seconds = seconds.rem_euclid(631_107_417_600) - 377_705_116_800;
        let at = i128::from(seconds) * 1_000_000_000;
        let date = Location::utc().date_time(at);
        let civil = Civil {
            year: date.year().into(),
            month: date.month().into(),
            day: date.day().into(),
            hour: date.hour().into(),
            minute: date.minute().into(),
            second: date.second().into(),
            nanosecond: 0,
        };
        let by_jiff = jiff::Timestamp::from_second(seconds).map(|at| jiff::tz::Offset::UTC.to_datetime(at));
        Location::utc().instant(civil) == at && by_jiff.map_or(true, |by_jiff| by_jiff == date)
    }
}

mod layouts;

#[test]
fn layouts_and_what_is_read_by_them_are_short() {
    for (call, words) in [
        ("time.parse(long, '')", "#1 to 'time.parse'"),
        ("time.parse('', long)", "#2 to 'time.parse'"),
        ("time.now():format(long)", "#1 to 'Time:format'"),
        ("os.date(long)", "#1 to 'os.date'"),
    ] {
        let said = run(&format!("local long = ('x'):rep(4097) return {call}"));
        assert!(said.contains(&format!("bad argument {words} (longer than 4096 bytes)")), "{said}");
    }
}
