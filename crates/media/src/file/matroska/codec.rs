//! How codecs stand in Matroska (RFC 9559 §5.1.4.1; the codec mappings beside it).

use bytes::Bytes;
use peerless::Format;

use crate::file::annex_b;
use crate::file::error::Error;
use crate::file::nal::{self, Configuration};
use crate::file::ogg_opus;
use crate::file::size;
use crate::file::stored::{StoredFrame, TrackInfo};
use crate::file::wav;

/// What a track entry says of its codec.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Entry {
    /// CodecID.
    pub(crate) id: String,
    /// CodecPrivate.
    pub(crate) private: Vec<u8>,
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u8,
    pub(crate) bit_depth: u64,
}

/// How frames are changed between RTP's form and the file's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// Not at all.
    Same,
    /// H.264: byte stream and lengths.
    Lengths(Configuration),
    /// Linear samples in the other byte order.
    Swapped,
}

impl Entry {
    /// What to say of a track that begins with a frame.
    ///
    /// Errs where video does not begin with a key frame whose header tells the size.
    pub(crate) fn new(info: &TrackInfo, first: &StoredFrame) -> Result<Self, Error> {
        let video = |id: &str, private, size| Self { id: id.to_owned(), private, size, ..Self::default() };
        let audio = |id: &str, private, sample_rate, channels| Self {
            id: id.to_owned(),
            private,
            sample_rate,
            channels,
            ..Self::default()
        };
        match info.format {
            Format::Vp8 => {
                let (width, height) = size::vp8_size(&first.payload).ok_or(Error::NoKeyFrame)?;
                Ok(video("V_VP8", Vec::new(), Some((width.into(), height.into()))))
            }
            Format::H264 { .. } => {
                let (record, sequence) = Configuration::write(&first.payload).ok_or(Error::NoKeyFrame)?;
                Ok(video("V_MPEG4/ISO/AVC", record, Some(sequence.size)))
            }
            Format::Opus => Ok(audio("A_OPUS", ogg_opus::head().to_vec(), 48_000, 2)),
            Format::L16 => {
                let entry = audio("A_PCM/INT/BIG", Vec::new(), info.clock_rate, info.channels);
                Ok(Self { bit_depth: 16, ..entry })
            }
            Format::Pcmu | Format::Pcma | Format::G722 => {
                let rate = if info.format == Format::G722 { 16_000 } else { 8_000 };
                Ok(audio("A_MS/ACM", wav::format_chunk(info)?, rate, 1))
            }
            format => Err(Error::Unsupported(format)),
        }
    }

    /// What the frames of a track are, where we can send them.
    pub(crate) fn to_track(&self) -> Option<(TrackInfo, Form)> {
        let linear = |swapped| {
            let fits = self.bit_depth == 16
                && (1_000..=192_000).contains(&self.sample_rate)
                && (1..=8).contains(&self.channels);
            let form = if swapped { Form::Swapped } else { Form::Same };
            fits.then(|| (TrackInfo::audio(Format::L16, self.sample_rate, self.channels), form))
        };
        match self.id.as_str() {
            "V_VP8" => Some((TrackInfo::video(Format::Vp8, self.size), Form::Same)),
            "V_MPEG4/ISO/AVC" => {
                let configuration = Configuration::parse(&self.private)?;
                let sequence = configuration.sequence;
                let format = annex_b::h264(sequence.profile_level_id);
                Some((TrackInfo::video(format, Some(sequence.size)), Form::Lengths(configuration)))
            }
            "A_OPUS" => ogg_opus::is_head(&self.private)
                .then(|| (TrackInfo::audio(Format::Opus, 48_000, 2), Form::Same)),
            "A_PCM/INT/BIG" => linear(false),
            "A_PCM/INT/LIT" => linear(true),
            "A_MS/ACM" => {
                let info = wav::parse_format(&self.private)?;
                let form = if info.format == Format::L16 { Form::Swapped } else { Form::Same };
                Some((info, form))
            }
            _ => None,
        }
    }
}

impl Form {
    /// Of frames as they are written: H.264 with lengths, all else as it is.
    pub(crate) fn to_file(format: Format, payload: &Bytes) -> Bytes {
        if matches!(format, Format::H264 { .. }) { nal::to_lengths(payload) } else { payload.clone() }
    }

    /// A frame as RTP has it; `None` where its lengths are overstated.
    pub(crate) fn to_frame(&self, payload: Bytes, key: bool) -> Option<Bytes> {
        match self {
            Self::Same => Some(payload),
            Self::Lengths(configuration) => configuration.to_stream(&payload, key),
            Self::Swapped => Some(wav::swapped(&payload)),
        }
    }
}
