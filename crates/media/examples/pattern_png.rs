//! Writes a picture of the test pattern: `pattern_png [WIDTHxHEIGHT] [FILE.png]`.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::time::Duration;

use peerless_media::picture::Picture;
use peerless_media::source::pattern::TestPattern;
use peerless_media::source::traits::{Moment, VideoSource};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let size = arguments.next().unwrap_or_else(|| "640x480".into());
    let path = arguments.next().unwrap_or_else(|| "pattern.png".into());
    let (width, height) = size.split_once('x').ok_or("the size is WIDTHxHEIGHT")?;
    let mut pattern = TestPattern::new(width.parse()?, height.parse()?, 30)?;
    let mut pixels = Vec::new();
    for number in 0..38 {
        let elapsed = Duration::from_millis(number * 1000 / 30);
        let wall = Duration::from_secs(36_754) + elapsed;
        pixels = to_rgb(pattern.draw(Moment { number, elapsed, wall }));
    }
    let mut encoder =
        png::Encoder::new(BufWriter::new(File::create(&path)?), width.parse()?, height.parse()?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&pixels)?;
    println!("{path}");
    Ok(())
}

fn to_rgb(picture: &Picture) -> Vec<u8> {
    let columns = picture.width() as usize;
    let rows = picture.height() as usize;
    (0..rows * columns).flat_map(|at| picture.colour(at % columns, at / columns).to_rgb()).collect()
}
