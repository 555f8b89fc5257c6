//! What one end sends: channels, each with a list of steps, some of them with resets in between.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use peerless_transport::sctp::{Association, Event, Reliability, SendError, SendOptions};
use peerless_wire::sctp::{Ppid, StreamId};

use crate::content::content;
use crate::dice::Dice;

pub enum Step {
    Wait(Duration),
    Send(usize),
    Reset,
}

pub struct Channel {
    pub stream: StreamId,
    pub options: SendOptions,
    steps: VecDeque<Step>,
    /// Nothing happens before.
    ready_at: Instant,
    is_resetting: bool,
    /// How often the stream was reset.
    epoch: u32,
}

/// A message that was handed over.
pub struct Sent {
    pub at: Instant,
    pub stream: StreamId,
    pub epoch: u32,
    pub options: SendOptions,
    pub len: usize,
}

/// All that one end sends. A message's number is its payload protocol identifier.
pub struct Script {
    channels: Vec<Channel>,
    pub sent: Vec<Sent>,
}

/// How much is sent.
#[derive(Clone, Copy)]
pub struct Amounts {
    pub channels: u32,
    pub steps: u32,
    pub largest: usize,
    /// All messages of a script together, about.
    pub bytes: usize,
}

impl Script {
    pub fn new(dice: &mut Dice, now: Instant, amounts: Amounts) -> Self {
        let count = 1 + dice.below(amounts.channels);
        let mut streams = BTreeSet::new();
        while streams.len() < count as usize {
            streams.insert(dice.skewed(1, 1000) as u16 - 1);
        }
        let mut left = amounts.bytes;
        let channels = streams.into_iter().map(|stream| Channel {
            stream: StreamId(stream),
            options: options(dice),
            steps: steps(dice, amounts, &mut left),
            ready_at: now,
            is_resetting: false,
            epoch: 0,
        });
        Self { channels: channels.collect(), sent: Vec::new() }
    }

    /// Goes as far as it can.
    pub fn act(&mut self, now: Instant, end: &mut Association) {
        for channel in &mut self.channels {
            while channel.ready_at <= now && !channel.is_resetting {
                match channel.steps.front() {
                    None => break,
                    Some(Step::Wait(time)) => channel.ready_at = now + *time,
                    Some(Step::Reset) => {
                        channel.is_resetting = true;
                        end.reset_stream(now, channel.stream);
                    }
                    Some(Step::Send(len)) => {
                        let (number, len) = (self.sent.len() as u32, *len);
                        let payload = content(number, len);
                        match end.send(now, channel.stream, Ppid(number), payload, channel.options) {
                            Ok(()) => {}
                            Err(SendError::Full { .. }) => break,
                            Err(error) => panic!("{error}"),
                        }
                        let Channel { stream, epoch, options, .. } = *channel;
                        self.sent.push(Sent { at: now, stream, epoch, options, len });
                    }
                }
                channel.steps.pop_front();
            }
        }
    }

    pub fn handle_event(&mut self, event: &Event) {
        if let Event::ResetDone(streams) = event {
            for stream in streams {
                let channel = self.channels.iter_mut().find(|channel| channel.stream == *stream);
                let channel = channel.expect("a stream in use");
                assert!(std::mem::replace(&mut channel.is_resetting, false), "reset once, done once");
                channel.epoch += 1;
            }
        }
    }

    /// When something is to be done next that no event announces.
    pub fn next_at(&self, now: Instant) -> Option<Instant> {
        let waiting =
            self.channels.iter().filter(|channel| !channel.is_resetting && !channel.steps.is_empty());
        waiting.map(|channel| channel.ready_at).filter(|at| *at > now).min()
    }

    pub fn is_done(&self) -> bool {
        self.channels.iter().all(|channel| channel.steps.is_empty() && !channel.is_resetting)
    }

    /// How often the stream begins anew by this script.
    pub fn resets(&self, stream: StreamId) -> u32 {
        self.channels.iter().find(|channel| channel.stream == stream).map_or(0, |channel| channel.epoch)
    }

    /// For people.
    pub fn state(&self) -> String {
        let channels = self.channels.iter().map(|channel| {
            let Channel { stream, steps, is_resetting, epoch, .. } = channel;
            format!("{stream}: {} left, resetting {is_resetting}, epoch {epoch}", steps.len())
        });
        channels.collect::<Vec<_>>().join("; ")
    }

    pub fn streams(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.channels.iter().map(|channel| channel.stream)
    }
}

fn options(dice: &mut Dice) -> SendOptions {
    let reliability = match dice.below(5) {
        0 => Reliability::Lifetime(Duration::from_millis(dice.skewed(1, 2000).into())),
        1 => Reliability::Retransmissions(dice.below(4)),
        _ => Reliability::Reliable,
    };
    SendOptions { ordered: dice.happens(60), reliability }
}

fn steps(dice: &mut Dice, amounts: Amounts, left: &mut usize) -> VecDeque<Step> {
    let mut steps = VecDeque::new();
    let has_resets = dice.happens(40);
    let is_fast = dice.happens(50);
    for _ in 0..1 + dice.below(amounts.steps) {
        if !is_fast || dice.happens(10) {
            steps.push_back(Step::Wait(dice.ms(100)));
        }
        let len = dice.skewed(1, amounts.largest as u32) as usize;
        if len <= *left {
            *left -= len;
            steps.push_back(Step::Send(len));
        }
        if has_resets && dice.happens(15) {
            steps.push_back(Step::Reset);
        }
    }
    steps
}
