//! G.711 against tables 1 and 2 of the recommendation, built here from their printed columns.

use super::*;

/// The positive half of a table: decision values x(1)..=x(n) and, between them, output values y and codes. `unit`
/// turns the table's scale into that of 16-bit samples.
struct Table {
    unit: i32,
    decisions: Vec<i32>,
    outputs: Vec<i32>,
}

/// Table 1/G.711: number of intervals × size, from the bottom: 32 × 2, 16 × 4 … 16 × 128; x(129) = 4096 is virtual.
fn table_a() -> Table {
    table(8, &[(32, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128)])
}

/// Table 2/G.711: 1 × 1, 15 × 2, 16 × 4 … 16 × 256; x(129) = 8159 is virtual.
fn table_mu() -> Table {
    let sizes = [(1, 1), (15, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128), (16, 256)];
    let mut table = table(4, &sizes);
    // y(1) of the µ-law is 0, not the middle of its first interval.
    table.outputs[0] = 0;
    table
}

fn table(unit: i32, segments: &[(usize, i32)]) -> Table {
    let mut decisions = vec![0];
    let mut outputs = Vec::new();
    for &(count, size) in segments {
        for _ in 0..count {
            let from = decisions[decisions.len() - 1];
            outputs.push(from + size / 2);
            decisions.push(from + size);
        }
    }
    Table { unit, decisions, outputs }
}

#[test]
fn the_tables_are_those_printed() {
    let a = table_a();
    assert_eq!((a.outputs.len(), a.decisions[128]), (128, 4096));
    assert_eq!((a.outputs[0], a.outputs[63], a.outputs[127]), (1, 252, 4032));
    let mu = table_mu();
    assert_eq!((mu.outputs.len(), mu.decisions[128]), (128, 8159));
    assert_eq!((mu.outputs[1], mu.outputs[16], mu.outputs[127]), (2, 33, 8031));
}

#[test]
fn each_code_decodes_to_its_output_value() {
    let (a, mu) = (table_a(), table_mu());
    for index in 0..128u8 {
        let expected = a.outputs[usize::from(index)] * a.unit;
        assert_eq!(i32::from(Law::A.decode((0x80 | index) ^ 0x55)), expected);
        assert_eq!(i32::from(Law::A.decode(index ^ 0x55)), -expected);
        let expected = mu.outputs[usize::from(index)] * mu.unit;
        assert_eq!(i32::from(Law::Mu.decode(!index)), expected);
        assert_eq!(i32::from(Law::Mu.decode(!(0x80 | index))), -expected);
    }
}

#[test]
fn every_sample_gets_the_code_of_its_interval() {
    for (law, table) in [(Law::A, table_a()), (Law::Mu, table_mu())] {
        for sample in i16::MIN..=i16::MAX {
            let code = law.encode(sample);
            let bare = if law == Law::A { code ^ 0x55 } else { !code };
            let index = usize::from(bare & 0x7f);
            let is_negative = (bare & 0x80 == 0) == (law == Law::A);
            assert_eq!(is_negative, sample < 0, "{law:?} {sample}");
            let size = i32::from(sample).abs();
            let (from, to) = (table.decisions[index] * table.unit, table.decisions[index + 1] * table.unit);
            let is_inside = size >= from && (size < to || index == 127 || (sample < 0 && size == to));
            assert!(is_inside, "{law:?} {sample}: {index} is {from} to {to}");
        }
    }
}

#[test]
fn every_code_comes_back_from_its_sample_but_the_second_zero() {
    for law in [Law::A, Law::Mu] {
        for code in 0..=255 {
            let again = law.encode(law.decode(code));
            let is_second_zero = law == Law::Mu && code == 0x7f;
            assert_eq!(again, if is_second_zero { 0xff } else { code }, "{law:?}");
        }
    }
}

/// Tables 5 and 6/G.711: one period of the 1 kHz sine at 0 dBm0, which lies 3.14 dB (A-law) and 3.17 dB (µ-law) below
/// the largest sine; in hundredths here.
#[test]
fn the_reference_period_is_a_sine_of_one_milliwatt() {
    let sequences = [
        (Law::A, 4096.0 * 8.0, 314.0, [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4]),
        (Law::Mu, 8159.0 * 4.0, 317.0, [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e]),
    ];
    for (law, largest, below, codes) in sequences {
        let samples = codes.map(|code| f64::from(law.decode(code)));
        for quarter in 0..4 {
            assert_eq!(samples[quarter], -samples[quarter + 4]);
        }
        let mean_square = samples.iter().map(|sample| sample * sample).sum::<f64>() / 8.0;
        let level = 1000.0 * (largest * largest / 2.0 / mean_square).log10();
        assert!((level - below).abs() < 1.0, "{law:?} {level}");
    }
}

#[test]
fn a_frame_is_160_bytes_and_another_shape_is_refused() {
    let mut encoder = G711Encoder::new(Law::Mu);
    let frame = encoder.encode(&Sound::new(8_000, 1, 160).unwrap()).unwrap();
    assert_eq!(&frame[..], [0xff; 160]);
    assert!(matches!(encoder.encode(&Sound::new(48_000, 1, 160).unwrap()), Err(Error::Shape { .. })));
}
