//! How late a process is because the machine gives its time to others: what a measure of time has to allow for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often is looked, and how much later than that is late.
const STEP: Duration = Duration::from_millis(10);

/// The time lost so far, in milliseconds.
#[derive(Default)]
pub struct Lag(AtomicU64);

impl Lag {
    /// Looks until it is dropped.
    pub fn watch() -> Arc<Self> {
        let lag = Arc::<Self>::default();
        tokio::spawn(look(Arc::downgrade(&lag)));
        lag
    }

    /// What was lost since this was asked for last.
    pub fn take(&self) -> Duration {
        Duration::from_millis(self.0.swap(0, Relaxed))
    }
}

async fn look(lag: Weak<Lag>) {
    let mut last = Instant::now();
    while let Some(lag) = lag.upgrade() {
        tokio::time::sleep(STEP).await;
        let late = last.elapsed().saturating_sub(2 * STEP);
        lag.0.fetch_add(late.as_millis() as u64, Relaxed);
        last = Instant::now();
    }
}
