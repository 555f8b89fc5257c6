//! The probe as a whole: one test, one report, and whether it passed.

use peerless::{DataChannelInit, Direction, MediaKind};

use crate::args::probe::{ProbeArgs, Test};
use crate::args::values::word;
use crate::console::Console;
use crate::probe::call::Call;
use crate::probe::report::{ConnectionReport, Details, Failure, Report};
use crate::probe::{channel, media, reopen, stress};

/// Runs the test; whether it passed.
pub async fn run(args: ProbeArgs, console: Console) -> bool {
    let url = address(args.url());
    let begun = std::time::Instant::now();
    let (connection, outcome) = match Call::new(&args, &console) {
        Ok(call) => {
            let (mut connection, outcome) = test(&call, &url, args.test).await;
            if let Some(connection) = &mut connection {
                connection.path = call.path();
            }
            call.end().await;
            (connection, outcome)
        }
        Err(failure) => (None, Err(failure)),
    };
    let seconds = begun.elapsed().as_secs_f64();
    let passed = outcome.is_ok();
    let (details, failure) = match outcome {
        Ok(details) => (details, None),
        Err(failure) => (None, Some(failure.to_string())),
    };
    let test = word(&args.test);
    let report = Report { test, server: url, passed, failure, seconds, connection, details };
    if args.json {
        console.line(&serde_json::to_string(&report).unwrap_or_default());
    } else {
        report.lines().iter().for_each(|line| console.line(line));
    }
    passed
}

type Outcome = (Option<ConnectionReport>, Result<Option<Details>, Failure>);

async fn test(call: &Call, url: &str, test: Test) -> Outcome {
    fn some<T>(
        (connection, outcome): (Option<ConnectionReport>, Result<T, Failure>),
        details: impl FnOnce(T) -> Details,
    ) -> Outcome {
        (connection, outcome.map(|report| Some(details(report))))
    }
    match test {
        Test::Connection => connect(call, url).await,
        Test::Channel => some(channel::run(call, url).await, Details::Channel),
        Test::Stress => some(stress::run(call, url).await, Details::Stress),
        Test::Reopen => some(reopen::run(call, url).await, Details::Reopen),
        Test::Media => some(media::run(call, url).await, Details::Media),
    }
}

/// `-t 0`: sound and a channel are offered, as other clients of such echoes do; all that is waited for is the connection.
async fn connect(call: &Call, url: &str) -> Outcome {
    let offered = call
        .connection
        .add_transceiver(MediaKind::Audio, Direction::SendRecv)
        .and_then(|_| call.connection.create_data_channel("echo", DataChannelInit::default()));
    // The channel closes with its last handle.
    let _channel = match offered {
        Ok(channel) => channel,
        Err(error) => return (None, Err(error.into())),
    };
    match call.connect(url).await {
        Ok(connection) => (Some(connection), Ok(None)),
        Err(failure) => (None, Err(failure)),
    }
}

/// The address as it was given, with what is usual where it says less: `http://`, and the path `/offer`.
fn address(text: &str) -> String {
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let rest = whole.split_once("://").map_or("", |(_, rest)| rest);
    match rest.split_once('/') {
        None => format!("{whole}/offer"),
        Some((_, "")) => format!("{whole}offer"),
        Some(_) => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_means_the_offers() {
        for (given, meant) in [
            ("http://192.0.2.1:8080/offer", "http://192.0.2.1:8080/offer"),
            ("http://192.0.2.1:8080", "http://192.0.2.1:8080/offer"),
            ("https://echo.example/", "https://echo.example/offer"),
            ("192.0.2.1:8080", "http://192.0.2.1:8080/offer"),
            ("http://[::1]:8080/other?a=b", "http://[::1]:8080/other?a=b"),
        ] {
            assert_eq!(address(given), meant);
        }
    }
}
