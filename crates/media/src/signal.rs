//! How the thread of a pump or a play waits: for a time, for a future, and always for the word to stop.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

/// Shared by such a thread and its handle.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    thread: OnceLock<Thread>,
    stopped: AtomicBool,
}

impl Signal {
    /// Tells that this thread is the one to wake. Once, before it waits.
    pub(crate) fn adopt(&self) {
        // A second call would be another thread's and changes nothing.
        let _ = self.thread.set(thread::current());
    }

    /// Ends all waiting, now and later.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.unpark();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Waits until a time; `false` when told to stop.
    pub(crate) fn sleep_until(&self, time: Instant) -> bool {
        loop {
            if self.is_stopped() {
                return false;
            }
            let left = time.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::park_timeout(left);
        }
    }

    /// Waits for a future; `None` when told to stop.
    pub(crate) fn wait<F: Future>(self: &Arc<Self>, future: F) -> Option<F::Output> {
        let waker = Waker::from(self.clone());
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        loop {
            if self.is_stopped() {
                return None;
            }
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Some(output);
            }
            thread::park();
        }
    }

    fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future;

    #[test]
    fn a_stop_ends_every_kind_of_waiting() {
        let signal = Arc::new(Signal::default());
        let waiting = thread::spawn({
            let signal = signal.clone();
            move || {
                signal.adopt();
                let waited = signal.wait(future::pending::<()>());
                // A time that does not come: only the stop can end it.
                let slept = signal.sleep_until(Instant::now() + std::time::Duration::from_secs(3600));
                (waited, slept)
            }
        });
        signal.stop();
        // Without an unpark that came before the park, it must be seen by the flag.
        assert_eq!(waiting.join().unwrap(), (None, false));
        assert_eq!(signal.wait(future::ready(1)), None);
    }

    #[test]
    fn what_is_ready_is_given() {
        let signal = Arc::new(Signal::default());
        signal.adopt();
        assert_eq!(signal.wait(future::ready(7)), Some(7));
        let mut is_second = false;
        let yielding = future::poll_fn(|context| {
            if std::mem::replace(&mut is_second, true) {
                return Poll::Ready(8);
            }
            context.waker().wake_by_ref();
            Poll::Pending
        });
        assert_eq!(signal.wait(yielding), Some(8));
        assert!(signal.sleep_until(Instant::now()));
    }
}
