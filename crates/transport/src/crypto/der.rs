//! As much of DER (X.690) as a self-signed certificate needs (RFC 5280 §4.1): writing one, and finding its parts.

use std::time::{Duration, SystemTime};

use peerless_wire::cursor::Reader;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// The explicit tag \[0\], which holds the version of a certificate.
pub(crate) const VERSION: u8 = 0xa0;

const SECONDS_PER_DAY: u64 = 86_400;

/// One value: its tag, its length, and `parts` one after another as its contents.
pub(crate) fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if length < 128 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let skip = bytes.iter().take_while(|byte| **byte == 0).count();
        out.push(0x80 | (bytes.len() - skip) as u8);
        out.extend(bytes.iter().skip(skip));
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// Takes the next value: its tag and contents. `None` where the bytes are no DER.
pub(crate) fn next<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let tag = reader.u8().ok()?;
    let first = reader.u8().ok()?;
    let length = match first {
        0..=0x7f => usize::from(first),
        0x81 => usize::from(reader.u8().ok()?),
        0x82 => usize::from(reader.u16().ok()?),
        _ => return None,
    };
    Some((tag, reader.take(length).ok()?))
}

/// Takes the next value, which must have this tag.
pub(crate) fn expect<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    next(reader).filter(|(found, _)| *found == tag).map(|(_, contents)| contents)
}

/// `moment` to the second, as RFC 5280 §4.1.2.5 wants it: UTCTime before 2050, GeneralizedTime from then on.
pub(crate) fn time(moment: SystemTime) -> Vec<u8> {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = civil_from_days((seconds / SECONDS_PER_DAY) as i64);
    let rest = seconds % SECONDS_PER_DAY;
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let tail = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if year < 2050 {
        value(UTC_TIME, &[format!("{:02}{tail}", year % 100).as_bytes()])
    } else {
        value(GENERALIZED_TIME, &[format!("{year:04}{tail}").as_bytes()])
    }
}

/// Reads what [`time`] writes.
pub(crate) fn parse_time(tag: u8, contents: &[u8]) -> Option<SystemTime> {
    let (year, rest) = match tag {
        UTC_TIME => {
            let (digits, rest) = contents.split_at_checked(2)?;
            let year = digits_of(digits)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (digits, rest) = contents.split_at_checked(4)?;
            (digits_of(digits)?, rest)
        }
        _ => return None,
    };
    let (digits, zone) = rest.split_at_checked(10)?;
    let mut fields = digits.chunks_exact(2).filter_map(digits_of);
    let (month, day, hour, minute, second) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_valid = zone == b"Z"
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    if !is_valid {
        return None;
    }
    let days = days_from_civil(year, month, day);
    let seconds = u64::try_from(days).ok()? * SECONDS_PER_DAY + (hour * 3600 + minute * 60 + second) as u64;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn digits_of(bytes: &[u8]) -> Option<i64> {
    bytes
        .iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

/// Days since 1970 to year, month, day, by counting years from March on, so that the leap day comes last.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_lengths_short_and_long() {
        assert_eq!(value(INTEGER, &[&[2]]), [2, 1, 2]);
        assert_eq!(value(SEQUENCE, &[&[0; 200]])[..3], [0x30, 0x81, 200]);
        assert_eq!(value(SEQUENCE, &[&[0; 100], &[0; 200]])[..4], [0x30, 0x82, 1, 44]);
    }

    #[test]
    fn writes_known_dates_and_reads_them_back() {
        for (seconds, text) in [
            (0, "700101000000Z"),
            (951_782_400, "000229000000Z"),
            (1_795_348_799, "261122115959Z"),
            (2_524_607_999, "491231235959Z"),
            (2_524_608_000, "20500101000000Z"),
        ] {
            let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let der = time(moment);
            let (tag, contents) = next(&mut Reader::new(&der)).unwrap();
            assert_eq!(contents, text.as_bytes());
            assert_eq!(parse_time(tag, contents), Some(moment));
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in ["", "700101000000", "70010100000Z", "701301000000Z", "7001010000xxZ", "700101250000Z"] {
            assert_eq!(parse_time(UTC_TIME, text.as_bytes()), None, "{text}");
        }
    }
}
