//! The steps of a walk: changes, and exchanges of descriptions with all that can come between.

use std::time::Duration;

use peerless_peer::description::SessionDescription;
use peerless_peer::state::{Direction, SdpType};

use crate::text::Text;
use crate::world::{Which, World};

/// So many exchanges settle whatever was changed before.
const ROUNDS: usize = 40;

impl World {
    /// One step of the walk. After it signalling is settled, and everything is looked at.
    pub fn step(&mut self) {
        let which = self.chance.below(2);
        if self.chance.below(100) < 45 || !self.has_something_to_offer(which) {
            self.change(which);
            self.check_agreement();
            return;
        }
        self.note_steady();
        self.exchange(which);
        self.keep_steady();
        if self.chance.one_in(3) {
            self.settle();
        }
        assert!(self.is_stable());
        self.drain();
        self.bring_candidates(true);
        self.settle_flights();
        self.check_agreement();
        self.check_flow();
    }

    /// An offer has at least one section.
    fn has_something_to_offer(&self, which: Which) -> bool {
        let side = &self.sides[which];
        let is_live = |direction| direction != Direction::Stopped;
        side.made_channel
            || side.slots.current_local.is_some()
            || side.peer.transceivers().iter().any(|one| is_live(one.direction))
    }

    /// Exchanges until neither side needs one more.
    fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let needing: Vec<Which> = (0..2).filter(|&which| self.sides[which].needed).collect();
            let Some(which) = self.chance.pick(&needing) else { return };
            if !self.has_something_to_offer(which) {
                return;
            }
            self.note(format!("{which}: offers, because it is needed"));
            self.plain(which);
            self.keep_steady();
        }
        panic!("negotiation is needed still after {ROUNDS} exchanges");
    }

    /// An exchange that `which` begins.
    fn exchange(&mut self, which: Which) {
        match self.chance.below(10) {
            0 => self.repeated(which),
            1 => self.taken_back_unsent(which),
            2 => self.taken_back(which),
            3 => self.answerer_rolls_back(which),
            4..6 => self.glare(which),
            6 => self.provisional(which),
            7 => self.created_first(which),
            _ => {
                self.note(format!("{which}: offers"));
                self.plain(which);
            }
        }
    }

    /// Offer and answer, with whatever comes between.
    fn plain(&mut self, which: Which) {
        let offer = self.offer(which);
        self.moment();
        self.set_remote(1 - which, &offer);
        self.moment();
        self.answer(1 - which);
    }

    fn offer(&mut self, which: Which) -> SessionDescription {
        let offer = self.set_local(which, None);
        assert_eq!(offer.kind, SdpType::Offer);
        self.note(format!("{which}: {}", outline(&offer)));
        offer
    }

    /// `which` has a remote offer: it answers, and the offerer takes the answer.
    fn answer(&mut self, which: Which) {
        let answer = self.set_local(which, None);
        assert_eq!(answer.kind, SdpType::Answer);
        self.note(format!("{which}: {}", outline(&answer)));
        self.moment();
        self.set_remote(1 - which, &answer);
        self.drain();
    }

    /// The offer is made anew before it is answered; the other side has seen all of them, or only the last.
    fn repeated(&mut self, which: Which) {
        self.note(format!("{which}: offers again and again"));
        let mut offer = self.offer(which);
        for _ in 0..=self.chance.below(2) {
            if self.chance.one_in(2) {
                self.set_remote(1 - which, &offer);
            }
            self.moment();
            offer = self.offer(which);
        }
        self.set_remote(1 - which, &offer);
        self.moment();
        self.answer(1 - which);
    }

    /// The offerer rolls back before anybody has seen its offer.
    fn taken_back_unsent(&mut self, which: Which) {
        self.note(format!("{which}: offers and rolls back"));
        self.offer(which);
        self.moment();
        self.roll_back(which);
        if self.chance.one_in(2) {
            self.moment_of_changes();
            let from = self.chance.below(2);
            if self.has_something_to_offer(from) {
                self.note(format!("{from}: offers after the rollback"));
                self.plain(from);
            }
        }
    }

    /// The offerer takes its offer back when the other side has it already; both roll back.
    fn taken_back(&mut self, which: Which) {
        self.note(format!("{which}: offers, and both roll back"));
        let offer = self.offer(which);
        self.moment();
        self.set_remote(1 - which, &offer);
        self.moment();
        let first = self.chance.below(2);
        self.roll_back(first);
        self.moment();
        self.roll_back(1 - first);
    }

    /// The answerer rolls back, and takes the same offer once more.
    fn answerer_rolls_back(&mut self, which: Which) {
        self.note(format!("{which}: offers, {} rolls back and takes it again", 1 - which));
        let offer = self.offer(which);
        self.set_remote(1 - which, &offer);
        self.moment();
        self.roll_back(1 - which);
        self.moment();
        // With the candidates told since: those that came with the first are gone with it.
        let offer = self.sides[which].peer.local_description().unwrap();
        self.set_remote(1 - which, &offer);
        self.moment();
        self.answer(1 - which);
    }

    /// Both offer at once: the polite side rolls back and takes the other's offer (webrtc-pc §10.7).
    fn glare(&mut self, polite: Which) {
        let impolite = 1 - polite;
        if !self.has_something_to_offer(impolite) {
            return self.plain(polite);
        }
        self.note(format!("both offer, {polite} is polite"));
        self.offer(polite);
        let offer = self.offer(impolite);
        self.moment();
        if self.chance.one_in(2) {
            self.roll_back(polite);
        }
        self.set_remote(polite, &offer);
        self.moment();
        self.answer(polite);
    }

    /// One or two provisional answers before the answer.
    fn provisional(&mut self, which: Which) {
        self.note(format!("{which}: offers, and is answered provisionally first"));
        let offer = self.offer(which);
        self.set_remote(1 - which, &offer);
        for _ in 0..=self.chance.below(2) {
            self.moment();
            let empty = SessionDescription { kind: SdpType::Pranswer, sdp: String::new() };
            let answer = self.set_local(1 - which, Some(empty));
            assert_eq!(answer.kind, SdpType::Pranswer);
            self.note(format!("{}: {}", 1 - which, outline(&answer)));
            self.set_remote(which, &answer);
            self.keep_steady();
        }
        self.moment();
        self.answer(1 - which);
    }

    /// The offer is created, something changes, and then it is set.
    fn created_first(&mut self, which: Which) {
        self.note(format!("{which}: creates an offer and sets it later"));
        let offer = self.sides[which].peer.create_offer().unwrap();
        self.set_local(which, Some(offer.clone()));
        self.moment();
        self.set_remote(1 - which, &offer);
        let answer = self.sides[1 - which].peer.create_answer().unwrap();
        self.moment();
        self.set_local(1 - which, Some(answer.clone()));
        self.moment();
        self.set_remote(which, &answer);
        self.drain();
    }

    /// What may come between two steps of signalling: time, candidates, frames and changes.
    fn moment(&mut self) {
        self.drain();
        self.bring_candidates(false);
        self.moment_of_changes();
        match self.chance.below(8) {
            0 => {
                let time = self.chance.below(40) as u64;
                self.run_for(Duration::from_millis(time));
            }
            1 => self.send_frames(false),
            _ => {}
        }
    }

    fn moment_of_changes(&mut self) {
        while self.chance.one_in(4) {
            let which = self.chance.below(2);
            self.change(which);
        }
    }
}

/// A description in one line.
fn outline(description: &SessionDescription) -> String {
    let text = Text::outline(&description.sdp);
    let sections = text.sections.iter().map(|section| match section.is_rejected() {
        true => format!("{} {} rejected", section.mid, section.kind),
        false => format!("{} {} {}", section.mid, section.kind, section.direction),
    });
    format!("{} [{}]", description.kind, sections.collect::<Vec<_>>().join(", "))
}
