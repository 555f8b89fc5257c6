//! A value that is there once and for all from some moment on, and those who wait for it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Set once, read by many.
#[derive(Debug)]
pub(crate) struct Outcome<T> {
    state: Mutex<(Option<T>, Vec<Waker>)>,
}

impl<T: Clone> Outcome<T> {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new((None, Vec::new())) }
    }

    fn lock(&self) -> MutexGuard<'_, (Option<T>, Vec<Waker>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets it, unless it is there already, and wakes who waits.
    pub(crate) fn set(&self, value: T) {
        let mut state = self.lock();
        if state.0.is_none() {
            state.0 = Some(value);
        }
        let waiting = std::mem::take(&mut state.1);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn peek(&self) -> Option<T> {
        self.lock().0.clone()
    }

    /// Waits until it is there.
    pub(crate) async fn wait(&self) -> T {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.lock();
        if let Some(value) = &state.0 {
            return Poll::Ready(value.clone());
        }
        if !state.1.iter().any(|waker| waker.will_wake(context.waker())) {
            state.1.push(context.waker().clone());
        }
        Poll::Pending
    }
}
