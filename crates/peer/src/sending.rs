//! The calls of a peer about parameters (webrtc-pc §5.2, §5.3): `getParameters` and `setParameters`.

use std::time::Instant;

use crate::config::CodecCapability;
use crate::encodings;
use crate::engine::Engine;
use crate::error::Error;
use crate::event::Event;
use crate::id::TransceiverId;
use crate::parameters::{
    HeaderExtension, ReceiveParameters, RtcpParameters, SendParameters, of_changed_sender,
};
use crate::peer::Peer;
use crate::state::MediaKind;
use crate::transceiver::{EncodingView, SenderView};

impl Peer {
    /// `getParameters` of a sender (webrtc-pc §5.2): to be changed and handed to [`set_parameters`](Self::set_parameters).
    /// Until that is done, or a description settles something new, this gives the same reading.
    ///
    /// # Errors
    /// `UnknownTransceiver` where there is none, or it was stopped and is gone.
    pub fn get_parameters(&mut self, id: TransceiverId) -> Result<SendParameters, Error> {
        let transceivers = &mut self.engine.transceivers;
        let transceiver = transceivers.find(id).ok_or(Error::UnknownTransceiver)?;
        if let Some(last) = &transceiver.sender.memory.last_returned {
            return Ok(last.clone());
        }
        let transaction_id = transceivers.fresh_uuid();
        let cname = self.negotiation.cname().to_owned();
        let transceiver = transceivers.find_mut(id).ok_or(Error::UnknownTransceiver)?;
        let sender = &mut transceiver.sender;
        let agreed = sender.memory.agreed.as_ref();
        let parameters = SendParameters {
            transaction_id,
            encodings: sender.encodings.iter().map(|encoding| encoding.parameters.clone()).collect(),
            header_extensions: agreed.map(|plan| HeaderExtension::of(&plan.extensions)).unwrap_or_default(),
            rtcp: RtcpParameters { cname, reduced_size: agreed.is_some_and(|plan| plan.reduced_size) },
            codecs: agreed.map(|plan| plan.codecs.clone()).unwrap_or_default(),
        };
        sender.memory.last_returned = Some(parameters.clone());
        Ok(parameters)
    }

    /// `setParameters` of a sender (webrtc-pc §5.2): takes effect at once, and never needs negotiation. An encoding that
    /// ceases to be active sends not one packet more; one that becomes active begins with a key frame, for which
    /// [`Event::KeyFrameRequested`] asks.
    ///
    /// # Errors
    /// `Closed`; `UnknownTransceiver` also where it was stopped; `ParametersNotRead` where they were not read since they
    /// were set or negotiated last; `Modification` where something read-only was changed, encodings are missing or were
    /// moved, or a codec was not negotiated; `Range` for a scale below 1 or a frame rate below 0; `Argument` for numbers
    /// that are not finite; `NotSupported` for a network priority.
    pub fn set_parameters(
        &mut self,
        now: Instant,
        id: TransceiverId,
        parameters: SendParameters,
    ) -> Result<(), Error> {
        self.check_open()?;
        let transceiver = self.engine.transceivers.live_mut(id)?;
        let kind = transceiver.kind;
        let sender = &mut transceiver.sender;
        let last = sender.memory.last_returned.as_ref().ok_or(Error::ParametersNotRead)?;
        let held: Vec<_> = sender.encodings.iter().map(|encoding| encoding.parameters.clone()).collect();
        let is_ours = |codec: &CodecCapability| codec.format.is_video() == (kind == MediaKind::Video);
        let ours = match &transceiver.preferences[..] {
            [] => &self.config.codecs[..],
            preferences => preferences,
        };
        let mut choosable = encodings::choosable(sender.memory.agreed.as_ref(), ours);
        choosable.retain(is_ours);
        let changed = of_changed_sender(kind, &held, last, parameters, &choosable)?;
        for (encoding, parameters) in sender.encodings.iter_mut().zip(changed) {
            encoding.parameters = parameters;
        }
        sender.memory.last_returned = None;
        self.engine.sending_changed(now, id);
        self.finish_call();
        Ok(())
    }

    /// `getParameters` of a receiver (webrtc-pc §5.3).
    pub fn receive_parameters(&self, id: TransceiverId) -> Option<ReceiveParameters> {
        let receiver = &self.engine.transceivers.find(id)?.receiver;
        Some(ReceiveParameters {
            header_extensions: HeaderExtension::of(&receiver.agreed.extensions),
            rtcp: RtcpParameters {
                cname: receiver.agreed.cname.clone().unwrap_or_default(),
                reduced_size: receiver.agreed.reduced_size,
            },
            codecs: receiver.codecs.clone(),
        })
    }

    /// The sending half of a transceiver.
    pub fn sender(&self, id: TransceiverId) -> Option<SenderView> {
        let transceiver = self.engine.transceivers.find(id)?;
        let sender = &transceiver.sender;
        let may_send = transceiver.may_send();
        let media = transceiver.mid.as_ref().map(|mid| &self.engine.links.of(mid).media);
        let encodings: Vec<EncodingView> = sender
            .encodings
            .iter()
            .enumerate()
            .map(|(index, encoding)| EncodingView {
                parameters: encoding.parameters.clone(),
                codec: (sender.memory.agreed.as_ref().filter(|_| may_send))
                    .and_then(|agreed| encodings::chosen(agreed, &encoding.parameters)),
                can_send: sender.able && !self.is_closed() && sender.is_sent(index),
                target_bitrate: media
                    .and_then(|media| media.target_bitrate(transceiver, encoding.parameters.rid.as_ref())),
            })
            .collect();
        Some(SenderView {
            track: sender.track.clone(),
            codec: encodings.first().and_then(|first| first.codec.clone()),
            can_send: encodings.iter().any(|encoding| encoding.can_send),
            target_bitrate: encodings.first().and_then(|first| first.target_bitrate),
            encodings,
        })
    }
}

impl Engine {
    /// Tells the session how a sender sends from now on.
    fn sending_changed(&mut self, now: Instant, id: TransceiverId) {
        let Some(transceiver) = self.transceivers.find(id) else { return };
        let sender = &transceiver.sender;
        if let Some(mid) = transceiver.mid.as_ref() {
            let media = &mut self.links.of_mut(mid).media;
            if media.has_sender(mid) {
                media.set_encodings(now, mid, sender.configs());
            }
        }
        self.tell(Event::SenderChanged(id));
    }
}
