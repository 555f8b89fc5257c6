//! What the handles of a sending track share with the connections that send it: who sends it, what they want of whoever
//! makes its frames, and whether it has ended. A leaf: it knows neither connection nor driver, so it is generic over what
//! takes the frames.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use peerless_peer::id::TransceiverId;
use peerless_peer::state::MediaKind;
use peerless_rtp::codec::Codec;
use peerless_wire::rtp::Rid;
use tokio::sync::Notify;

use crate::encoding::Encoding;

/// A sending track that somebody holds. Those who hold it are counted, so that whoever makes its frames can tell when
/// nobody is left who could have it sent.
pub(crate) struct Source<C> {
    shared: Arc<Inner<C>>,
}

struct Inner<C> {
    kind: MediaKind,
    id: String,
    stream_id: String,
    state: Mutex<State<C>>,
    changed: Notify,
}

struct State<C> {
    /// Those who hold it, of whom those that send it.
    holders: usize,
    senders: Vec<Sending<C>>,
    /// Where frames go; replaced as a whole, so that a frame on its way needs no lock.
    outlets: Arc<[Outlet<C>]>,
    /// A sender had it at some time.
    was_sent: bool,
    /// The encodings of which a key frame is wanted.
    key_frames: Vec<Option<Rid>>,
    stopped: bool,
}

/// Where frames go.
pub(crate) struct Outlet<C> {
    pub(crate) connection: Weak<C>,
    pub(crate) transceiver: TransceiverId,
    /// Whether it tells encodings apart by name.
    pub(crate) has_names: bool,
}

/// A sender that has the track, with its wishes.
struct Sending<C> {
    outlet: Outlet<C>,
    codec: Option<Codec>,
    bitrate: Option<u64>,
    encodings: Vec<Encoding>,
}

impl<C> Source<C> {
    pub(crate) fn new(kind: MediaKind, id: String, stream_id: String) -> Self {
        let state = State {
            holders: 1,
            senders: Vec::new(),
            outlets: Arc::new([]),
            was_sent: false,
            key_frames: Vec::new(),
            stopped: false,
        };
        let inner = Inner { kind, id, stream_id, state: Mutex::new(state), changed: Notify::new() };
        Self { shared: Arc::new(inner) }
    }

    pub(crate) fn kind(&self) -> MediaKind {
        self.shared.kind
    }

    pub(crate) fn id(&self) -> &str {
        &self.shared.id
    }

    pub(crate) fn stream_id(&self) -> &str {
        &self.shared.stream_id
    }

    /// Whether both are the same track.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        // Nothing panics while holding it; were it so, the plain fields would still be right.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One sender more has it.
    pub(crate) fn attach(&self, connection: Weak<C>, transceiver: TransceiverId) {
        let mut state = self.lock();
        state.was_sent = true;
        let outlet = Outlet { connection, transceiver, has_names: false };
        state.senders.push(Sending { outlet, codec: None, bitrate: None, encodings: Vec::new() });
        state.renew_outlets();
    }

    /// That sender has it no more.
    pub(crate) fn detach(&self, connection: &Weak<C>, transceiver: TransceiverId) {
        let mut state = self.lock();
        state.senders.retain(|sending| !sending.outlet.is(connection, transceiver));
        state.renew_outlets();
        drop(state);
        self.shared.changed.notify_waiters();
    }

    /// What that sender wants from now on.
    pub(crate) fn want(
        &self,
        connection: &Weak<C>,
        transceiver: TransceiverId,
        codec: Option<Codec>,
        bitrate: Option<u64>,
        encodings: Vec<Encoding>,
    ) {
        let mut state = self.lock();
        let (mut changed, mut renamed) = (false, false);
        let own = |sending: &&mut Sending<C>| sending.outlet.is(connection, transceiver);
        if let Some(sending) = state.senders.iter_mut().find(own) {
            changed = sending.codec != codec || sending.encodings != encodings;
            let has_names = encodings.iter().any(|encoding| encoding.rid.is_some());
            renamed = std::mem::replace(&mut sending.outlet.has_names, has_names) != has_names;
            (sending.codec, sending.bitrate, sending.encodings) = (codec, bitrate, encodings);
        }
        if renamed {
            state.renew_outlets();
        }
        drop(state);
        if changed {
            self.shared.changed.notify_waiters();
        }
    }

    /// A key frame is wanted of the encoding of this name, or of all that there are.
    pub(crate) fn want_key_frame(&self, rid: Option<&Rid>) {
        let mut state = self.lock();
        let wanted: Vec<Option<Rid>> = match rid {
            Some(rid) => vec![Some(rid.clone())],
            None => {
                let encodings = state.senders.iter().flat_map(|sending| &sending.encodings);
                encodings.map(|encoding| encoding.rid.clone()).chain([None]).collect()
            }
        };
        for rid in wanted {
            if !state.key_frames.contains(&rid) {
                state.key_frames.push(rid);
            }
        }
    }

    /// Whether a key frame is wanted of any encoding; asking clears it.
    pub(crate) fn take_key_frame(&self) -> bool {
        !std::mem::take(&mut self.lock().key_frames).is_empty()
    }

    /// Whether a key frame is wanted of this encoding; asking clears it.
    pub(crate) fn take_key_frame_of(&self, rid: Option<&Rid>) -> bool {
        let mut state = self.lock();
        let before = state.key_frames.len();
        state.key_frames.retain(|wanted| wanted.as_ref() != rid);
        state.key_frames.len() < before
    }

    /// What is wanted, each kind of frame once: where several want the same, the poorest's bitrate counts.
    pub(crate) fn encodings(&self) -> Vec<Encoding> {
        let state = self.lock();
        let mut encodings: Vec<Encoding> = Vec::new();
        let senders = state.senders.iter().filter(|_| !state.stopped);
        for wanted in senders.flat_map(|sending| &sending.encodings) {
            let is_same = |known: &&mut Encoding| {
                let shape = |one: &Encoding| (one.max_framerate, one.scale_resolution_down_by);
                known.rid == wanted.rid
                    && is_alike(&known.codec, &wanted.codec)
                    && shape(known) == shape(wanted)
            };
            match encodings.iter_mut().find(is_same) {
                Some(known) => {
                    let both = [known.target_bitrate, wanted.target_bitrate];
                    known.target_bitrate = both.into_iter().flatten().min();
                }
                None => encodings.push(wanted.clone()),
            }
        }
        encodings
    }

    /// Where frames go; `None` once the track was stopped.
    pub(crate) fn outlets(&self) -> Option<Arc<[Outlet<C>]>> {
        let state = self.lock();
        (!state.stopped).then(|| state.outlets.clone())
    }

    /// What is wanted: by the sender that has had the track for the longest of those that can send.
    pub(crate) fn codec(&self) -> Option<Codec> {
        let state = self.lock();
        state.codecs().next().cloned()
    }

    /// All that is wanted, each kind of frame once.
    pub(crate) fn codecs(&self) -> Vec<Codec> {
        let state = self.lock();
        let mut codecs: Vec<Codec> = Vec::new();
        for codec in state.codecs() {
            if !codecs.iter().any(|known| is_alike(known, codec)) {
                codecs.push(codec.clone());
            }
        }
        codecs
    }

    /// How much may be spent: what the poorest of the senders with that codec may.
    pub(crate) fn bitrate(&self) -> Option<u64> {
        let state = self.lock();
        let codec = state.codecs().next()?;
        let alike = state
            .senders
            .iter()
            .filter(|sending| sending.codec.as_ref().is_some_and(|other| is_alike(codec, other)));
        alike.filter_map(|sending| sending.bitrate).min()
    }

    /// No frame will be taken any more.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        drop(state);
        self.shared.changed.notify_waiters();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// It was sent, and now only whoever asks holds it.
    pub(crate) fn is_abandoned(&self) -> bool {
        let state = self.lock();
        state.was_sent && state.holders <= 1
    }

    /// Whoever makes its frames need not go on.
    pub(crate) fn is_over(&self) -> bool {
        self.is_stopped() || self.is_abandoned()
    }

    /// Waits until `ready` gives a value; asked at once and after each change.
    pub(crate) async fn wait<T>(&self, mut ready: impl FnMut(&Self) -> Option<T>) -> T {
        loop {
            let notified = self.shared.changed.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if let Some(value) = ready(self) {
                return value;
            }
            notified.await;
        }
    }
}

impl<C> State<C> {
    fn renew_outlets(&mut self) {
        self.outlets = self.senders.iter().map(|sending| sending.outlet.clone()).collect();
    }

    fn codecs(&self) -> impl Iterator<Item = &Codec> {
        self.senders.iter().filter(|_| !self.stopped).filter_map(|sending| sending.codec.as_ref())
    }
}

impl<C> Outlet<C> {
    fn is(&self, connection: &Weak<C>, transceiver: TransceiverId) -> bool {
        self.transceiver == transceiver && Weak::ptr_eq(&self.connection, connection)
    }
}

/// Whether both take the same frames. Connections number their payload types each for itself.
fn is_alike(one: &Codec, other: &Codec) -> bool {
    (one.format, one.clock_rate, one.channels) == (other.format, other.clock_rate, other.channels)
}

impl<C> Clone for Outlet<C> {
    fn clone(&self) -> Self {
        Self { connection: self.connection.clone(), transceiver: self.transceiver, has_names: self.has_names }
    }
}

impl<C> Clone for Source<C> {
    fn clone(&self) -> Self {
        self.lock().holders += 1;
        Self { shared: self.shared.clone() }
    }
}

impl<C> Drop for Source<C> {
    fn drop(&mut self) {
        let mut state = self.lock();
        state.holders -= 1;
        let is_last = state.holders == 1;
        drop(state);
        if is_last {
            self.shared.changed.notify_waiters();
        }
    }
}

impl<C> fmt::Debug for Source<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.shared;
        let mut shown = formatter.debug_struct("Source");
        shown.field("kind", &inner.kind).field("id", &inner.id).field("stream_id", &inner.stream_id);
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerless_rtp::codec::{Feedback, Format};
    use peerless_wire::rtp::PayloadType;

    fn codec(format: Format, payload_type: u8) -> Codec {
        Codec {
            format,
            payload_type: PayloadType::new(payload_type).unwrap(),
            clock_rate: 90_000,
            channels: 1,
            parameters: String::new(),
            rtx: None,
            feedback: Feedback::default(),
        }
    }

    fn source() -> Source<()> {
        Source::new(MediaKind::Video, "camera".into(), "stream".into())
    }

    #[test]
    fn the_wishes_of_several_senders_are_joined() {
        let (one, other) = (Arc::new(()), Arc::new(()));
        let (one, other) = (Arc::downgrade(&one), Arc::downgrade(&other));
        let source = source();
        for connection in [&one, &other] {
            source.attach(connection.clone(), TransceiverId(0));
        }
        assert_eq!((source.codec(), source.codecs().len()), (None, 0));
        let profile = Format::H264 { packetization_mode: 1, profile_level_id: 0x42e01f };
        let (vp8, h264) = (codec(Format::Vp8, 96), codec(profile, 102));
        source.want(&other, TransceiverId(0), Some(h264.clone()), Some(100), Vec::new());
        assert_eq!((source.codec(), source.bitrate()), (Some(h264.clone()), Some(100)));
        source.want(&one, TransceiverId(0), Some(vp8.clone()), Some(500), Vec::new());
        assert_eq!((source.codec(), source.bitrate()), (Some(vp8.clone()), Some(500)), "the first one's");
        assert_eq!(source.codecs(), [vp8.clone(), h264]);
        source.want(&other, TransceiverId(0), Some(codec(Format::Vp8, 120)), Some(100), Vec::new());
        assert_eq!((source.codecs(), source.bitrate()), (vec![vp8.clone()], Some(100)), "the poorest one's");
        source.detach(&one, TransceiverId(0));
        let left = source.codec().map(|codec| codec.payload_type);
        assert_eq!((left, source.outlets().unwrap().len()), (PayloadType::new(120), 1));
        source.stop();
        assert!(source.codec().is_none() && source.outlets().is_none() && source.is_stopped());
    }

    #[test]
    fn encodings_that_are_alike_are_made_once_and_key_frames_are_wanted_by_name() {
        let connections = [Arc::new(()), Arc::new(())];
        let [one, other] = connections.each_ref().map(Arc::downgrade);
        let source = source();
        let encoding = |name: Option<&str>, scale: f64, target_bitrate: Option<u64>| Encoding {
            rid: name.map(Rid::new),
            codec: codec(Format::Vp8, 96),
            target_bitrate,
            max_framerate: None,
            scale_resolution_down_by: scale,
        };
        let vp8 = codec(Format::Vp8, 96);
        source.attach(one.clone(), TransceiverId(0));
        source.attach(other.clone(), TransceiverId(0));
        let both = vec![encoding(Some("q"), 2.0, Some(100)), encoding(Some("f"), 1.0, None)];
        source.want(&one, TransceiverId(0), Some(vp8.clone()), None, both);
        let mut alike = encoding(Some("f"), 1.0, Some(700));
        alike.codec = codec(Format::Vp8, 120);
        source.want(&other, TransceiverId(0), Some(vp8), None, vec![alike]);
        let expected = [encoding(Some("q"), 2.0, Some(100)), encoding(Some("f"), 1.0, Some(700))];
        assert_eq!(source.encodings(), expected);
        assert!(source.outlets().unwrap().iter().all(|outlet| outlet.has_names));
        let (q, f) = (Rid::new("q"), Rid::new("f"));
        source.want_key_frame(Some(&q));
        assert_eq!([&f, &q, &q].map(|rid| source.take_key_frame_of(Some(rid))), [false, true, false]);
        source.want_key_frame(None);
        assert_eq!([&f, &q, &q].map(|rid| source.take_key_frame_of(Some(rid))), [true, true, false]);
        assert_eq!([source.take_key_frame(), source.take_key_frame()], [true, false]);
    }

    #[tokio::test]
    async fn a_track_is_abandoned_with_the_last_who_could_have_it_sent() {
        let connection = Arc::new(());
        let source = source();
        assert!(!source.is_abandoned(), "it was not sent yet");
        let held_by_sender = source.clone();
        held_by_sender.attach(Arc::downgrade(&connection), TransceiverId(3));
        let held_by_user = source.clone();
        held_by_sender.detach(&Arc::downgrade(&connection), TransceiverId(3));
        drop(held_by_sender);
        assert!(!source.is_abandoned(), "the user can add it again");
        let waiting = tokio::spawn(async move { source.wait(|one| one.is_over().then_some(())).await });
        tokio::task::yield_now().await;
        drop(held_by_user);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn waiting_for_a_wish_ends_when_the_track_is_stopped() {
        let source = source();
        let waiting = tokio::spawn({
            let source = source.clone();
            async move { source.wait(|one| one.is_over().then_some(())).await }
        });
        tokio::task::yield_now().await;
        source.stop();
        waiting.await.unwrap();
    }
}
