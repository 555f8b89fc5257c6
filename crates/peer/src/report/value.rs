//! The members of stats objects by name, and how they are written as JSON (ECMA-404; Web IDL §3.2.17 for dictionaries).

use std::fmt::Write;

use peerless_transport::state::{DtlsState, IceState};

use crate::figures::QualityLimitationReason;
use crate::report::words::{CandidatePairState, CandidateType, DtlsRole};
use crate::state::{DataChannelState, IceRole, MediaKind};

/// What a member of a dictionary holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The member is not there: it does not apply, or is not known yet.
    Absent,
    /// `null`: the member is there and tells nothing.
    Null,
    /// `unsigned long`, `unsigned long long`.
    Unsigned(u64),
    /// `long long`.
    Signed(i64),
    /// `double`, `DOMHighResTimeStamp`.
    Number(f64),
    /// `boolean`.
    Boolean(bool),
    /// `DOMString` and enumerations.
    Text(String),
    /// `record<DOMString, double>`.
    Record(Vec<(&'static str, f64)>),
}

/// The members of one dictionary, in the order of the IDL.
pub type Members = Vec<(&'static str, Value)>;

impl Value {
    /// Whether the member is there.
    pub fn is_present(&self) -> bool {
        *self != Self::Absent
    }

    /// It as a number, where it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Unsigned(number) => Some(*number as f64),
            Self::Signed(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// It as a text, where it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// What a field of a dictionary can be.
pub(crate) trait Field {
    /// As it goes into a report.
    fn value(&self) -> Value;
}

macro_rules! fields {
    ($($of:ty => |$field:ident| $value:expr;)+) => {
        $(impl Field for $of {
            fn value(&self) -> Value {
                let $field = self;
                $value
            }
        })+
    };
}

fields! {
    u16 => |field| Value::Unsigned((*field).into());
    u32 => |field| Value::Unsigned((*field).into());
    u64 => |field| Value::Unsigned(*field);
    i64 => |field| Value::Signed(*field);
    f64 => |field| Value::Number(*field);
    bool => |field| Value::Boolean(*field);
    String => |field| Value::Text(field.clone());
    MediaKind => |field| Value::Text(field.as_str().to_owned());
    DataChannelState => |field| Value::Text(field.as_str().to_owned());
    DtlsState => |field| Value::Text(field.as_str().to_owned());
    IceState => |field| Value::Text(field.as_str().to_owned());
    IceRole => |field| Value::Text(field.as_str().to_owned());
    DtlsRole => |field| Value::Text(field.as_str().to_owned());
    CandidatePairState => |field| Value::Text(field.as_str().to_owned());
    QualityLimitationReason => |field| Value::Text(field.as_str().to_owned());
    CandidateType => |field| Value::Text(field.as_str().to_owned());
    Record => |field| Value::Record(field.0.clone());
    Nullable => |field| field.0.as_ref().map_or(Value::Null, |text| Value::Text(text.clone()));
}

impl<T: Field> Field for Option<T> {
    fn value(&self) -> Value {
        self.as_ref().map_or(Value::Absent, T::value)
    }
}

/// `record<DOMString, double>`: entries by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record(pub Vec<(&'static str, f64)>);

impl Record {
    /// The entry of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
    }
}

/// `DOMString?`: a member that is always there and may be `null`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nullable(pub Option<String>);

/// Defines a dictionary: the struct, and its members in the order of the IDL, so that no field lacks its name.
macro_rules! dictionary {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$field_doc:meta])* $field:ident: $of:ty = $member:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $of,)+
        }

        impl $name {
            /// The names of its members, those of its ancestors in the IDL first.
            pub const MEMBERS: &'static [&'static str] = &[$($member),+];

            pub(crate) fn members(&self) -> crate::report::value::Members {
                vec![$(($member, crate::report::value::Field::value(&self.$field))),+]
            }
        }
    };
}
pub(crate) use dictionary;

/// Appends an object of the members that are present.
pub(crate) fn write_object(members: &Members, out: &mut String) {
    out.push('{');
    let present = members.iter().filter(|(_, value)| value.is_present());
    for (index, (name, value)) in present.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write_value(value, out);
    }
    out.push('}');
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Absent | Value::Null => out.push_str("null"),
        // Writing into a String cannot fail.
        Value::Unsigned(number) => drop(write!(out, "{number}")),
        Value::Signed(number) => drop(write!(out, "{number}")),
        Value::Number(number) => write_number(*number, out),
        Value::Boolean(value) => drop(write!(out, "{value}")),
        Value::Text(text) => write_text(text, out),
        Value::Record(entries) => {
            out.push('{');
            for (index, (name, number)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write_number(*number, out);
            }
            out.push('}');
        }
    }
}

/// JSON has no word for what is no number.
fn write_number(number: f64, out: &mut String) {
    match number.is_finite() {
        true => drop(write!(out, "{number}")),
        false => out.push_str("null"),
    }
}

/// Appends a string with what JSON demands escaped (ECMA-404 §9).
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if u32::from(control) < 0x20 => drop(write!(out, "\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_what_is_present_and_nothing_else() {
        let members: Members = vec![
            ("packetsSent", u64::MAX.value()),
            ("packetsLost", (-3i64).value()),
            ("jitter", 0.0125.value()),
            ("timestamp", 1_764_229_200_000.25.value()),
            ("rid", None::<String>.value()),
            ("address", Nullable(None).value()),
            ("active", Some(true).value()),
            ("qualityLimitationDurations", Value::Record(vec![("none", 2.0), ("cpu", f64::NAN)])),
        ];
        let mut out = String::new();
        write_object(&members, &mut out);
        let expected = concat!(
            r#"{"packetsSent":18446744073709551615,"packetsLost":-3,"jitter":0.0125,"#,
            r#""timestamp":1764229200000.25,"address":null,"active":true,"#,
            r#""qualityLimitationDurations":{"none":2,"cpu":null}}"#
        );
        assert_eq!(out, expected);
    }

    #[test]
    fn what_a_remote_names_a_channel_cannot_break_out_of_its_string() {
        let mut out = String::new();
        write_text("a\"b\\c\u{1}\n\u{2028}ü", &mut out);
        assert_eq!(out, "\"a\\\"b\\\\c\\u0001\\n\u{2028}ü\"");
    }
}
