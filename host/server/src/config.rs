//! What whoever runs the host can set: one TOML file, every field with a default and its reason.

use crate::telemetry::LogFormat;
use serde::Deserialize;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen. Only this machine, until somebody decides otherwise and puts TLS in front.
    pub listen: SocketAddr,
    /// Where the database, the key file and compiled policies live.
    pub data_dir: PathBuf,
    /// `postgres://…`, or absent for SQLite in the data directory.
    pub database: Option<String>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is logged, as an `EnvFilter`.
    pub log: String,
    /// Answers to a bad signature show the string we signed. For trying things out only: an attacker
    /// learns nothing secret from it, but has no need to see it either.
    pub test_mode: bool,
    /// The doors: connections, sizes, times.
    pub edge: EdgeLimits,
    /// Signatures of tills.
    pub signing: SigningLimits,
    /// What a till may send.
    pub pos: PosLimits,
    /// Codes members show on the phone.
    pub pay_code: PayCodeLimits,
    /// Sign-in of staff.
    pub staff: StaffLimits,
    /// Callbacks of WeChat.
    pub wechat: WechatLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            data_dir: PathBuf::from("data"),
            database: None,
            log_format: LogFormat::default(),
            log: "info".to_owned(),
            test_mode: false,
            edge: EdgeLimits::default(),
            signing: SigningLimits::default(),
            pos: PosLimits::default(),
            pay_code: PayCodeLimits::default(),
            staff: StaffLimits::default(),
            wechat: WechatLimits::default(),
        }
    }
}

/// Connections, sizes and times at the door.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EdgeLimits {
    /// Connections open at the same time. 4,096: each costs about 20 KiB.
    pub connections_max: usize,
    /// Connections open from one address. 100: a shop's tills share one address, an attacker has one.
    pub connections_per_ip_max: usize,
    /// Proxies in front of us: they may open any number of connections, and their `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Seconds for a request's head, from its first byte. 10: a head is one packet.
    pub head_seconds_max: u64,
    /// Seconds for a request's body. 30: 512 KiB over a bad mobile line.
    pub body_seconds_max: u64,
    /// Seconds a connection may stay without a request. 60: a till sends every few seconds when it sells.
    pub idle_seconds_max: u64,
    /// Seconds a client may leave our answer unread.
    pub write_seconds_max: u64,
    /// Seconds for a whole request, body included.
    pub request_seconds_max: u64,
    /// Seconds for running requests to end after SIGTERM.
    pub drain_seconds_max: u64,
    /// Headers of a request. 64: a browser sends 20.
    pub headers_max: usize,
    /// Bytes of all headers together.
    pub head_bytes_max: usize,
    /// Bytes of the address with its query.
    pub target_bytes_max: usize,
    /// Bytes of a till's body. 512 KiB: 1,000 lines of long names, or a batch of 50 receipts.
    pub receipt_bytes_max: usize,
    /// Bytes of a WeChat callback. WeChat's own stay below 8 KiB.
    pub callback_bytes_max: usize,
    /// Bytes of an uploaded policy in its JSON envelope. 1 MiB of policy as base64, and its test cases.
    pub policy_bytes_max: usize,
    /// Bytes of any other body.
    pub body_bytes_max: usize,
}

impl Default for EdgeLimits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            connections_per_ip_max: 100,
            trusted_proxies: Vec::new(),
            head_seconds_max: 10,
            body_seconds_max: 30,
            idle_seconds_max: 60,
            write_seconds_max: 30,
            request_seconds_max: 45,
            drain_seconds_max: 10,
            headers_max: 64,
            head_bytes_max: 16 << 10,
            target_bytes_max: 4 << 10,
            receipt_bytes_max: 512 << 10,
            callback_bytes_max: 64 << 10,
            policy_bytes_max: 1 << 20,
            body_bytes_max: 64 << 10,
        }
    }
}

/// Signatures of tills.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SigningLimits {
    /// Seconds a till's clock may be off, either way.
    pub window_seconds: i64,
    /// Seconds before our start that a signature may date from: what was signed earlier could be a repetition
    /// of a request we no longer remember, and a till's clock may be a little slow.
    pub before_start_seconds: i64,
    /// Nonces remembered for all keys: 2,000,000 take about 64 MiB and last 3,000 requests a second.
    pub nonces_max: usize,
    /// Nonces remembered for one key, so that one till cannot take the memory of all.
    pub nonces_per_key_max: usize,
    /// Milliseconds a key is believed before the database is asked again: how long a revoked one still works.
    pub key_cache_ms: u64,
    /// Keys kept in memory.
    pub keys_cached_max: u64,
}

impl Default for SigningLimits {
    fn default() -> Self {
        Self {
            window_seconds: 300,
            before_start_seconds: 5,
            nonces_max: 2_000_000,
            nonces_per_key_max: 500_000,
            key_cache_ms: 1_000,
            keys_cached_max: 100_000,
        }
    }
}

/// What a till may send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PosLimits {
    /// Lines of one receipt. 1,000 is the promise; tills print fewer.
    pub lines_max: usize,
    /// Units of one line, either sign.
    pub quantity_max: i64,
    /// Payments of one receipt.
    pub payments_max: usize,
    /// Vouchers presented with one receipt.
    pub vouchers_max: usize,
    /// Bytes of a goods code, a name, a department, a category, a brand or a means of payment.
    pub text_bytes_max: usize,
    /// Receipts of one batch.
    pub batch_receipts_max: usize,
    /// Milliseconds a receipt may ask us to think: more than a customer waits is no use.
    pub deadline_ms_max: u64,
    /// Bytes of a custom event's data.
    pub event_bytes_max: usize,
    /// Unknown pay codes and vouchers a till may try before it has to wait; the wait doubles with each more.
    pub guesses_free: u32,
    /// The longest such wait, in seconds.
    pub guess_wait_seconds_max: u32,
}

impl Default for PosLimits {
    fn default() -> Self {
        Self {
            lines_max: 2_000,
            quantity_max: 1_000_000,
            payments_max: 50,
            vouchers_max: 20,
            text_bytes_max: 128,
            batch_receipts_max: 50,
            deadline_ms_max: 10_000,
            event_bytes_max: 8 << 10,
            guesses_free: 20,
            guess_wait_seconds_max: 60,
        }
    }
}

/// Codes members show on the phone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PayCodeLimits {
    /// What a code begins with: a scanner tells ours from WeChat's (10–15), Alipay's (25–30) and goods.
    pub prefix: String,
    /// Seconds until an unused code runs out.
    pub live_seconds: u64,
    /// Seconds during which the till that used a code first may go on with it: quote, confirm, repeat.
    pub hold_seconds: u64,
    /// Codes kept at the same time.
    pub codes_max: u64,
}

impl Default for PayCodeLimits {
    fn default() -> Self {
        Self { prefix: "80".to_owned(), live_seconds: 90, hold_seconds: 600, codes_max: 500_000 }
    }
}

/// Sign-in of staff.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StaffLimits {
    /// Seconds a session lasts.
    pub session_seconds: i64,
    /// Passwords checked at the same moment: each takes 19 MiB and 30 ms of a processor.
    pub passwords_at_once_max: usize,
    /// Milliseconds a session is believed before the database is asked again.
    pub session_cache_ms: u64,
    /// Wrong passwords after which a name has to wait; the wait doubles with each further one.
    pub failures_free: u32,
    /// The longest wait, in seconds.
    pub wait_seconds_max: u32,
}

impl Default for StaffLimits {
    fn default() -> Self {
        Self {
            session_seconds: 12 * 3_600,
            passwords_at_once_max: 2,
            session_cache_ms: 1_000,
            failures_free: 5,
            wait_seconds_max: 300,
        }
    }
}

/// Callbacks of WeChat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WechatLimits {
    /// Milliseconds until we answer `success` and go on alone. WeChat gives 5,000 and then sends again.
    pub answer_ms_max: u64,
    /// Milliseconds an account's settings are believed before the database is asked again.
    pub account_cache_ms: u64,
}

impl Default for WechatLimits {
    fn default() -> Self {
        Self { answer_ms_max: 1_000, account_cache_ms: 1_000 }
    }
}

impl EdgeLimits {
    /// How long a head may take.
    pub const fn head_time(&self) -> Duration {
        Duration::from_secs(self.head_seconds_max)
    }

    /// How long a body may take.
    pub const fn body_time(&self) -> Duration {
        Duration::from_secs(self.body_seconds_max)
    }

    /// How long a connection may idle.
    pub const fn idle_time(&self) -> Duration {
        Duration::from_secs(self.idle_seconds_max)
    }

    /// How long an answer may stay unread.
    pub const fn write_time(&self) -> Duration {
        Duration::from_secs(self.write_seconds_max)
    }

    /// How long a request may take.
    pub const fn request_time(&self) -> Duration {
        Duration::from_secs(self.request_seconds_max)
    }

    /// How long running requests may take after SIGTERM.
    pub const fn drain_time(&self) -> Duration {
        Duration::from_secs(self.drain_seconds_max)
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {cause}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {cause}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        cause: Box<toml::de::Error>,
    },
    /// A value that cannot work.
    #[error("{field} {text}")]
    Value {
        /// Which field.
        field: &'static str,
        /// What it must be.
        text: &'static str,
    },
}

impl Config {
    /// Reads a file; fields it leaves out keep their defaults.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file and the line, or the field.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|cause| ConfigError::Read { path: path.to_owned(), cause })?;
        let config: Self = toml::from_str(&text)
            .map_err(|cause| ConfigError::Parse { path: path.to_owned(), cause: Box::new(cause) })?;
        config.checked()
    }

    /// Refuses values that cannot work.
    ///
    /// # Errors
    /// [`ConfigError::Value`] naming the field.
    pub fn checked(self) -> Result<Self, ConfigError> {
        let refuse = |field, text| Err(ConfigError::Value { field, text });
        let prefix = &self.pay_code.prefix;
        if prefix.len() > 6 || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return refuse("pay_code.prefix", "must be at most 6 digits");
        }
        if ["10", "11", "12", "13", "14", "15", "25", "26", "27", "28", "29", "30", "62"]
            .iter()
            .any(|p| prefix.starts_with(p))
        {
            return refuse("pay_code.prefix", "must not begin like a code of WeChat, Alipay or UnionPay");
        }
        if self.edge.drain_seconds_max > 60 {
            return refuse("edge.drain_seconds_max", "must be at most 60");
        }
        if self.staff.passwords_at_once_max == 0 {
            return refuse("staff.passwords_at_once_max", "must be at least 1");
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(toml::from_str::<Config>("").expect("valid"), Config::default());
        assert!(Config::default().checked().is_ok());
    }

    #[test]
    fn a_mistyped_field_is_refused_by_name() {
        let error = toml::from_str::<Config>("[edge]\nconections_max = 1").expect_err("no such field");
        assert!(error.to_string().contains("conections_max"), "{error}");
    }

    #[test]
    fn a_prefix_that_looks_like_another_wallet_is_refused() {
        for prefix in ["13", "28", "62", "8a", "1234567"] {
            let pay_code = PayCodeLimits { prefix: prefix.to_owned(), ..PayCodeLimits::default() };
            assert!(Config { pay_code, ..Config::default() }.checked().is_err(), "{prefix}");
        }
    }
}
