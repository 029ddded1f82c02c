//! Each element of a layout, written and read.

use super::super::super::testing::run;

/// Sunday, the 64th day of the year, three and a half hours west.
const TIME: &str = "time.date(2023, 3, 5, 9, 7, 8, 62500000, time.fixed_zone('WXT', -12600))";

#[test]
fn every_element_is_written() {
    let rows = [
        ("January Jan 1 01", "March Mar 3 03"),
        ("Monday Mon", "Sunday Sun"),
        ("2|02|_2|002|__2", "5|05| 5|064| 64"),
        ("15 3 03", "09 9 09"),
        ("4 04 5 05", "7 07 8 08"),
        ("2006 06 _2006", "2023 23 _2023"),
        ("PM pm", "AM am"),
        ("MST", "WXT"),
        ("-07 -0700 -07:00 -070000 -07:00:00", "-03 -0330 -03:30 -033000 -03:30:00"),
        ("Z07 Z0700 Z07:00 Z070000 Z07:00:00", "-03 -0330 -03:30 -033000 -03:30:00"),
        ("05.0 05.000 05.000000000", "08.0 08.062 08.062500000"),
        ("05.9 05.99 05.999999999", "08 08.06 08.0625"),
        ("05,000 05,999999", "08,062 08,0625"),
        // Not an element: a name that goes on, digits that go on.
        ("Janet likes Mondays, Month 05.001", "Janet likes Sundays, Month 08.003"),
        ("no\0thing \u{e4}", "no\0thing \u{e4}"),
        ("", ""),
    ];
    for (layout, expected) in rows {
        assert_eq!(run(&format!("return {TIME}:format({layout:?})")), expected, "{layout}");
    }
}

#[test]
fn noon_and_midnight_are_twelve() {
    let at = |hour: u32| {
        run(&format!("return time.date(2023, 3, 5, {hour}, 0, 0, 0, time.utc):format('3 03 PM pm 15')"))
    };
    assert_eq!(
        [0, 11, 12, 23].map(at),
        ["12 12 AM am 00", "11 11 AM am 11", "12 12 PM pm 12", "11 11 PM pm 23"]
    );
}

#[test]
fn every_layout_with_a_name_is_written_and_read() {
    let rows = [
        ("RFC3339", "2023-03-05T09:07:08-03:30"),
        ("RFC3339NANO", "2023-03-05T09:07:08.0625-03:30"),
        ("RFC822", "05 Mar 23 09:07 WXT"),
        ("RFC822Z", "05 Mar 23 09:07 -0330"),
        ("RFC850", "Sunday, 05-Mar-23 09:07:08 WXT"),
        ("RFC1123", "Sun, 05 Mar 2023 09:07:08 WXT"),
        ("RFC1123Z", "Sun, 05 Mar 2023 09:07:08 -0330"),
        ("KITCHEN", "9:07AM"),
        ("STAMP", "Mar  5 09:07:08"),
        ("STAMP_MILLI", "Mar  5 09:07:08.062"),
        ("STAMP_MICRO", "Mar  5 09:07:08.062500"),
        ("STAMP_NANO", "Mar  5 09:07:08.062500000"),
        ("DATE_TIME", "2023-03-05 09:07:08"),
        ("DATE_ONLY", "2023-03-05"),
        ("TIME_ONLY", "09:07:08"),
    ];
    for (name, expected) in rows {
        let program = format!(
            "local text = {TIME}:format(time.{name}) return text, time.parse(time.{name}, text):format(time.{name})"
        );
        assert_eq!(run(&program), format!("{expected} {expected}"), "{name}");
    }
}

/// What `time.parse` reads, in full.
fn parsed(layout: &str, text: &str) -> String {
    run(&format!(
        "local t, e = time.parse({layout:?}, {text:?}) return t and tostring(t) or e:message():match(': (.*)')"
    ))
}

#[test]
fn every_element_is_read() {
    let rows = [
        ("January 2 2006", "march 5 2023", "2023-03-05 00:00:00 +0000 UTC"),
        ("Jan _2 06", "MAR  5 69", "1969-03-05 00:00:00 +0000 UTC"),
        ("1/2/06", "12/31/68", "2068-12-31 00:00:00 +0000 UTC"),
        ("01/02/2006", "03/05/2023", "2023-03-05 00:00:00 +0000 UTC"),
        ("2006 002", "2024 060", "2024-02-29 00:00:00 +0000 UTC"),
        ("2006 __2", "2023  64", "2023-03-05 00:00:00 +0000 UTC"),
        // The day of the week is not compared with the date.
        ("Monday Mon 2006", "Friday fri 2023", "2023-01-01 00:00:00 +0000 UTC"),
        ("3:4:5PM", "12:1:2AM", "0000-01-01 00:01:02 +0000 UTC"),
        ("03:04:05 pm", "11:09:08 pm", "0000-01-01 23:09:08 +0000 UTC"),
        ("15:04:05.000", "09:07:08,062", "0000-01-01 09:07:08.062 +0000 UTC"),
        ("15:04:05.999", "09:07:08", "0000-01-01 09:07:08 +0000 UTC"),
        ("15:04:05.9", "09:07:08.0625", "0000-01-01 09:07:08.0625 +0000 UTC"),
        // A fraction may follow seconds without being in the layout, and past nanoseconds it does not count.
        ("15:04:05", "09:07:08.1234567891", "0000-01-01 09:07:08.123456789 +0000 UTC"),
        ("2006 -07", "2023 +02", "2023-01-01 00:00:00 +0200 +0200"),
        ("2006 -0700", "2023 -0330", "2023-01-01 00:00:00 -0330 -0330"),
        ("2006 -07:00:00", "2023 +01:02:03", "2023-01-01 00:00:00 +0102 +0102"),
        ("2006 -070000", "2023 +010203", "2023-01-01 00:00:00 +0102 +0102"),
        ("2006 Z0700", "2023 Z", "2023-01-01 00:00:00 +0000 UTC"),
        ("2006 MST", "2023 UTC", "2023-01-01 00:00:00 +0000 UTC"),
        ("2006 MST", "2023 WXT", "2023-01-01 00:00:00 +0000 WXT"),
        ("2006 MST", "2023 GMT-8", "2023-01-01 00:00:00 -0800 GMT-8"),
        ("2006 MST", "2023 ChST", "2023-01-01 00:00:00 +0000 ChST"),
        ("2006 -0700 MST", "2023 -0330 WXT", "2023-01-01 00:00:00 -0330 WXT"),
        ("2006 MST -0700", "2023 CEST +0200", "2023-01-01 00:00:00 +0200 CEST"),
        // One space stands for any number of them.
        ("2006 1 2", "2023    3  5", "2023-03-05 00:00:00 +0000 UTC"),
    ];
    for (layout, text, expected) in rows {
        assert_eq!(parsed(layout, text), expected, "{layout}");
    }
}

#[test]
fn what_does_not_fit_says_where() {
    let rows = [
        ("2006-01-02", "soon", "'soon' does not fit '2006'"),
        ("2006-01-02", "2023", "'' does not fit '-'"),
        ("2006-01-02", "2023-3-05", "'3-05' does not fit '01'"),
        ("2006-01-02", "2023-03-05!", "'!' is left over"),
        ("2006-01-02", "2023-13-05", "month out of range"),
        ("2006-01-02", "2023-02-29", "day out of range"),
        ("2006-01-02", "2024-03-00", "day out of range"),
        ("2006 002", "2023 366", "day out of range"),
        ("2006-01 002", "2023-01 060", "day of year out of range"),
        ("15:04:05", "24:00:00", "hour out of range"),
        ("15:04:05", "23:60:00", "minute out of range"),
        ("15:04:05", "23:59:60", "second out of range"),
        ("3PM", "13PM", "hour out of range"),
        ("3PM", "1XM", "'XM' does not fit 'PM'"),
        ("05.000", "08.06", "'.06' does not fit '.000'"),
        ("-07:00", "+25:00", "zone offset out of range"),
        ("MST", "wxt", "'wxt' does not fit 'MST'"),
        ("Jan", "Mrz", "'Mrz' does not fit 'Jan'"),
    ];
    for (layout, text, expected) in rows {
        assert_eq!(parsed(layout, text), expected, "{layout} {text}");
    }
}

#[test]
fn a_text_that_does_not_fit_is_invalid_and_one_that_is_none_raises() {
    assert_eq!(
        run("local t, e = time.parse('2006', 'soon') return t, e:kind(), e:retryable()"),
        "nil Invalid false"
    );
    assert_eq!(
        run("return time.parse('2006', 2023)"),
        "raised: bad argument #2 to 'time.parse' (string expected, got number)"
    );
}

#[test]
fn a_text_is_read_in_the_location_that_is_given() {
    let program = |text: &str| {
        run(&format!(
            "return tostring(time.parse('2006-01-02 15:04{}', '{text}', time.load_location('Europe/Berlin')))",
            match text.split(' ').nth(2) {
                Some(zone) if zone.starts_with('+') => " -0700",
                Some(_) => " MST",
                None => "",
            }
        ))
    };
    assert_eq!(program("2024-07-01 12:00"), "2024-07-01 12:00:00 +0200 CEST");
    assert_eq!(program("2024-07-01 12:00 +0200"), "2024-07-01 12:00:00 +0200 CEST");
    assert_eq!(program("2024-07-01 12:00 +0300"), "2024-07-01 12:00:00 +0300 +0300");
    // A name that the zone has at another time of the year counts as that.
    assert_eq!(program("2024-07-01 12:00 CET"), "2024-07-01 13:00:00 +0200 CEST");
    assert_eq!(program("2024-07-01 12:00 CEST"), "2024-07-01 12:00:00 +0200 CEST");
}

#[test]
fn what_tostring_writes_is_read_back() {
    let program = "local t = time.date(2024, 7, 1, 12, 0, 0, 5, time.load_location('Europe/Berlin'))
        local read = time.parse('2006-01-02 15:04:05 -0700 MST', tostring(t))
        return read == t, tostring(read) == tostring(t)";
    assert_eq!(run(program), "true true");
}
