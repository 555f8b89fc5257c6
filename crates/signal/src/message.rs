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
//! Fields we do not know are passed over. The layout of the W3C's example of perfect negotiation (webrtc-pc §10.7) is read
//! as well, and written where it is asked for:
//!
//! ```json
//! {"description":{"type":"offer","sdp":"v=0\r\n..."}}
//! {"candidate":{"candidate":"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host","sdpMid":"0","sdpMLineIndex":0}}
//! {"candidate":null}
//! ```

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

/// How messages are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Form {
    /// `{"type":…,"sdp":…}` and `{"candidate":"…",…}`.
    Bare,
    /// `{"description":{…}}` and `{"candidate":{…}}`, as in the W3C's example of perfect negotiation.
    #[default]
    Named,
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
    /// Reads one message, in either form.
    ///
    /// # Errors
    /// What is wrong with the text: no JSON, neither description nor candidate, a part missing.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        Self::read(text).map(|(message, _)| message)
    }

    /// Reads one message and says in which form it was; `None` where it looks the same in both.
    pub(crate) fn read(text: &str) -> Result<(Self, Option<Form>), MessageError> {
        // Serde would also take an array for a struct; a message is an object.
        if text.trim_start().starts_with('[') {
            return Err(MessageError::Unknown);
        }
        let mut fields: Fields = serde_json::from_str(text).map_err(MessageError::Json)?;
        match fields.candidate.take() {
            Some(CandidateField::None) => Ok((fields.candidate(String::new()), None)),
            Some(CandidateField::Bare(candidate)) => Ok((fields.candidate(candidate), Some(Form::Bare))),
            Some(CandidateField::Named(named)) => match named.candidate {
                Some(CandidateField::Bare(ref candidate)) => {
                    let candidate = candidate.clone();
                    Ok((named.candidate(candidate), Some(Form::Named)))
                }
                _ => Ok((named.candidate(String::new()), Some(Form::Named))),
            },
            None => match fields.description.take() {
                Some(named) => Ok((named.description()?, Some(Form::Named))),
                None => Ok((fields.description()?, Some(Form::Bare))),
            },
        }
    }

    /// Writes it as one line of JSON, bare. Parts that are not known are left out.
    pub fn write(&self) -> String {
        self.write_as(Form::Bare)
    }

    /// Writes it as one line of JSON. Parts that are not known are left out.
    pub fn write_as(&self, form: Form) -> String {
        let written = match self {
            Self::Description(description) => {
                let text = DescriptionText { kind: description.kind.as_str(), sdp: &description.sdp };
                match form {
                    Form::Bare => serde_json::to_string(&text),
                    Form::Named => serde_json::to_string(&NamedDescription { description: text }),
                }
            }
            Self::Candidate(candidate) => {
                let text = CandidateText {
                    candidate: &candidate.candidate,
                    sdp_mid: candidate.sdp_mid.as_deref(),
                    sdp_m_line_index: candidate.sdp_m_line_index,
                    username_fragment: candidate.username_fragment.as_deref(),
                };
                match form {
                    Form::Bare => serde_json::to_string(&text),
                    Form::Named => serde_json::to_string(&NamedCandidate { candidate: text }),
                }
            }
        };
        // Strings and numbers under string keys always have a JSON form.
        written.unwrap_or_default()
    }
}

/// All that a message may have, and an object in it.
#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "type")]
    kind: Option<String>,
    sdp: Option<String>,
    #[serde(default, deserialize_with = "present")]
    candidate: Option<CandidateField>,
    #[serde(rename = "sdpMid")]
    sdp_mid: Option<String>,
    #[serde(rename = "sdpMLineIndex")]
    sdp_m_line_index: Option<u16>,
    #[serde(rename = "usernameFragment")]
    username_fragment: Option<String>,
    description: Option<Box<Fields>>,
}

/// `"candidate"`: a text where it stands bare, an object where it is named, null at the end, as some pages send it.
#[derive(Deserialize)]
#[serde(untagged)]
enum CandidateField {
    None,
    Bare(String),
    Named(Box<Fields>),
}

impl Fields {
    fn candidate(self, candidate: String) -> Message {
        Message::Candidate(IceCandidateInit {
            candidate,
            sdp_mid: self.sdp_mid,
            sdp_m_line_index: self.sdp_m_line_index,
            username_fragment: self.username_fragment,
        })
    }

    fn description(self) -> Result<Message, MessageError> {
        let Some(word) = self.kind else {
            return Err(if self.sdp.is_some() { MessageError::TypeMissing } else { MessageError::Unknown });
        };
        let Some(kind) = SdpType::from_word(&word) else {
            return Err(MessageError::UnknownType(word.chars().take(40).collect()));
        };
        match self.sdp {
            Some(sdp) => Ok(Message::Description(SessionDescription { kind, sdp })),
            None if kind == SdpType::Rollback => {
                Ok(Message::Description(SessionDescription { kind, sdp: String::new() }))
            }
            None => Err(MessageError::SdpMissing(kind)),
        }
    }
}

#[derive(Serialize)]
struct NamedDescription<'a> {
    description: DescriptionText<'a>,
}

#[derive(Serialize)]
struct NamedCandidate<'a> {
    candidate: CandidateText<'a>,
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
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<CandidateField>, D::Error> {
    CandidateField::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
