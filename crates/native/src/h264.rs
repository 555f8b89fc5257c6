//! What `openh264` leaves to its raw interface: another bitrate for an encoder that runs, and silence before it does.

use std::ffi::c_int;

use openh264::encoder::Encoder;
use openh264_sys2::{
    ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_TRACE_LEVEL, SBitrateInfo,
    SPATIAL_LAYER_0, SPATIAL_LAYER_ALL, WELS_LOG_QUIET,
};

/// OpenH264 did not take the bitrate: it has coded no picture yet, or the rate is out of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("OpenH264 refused a bitrate of {bits_per_second} bit/s (code {code})")]
pub struct BitrateError {
    /// What was asked for.
    pub bits_per_second: u32,
    /// OpenH264's `CM_RETURN`.
    pub code: i32,
}

/// Changes the target of an encoder that has coded at least one picture. `ceiling` is what it may never exceed; above
/// the level's own limit OpenH264 would raise the level, so pass the level's.
///
/// # Errors
/// When the library refuses: no picture was coded yet, or `bits_per_second` is not below `ceiling`.
pub fn set_bitrate(encoder: &mut Encoder, bits_per_second: u32, ceiling: u32) -> Result<(), BitrateError> {
    let options = [
        (ENCODER_OPTION_MAX_BITRATE, SPATIAL_LAYER_0, ceiling),
        (ENCODER_OPTION_BITRATE, SPATIAL_LAYER_ALL, bits_per_second),
    ];
    for (option, layer, value) in options {
        let mut info = SBitrateInfo { iLayer: layer, iBitrate: c_int::try_from(value).unwrap_or(c_int::MAX) };
        // SAFETY: the option takes a pointer to an SBitrateInfo, which it reads during the call; neither rate is one of
        // the parameters that the wrapping encoder keeps a copy of and relies on.
        let code = unsafe { encoder.raw_api().set_option(option, (&raw mut info).cast()) };
        if code != 0 {
            return Err(BitrateError { bits_per_second: value, code });
        }
    }
    Ok(())
}

/// Keeps OpenH264 from writing warnings to the standard error stream. `openh264` does so too, but only after the first
/// picture, when the library has already said what it thinks of the parameters.
pub fn silence(encoder: &mut Encoder) {
    let mut level = WELS_LOG_QUIET as c_int;
    // SAFETY: the option takes a pointer to an int, which it reads during the call; it may be set at any time.
    unsafe { encoder.raw_api().set_option(ENCODER_OPTION_TRACE_LEVEL, (&raw mut level).cast()) };
}
