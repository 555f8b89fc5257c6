//! A level meter of one line of text.

/// The meter for a level in dB of full scale: 0 is the loudest there can be.
pub fn meter(decibels: f32) -> String {
    let share = ((decibels + RANGE) / RANGE).clamp(0.0, 1.0);
    let eighths = (share * (WIDTH * 8) as f32).round() as usize;
    let whole = eighths / 8;
    let mut text: String = std::iter::repeat_n('█', whole).collect();
    if whole < WIDTH {
        text.push(PARTS[eighths % 8]);
        text.extend(std::iter::repeat_n(' ', WIDTH - whole - 1));
    }
    let figure = if decibels <= -RANGE { "silent".to_owned() } else { format!("{decibels:.0} dB") };
    format!("[{text}] {figure}")
}

const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/// Characters of the meter.
const WIDTH: usize = 12;
/// What is shown, dB: below it is silence.
const RANGE: f32 = 60.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_is_as_long_as_it_is_loud_and_always_of_one_width() {
        assert_eq!(meter(0.0), "[████████████] 0 dB");
        assert_eq!(meter(-30.0), "[██████      ] -30 dB");
        assert_eq!(meter(-28.0), "[██████▍     ] -28 dB");
        assert_eq!(meter(-127.0), "[            ] silent");
        assert_eq!(meter(f32::NAN).chars().filter(|c| *c == '█').count(), 0);
        for tenth in -1270..=0 {
            let text = meter(tenth as f32 / 10.0);
            assert_eq!(text.find(']').map(|at| text[..at].chars().count()), Some(WIDTH + 1), "{text}");
        }
    }
}
