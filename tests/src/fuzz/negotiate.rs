//! Offers of compression: answered as the plain reading of RFC 7692 §7.1 says, and so that a client accepts it.

use super::Verdict;
use wsrelay_core::deflate::{Agreement, Context, Deflate, negotiate};
use wsrelay_core::upgrade::Headers;
use wsrelay_sim::wire::Deflating;

const BLANKS: [char; 2] = [' ', '\t'];

/// The bytes are one for the options, and header values between line feeds.
pub(super) fn check(bytes: &[u8]) -> Verdict {
    let Some((options, values)) = bytes.split_first() else { return Verdict::Refused };
    let context = if options & 8 == 0 { Context::Shared } else { Context::Takeover };
    let options = Deflate { context, window_bits: 8 + options % 8, ..Deflate::default() };
    let mut headers = Headers::new();
    for value in values.split(|byte| *byte == b'\n') {
        headers.append("Sec-WebSocket-Extensions", value.to_vec());
    }
    let agreement = negotiate(&headers, &options);
    let expected = values.split(|byte| *byte == b'\n').find_map(|value| {
        // What is no UTF-8 is part of no name and no value.
        let elements = cut(&String::from_utf8_lossy(value), ',');
        elements.iter().find_map(|element| accepted(element, &options))
    });
    assert_eq!(agreement, expected, "{:?}", String::from_utf8_lossy(values));
    if let Some(agreement) = agreement {
        let value = agreement.to_string();
        assert!(Deflating::agreed(&value).is_ok(), "{value}");
    }
    Verdict::of(agreement.is_some())
}

/// What is accepted of one offer, parameter by parameter.
fn accepted(element: &str, options: &Deflate) -> Option<Agreement> {
    let parts = cut(element, ';');
    let (name, parameters) = parts.split_first()?;
    if name != "permessage-deflate" {
        return None;
    }
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    for parameter in parameters {
        let (name, value) = match parameter.find('=') {
            Some(at) => (
                parameter[..at].trim_end_matches(BLANKS),
                Some(value_of(parameter[at + 1..].trim_start_matches(BLANKS))?),
            ),
            None => (parameter.as_str(), None),
        };
        if found.iter().any(|(other, _)| other == name) {
            return None;
        }
        found.push((name.to_owned(), value));
    }
    let numbers: Vec<String> = (8..16).map(|bits: u8| bits.to_string()).collect();
    for (name, value) in &found {
        let is_right = match name.as_str() {
            "server_no_context_takeover" | "client_no_context_takeover" => value.is_none(),
            "server_max_window_bits" => value.as_ref().is_some_and(|value| numbers.contains(value)),
            "client_max_window_bits" => value.as_ref().is_none_or(|value| numbers.contains(value)),
            _ => false,
        };
        if !is_right {
            return None;
        }
    }
    let of = |name: &str| found.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_deref());
    let bits = |name: &str| of(name).flatten().map(|value| value.parse::<u8>().expect("a number"));
    let own = options.window_bits;
    let least = |asked: Option<u8>| match asked {
        Some(asked) => Some(asked.min(own)),
        None if own < 15 => Some(own),
        None => None,
    };
    let forgets = options.context == Context::Shared;
    Some(Agreement {
        server_no_context_takeover: forgets || of("server_no_context_takeover").is_some(),
        client_no_context_takeover: forgets || of("client_no_context_takeover").is_some(),
        server_max_window_bits: least(bits("server_max_window_bits")),
        client_max_window_bits: match of("client_max_window_bits") {
            Some(_) => least(bits("client_max_window_bits")),
            None => None,
        },
    })
}

/// A token, or one in quotes.
fn value_of(text: &str) -> Option<String> {
    let value = if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut rest = quoted.chars();
        loop {
            match rest.next()? {
                '"' if rest.as_str().is_empty() => break value,
                '"' => return None,
                '\\' => value.push(rest.next()?),
                other => value.push(other),
            }
        }
    } else {
        text.to_owned()
    };
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    (!value.is_empty() && value.chars().all(is_token)).then_some(value)
}

/// The parts between separators that stand in no quotes, without white space around them.
fn cut(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == separator && !quoted {
            parts.push(String::new());
            continue;
        }
        let last = parts.last_mut().expect("one at least");
        last.push(c);
        if c == '"' {
            quoted = !quoted;
        } else if c == '\\' && quoted {
            last.extend(rest.next());
        }
    }
    parts.iter().map(|part| part.trim_matches(BLANKS).to_owned()).collect()
}
