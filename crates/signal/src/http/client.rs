//! The client's side: posts an offer and reads the answer, over HTTP or HTTPS (the platform's certificates).

use std::error::Error as _;
use std::time::Duration;

use peerless::{SdpType, SessionDescription};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};

use crate::http::body::BODY_LIMIT;
use crate::message::{Message, MessageError};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// A bad address, nobody there, no TLS, too slow.
    #[error("{0}")]
    Failed(String),
    /// The server refused, with the begin of what it said.
    #[error("the server says {status}: {said}")]
    Refused {
        /// Its status code.
        status: StatusCode,
        /// The first line of the response, 200 characters at most.
        said: String,
    },
    /// The response is above [`BODY_LIMIT`].
    #[error("an answer above {BODY_LIMIT} bytes")]
    TooLarge,
    /// The response is no description.
    #[error("no answer: {0}")]
    Message(#[from] MessageError),
    /// The response is a message, and another than an answer.
    #[error("an answer was expected, another message came")]
    NotAnAnswer,
}

/// Posts an offer to `address` and gives the answer, within `limit`.
///
/// # Errors
/// See [`PostError`].
pub async fn post(
    address: &str,
    offer: &SessionDescription,
    limit: Duration,
) -> Result<SessionDescription, PostError> {
    let body = Message::Description(offer.clone()).write();
    let client = Client::builder().timeout(limit).redirect(Policy::limited(REDIRECTS));
    let request = client.build().map_err(failed)?.post(address);
    let request = request.header("content-type", "application/json").header("accept", "application/json");
    let response = request.body(body).send().await.map_err(failed)?;
    let status = response.status();
    let text = read(response).await?;
    if !status.is_success() {
        let line = text.lines().next().unwrap_or_default();
        let said = line.chars().filter(|c| !c.is_control()).take(200).collect();
        return Err(PostError::Refused { status, said });
    }
    match Message::parse(&text)? {
        Message::Description(answer) if answer.kind == SdpType::Answer => Ok(answer),
        _ => Err(PostError::NotAnAnswer),
    }
}

async fn read(mut response: Response) -> Result<String, PostError> {
    let mut read = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if read.len() + chunk.len() > BODY_LIMIT {
            return Err(PostError::TooLarge);
        }
        read.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&read).into_owned())
}

/// The error with its causes, which alone say what happened.
fn failed(error: reqwest::Error) -> PostError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    PostError::Failed(text)
}

/// How often a server may send us elsewhere.
const REDIRECTS: usize = 3;
