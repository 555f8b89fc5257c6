//! Writes a picture of the test pattern: `pattern_png [WIDTHxHEIGHT] [FILE.png]`.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::time::Duration;

use peerless_media::source::pattern::TestPattern;
use peerless_media::source::traits::{Moment, VideoSource};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let size = arguments.next().unwrap_or_else(|| "640x480".into());
    let path = arguments.next().unwrap_or_else(|| "pattern.png".into());
    let (width, height) = size.split_once('x').ok_or("the size is WIDTHxHEIGHT")?;
    let mut pattern = TestPattern::new(width.parse()?, height.parse()?, 30)?;
    for number in 0..37 {
        pattern.draw(moment(number));
    }
    pattern.draw(moment(37)).write_png(BufWriter::new(File::create(&path)?))?;
    println!("{path}");
    Ok(())
}

fn moment(number: u64) -> Moment {
    let elapsed = Duration::from_millis(number * 1000 / 30);
    Moment { number, elapsed, wall: Duration::from_secs(36_754) + elapsed }
}
