//! Options of `websocket_relay` that hold for the whole server, wherever on it they are set.

use super::options::{Reader, duration, number, positive, span, word};
use crate::app::{Finding, Place, model::Server};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use wsrelay_core::connection::ConnectionOptions;
use wsrelay_core::deflate::{Context, Deflate};
use wsrelay_core::relay::{Authority, Compression, Envelope, Overflow, RelayOptions};
use wsrelay_core::time::Timeout;
use wsrelay_core::upgrade::{OriginPolicy, UpgradePolicy};

/// What a client's message is to the process that gets it: `wsrelay.message_form`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageForm {
    /// A table `{client_pid, type, data, metadata}`, as the specification has it.
    #[default]
    Table,
    /// The data alone; the client is the sender of the message.
    Raw,
}

/// What the settings set.
#[derive(Clone, Debug, Default, PartialEq)]
struct Values {
    relay: RelayOptions,
    form: MessageForm,
    compresses: bool,
    deflate: Deflate,
}

type Apply = fn(&mut Values, &str) -> Result<(), String>;

/// Every setting. The name of one that is a limit is the limit's own, behind `wsrelay.`.
const SETTINGS: [(&str, Apply); 18] = [
    ("wsrelay.message_form", |values, text| {
        values.form = word(text, &[("table", MessageForm::Table), ("raw", MessageForm::Raw)])?;
        Ok(())
    }),
    ("wsrelay.message_bytes_max", |values, text| {
        values.relay.limits.message_bytes_max = number(text)?;
        Ok(())
    }),
    ("wsrelay.fragments_max", |values, text| {
        values.relay.limits.fragments_max = number(text)?;
        Ok(())
    }),
    ("wsrelay.outbox_bytes_max", |values, text| {
        values.relay.limits.outbox_bytes_max = number(text)?;
        Ok(())
    }),
    ("wsrelay.outbox_messages_max", |values, text| {
        values.relay.limits.outbox_messages_max = number(text)?;
        Ok(())
    }),
    ("wsrelay.overflow", |values, text| {
        values.relay.overflow = word(
            text,
            &[("close", Overflow::Close), ("drop_new", Overflow::DropNew), ("drop_old", Overflow::DropOld)],
        )?;
        Ok(())
    }),
    ("wsrelay.control", |values, text| {
        values.relay.control = word(text, &[("any", Authority::Any), ("target", Authority::Target)])?;
        Ok(())
    }),
    ("wsrelay.envelope", |values, text| {
        let words =
            [("on", Envelope::On), ("off", Envelope::Off), ("true", Envelope::On), ("false", Envelope::Off)];
        values.relay.envelope = word(text, &words)?;
        Ok(())
    }),
    ("wsrelay.compression", |values, text| {
        let words = [("off", None), ("shared", Some(Context::Shared)), ("takeover", Some(Context::Takeover))];
        let context = word(text, &words)?;
        values.compresses = context.is_some();
        values.deflate.context = context.unwrap_or_default();
        Ok(())
    }),
    ("wsrelay.compression.min_bytes", |values, text| {
        values.deflate.min_bytes = number(text)?;
        Ok(())
    }),
    ("wsrelay.compression.level", |values, text| {
        values.deflate.level = number_within(text, 1..=9)?;
        Ok(())
    }),
    ("wsrelay.compression.window_bits", |values, text| {
        values.deflate.window_bits = number_within(text, 8..=15)?;
        Ok(())
    }),
    ("wsrelay.compression.ratio_max", |values, text| {
        values.deflate.ratio_max = NonZeroU32::new(positive(text)?);
        Ok(())
    }),
    ("wsrelay.ping_interval", |values, text| {
        values.relay.limits.ping_interval = timeout(text)?;
        Ok(())
    }),
    ("wsrelay.pong_wait_max", |values, text| {
        values.relay.limits.pong_wait_max = span(text)?;
        Ok(())
    }),
    ("wsrelay.idle_max", |values, text| {
        values.relay.limits.idle_max = timeout(text)?;
        Ok(())
    }),
    ("wsrelay.lifetime_max", |values, text| {
        values.relay.limits.lifetime_max = timeout(text)?;
        Ok(())
    }),
    ("wsrelay.close_wait_max", |values, text| {
        values.relay.limits.close_wait_max = span(text)?;
        Ok(())
    }),
];

fn number_within(text: &str, range: RangeInclusive<u8>) -> Result<u8, String> {
    let number = number(text).ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        format!("expected a whole number from {} to {}, found `{text}`", range.start(), range.end())
    })
}

/// A timeout; `off` and nothing at all turn it off.
fn timeout(text: &str) -> Result<Timeout, String> {
    match text {
        "off" => Ok(Timeout::Off),
        _ => duration(text).map(|span| if span.is_zero() { Timeout::Off } else { Timeout::After(span) }),
    }
}

/// The settings of one server while its routers are read.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// By name: what the defaults become with this setting alone, so that `60s` and `1m` are the same; how to set it; and
    /// where it stands.
    set: BTreeMap<&'static str, (Values, Place)>,
    values: Values,
}

impl Settings {
    /// Reads the settings among the options of a list. Two that contradict each other are an error at both places.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>) {
        for (name, apply) in SETTINGS {
            let alone = reader.read(&[name], |text| {
                let mut alone = Values::default();
                apply(&mut alone, text)?;
                apply(&mut self.values, text)?;
                Ok(alone)
            });
            let Some((alone, place)) = alone else { continue };
            let (first, first_place) = self.set.entry(name).or_insert_with(|| (alone.clone(), place.clone()));
            if *first != alone {
                for (here, there) in [(&*first_place, place), (place, &*first_place)] {
                    let message = format!(
                        "option `{name}` holds for the whole server, and has another value at {there}"
                    );
                    reader.findings.push(Finding::error(here, message));
                }
            }
        }
    }

    /// The options of the server's connections, and the form of their messages.
    pub(super) fn finish(
        mut self,
        server: &Server,
        findings: &mut Vec<Finding>,
    ) -> (Arc<RelayOptions>, MessageForm) {
        let limits = &mut self.values.relay.limits;
        // Zero and absent turn a timeout off where these come from. Here it keeps its default: a server that waits for
        // ever is a server that anybody can fill.
        let given = |timeout: Option<Duration>| timeout.filter(|timeout| !timeout.is_zero());
        if let Some(read) = given(server.read_timeout) {
            limits.handshake_wait_max = read;
        }
        if let Some(write) = given(server.write_timeout) {
            limits.write_wait_max = write;
            limits.handler_wait_max = write;
        }
        if let Some(idle) = given(server.idle_timeout) {
            limits.keep_alive_wait_max = idle;
        }
        if let Err(fault) = limits.check() {
            let place =
                self.set.get(&*format!("wsrelay.{}", fault.name)).map_or(&server.place, |(_, place)| place);
            findings.push(Finding::error(place, fault.to_string()));
            *limits = RelayOptions::default().limits;
        }
        let Values { mut relay, form, compresses, deflate } = self.values;
        if compresses {
            relay.compression = Compression::Deflate(deflate);
        }
        for (name, (_, place)) in &self.set {
            if !compresses && name.starts_with("wsrelay.compression.") {
                let message = format!("option `{name}` has no effect: `wsrelay.compression` is off");
                findings.push(Finding::warning(place, message));
            }
        }
        (Arc::new(relay), form)
    }
}

/// The options of connections whose upgrades were checked before, route by route: this check lets all of them through.
pub(super) fn connection_options(relay: &Arc<RelayOptions>) -> ConnectionOptions {
    let upgrade = UpgradePolicy { origins: any_origin(), ..UpgradePolicy::default() };
    ConnectionOptions { relay: Arc::clone(relay), upgrade }
}

fn any_origin() -> OriginPolicy {
    // `*` is a pattern; were it not, the fallback would let through less, and not more.
    OriginPolicy::parse("*").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{options, place, server};
    use super::*;

    fn settle(lists: &[&[(&str, &str)]], server: &Server) -> (Arc<RelayOptions>, MessageForm, Vec<String>) {
        let (mut settings, mut findings) = (Settings::default(), Vec::new());
        for list in lists {
            settings.read(&mut Reader::new(&options(list), &mut findings));
        }
        let (relay, form) = settings.finish(server, &mut findings);
        (relay, form, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_setting_lands_in_the_options_of_the_connections() {
        let (relay, form, findings) = settle(
            &[
                &[
                    ("wsrelay.message_form", "raw"),
                    ("wsrelay.message_bytes_max", "2048"),
                    ("wsrelay.fragments_max", "7"),
                    ("wsrelay.outbox_bytes_max", "4096"),
                    ("wsrelay.outbox_messages_max", "8"),
                    ("wsrelay.overflow", "drop_old"),
                    ("wsrelay.control", "target"),
                ],
                &[
                    ("wsrelay.envelope", "off"),
                    ("wsrelay.ping_interval", "off"),
                    ("wsrelay.pong_wait_max", "3s"),
                    ("wsrelay.idle_max", "1m"),
                    ("wsrelay.lifetime_max", "0"),
                    ("wsrelay.close_wait_max", "1s"),
                    ("wsrelay.compression", "takeover"),
                    ("wsrelay.compression.min_bytes", "64"),
                    ("wsrelay.compression.level", "9"),
                    ("wsrelay.compression.window_bits", "8"),
                    ("wsrelay.compression.ratio_max", "50"),
                ],
            ],
            &server(),
        );
        let mut expected = RelayOptions {
            overflow: Overflow::DropOld,
            control: Authority::Target,
            envelope: Envelope::Off,
            compression: Compression::Deflate(Deflate {
                context: Context::Takeover,
                min_bytes: 64,
                level: 9,
                window_bits: 8,
                ratio_max: NonZeroU32::new(50),
            }),
            ..RelayOptions::default()
        };
        expected.limits.message_bytes_max = 2048;
        expected.limits.fragments_max = 7;
        expected.limits.outbox_bytes_max = 4096;
        expected.limits.outbox_messages_max = 8;
        expected.limits.ping_interval = Timeout::Off;
        expected.limits.pong_wait_max = Duration::from_secs(3);
        expected.limits.idle_max = Timeout::After(Duration::from_secs(60));
        expected.limits.close_wait_max = Duration::from_secs(1);
        assert_eq!((&*relay, form, findings), (&expected, MessageForm::Raw, vec![]));
    }

    #[test]
    fn the_servers_timeouts_land_there_too_and_zero_keeps_the_default() {
        let mut server = server();
        server.read_timeout = Some(Duration::from_secs(3));
        server.write_timeout = Some(Duration::from_secs(4));
        server.idle_timeout = Some(Duration::ZERO);
        let (relay, _, findings) = settle(&[], &server);
        let mut expected = RelayOptions::default();
        expected.limits.handshake_wait_max = Duration::from_secs(3);
        expected.limits.write_wait_max = Duration::from_secs(4);
        expected.limits.handler_wait_max = Duration::from_secs(4);
        assert_eq!((&*relay, findings), (&expected, vec![]));
    }

    #[test]
    fn two_values_of_one_setting_are_an_error_at_both_places() {
        let (_, _, findings) = settle(
            &[
                &[("wsrelay.idle_max", "60s"), ("wsrelay.message_form", "raw")],
                &[("wsrelay.idle_max", "1m"), ("wsrelay.message_form", "table")],
            ],
            &server(),
        );
        let at = place("wsrelay.message_form");
        let message = format!(
            "{at}: error: option `wsrelay.message_form` holds for the whole server, and has another value at {at}"
        );
        assert_eq!(findings, [message.clone(), message]);
    }

    #[test]
    fn limits_that_cannot_work_are_an_error_where_they_stand() {
        let (relay, _, findings) = settle(&[&[("wsrelay.message_bytes_max", "0")]], &server());
        let at = place("wsrelay.message_bytes_max");
        assert_eq!(findings, [format!("{at}: error: limit `message_bytes_max` must be at least 1 byte")]);
        assert_eq!(*relay, RelayOptions::default());
    }

    #[test]
    fn what_compression_cannot_be_is_an_error_and_what_has_no_effect_a_warning() {
        let list = [
            ("wsrelay.compression", "on"),
            ("wsrelay.compression.level", "10"),
            ("wsrelay.compression.window_bits", "7"),
            ("wsrelay.compression.min_bytes", "0"),
            ("wsrelay.compression.ratio_max", "0"),
        ];
        let (relay, _, findings) = settle(&[&list], &server());
        let [mode, level, window, least, ratio] = list.map(|(name, _)| place(name));
        assert_eq!(
            findings,
            [
                format!(
                    "{mode}: error: option `wsrelay.compression`: expected `off` or `shared` or `takeover`, found `on`"
                ),
                format!(
                    "{level}: error: option `wsrelay.compression.level`: expected a whole number from 1 to 9, found `10`"
                ),
                format!(
                    "{window}: error: option `wsrelay.compression.window_bits`: expected a whole number from 8 to 15, found `7`"
                ),
                format!(
                    "{ratio}: error: option `wsrelay.compression.ratio_max`: expected a number above zero, found `0`"
                ),
                format!(
                    "{least}: warning: option `wsrelay.compression.min_bytes` has no effect: `wsrelay.compression` is off"
                ),
            ]
        );
        assert_eq!(*relay, RelayOptions::default());
    }

    #[test]
    fn the_servers_own_check_lets_every_origin_through_and_trusts_nobody() {
        let options = connection_options(&Arc::default());
        assert!(options.upgrade.origins.is_any());
        assert_eq!(
            options.upgrade,
            UpgradePolicy { origins: OriginPolicy::parse("*").unwrap(), ..UpgradePolicy::default() }
        );
    }
}
