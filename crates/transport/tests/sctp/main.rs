//! SCTP in bad weather: two associations over a simulated network, with all troubles that it has, by a seed; and one
//! association under whatever packets an enemy could think of.
//! `PEERLESS_SEED=17 cargo test -p peerless-transport --test sctp` replays one seed.

mod dice;
mod content;
mod script;
mod watch;
mod scene;
mod weather;
mod victim;
mod hostile;
