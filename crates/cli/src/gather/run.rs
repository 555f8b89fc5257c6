//! Gathering as a whole: a connection that is never offered to anybody tells what it finds.

use std::time::{Duration, Instant};

use peerless::{Candidate, Configuration, DataChannelInit, Event, Events, IceGatheringState, PeerConnection};

use crate::args::gather::GatherArgs;
use crate::console::Console;
use crate::gather::finding::{CandidateLine, EndLine, FailureLine, Finding};

/// How long a goodbye may take.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);

/// Gathers; whether there is a candidate, and every server gave what it was asked for.
///
/// # Errors
/// Where no connection can be made of these words.
pub async fn run(args: GatherArgs, console: Console) -> Result<bool, peerless::Error> {
    let begun = Instant::now();
    let mut configuration = Configuration::default();
    args.servers.write_into(&mut configuration);
    configuration.interfaces = (!args.interface.is_empty()).then(|| args.interface.clone());
    let connection = PeerConnection::new(configuration)?;
    let _channel = connection.create_data_channel("gather", DataChannelInit::default())?;
    let mut teller = Teller { connection, console, begun, json: args.json, candidates: 0, failures: 0 };
    let mut events = teller.connection.events();
    teller.connection.set_local_description(None)?;
    let is_complete = tokio::time::timeout(args.timeout, teller.listen(&mut events)).await.is_ok();
    let end = EndLine::new(begun.elapsed(), teller.candidates, teller.failures);
    teller.say(&if is_complete { Finding::Complete(end) } else { Finding::TimedOut(end) });
    teller.connection.close();
    let _ = tokio::time::timeout(GOODBYE_LIMIT, teller.connection.closed()).await;
    Ok(is_complete && teller.candidates > 0 && teller.failures == 0)
}

struct Teller {
    connection: PeerConnection,
    console: Console,
    begun: Instant,
    json: bool,
    candidates: usize,
    failures: usize,
}

impl Teller {
    /// Tells what is found until there is no more.
    async fn listen(&mut self, events: &mut Events) {
        while let Some(event) = events.next().await {
            let at = self.begun.elapsed();
            match event {
                Event::IceCandidate(init) if !init.candidate.is_empty() => {
                    let Ok(candidate) = Candidate::parse(&init.candidate) else { continue };
                    self.candidates += 1;
                    let stats = self.connection.get_stats();
                    self.say(&Finding::Candidate(CandidateLine::new(at, &candidate, &stats)));
                }
                Event::IceCandidateError(error) => {
                    self.failures += 1;
                    self.say(&Finding::Failure(FailureLine::new(at, error)));
                }
                Event::IceGatheringState(IceGatheringState::Complete) => return,
                _ => {}
            }
        }
    }

    fn say(&self, finding: &Finding) {
        let line =
            if self.json { serde_json::to_string(finding).unwrap_or_default() } else { finding.line() };
        self.console.line(&line);
    }
}
