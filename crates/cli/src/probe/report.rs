//! What a probe found: one line of JSON, or lines for people.

use std::time::Duration;

use peerless_signal::http::PostError;
use serde::Serialize;

/// Why a test failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A connection could not even be prepared here.
    #[error("no connection could be made: {0}")]
    Connection(#[from] peerless::Error),
    /// A thread was refused.
    #[error("no thread: {0}")]
    Thread(#[from] std::io::Error),
    /// No answer to the offer.
    #[error("no answer to the offer: {0}")]
    Post(#[from] PostError),
    /// Connecting took too long.
    #[error("not connected within {} s, the state is {state}", .limit.as_secs())]
    NotConnected { limit: Duration, state: String },
    /// The connection failed or was closed by the echo.
    #[error("the connection ended: {0}")]
    Ended(String),
    /// Nothing moved for too long.
    #[error("no progress for {} s: {what}", .limit.as_secs())]
    Stalled { limit: Duration, what: String },
    /// Something else came back than was sent.
    #[error("came back changed: {0}")]
    Different(String),
    /// A channel closed before it was to.
    #[error("the channel was closed: {0}")]
    ChannelClosed(String),
    /// A message was not taken.
    #[error("a message could not be sent: {0}")]
    Send(String),
}

/// A report.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Which test, as on the command line.
    pub test: String,
    /// The address of the echo.
    pub server: String,
    /// Whether it passed.
    pub passed: bool,
    /// Why it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How long it took, seconds.
    pub seconds: f64,
    /// The connection, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionReport>,
    /// What the test measured, where it passed.
    #[serde(flatten)]
    pub details: Option<Details>,
}

/// How the connection came up.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionReport {
    /// From the first call to connected, milliseconds.
    pub connected_ms: f64,
    /// `DTLS 1.3`.
    pub dtls: String,
    /// The cipher of the handshake.
    pub cipher: String,
    /// The profile that protects media.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srtp: Option<String>,
    /// The addresses in use, ours and the echo's, and what kinds of candidates they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What a test measured.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Details {
    /// `-t 1`.
    Channel(ChannelReport),
    /// `-t stress`: one for each channel.
    Stress(Vec<StressReport>),
    /// `-t reopen`.
    Reopen(ReopenReport),
    /// `-t media`: one for each track.
    Media(Vec<MediaReport>),
}

/// One text there and back.
#[derive(Debug, Clone, Serialize)]
pub struct ChannelReport {
    /// From the first call until the channel was open, milliseconds.
    pub open_ms: f64,
    /// There and back, milliseconds.
    pub round_trip_ms: f64,
}

/// Many messages over one channel.
#[derive(Debug, Clone, Serialize)]
pub struct StressReport {
    /// Whether the channel keeps the order.
    pub ordered: bool,
    /// Messages that came back as they were.
    pub messages: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The largest, bytes.
    pub largest: usize,
    /// From the first sent to the last back, seconds.
    pub seconds: f64,
}

/// Channels opened and closed.
#[derive(Debug, Clone, Serialize)]
pub struct ReopenReport {
    /// How many.
    pub channels: usize,
    /// How many different ids they had.
    pub ids: usize,
    /// The longest from open to closed, milliseconds.
    pub longest_ms: f64,
}

/// One track that came back.
#[derive(Debug, Clone, Serialize)]
pub struct MediaReport {
    /// `video` or `audio`.
    pub kind: &'static str,
    /// The codec.
    pub codec: String,
    /// Frames that came back and were decoded.
    pub frames: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Width and height of the pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<(u32, u32)>,
    /// How far the bars' colours are off at most, of 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour_error: Option<u8>,
    /// The share of the sound's energy that is in the tone sent, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tone_share: Option<f64>,
}

impl Report {
    /// For people: what was found, and the end.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(connection) = &self.connection {
            lines.push(connection.line());
        }
        match &self.details {
            Some(Details::Channel(one)) => lines.push(format!(
                "channel open after {:.0} ms, a text came back in {:.1} ms",
                one.open_ms, one.round_trip_ms
            )),
            Some(Details::Stress(all)) => lines.extend(all.iter().map(StressReport::line)),
            Some(Details::Reopen(one)) => lines.push(format!(
                "{} channels opened and closed under {} ids, the longest in {:.0} ms",
                one.channels, one.ids, one.longest_ms
            )),
            Some(Details::Media(all)) => lines.extend(all.iter().map(MediaReport::line)),
            None => {}
        }
        lines.push(match &self.failure {
            None => format!("test {}: passed after {:.1} s", self.test, self.seconds),
            Some(failure) => format!("test {}: failed: {failure}", self.test),
        });
        lines
    }
}

impl ConnectionReport {
    fn line(&self) -> String {
        let srtp = self.srtp.as_deref().unwrap_or("no media");
        let path = self.path.as_ref().map_or_else(String::new, |path| format!(", {path}"));
        format!("connected in {:.0} ms: {}, {srtp}{path}", self.connected_ms, self.dtls)
    }
}

impl StressReport {
    fn line(&self) -> String {
        let order = if self.ordered { "in order" } else { "in any order" };
        let megabytes = self.bytes as f64 / 1e6;
        let rate = megabytes / self.seconds.max(0.001);
        format!(
            "{} messages {order} came back as they were: {megabytes:.1} MB, up to {} bytes, {rate:.1} MB/s each way",
            self.messages, self.largest
        )
    }
}

impl MediaReport {
    fn line(&self) -> String {
        let size = self.size.map_or_else(String::new, |(width, height)| format!(", {width}x{height}"));
        let colour =
            self.colour_error.map_or_else(String::new, |off| format!(", colours off by {off} of 255"));
        let tone =
            self.tone_share.map_or_else(String::new, |share| format!(", {:.0} % in the tone", share * 100.0));
        format!("{} as {}: {} frames came back{size}{colour}{tone}", self.kind, self.codec, self.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_line_of_json_and_a_few_for_people() {
        let details = Details::Channel(ChannelReport { open_ms: 21.4, round_trip_ms: 0.5 });
        let mut report = Report {
            test: "1".into(),
            server: "http://127.0.0.1:8080/offer".into(),
            passed: true,
            failure: None,
            seconds: 0.025,
            connection: None,
            details: Some(details),
        };
        let json: serde_json::Value = serde_json::to_value(&report).unwrap();
        assert_eq!((&json["test"], &json["passed"]), (&"1".into(), &true.into()));
        assert_eq!(json["channel"]["round_trip_ms"], 0.5);
        assert!(json.get("failure").is_none() && json.get("connection").is_none());
        let lines = report.lines();
        assert_eq!(lines[0], "channel open after 21 ms, a text came back in 0.5 ms");
        assert_eq!(lines[1], "test 1: passed after 0.0 s");
        report.failure = Some("no answer".into());
        assert_eq!(report.lines()[1], "test 1: failed: no answer");
    }
}
