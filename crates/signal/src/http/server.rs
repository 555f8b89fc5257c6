//! The server's side: an axum handler takes an [`Offer`] and gives an [`Answer`] or a [`Refusal`].

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use peerless::{SdpType, SessionDescription};
use serde_json::json;

use crate::http::body::BODY_LIMIT;
use crate::message::{Message, MessageError};

/// The offer in the body of a request. As an extractor it reads at most [`BODY_LIMIT`] bytes, and waits ten seconds for
/// them.
#[derive(Debug, Clone)]
pub struct Offer(pub SessionDescription);

/// The answer to it, as a response.
#[derive(Debug, Clone)]
pub struct Answer(pub SessionDescription);

/// Why there is no answer: a status code, and JSON with an `error`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// 413.
    #[error("the body is above {BODY_LIMIT} bytes")]
    TooLarge,
    /// 408.
    #[error("the body did not come in time")]
    Slow,
    /// 400.
    #[error("the body broke off")]
    Broken,
    /// 400.
    #[error("the body is no UTF-8 text")]
    NotText,
    /// 400.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// 400.
    #[error("an offer was expected, {0} came")]
    NotAnOffer(&'static str),
    /// 400: what in the offer cannot be taken.
    #[error("the offer cannot be taken: {0}")]
    Offer(#[source] peerless::Error),
    /// 500: a fault of ours.
    #[error("no answer could be made: {0}")]
    NoAnswer(String),
    /// 503.
    #[error("too many are connected; try again later")]
    Full,
}

impl Offer {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.len() > BODY_LIMIT {
            return Err(Refusal::TooLarge);
        }
        let text = std::str::from_utf8(body).map_err(|_| Refusal::NotText)?;
        match Message::parse(text)? {
            Message::Description(offer) if offer.kind == SdpType::Offer => Ok(Self(offer)),
            Message::Description(other) => Err(Refusal::NotAnOffer(other.kind.as_str())),
            Message::Candidate(_) => Err(Refusal::NotAnOffer("a candidate")),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Offer {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let reading = tokio::time::timeout(READ_LIMIT, read(request.into_body()));
        Self::parse(&reading.await.map_err(|_| Refusal::Slow)??)
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    let mut chunks = body.into_data_stream();
    let mut read = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Refusal::Broken)?;
        if read.len() + chunk.len() > BODY_LIMIT {
            return Err(Refusal::TooLarge);
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read)
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
        (headers, Message::Description(self.0).write()).into_response()
    }
}

impl Refusal {
    /// The status code.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoAnswer(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status(), Json(json!({ "error": self.to_string() }))).into_response()
    }
}

/// How long a body may take to arrive.
const READ_LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn status(body: &str) -> (u16, String) {
        match Offer::parse(body.as_bytes()) {
            Ok(offer) => panic!("{offer:?}"),
            Err(refusal) => (refusal.status().as_u16(), refusal.to_string()),
        }
    }

    #[test]
    fn an_offer_is_taken_and_all_else_is_refused_with_its_reason() {
        let offer = Offer::parse(br#"{"type":"offer","sdp":"v=0","more":1}"#).unwrap();
        assert_eq!(offer.0.sdp, "v=0");
        for (body, reason) in [
            ("", "not the JSON"),
            ("v=0", "not the JSON"),
            ("[]", "neither"),
            (r#"{"sdp":"v=0"}"#, "without its type"),
            (r#"{"type":"offer"}"#, "without its sdp"),
            (r#"{"type":"answer","sdp":"v=0"}"#, "an offer was expected, answer came"),
            (r#"{"candidate":"","sdpMid":"0"}"#, "a candidate came"),
        ] {
            let (code, said) = status(body);
            assert_eq!(code, 400, "{body}");
            assert!(said.contains(reason), "{body}: {said}");
        }
        assert!(matches!(Offer::parse(&[0xFF, 0xFE]), Err(Refusal::NotText)));
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        assert_eq!(read(Body::from(vec![b' '; BODY_LIMIT])).await.unwrap().len(), BODY_LIMIT);
        let refusal = read(Body::from(vec![b' '; BODY_LIMIT + 1])).await.unwrap_err();
        assert_eq!(refusal.into_response().status(), 413);
    }
}
