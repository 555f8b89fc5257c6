//! Random walks of negotiation with real browsers: a hundred steps for each seed, on either side, and after each step both
//! sides agree on sections, directions, codecs and encodings, and media and messages flow where they should.
//!
//! `PEERLESS_SEED=7` replays one seed and tells its steps; `PEERLESS_SEEDS=100` walks more of them. Several walks share one
//! page.

mod chance;
mod ours;
mod steps;
mod encodings;
mod agreement;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use peerless_interop::browser::{Browser, Kind, Tab};
use serde_json::{Value, json};
use steps::Walk;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// How many walks there are with each browser where nobody says, and how many of them at once.
const SEEDS: u64 = 20;
const AT_ONCE: u64 = 4;
/// How many steps a walk has.
const STEPS: usize = 100;

#[tokio::test]
async fn chromium_agrees_after_each_step_of_a_walk() {
    run(Kind::Chromium).await;
}

#[tokio::test]
async fn firefox_agrees_after_each_step_of_a_walk() {
    run(Kind::Firefox).await;
}

/// The page that holds the browser's connections.
pub struct Page {
    /// Which browser's.
    pub kind: Kind,
    browser: Mutex<(Browser, Tab)>,
}

impl Page {
    async fn open(kind: Kind) -> Self {
        let page = get(|| async { Html(include_str!("../../pages/walk.html")) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", page)).await });
        let mut browser = Browser::start_with(kind, true).await.unwrap();
        let tab = browser.open(&format!("http://{address}/")).await.unwrap();
        browser.until(&tab, "the page", "return typeof begin === 'function';").await.unwrap();
        browser.run(&tab, "return await begin();").await.unwrap();
        Self { kind, browser: Mutex::new((browser, tab)) }
    }

    /// Makes calls on one of its connections, in order, and gives what the last of them gave.
    pub async fn act(&self, number: u64, calls: &[Value]) -> Value {
        let script = format!("return await act({number}, {});", json!(calls));
        let mut held = self.browser.lock().await;
        let (browser, tab) = &mut *held;
        let result = browser.run(tab, &script).await;
        drop(held);
        result.unwrap_or_else(|error| panic!("{error}: {}", json!(calls)))
    }
}

async fn run(kind: Kind) {
    let wanted = number("PEERLESS_SEED");
    let seeds = number("PEERLESS_SEEDS").unwrap_or(SEEDS);
    let seeds = wanted.map_or(0..seeds, |seed| seed..seed + 1);
    let page = Arc::new(Page::open(kind).await);
    let begun = Instant::now();
    let lanes = (0..AT_ONCE).map(|lane| {
        let (page, seeds) = (page.clone(), seeds.clone());
        async move {
            let mut arrived = 0;
            for seed in seeds.filter(|seed| seed % AT_ONCE == lane) {
                let mut walk = Walk::new(page.clone(), seed, wanted.is_some()).await;
                for _ in 0..STEPS {
                    walk.step().await;
                }
                arrived += walk.end().await;
            }
            arrived
        }
    });
    let arrived: usize = futures_util::future::join_all(lanes).await.into_iter().sum();
    let (count, elapsed) = (seeds.end - seeds.start, begun.elapsed());
    println!(
        "{kind:?}: {count} walks of {STEPS} steps in {elapsed:?}, one of several encodings came {arrived} times"
    );
    assert!(wanted.is_some() || arrived > 0, "no simulcast was agreed on");
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}
