//! The dictionaries of RTP streams (webrtc-stats §8.1 to §8.10): what goes out, what comes in, and what the remote says
//! of both.
//!
//! Times are in seconds, timestamps in milliseconds since the UNIX epoch, sizes in bytes. What does not apply to a
//! stream, or is not known yet, is `None`.

use crate::figures::QualityLimitationReason;
use crate::report::value::{Record, dictionary};
use crate::state::MediaKind;

dictionary! {
    /// RTCCodecStats (webrtc-stats §8.3): a codec that some stream uses.
    CodecStats {
        /// Its number in packets.
        payload_type: u32 = "payloadType",
        /// The transport it is used on.
        transport_id: String = "transportId",
        /// Such as `video/VP8`.
        mime_type: String = "mimeType",
        /// RTP timestamp ticks per second.
        clock_rate: Option<u32> = "clockRate",
        /// Channels of sound.
        channels: Option<u32> = "channels",
        /// Its `a=fmtp` without the payload type, where there is one.
        sdp_fmtp_line: Option<String> = "sdpFmtpLine",
    }
}

dictionary! {
    /// RTCInboundRtpStreamStats (webrtc-stats §8.5): a stream that arrives.
    ///
    /// What a decoder or a player knows is there once one has reported it, as the plays of `peerless-media` do.
    InboundRtpStreamStats {
        /// Its source.
        ssrc: u32 = "ssrc",
        /// Sound or pictures.
        kind: MediaKind = "kind",
        /// The transport it comes over.
        transport_id: Option<String> = "transportId",
        /// What it is coded with.
        codec_id: Option<String> = "codecId",
        /// Packets received, those sent again included.
        packets_received: Option<u64> = "packetsReceived",
        /// Of these, those marked ECT(1): `None`, RFC 8888 is not spoken here.
        packets_received_with_ect1: Option<u64> = "packetsReceivedWithEct1",
        /// Of these, those marked CE: `None`, RFC 8888 is not spoken here.
        packets_received_with_ce: Option<u64> = "packetsReceivedWithCe",
        /// Packets reported as lost by RFC 8888: `None`, it is not spoken here.
        packets_reported_as_lost: Option<u64> = "packetsReportedAsLost",
        /// Of these, those that came after all: `None`, RFC 8888 is not spoken here.
        packets_reported_as_lost_but_recovered: Option<u64> = "packetsReportedAsLostButRecovered",
        /// Packets lost (RFC 3550 §6.4.1); negative where there are more duplicates than losses.
        packets_lost: Option<i64> = "packetsLost",
        /// The interarrival jitter, seconds.
        jitter: Option<f64> = "jitter",
        /// The id of the receiver's track.
        track_identifier: String = "trackIdentifier",
        /// Its media section.
        mid: Option<String> = "mid",
        /// What the remote reports of it: a [`RemoteOutboundRtpStreamStats`].
        remote_id: Option<String> = "remoteId",
        /// Pictures decoded.
        frames_decoded: Option<u32> = "framesDecoded",
        /// Key frames among them.
        key_frames_decoded: Option<u32> = "keyFramesDecoded",
        /// Pictures shown: `None` unless who shows them reports it.
        frames_rendered: Option<u32> = "framesRendered",
        /// Pictures dropped before they were decoded: not whole, leaning on one that was not, or not read in time.
        frames_dropped: Option<u32> = "framesDropped",
        /// The width of the last picture decoded, pixels.
        frame_width: Option<u32> = "frameWidth",
        /// The height of the last picture decoded, pixels.
        frame_height: Option<u32> = "frameHeight",
        /// Pictures decoded in the last second.
        frames_per_second: Option<f64> = "framesPerSecond",
        /// The quantizers of the pictures decoded, added up: of VP8 `y_ac_qi`; of other codecs `None`.
        qp_sum: Option<u64> = "qpSum",
        /// The time spent in the decoder, seconds.
        total_decode_time: Option<f64> = "totalDecodeTime",
        /// The times between pictures handed on, added up, seconds.
        total_inter_frame_delay: Option<f64> = "totalInterFrameDelay",
        /// The squares of these, seconds squared.
        total_squared_inter_frame_delay: Option<f64> = "totalSquaredInterFrameDelay",
        /// How often no picture came for five seconds.
        pause_count: Option<u32> = "pauseCount",
        /// For how long in all, seconds.
        total_pauses_duration: Option<f64> = "totalPausesDuration",
        /// How often pictures froze.
        freeze_count: Option<u32> = "freezeCount",
        /// For how long in all, seconds.
        total_freezes_duration: Option<f64> = "totalFreezesDuration",
        /// When its last packet came.
        last_packet_received_timestamp: Option<f64> = "lastPacketReceivedTimestamp",
        /// RTP headers and extensions.
        header_bytes_received: Option<u64> = "headerBytesReceived",
        /// Packets that came and were dropped: late, or of frames that were dropped. Not duplicates.
        packets_discarded: Option<u64> = "packetsDiscarded",
        /// Bytes of forward error correction: `None`, none is negotiated here.
        fec_bytes_received: Option<u64> = "fecBytesReceived",
        /// Packets of forward error correction: `None`, none is negotiated here.
        fec_packets_received: Option<u64> = "fecPacketsReceived",
        /// Of these, those that were of no use: `None`, none is negotiated here.
        fec_packets_discarded: Option<u64> = "fecPacketsDiscarded",
        /// Payload, that of packets sent again included.
        bytes_received: Option<u64> = "bytesReceived",
        /// Generic NACKs sent (RFC 4585 §6.2.1).
        nack_count: Option<u32> = "nackCount",
        /// Full intra requests sent (RFC 5104 §4.3.1).
        fir_count: Option<u32> = "firCount",
        /// Picture loss indications sent (RFC 4585 §6.3.1).
        pli_count: Option<u32> = "pliCount",
        /// From the first packet of each picture or sample until it was decoded, added up, seconds.
        total_processing_delay: Option<f64> = "totalProcessingDelay",
        /// When, by the remote's clock, was sampled what is played now.
        estimated_playout_timestamp: Option<f64> = "estimatedPlayoutTimestamp",
        /// From the first packet of each picture or sample until it left the jitter buffer, added up, seconds.
        jitter_buffer_delay: Option<f64> = "jitterBufferDelay",
        /// The delays aimed at, added up likewise, seconds.
        jitter_buffer_target_delay: Option<f64> = "jitterBufferTargetDelay",
        /// How many pictures, or ticks of sound, left the jitter buffer.
        jitter_buffer_emitted_count: Option<u64> = "jitterBufferEmittedCount",
        /// The delays that the path alone asked for, added up likewise, seconds.
        jitter_buffer_minimum_delay: Option<f64> = "jitterBufferMinimumDelay",
        /// Samples given out, made up ones included, of one channel.
        total_samples_received: Option<u64> = "totalSamplesReceived",
        /// Samples made up for lost packets.
        concealed_samples: Option<u64> = "concealedSamples",
        /// Of these, the silent ones.
        silent_concealed_samples: Option<u64> = "silentConcealedSamples",
        /// How often samples began to be made up.
        concealment_events: Option<u64> = "concealmentEvents",
        /// Samples put in to play more slowly: `None`, sound is not stretched here.
        inserted_samples_for_deceleration: Option<u64> = "insertedSamplesForDeceleration",
        /// Samples left out to play faster: `None`, sound is not stretched here.
        removed_samples_for_acceleration: Option<u64> = "removedSamplesForAcceleration",
        /// How loud it is, 0 to 1 (linear).
        audio_level: Option<f64> = "audioLevel",
        /// Its energy (webrtc-stats §8.5), seconds.
        total_audio_energy: Option<f64> = "totalAudioEnergy",
        /// How long its samples last, seconds.
        total_samples_duration: Option<f64> = "totalSamplesDuration",
        /// Whole pictures that came.
        frames_received: Option<u32> = "framesReceived",
        /// What decodes it.
        decoder_implementation: Option<String> = "decoderImplementation",
        /// How it is played: an [`AudioPlayoutStats`](crate::report::AudioPlayoutStats).
        playout_id: Option<String> = "playoutId",
        /// Whether the decoder spares power.
        power_efficient_decoder: Option<bool> = "powerEfficientDecoder",
        /// Pictures handed on that came in more than one packet.
        frames_assembled_from_multiple_packets: Option<u32> = "framesAssembledFromMultiplePackets",
        /// From the first packet of each of these to its last, added up, seconds.
        total_assembly_time: Option<f64> = "totalAssemblyTime",
        /// Packets that came as retransmissions; only with a source of their own.
        retransmitted_packets_received: Option<u64> = "retransmittedPacketsReceived",
        /// Payload of these.
        retransmitted_bytes_received: Option<u64> = "retransmittedBytesReceived",
        /// The source of its retransmissions.
        rtx_ssrc: Option<u32> = "rtxSsrc",
        /// The source of its forward error correction: `None`, none is negotiated here.
        fec_ssrc: Option<u32> = "fecSsrc",
        /// How corrupt pictures look, added up: `None`, it is not measured here.
        total_corruption_probability: Option<f64> = "totalCorruptionProbability",
        /// The squares of these: `None`, it is not measured here.
        total_squared_corruption_probability: Option<f64> = "totalSquaredCorruptionProbability",
        /// How often that was measured: `None`, it is not measured here.
        corruption_measurements: Option<u64> = "corruptionMeasurements",
    }
}

dictionary! {
    /// RTCRemoteInboundRtpStreamStats (webrtc-stats §8.6): what the remote reports of a stream that we send. Its
    /// timestamp is when the report came.
    RemoteInboundRtpStreamStats {
        /// Its source.
        ssrc: u32 = "ssrc",
        /// Sound or pictures.
        kind: MediaKind = "kind",
        /// The transport it goes over.
        transport_id: Option<String> = "transportId",
        /// What it is coded with.
        codec_id: Option<String> = "codecId",
        /// Packets that arrived, as the highest number and the losses reported tell.
        packets_received: Option<u64> = "packetsReceived",
        /// Of these, those marked ECT(1): `None`, RFC 8888 is not spoken here.
        packets_received_with_ect1: Option<u64> = "packetsReceivedWithEct1",
        /// Of these, those marked CE: `None`, RFC 8888 is not spoken here.
        packets_received_with_ce: Option<u64> = "packetsReceivedWithCe",
        /// Packets reported as lost by RFC 8888: `None`, it is not spoken here.
        packets_reported_as_lost: Option<u64> = "packetsReportedAsLost",
        /// Of these, those that came after all: `None`, RFC 8888 is not spoken here.
        packets_reported_as_lost_but_recovered: Option<u64> = "packetsReportedAsLostButRecovered",
        /// Packets lost (RFC 3550 §6.4.1); negative where there are more duplicates than losses.
        packets_lost: Option<i64> = "packetsLost",
        /// The interarrival jitter, seconds.
        jitter: Option<f64> = "jitter",
        /// The stream: an [`OutboundRtpStreamStats`].
        local_id: Option<String> = "localId",
        /// The round trip by the last report that tells it, seconds.
        round_trip_time: Option<f64> = "roundTripTime",
        /// All round trips added up, seconds.
        total_round_trip_time: Option<f64> = "totalRoundTripTime",
        /// The share of packets lost between the last two reports, 0 to 1.
        fraction_lost: Option<f64> = "fractionLost",
        /// How many round trips were measured.
        round_trip_time_measurements: Option<u64> = "roundTripTimeMeasurements",
        /// Packets that lost their ECT(1) marking: `None`, RFC 8888 is not spoken here.
        packets_with_bleached_ect1_marking: Option<u64> = "packetsWithBleachedEct1Marking",
    }
}

dictionary! {
    /// RTCOutboundRtpStreamStats (webrtc-stats §8.8): a stream that we send.
    ///
    /// What an encoder knows is there once one has reported it, as the pumps of `peerless-media` do.
    OutboundRtpStreamStats {
        /// Its source.
        ssrc: u32 = "ssrc",
        /// Sound or pictures.
        kind: MediaKind = "kind",
        /// The transport it goes over.
        transport_id: Option<String> = "transportId",
        /// What it is coded with.
        codec_id: Option<String> = "codecId",
        /// Packets sent, those sent again included.
        packets_sent: Option<u64> = "packetsSent",
        /// Payload sent, that of packets sent again included.
        bytes_sent: Option<u64> = "bytesSent",
        /// Its media section.
        mid: Option<String> = "mid",
        /// The track that it is made of.
        media_source_id: Option<String> = "mediaSourceId",
        /// What the remote reports of it: a [`RemoteInboundRtpStreamStats`].
        remote_id: Option<String> = "remoteId",
        /// Which encoding of several it is.
        rid: Option<String> = "rid",
        /// Its place among the encodings of its sender.
        encoding_index: Option<u32> = "encodingIndex",
        /// RTP headers and extensions.
        header_bytes_sent: Option<u64> = "headerBytesSent",
        /// Packets sent again.
        retransmitted_packets_sent: Option<u64> = "retransmittedPacketsSent",
        /// Payload of these.
        retransmitted_bytes_sent: Option<u64> = "retransmittedBytesSent",
        /// The source of its retransmissions.
        rtx_ssrc: Option<u32> = "rtxSsrc",
        /// What the encoder aims at, bit/s.
        target_bitrate: Option<f64> = "targetBitrate",
        /// The width of the last picture encoded, pixels.
        frame_width: Option<u32> = "frameWidth",
        /// The height of the last picture encoded, pixels.
        frame_height: Option<u32> = "frameHeight",
        /// Pictures encoded in the last second.
        frames_per_second: Option<f64> = "framesPerSecond",
        /// Pictures of which the last packet was sent.
        frames_sent: Option<u32> = "framesSent",
        /// Of these, those of at least 2.5 times the size that the target gives them on average.
        huge_frames_sent: Option<u32> = "hugeFramesSent",
        /// Pictures encoded.
        frames_encoded: Option<u32> = "framesEncoded",
        /// Key frames among them.
        key_frames_encoded: Option<u32> = "keyFramesEncoded",
        /// The quantizers of the pictures encoded, added up: of VP8 `y_ac_qi`; of other codecs `None`.
        qp_sum: Option<u64> = "qpSum",
        /// How like the originals they are, added up by plane: `None`, it is not measured here.
        psnr_sum: Option<Record> = "psnrSum",
        /// How often that was measured: `None`, it is not measured here.
        psnr_measurements: Option<u64> = "psnrMeasurements",
        /// The time spent in the encoder, seconds.
        total_encode_time: Option<f64> = "totalEncodeTime",
        /// For how long packets waited to be sent, added up, seconds.
        total_packet_send_delay: Option<f64> = "totalPacketSendDelay",
        /// Why pictures are worse than they could be.
        quality_limitation_reason: Option<QualityLimitationReason> = "qualityLimitationReason",
        /// For how long, by reason, seconds.
        quality_limitation_durations: Option<Record> = "qualityLimitationDurations",
        /// How often their size changed for such a reason.
        quality_limitation_resolution_changes: Option<u32> = "qualityLimitationResolutionChanges",
        /// Generic NACKs received (RFC 4585 §6.2.1).
        nack_count: Option<u32> = "nackCount",
        /// Full intra requests received (RFC 5104 §4.3.1).
        fir_count: Option<u32> = "firCount",
        /// Picture loss indications received (RFC 4585 §6.3.1).
        pli_count: Option<u32> = "pliCount",
        /// What encodes it.
        encoder_implementation: Option<String> = "encoderImplementation",
        /// Whether the encoder spares power.
        power_efficient_encoder: Option<bool> = "powerEfficientEncoder",
        /// Whether it is to be sent, as its sender's parameters say.
        active: Option<bool> = "active",
        /// Its scalability mode: `None`, none can be configured here.
        scalability_mode: Option<String> = "scalabilityMode",
        /// Packets sent with ECT(1): `None`, RFC 8888 is not spoken here.
        packets_sent_with_ect1: Option<u64> = "packetsSentWithEct1",
    }
}

dictionary! {
    /// RTCRemoteOutboundRtpStreamStats (webrtc-stats §8.10): what the remote reports of a stream that it sends. Its
    /// timestamp is when the report came.
    RemoteOutboundRtpStreamStats {
        /// Its source.
        ssrc: u32 = "ssrc",
        /// Sound or pictures.
        kind: MediaKind = "kind",
        /// The transport it comes over.
        transport_id: Option<String> = "transportId",
        /// What it is coded with.
        codec_id: Option<String> = "codecId",
        /// Packets it has sent.
        packets_sent: Option<u64> = "packetsSent",
        /// Payload it has sent.
        bytes_sent: Option<u64> = "bytesSent",
        /// The stream: an [`InboundRtpStreamStats`].
        local_id: Option<String> = "localId",
        /// The remote's clock when it reported.
        remote_timestamp: Option<f64> = "remoteTimestamp",
        /// Sender reports that came.
        reports_sent: Option<u64> = "reportsSent",
        /// The round trip by its last answer to a reference time of ours (RFC 3611 §4.5), seconds.
        round_trip_time: Option<f64> = "roundTripTime",
        /// All of these added up, seconds.
        total_round_trip_time: Option<f64> = "totalRoundTripTime",
        /// How many there were.
        round_trip_time_measurements: Option<u64> = "roundTripTimeMeasurements",
    }
}
