//! The stats objects of media: streams either way, what the remote reports of them, their codecs, sources and playouts.

use peerless_rtp::codec::Codec;
use peerless_rtp::stats::{InboundStats, OutboundStats};
use peerless_wire::rtp::Rid;

use crate::figures::{DecodingFigures, EncodingFigures, Figures, SourceFigures};
use crate::negotiation::Negotiation;
use crate::report::ids;
use crate::report::media::{AudioPlayoutStats, AudioSourceStats, VideoSourceStats};
use crate::report::moment::{Moment, ntp_ms, seconds};
use crate::report::object::{Statistics, StatsObject};
use crate::report::rtp::{
    CodecStats, InboundRtpStreamStats, OutboundRtpStreamStats, RemoteInboundRtpStreamStats,
    RemoteOutboundRtpStreamStats,
};
use crate::report::value::Record;
use crate::state::MediaKind;
use crate::transceiver::{Transceiver, Transceivers};

/// What the objects of one transceiver's streams on one transport are made with.
pub(crate) struct Streams<'a> {
    pub(crate) moment: Moment,
    /// The id of the transport.
    pub(crate) transport: &'a str,
    pub(crate) transceiver: &'a Transceiver,
    /// All of the connection.
    pub(crate) transceivers: &'a Transceivers,
    pub(crate) figures: &'a Figures,
    pub(crate) negotiation: &'a Negotiation,
}

impl Streams<'_> {
    /// An outgoing stream with all that hangs on it; `index` is its place among the encodings of its sender. Gives the id
    /// of the stream.
    pub(crate) fn outbound(
        &self,
        index: usize,
        stream: &OutboundStats,
        out: &mut Vec<StatsObject>,
    ) -> String {
        let (moment, kind) = (self.moment, self.transceiver.kind);
        let is_video = kind == MediaKind::Video;
        let id = ids::outbound(self.transport, kind, stream.ssrc);
        let agreed = self.transceiver.sender.memory.agreed.as_ref();
        let codec =
            agreed.and_then(|plan| plan.codecs.iter().find(|codec| is_of(codec, stream.payload_type)));
        let codec_id = codec.map(|codec| self.codec(codec, &codec.parameters, out));
        let figures = self.figures.sending.get(&self.transceiver.id);
        let encoding = figures.and_then(|figures| {
            // What names no encoding is of the first, as with frames.
            let of_stream =
                |(rid, _): &&(Option<Rid>, _)| *rid == stream.rid || (index == 0 && rid.is_none());
            figures.encodings.iter().find(of_stream).map(|(_, encoding)| encoding)
        });
        let remote_id = self.remote_inbound(stream, codec_id.as_deref(), &id, out);
        let pictures = encoding.filter(|_| is_video);
        let target = encoding.and_then(|encoding| encoding.target_bitrate);
        let made = OutboundRtpStreamStats {
            ssrc: stream.ssrc.0,
            kind,
            transport_id: Some(self.transport.to_owned()),
            codec_id,
            packets_sent: Some(stream.packets),
            bytes_sent: Some(stream.bytes),
            mid: Some(stream.mid.as_str().to_owned()),
            media_source_id: self.source_id(),
            remote_id,
            rid: stream.rid.as_ref().map(|rid| rid.as_str().to_owned()),
            encoding_index: is_video.then_some(index as u32),
            header_bytes_sent: Some(stream.header_bytes),
            retransmitted_packets_sent: Some(stream.retransmitted_packets),
            retransmitted_bytes_sent: Some(stream.retransmitted_bytes),
            rtx_ssrc: stream.rtx_ssrc.map(|ssrc| ssrc.0),
            target_bitrate: target.or(stream.target_bitrate.filter(|_| is_video)).map(|bps| bps as f64),
            frame_width: pictures.and_then(|encoding| encoding.size).map(|size| size.0),
            frame_height: pictures.and_then(|encoding| encoding.size).map(|size| size.1),
            frames_per_second: pictures.map(|encoding| encoding.rate.at(moment.now)),
            frames_sent: is_video.then(|| small(stream.frames)),
            huge_frames_sent: pictures.map(|encoding| encoding.huge_frames),
            frames_encoded: pictures.map(|encoding| encoding.frames),
            key_frames_encoded: pictures.map(|encoding| encoding.key_frames),
            qp_sum: pictures.and_then(|encoding| encoding.quantizers),
            psnr_sum: None,
            psnr_measurements: None,
            total_encode_time: encoding.map(|encoding| seconds(encoding.encode_time)),
            total_packet_send_delay: Some(seconds(stream.send_delay)),
            quality_limitation_reason: pictures.map(|encoding| encoding.limitation),
            quality_limitation_durations: pictures.map(|encoding| self.limitations(encoding)),
            quality_limitation_resolution_changes: pictures.map(|encoding| encoding.resolution_changes),
            nack_count: Some(small(stream.nacks)),
            fir_count: is_video.then(|| small(stream.firs)),
            pli_count: is_video.then(|| small(stream.plis)),
            encoder_implementation: pictures.map(|encoding| encoding.implementation.to_owned()),
            power_efficient_encoder: pictures.map(|encoding| encoding.power_efficient),
            active: Some(stream.active),
            scalability_mode: None,
            packets_sent_with_ect1: None,
        };
        out.push(StatsObject::new(id.clone(), moment.now_ms(), Statistics::OutboundRtp(made)));
        id
    }

    /// What the remote reports of an outgoing stream, once it has.
    fn remote_inbound(
        &self,
        stream: &OutboundStats,
        codec_id: Option<&str>,
        local_id: &str,
        out: &mut Vec<StatsObject>,
    ) -> Option<String> {
        let report = stream.remote.as_ref()?;
        let id = ids::remote_inbound(self.transport, self.transceiver.kind, stream.ssrc);
        let made = RemoteInboundRtpStreamStats {
            ssrc: stream.ssrc.0,
            kind: self.transceiver.kind,
            transport_id: Some(self.transport.to_owned()),
            codec_id: codec_id.map(str::to_owned),
            packets_received: Some(report.packets),
            packets_received_with_ect1: None,
            packets_received_with_ce: None,
            packets_reported_as_lost: None,
            packets_reported_as_lost_but_recovered: None,
            packets_lost: Some(report.lost),
            jitter: Some(seconds(report.jitter)),
            local_id: Some(local_id.to_owned()),
            round_trip_time: report.rtt.map(seconds),
            total_round_trip_time: Some(seconds(report.total_rtt)),
            fraction_lost: Some(report.fraction_lost),
            round_trip_time_measurements: Some(report.rtt_measurements),
            packets_with_bleached_ect1_marking: None,
        };
        let at = self.moment.ms(report.reported);
        out.push(StatsObject::new(id.clone(), at, Statistics::RemoteInboundRtp(made)));
        Some(id)
    }

    /// An arriving stream with all that hangs on it. Gives the id of the stream.
    pub(crate) fn inbound(&self, stream: &InboundStats, out: &mut Vec<StatsObject>) -> String {
        let (moment, kind, receiver) = (self.moment, self.transceiver.kind, &self.transceiver.receiver);
        let id = ids::inbound(self.transport, kind, stream.ssrc);
        let codec = receiver.codecs.iter().find(|codec| is_of(codec, stream.payload_type));
        let codec_id = codec.map(|codec| {
            let line = self.negotiation.own_parameters(&stream.mid, codec.payload_type);
            self.codec(codec, line.unwrap_or_default(), out)
        });
        let remote_id = self.remote_outbound(stream, codec_id.as_deref(), &id, out);
        let figures = self.figures.receiving.get(&self.transceiver.id);
        let decoding = figures.and_then(|figures| {
            let of_stream = |(ssrc, _): &&(_, _)| *ssrc == stream.ssrc;
            figures.streams.iter().find(of_stream).map(|(_, decoding)| decoding)
        });
        let has_playout = figures.is_some_and(|figures| figures.playout.is_some());
        let made = InboundRtpStreamStats {
            transport_id: Some(self.transport.to_owned()),
            codec_id,
            track_identifier: receiver.track_id.clone(),
            remote_id,
            playout_id: has_playout.then(|| ids::playout(self.transceiver.id)),
            last_packet_received_timestamp: stream.last_packet.map(|at| moment.ms(at)),
            estimated_playout_timestamp: stream
                .last_frame_ntp
                .zip(stream.last_frame_playout)
                .map(|(ntp, due)| moment.playing_ms(ntp, due)),
            ..received(kind, stream)
        };
        let made = match (kind, decoding) {
            (MediaKind::Video, Some(decoding)) => self.with_pictures(made, decoding),
            (MediaKind::Audio, Some(decoding)) => with_sounds(made, decoding),
            (_, None) => made,
        };
        out.push(StatsObject::new(id.clone(), moment.now_ms(), Statistics::InboundRtp(made)));
        id
    }

    /// What the remote reports of an arriving stream, once it has.
    fn remote_outbound(
        &self,
        stream: &InboundStats,
        codec_id: Option<&str>,
        local_id: &str,
        out: &mut Vec<StatsObject>,
    ) -> Option<String> {
        let report = stream.remote.as_ref()?;
        let id = ids::remote_outbound(self.transport, self.transceiver.kind, stream.ssrc);
        let made = RemoteOutboundRtpStreamStats {
            ssrc: stream.ssrc.0,
            kind: self.transceiver.kind,
            transport_id: Some(self.transport.to_owned()),
            codec_id: codec_id.map(str::to_owned),
            packets_sent: Some(report.packets.into()),
            bytes_sent: Some(report.bytes.into()),
            local_id: Some(local_id.to_owned()),
            remote_timestamp: Some(ntp_ms(report.ntp)),
            reports_sent: Some(report.reports),
            round_trip_time: report.round_trips.last.map(seconds),
            total_round_trip_time: Some(seconds(report.round_trips.total)),
            round_trip_time_measurements: Some(report.round_trips.measurements),
        };
        let at = self.moment.ms(report.reported);
        out.push(StatsObject::new(id.clone(), at, Statistics::RemoteOutboundRtp(made)));
        Some(id)
    }

    /// The codec, unless another stream has put it there already. `line` is its `a=fmtp`.
    fn codec(&self, codec: &Codec, line: &str, out: &mut Vec<StatsObject>) -> String {
        let kind = self.transceiver.kind;
        let id = ids::codec(self.transport, kind, codec, line);
        if out.iter().any(|object| object.id == id) {
            return id;
        }
        let made = CodecStats {
            payload_type: codec.payload_type.value().into(),
            transport_id: self.transport.to_owned(),
            mime_type: format!("{kind}/{}", codec.format.name()),
            clock_rate: Some(codec.clock_rate),
            channels: (kind == MediaKind::Audio).then_some(codec.channels.into()),
            sdp_fmtp_line: (!line.is_empty()).then(|| line.to_owned()),
        };
        out.push(StatsObject::new(id.clone(), self.moment.now_ms(), Statistics::Codec(made)));
        id
    }

    /// The track that the sender has, if any.
    pub(crate) fn source(&self, out: &mut Vec<StatsObject>) {
        let (Some(owner), Some(id)) = (self.source_owner(), self.source_id()) else { return };
        let Some(track) = owner.sender.track.as_ref().filter(|_| owner.id == self.transceiver.id) else {
            return;
        };
        let none = SourceFigures::default();
        let figures = self.figures.sending.get(&self.transceiver.id);
        let is_of_track = |attachment| attachment == self.transceiver.sender.attachment;
        let figures =
            figures.filter(|figures| is_of_track(figures.attachment)).map(|figures| &figures.source);
        let figures = figures.unwrap_or(&none);
        let (moment, sound) = (self.moment, &figures.sound);
        let track_identifier = track.id.clone();
        let made = match self.transceiver.kind {
            MediaKind::Audio => Statistics::AudioSource(AudioSourceStats {
                track_identifier,
                kind: MediaKind::Audio,
                audio_level: sound.level,
                total_audio_energy: Some(sound.energy),
                total_samples_duration: Some(sound.duration),
                echo_return_loss: None,
                echo_return_loss_enhancement: None,
            }),
            MediaKind::Video => Statistics::VideoSource(VideoSourceStats {
                track_identifier,
                kind: MediaKind::Video,
                width: figures.size.map(|size| size.0),
                height: figures.size.map(|size| size.1),
                frames: Some(figures.frames),
                frames_per_second: figures
                    .began
                    .filter(|began| moment.now.saturating_duration_since(*began).as_secs() >= 1)
                    .map(|_| figures.rate.at(moment.now)),
            }),
        };
        out.push(StatsObject::new(id, moment.now_ms(), made));
    }

    /// How the receiver's sound is played, where that was reported.
    pub(crate) fn playout(&self, out: &mut Vec<StatsObject>) {
        let figures = self.figures.receiving.get(&self.transceiver.id);
        let Some(playout) = figures.and_then(|figures| figures.playout) else { return };
        let made = AudioPlayoutStats {
            kind: self.transceiver.kind,
            synthesized_samples_duration: Some(playout.synthesized),
            synthesized_samples_events: Some(playout.synthesized_events),
            total_samples_duration: Some(playout.duration),
            total_playout_delay: Some(playout.delay),
            total_samples_count: Some(playout.samples),
        };
        let id = ids::playout(self.transceiver.id);
        out.push(StatsObject::new(id, self.moment.now_ms(), Statistics::MediaPlayout(made)));
    }

    fn source_id(&self) -> Option<String> {
        let owner = self.source_owner()?;
        Some(ids::source(owner.kind, owner.id, owner.sender.attachment))
    }

    /// A track that several senders have is one source (webrtc-stats §8.11): that of the first of them.
    fn source_owner(&self) -> Option<&Transceiver> {
        let track = self.transceiver.sender.track.as_ref()?;
        let has_it =
            |other: &&Transceiver| other.sender.track.as_ref().is_some_and(|held| held.id == track.id);
        self.transceivers.iter().find(has_it)
    }

    fn limitations(&self, encoding: &EncodingFigures) -> Record {
        Record(encoding.limitations(self.moment.now))
    }

    fn with_pictures(
        &self,
        made: InboundRtpStreamStats,
        decoding: &DecodingFigures,
    ) -> InboundRtpStreamStats {
        InboundRtpStreamStats {
            frames_decoded: Some(decoding.frames),
            key_frames_decoded: Some(decoding.key_frames),
            frames_dropped: made.frames_dropped.map(|dropped| dropped.saturating_add(decoding.dropped)),
            frame_width: decoding.size.map(|size| size.0),
            frame_height: decoding.size.map(|size| size.1),
            frames_per_second: Some(decoding.rate.at(self.moment.now)),
            qp_sum: decoding.quantizers,
            total_decode_time: Some(seconds(decoding.decode_time)),
            total_processing_delay: Some(decoding.processing_delay),
            decoder_implementation: Some(decoding.implementation.to_owned()),
            power_efficient_decoder: Some(decoding.power_efficient),
            ..made
        }
    }
}

fn with_sounds(made: InboundRtpStreamStats, decoding: &DecodingFigures) -> InboundRtpStreamStats {
    let sound = &decoding.sound;
    InboundRtpStreamStats {
        total_decode_time: Some(seconds(decoding.decode_time)),
        total_processing_delay: Some(decoding.processing_delay),
        total_samples_received: Some(sound.samples),
        concealed_samples: Some(sound.concealed),
        silent_concealed_samples: Some(sound.silent_concealed),
        concealment_events: Some(sound.concealments),
        audio_level: sound.level,
        total_audio_energy: Some(sound.energy),
        total_samples_duration: Some(sound.duration),
        ..made
    }
}

/// What the RTP session knows of an arriving stream; what it does not is left to the caller.
fn received(kind: MediaKind, stream: &InboundStats) -> InboundRtpStreamStats {
    let is_video = kind == MediaKind::Video;
    let (buffer, flow) = (&stream.jitter_buffer, &stream.flow);
    InboundRtpStreamStats {
        ssrc: stream.ssrc.0,
        kind,
        transport_id: None,
        codec_id: None,
        packets_received: Some(stream.packets),
        packets_received_with_ect1: None,
        packets_received_with_ce: None,
        packets_reported_as_lost: None,
        packets_reported_as_lost_but_recovered: None,
        packets_lost: Some(stream.lost),
        jitter: Some(seconds(stream.jitter)),
        track_identifier: String::new(),
        mid: Some(stream.mid.as_str().to_owned()),
        remote_id: None,
        frames_decoded: None,
        key_frames_decoded: None,
        frames_rendered: None,
        frames_dropped: is_video.then(|| small(stream.frames_dropped)),
        frame_width: None,
        frame_height: None,
        frames_per_second: None,
        qp_sum: None,
        total_decode_time: None,
        total_inter_frame_delay: is_video.then(|| seconds(flow.inter_frame_delay)),
        total_squared_inter_frame_delay: is_video.then_some(flow.squared_inter_frame_delay),
        pause_count: is_video.then(|| small(flow.pauses)),
        total_pauses_duration: is_video.then(|| seconds(flow.pauses_duration)),
        freeze_count: is_video.then(|| small(flow.freezes)),
        total_freezes_duration: is_video.then(|| seconds(flow.freezes_duration)),
        last_packet_received_timestamp: None,
        header_bytes_received: Some(stream.header_bytes),
        packets_discarded: Some(stream.discarded),
        fec_bytes_received: None,
        fec_packets_received: None,
        fec_packets_discarded: None,
        bytes_received: Some(stream.bytes),
        nack_count: Some(small(stream.nacks)),
        fir_count: is_video.then(|| small(stream.firs)),
        pli_count: is_video.then(|| small(stream.plis)),
        total_processing_delay: None,
        estimated_playout_timestamp: None,
        jitter_buffer_delay: Some(seconds(buffer.delay)),
        jitter_buffer_target_delay: Some(seconds(buffer.target_delay)),
        jitter_buffer_emitted_count: Some(buffer.emitted),
        jitter_buffer_minimum_delay: Some(seconds(buffer.minimum_delay)),
        total_samples_received: None,
        concealed_samples: None,
        silent_concealed_samples: None,
        concealment_events: None,
        inserted_samples_for_deceleration: None,
        removed_samples_for_acceleration: None,
        audio_level: None,
        total_audio_energy: None,
        total_samples_duration: None,
        frames_received: is_video.then(|| small(stream.frames_received)),
        decoder_implementation: None,
        playout_id: None,
        power_efficient_decoder: None,
        frames_assembled_from_multiple_packets: is_video.then(|| small(stream.frames_assembled)),
        total_assembly_time: is_video.then(|| seconds(stream.assembly_time)),
        retransmitted_packets_received: stream.rtx_ssrc.map(|_| stream.retransmitted_packets),
        retransmitted_bytes_received: stream.rtx_ssrc.map(|_| stream.retransmitted_bytes),
        rtx_ssrc: stream.rtx_ssrc.map(|ssrc| ssrc.0),
        fec_ssrc: None,
        total_corruption_probability: None,
        total_squared_corruption_probability: None,
        corruption_measurements: None,
    }
}

fn is_of(codec: &Codec, payload_type: peerless_wire::rtp::PayloadType) -> bool {
    codec.payload_type == payload_type
}

/// `unsigned long`: a counter that does not fit stays at the most there is.
fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
