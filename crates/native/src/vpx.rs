//! VP8 and VP9 by the system's libvpx, set up for a call: constant bitrate, no look-ahead, no frame held back.

use std::ffi::{CStr, c_int, c_ulong};
use std::mem::MaybeUninit;
use std::ptr;

use bytes::Bytes;
use vpx_sys::{
    VPX_CODEC_OK, VPX_DL_REALTIME, VPX_EFLAG_FORCE_KF, VPX_ENCODER_ABI_VERSION, VPX_ERROR_RESILIENT_DEFAULT,
    VPX_FRAME_IS_KEY, vp8e_enc_control_id, vpx_codec_control_, vpx_codec_ctx_t, vpx_codec_cx_pkt_kind,
    vpx_codec_destroy, vpx_codec_enc_cfg_t, vpx_codec_enc_config_default, vpx_codec_enc_config_set,
    vpx_codec_enc_init_ver, vpx_codec_encode, vpx_codec_err_t, vpx_codec_error, vpx_codec_get_cx_data,
    vpx_codec_iface_t, vpx_codec_vp8_cx, vpx_codec_vp9_cx, vpx_enc_frame_flags_t, vpx_enc_pass, vpx_image_t,
    vpx_img_fmt, vpx_img_wrap, vpx_kf_mode, vpx_rc_mode,
};

use crate::planes::Planes;

/// Which of the two libvpx writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RFC 6386.
    Vp8,
    /// VP9, profile 0.
    Vp9,
}

/// What an encoder is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// VP8 or VP9.
    pub kind: Kind,
    /// Luma samples in a row, at most [`Planes::LIMIT`].
    pub width: u32,
    /// Luma rows, at most [`Planes::LIMIT`].
    pub height: u32,
    /// Pictures per second, for the rate control's first guess; at least 1.
    pub frames_per_second: u32,
    /// The target.
    pub bits_per_second: u64,
    /// Threads beside the caller's; 1 is right up to 640×480.
    pub threads: u32,
}

/// Why libvpx did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Its own words.
    #[error("libvpx: {0}")]
    Library(String),
    /// A picture of another size than the encoder was made for.
    #[error("a picture of {width}x{height} for an encoder of {expected_width}x{expected_height}")]
    Size {
        /// What came.
        width: u32,
        /// What came.
        height: u32,
        /// What it was made for.
        expected_width: u32,
        /// What it was made for.
        expected_height: u32,
    },
}

/// One coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    /// The frame, one superframe in VP9.
    pub payload: Bytes,
    /// Whether it can be decoded on its own.
    pub key: bool,
}

/// A running encoder of libvpx.
pub struct Encoder {
    context: Box<vpx_codec_ctx_t>,
    config: vpx_codec_enc_cfg_t,
    settings: Settings,
    last: i64,
}

// SAFETY: a libvpx context is bound to no thread; it must only not be used by two at once, which `&mut self` ensures.
unsafe impl Send for Encoder {}

impl Encoder {
    /// Starts an encoder.
    ///
    /// # Errors
    /// When libvpx refuses the size, or is of another version than its headers.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let interface = interface(settings.kind);
        let config = configuration(interface, &settings)?;
        let mut context = Box::new(MaybeUninit::<vpx_codec_ctx_t>::zeroed());
        // SAFETY: the context is zeroed memory as libvpx wants it and is boxed, so it does not move afterwards; the
        // configuration was filled by libvpx itself and outlives the call; libvpx copies it.
        let code = unsafe {
            vpx_codec_enc_init_ver(
                context.as_mut_ptr(),
                interface,
                &raw const config,
                0,
                VPX_ENCODER_ABI_VERSION as c_int,
            )
        };
        if code != VPX_CODEC_OK {
            return Err(Error::Library(format!("{code:?}")));
        }
        // SAFETY: initialised by the call above, and all-zero bytes were valid for each of its fields before.
        let context = unsafe { Box::from_raw(Box::into_raw(context).cast::<vpx_codec_ctx_t>()) };
        let mut encoder = Self { context, config, settings, last: -1 };
        encoder.tune()?;
        Ok(encoder)
    }

    /// Speed above size, no surprise key frames, as suits a call.
    fn tune(&mut self) -> Result<(), Error> {
        use vp8e_enc_control_id as id;
        let speed = match self.settings.kind {
            Kind::Vp8 => -6,
            Kind::Vp9 => 7,
        };
        self.control(id::VP8E_SET_CPUUSED as c_int, speed)?;
        self.control(id::VP8E_SET_STATIC_THRESHOLD as c_int, 1)?;
        // A key frame may take as much as 0.6 s of the rate at 30 per second would, not more.
        self.control(id::VP8E_SET_MAX_INTRA_BITRATE_PCT as c_int, 900)?;
        if self.settings.kind == Kind::Vp9 {
            self.control(id::VP9E_SET_AQ_MODE as c_int, 3)?;
            self.control(id::VP9E_SET_ROW_MT as c_int, 1)?;
        }
        Ok(())
    }

    fn control(&mut self, id: c_int, value: c_int) -> Result<(), Error> {
        // SAFETY: the context is initialised; every control used above takes one int.
        let code = unsafe { vpx_codec_control_(&raw mut *self.context, id, value) };
        self.check(code)
    }

    /// Codes one picture. `timestamp` counts 1/90 000 s; where it does not grow it is taken as one tick later. `None`
    /// when the rate control dropped the picture.
    ///
    /// # Errors
    /// When the picture is of another size, or libvpx fails.
    pub fn encode(&mut self, planes: &Planes<'_>, timestamp: i64, key: bool) -> Result<Option<Coded>, Error> {
        let (width, height) = (planes.width(), planes.height());
        if (width, height) != (self.settings.width, self.settings.height) {
            let (expected_width, expected_height) = (self.settings.width, self.settings.height);
            return Err(Error::Size { width, height, expected_width, expected_height });
        }
        let timestamp = timestamp.max(self.last + 1);
        self.last = timestamp;
        let duration = 90_000 / c_ulong::from(self.settings.frames_per_second.max(1));
        let flags = if key { vpx_enc_frame_flags_t::from(VPX_EFLAG_FORCE_KF) } else { 0 };
        let image = image(planes);
        // SAFETY: the image points at the planes, which `planes` vouches for and which live through the call; libvpx
        // copies the picture before it returns.
        let code = unsafe {
            vpx_codec_encode(
                &raw mut *self.context,
                &raw const image,
                timestamp,
                duration,
                flags,
                c_ulong::from(VPX_DL_REALTIME),
            )
        };
        self.check(code)?;
        Ok(self.take_packet())
    }

    fn take_packet(&mut self) -> Option<Coded> {
        let mut iterator = ptr::null();
        let mut coded = None;
        loop {
            // SAFETY: the context is initialised; the iterator starts as null and is libvpx's alone.
            let packet = unsafe { vpx_codec_get_cx_data(&raw mut *self.context, &raw mut iterator) };
            if packet.is_null() {
                return coded;
            }
            // SAFETY: not null, so it points at a packet that stays valid until the next call of libvpx.
            let packet = unsafe { &*packet };
            if packet.kind != vpx_codec_cx_pkt_kind::VPX_CODEC_CX_FRAME_PKT {
                continue;
            }
            // SAFETY: the kind says that `frame` is the live field, and its buffer is `sz` bytes long.
            let (data, flags) = unsafe {
                let frame = &packet.data.frame;
                (std::slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz as usize), frame.flags)
            };
            let key = flags & VPX_FRAME_IS_KEY != 0;
            coded = Some(Coded { payload: Bytes::copy_from_slice(data), key });
        }
    }

    /// Another target from the next picture on.
    ///
    /// # Errors
    /// When libvpx refuses it.
    pub fn set_bitrate(&mut self, bits_per_second: u64) -> Result<(), Error> {
        self.config.rc_target_bitrate = kilobits(bits_per_second);
        // SAFETY: the context is initialised; the configuration is the one it was made with but for the rate.
        let code = unsafe { vpx_codec_enc_config_set(&raw mut *self.context, &raw const self.config) };
        self.check(code)
    }

    fn check(&mut self, code: vpx_codec_err_t) -> Result<(), Error> {
        if code == VPX_CODEC_OK {
            return Ok(());
        }
        // SAFETY: libvpx returns a string that lives as long as the context, or null.
        let words = unsafe {
            let words = vpx_codec_error(&raw mut *self.context);
            (!words.is_null()).then(|| CStr::from_ptr(words).to_string_lossy().into_owned())
        };
        Err(Error::Library(words.unwrap_or_else(|| format!("{code:?}"))))
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
        unsafe { vpx_codec_destroy(&raw mut *self.context) };
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Encoder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn interface(kind: Kind) -> *mut vpx_codec_iface_t {
    // SAFETY: both only return the address of a static.
    unsafe {
        match kind {
            Kind::Vp8 => vpx_codec_vp8_cx(),
            Kind::Vp9 => vpx_codec_vp9_cx(),
        }
    }
}

fn configuration(
    interface: *mut vpx_codec_iface_t,
    settings: &Settings,
) -> Result<vpx_codec_enc_cfg_t, Error> {
    let mut config = MaybeUninit::<vpx_codec_enc_cfg_t>::zeroed();
    // SAFETY: fills the structure it is given.
    let code = unsafe { vpx_codec_enc_config_default(interface, config.as_mut_ptr(), 0) };
    if code != VPX_CODEC_OK {
        return Err(Error::Library(format!("{code:?}")));
    }
    // SAFETY: filled by the call above.
    let mut config = unsafe { config.assume_init() };
    config.g_w = settings.width;
    config.g_h = settings.height;
    config.g_threads = settings.threads.clamp(1, 16);
    config.g_timebase.num = 1;
    config.g_timebase.den = 90_000;
    config.g_pass = vpx_enc_pass::VPX_RC_ONE_PASS;
    config.g_lag_in_frames = 0;
    config.g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
    config.rc_end_usage = vpx_rc_mode::VPX_CBR;
    config.rc_target_bitrate = kilobits(settings.bits_per_second);
    config.rc_dropframe_thresh = 0;
    config.rc_resize_allowed = 0;
    config.rc_min_quantizer = 2;
    config.rc_max_quantizer = 56;
    config.rc_undershoot_pct = 100;
    config.rc_overshoot_pct = 15;
    config.rc_buf_sz = 1000;
    config.rc_buf_initial_sz = 500;
    config.rc_buf_optimal_sz = 600;
    // Key frames come when asked for, and after a long while on their own, should a request have been lost.
    config.kf_mode = vpx_kf_mode::VPX_KF_AUTO;
    config.kf_min_dist = 0;
    config.kf_max_dist = settings.frames_per_second.max(1).saturating_mul(100);
    Ok(config)
}

/// libvpx counts kilobits; at least one.
fn kilobits(bits_per_second: u64) -> u32 {
    u32::try_from(bits_per_second / 1000).unwrap_or(u32::MAX / 1000).clamp(1, 1_000_000)
}

fn image(planes: &Planes<'_>) -> vpx_image_t {
    let [y, u, v] = planes.data();
    let (y_stride, uv_stride) = planes.strides();
    let mut image = MaybeUninit::<vpx_image_t>::zeroed();
    // SAFETY: with memory given, vpx_img_wrap only fills in the structure; the pointer is not read here.
    let mut image = unsafe {
        vpx_img_wrap(
            image.as_mut_ptr(),
            vpx_img_fmt::VPX_IMG_FMT_I420,
            planes.width(),
            planes.height(),
            1,
            y.as_ptr().cast_mut(),
        );
        image.assume_init()
    };
    // The real planes, which need not lie behind one another. libvpx only reads them.
    image.planes = [y.as_ptr().cast_mut(), u.as_ptr().cast_mut(), v.as_ptr().cast_mut(), ptr::null_mut()];
    image.stride = [y_stride as c_int, uv_stride as c_int, uv_stride as c_int, 0];
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings {
        kind: Kind::Vp8,
        width: 161,
        height: 99,
        frames_per_second: 30,
        bits_per_second: 300_000,
        threads: 1,
    };

    /// Blocks of 4×4 whose brightness nobody can guess, others in each picture.
    fn scene(number: usize) -> (Vec<u8>, Vec<u8>) {
        let block =
            |at: usize| (at % 192 / 4 + at / 192 / 4 * 48 + number * 1201).wrapping_mul(2_654_435_761);
        let y = (0..99 * 192).map(|at| (block(at) >> 13 & 127) as u8 + 64).collect();
        (y, vec![128; 96 * 50])
    }

    fn run(encoder: &mut Encoder, numbers: std::ops::Range<usize>) -> usize {
        let mut bytes = 0;
        for number in numbers {
            let (y, uv) = scene(number);
            let planes = Planes::new((161, 99), (&y, 192), (&uv, &uv, 96)).unwrap();
            bytes += encoder.encode(&planes, number as i64 * 3000, false).unwrap().unwrap().payload.len();
        }
        bytes
    }

    #[test]
    fn key_frames_come_first_and_on_request_only() {
        for kind in [Kind::Vp8, Kind::Vp9] {
            let mut encoder = Encoder::new(Settings { kind, ..SETTINGS }).unwrap();
            let mut keys = Vec::new();
            for number in 0..20 {
                let (y, uv) = scene(number);
                let planes = Planes::new((161, 99), (&y, 192), (&uv, &uv, 96)).unwrap();
                let coded = encoder.encode(&planes, number as i64 * 3000, number == 12).unwrap().unwrap();
                if coded.key {
                    keys.push(number);
                }
            }
            assert_eq!(keys, [0, 12], "{kind:?}");
        }
    }

    #[test]
    fn the_bitrate_follows_a_change() {
        let mut encoder = Encoder::new(SETTINGS).unwrap();
        run(&mut encoder, 0..30);
        let before = run(&mut encoder, 30..90);
        encoder.set_bitrate(100_000).unwrap();
        run(&mut encoder, 90..120);
        let after = run(&mut encoder, 120..180);
        assert!(after * 2 < before, "{before} bytes in two seconds, then {after}");
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let mut encoder = Encoder::new(SETTINGS).unwrap();
        let (y, uv) = scene(0);
        let planes = Planes::new((160, 99), (&y, 192), (&uv, &uv, 96)).unwrap();
        assert!(matches!(encoder.encode(&planes, 0, false), Err(Error::Size { width: 160, .. })));
    }
}
