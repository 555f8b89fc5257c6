//! What travels over a signalling channel: one JSON object per message, bare, as `JSON.stringify` gives it in a browser
//! for an RTCSessionDescription and an RTCIceCandidate (webrtc-pc §4.6.2 and §4.8.1).
//!
//! ```json
//! {"type":"offer","sdp":"v=0\r\n..."}
//! {"candidate":"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"abcd"}
//! {"candidate":"","sdpMid":"0","sdpMLineIndex":0}
//! ```
//!
//! The last one is the end of candidates. An object that has both a candidate and a description is a candidate.
//! Fields we do not know are passed over.

use peerless::{IceCandidateInit, SdpType, SessionDescription};
use serde::{Deserialize, Serialize};

/// One message, either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// An offer or an answer.
    Description(SessionDescription),
    /// A candidate, or the end of them (an empty `candidate`).
    Candidate(IceCandidateInit),
}

/// Why a text is not a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Not JSON, not an object, or a field of the wrong type.
    #[error("not the JSON of a message: {0}")]
    Json(#[source] serde_json::Error),
    /// Neither a candidate nor a description.
    #[error("neither a candidate nor a description")]
    Unknown,
    /// `sdp` is there and `type` is not.
    #[error("a description without its type")]
    TypeMissing,
    /// `type` is there and `sdp` is not.
    #[error("{0} without its sdp")]
    SdpMissing(SdpType),
    /// `type` is none of offer, pranswer, answer, rollback.
    #[error("unknown type {0:?}")]
    UnknownType(String),
}

impl Message {
    /// Reads one message.
    ///
    /// # Errors
    /// What is wrong with the text: no JSON, neither description nor candidate, a part missing.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        // Serde would also take an array for a struct; a message is an object.
        if text.trim_start().starts_with('[') {
            return Err(MessageError::Unknown);
        }
        let fields: Fields = serde_json::from_str(text).map_err(MessageError::Json)?;
        if let Some(candidate) = fields.candidate {
            return Ok(Self::Candidate(IceCandidateInit {
                candidate: candidate.unwrap_or_default(),
                sdp_mid: fields.sdp_mid,
                sdp_m_line_index: fields.sdp_m_line_index,
                username_fragment: fields.username_fragment,
            }));
        }
        let Some(word) = fields.kind else {
            return Err(if fields.sdp.is_some() { MessageError::TypeMissing } else { MessageError::Unknown });
        };
        let Some(kind) = SdpType::from_word(&word) else {
            return Err(MessageError::UnknownType(word.chars().take(40).collect()));
        };
        match fields.sdp {
            Some(sdp) => Ok(Self::Description(SessionDescription { kind, sdp })),
            None if kind == SdpType::Rollback => {
                Ok(Self::Description(SessionDescription { kind, sdp: String::new() }))
            }
            None => Err(MessageError::SdpMissing(kind)),
        }
    }

    /// Writes it as one line of JSON. Parts that are not known are left out.
    pub fn write(&self) -> String {
        let written = match self {
            Self::Description(description) => serde_json::to_string(&DescriptionText {
                kind: description.kind.as_str(),
                sdp: &description.sdp,
            }),
            Self::Candidate(candidate) => serde_json::to_string(&CandidateText {
                candidate: &candidate.candidate,
                sdp_mid: candidate.sdp_mid.as_deref(),
                sdp_m_line_index: candidate.sdp_m_line_index,
                username_fragment: candidate.username_fragment.as_deref(),
            }),
        };
        // Strings and numbers under string keys always have a JSON form.
        written.unwrap_or_default()
    }
}

/// All that a message may have. `candidate: Some(None)` is `"candidate":null`, which some pages send at the end.
#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "type")]
    kind: Option<String>,
    sdp: Option<String>,
    #[serde(default, deserialize_with = "present")]
    candidate: Option<Option<String>>,
    #[serde(rename = "sdpMid")]
    sdp_mid: Option<String>,
    #[serde(rename = "sdpMLineIndex")]
    sdp_m_line_index: Option<u16>,
    #[serde(rename = "usernameFragment")]
    username_fragment: Option<String>,
}

#[derive(Serialize)]
struct DescriptionText<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    sdp: &'a str,
}

#[derive(Serialize)]
struct CandidateText<'a> {
    candidate: &'a str,
    #[serde(rename = "sdpMid", skip_serializing_if = "Option::is_none")]
    sdp_mid: Option<&'a str>,
    #[serde(rename = "sdpMLineIndex", skip_serializing_if = "Option::is_none")]
    sdp_m_line_index: Option<u16>,
    #[serde(rename = "usernameFragment", skip_serializing_if = "Option::is_none")]
    username_fragment: Option<&'a str>,
}

/// Tells a field that is null from one that is not there.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
