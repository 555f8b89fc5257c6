//! How close sounds came back.

/// What a sound is made of beside a sine of `hertz`: the sine's amplitude, and how far it lies above the rest, in
/// decibels (Goertzel's filter over whole periods).
pub fn sine(samples: &[f64], hertz: f64, rate: u32) -> (f64, f64) {
    let period = f64::from(rate) / hertz;
    let periods = (samples.len() as f64 / period).floor();
    let part = &samples[..(periods * period).round() as usize];
    let turn = std::f64::consts::TAU * hertz / f64::from(rate);
    let (mut before, mut last) = (0.0, 0.0);
    for sample in part {
        (before, last) = (last, sample + 2.0 * turn.cos() * last - before);
    }
    let power = last * last + before * before - 2.0 * turn.cos() * last * before;
    let amplitude = 2.0 * power.sqrt() / part.len() as f64;
    let all = part.iter().map(|sample| sample * sample).sum::<f64>() / part.len() as f64;
    let kept = amplitude * amplitude / 2.0;
    (amplitude, 10.0 * (kept / (all - kept).max(1e-9)).log10())
}

/// One channel of interleaved samples.
pub fn channel(samples: &[i16], channels: u8, index: usize) -> Vec<f64> {
    samples.iter().skip(index).step_by(usize::from(channels)).map(|&sample| f64::from(sample)).collect()
}
