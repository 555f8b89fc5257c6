//! The dictionaries of what lies before the encoders and behind the decoders (webrtc-stats §8.11 to §8.14).
//!
//! Times are in seconds. All but the identifiers is reported by who draws, records and plays: see
//! [`figures`](crate::figures).

use crate::report::value::dictionary;
use crate::state::MediaKind;

dictionary! {
    /// RTCAudioSourceStats (webrtc-stats §8.12): a track of sound that a sender has.
    AudioSourceStats {
        /// The track's id.
        track_identifier: String = "trackIdentifier",
        /// Sound.
        kind: MediaKind = "kind",
        /// How loud it is, 0 to 1 (linear).
        audio_level: Option<f64> = "audioLevel",
        /// Its energy, seconds.
        total_audio_energy: Option<f64> = "totalAudioEnergy",
        /// How long its samples last, seconds.
        total_samples_duration: Option<f64> = "totalSamplesDuration",
        /// `None`: there is no microphone with an echo to cancel here.
        echo_return_loss: Option<f64> = "echoReturnLoss",
        /// `None`: there is no microphone with an echo to cancel here.
        echo_return_loss_enhancement: Option<f64> = "echoReturnLossEnhancement",
    }
}

dictionary! {
    /// RTCVideoSourceStats (webrtc-stats §8.13): a track of pictures that a sender has.
    VideoSourceStats {
        /// The track's id.
        track_identifier: String = "trackIdentifier",
        /// Pictures.
        kind: MediaKind = "kind",
        /// The width of its last picture, pixels.
        width: Option<u32> = "width",
        /// The height of its last picture, pixels.
        height: Option<u32> = "height",
        /// Pictures it gave.
        frames: Option<u32> = "frames",
        /// Pictures it gave in the last second; not in its first second.
        frames_per_second: Option<f64> = "framesPerSecond",
    }
}

dictionary! {
    /// RTCAudioPlayoutStats (webrtc-stats §8.14): how a track of sound is played.
    AudioPlayoutStats {
        /// Sound.
        kind: MediaKind = "kind",
        /// How long the samples last that the player made up because none came in time, seconds.
        synthesized_samples_duration: Option<f64> = "synthesizedSamplesDuration",
        /// How often it began to.
        synthesized_samples_events: Option<u32> = "synthesizedSamplesEvents",
        /// How long all samples last that were played, seconds.
        total_samples_duration: Option<f64> = "totalSamplesDuration",
        /// How long each sample was on its way from the decoder to being played, added up, seconds.
        total_playout_delay: Option<f64> = "totalPlayoutDelay",
        /// Samples played, of one channel.
        total_samples_count: Option<u64> = "totalSamplesCount",
    }
}
