//! What holds of every report, whatever the connection: ids, references, types, times.

use std::collections::BTreeMap;

use peerless_peer::report::{StatsReport, Value};
use serde_json::Value as Json;

use crate::idl;

/// Checks a report against the IDL, and gives its JSON: type and members of each object.
pub fn check(report: &StatsReport, now_ms: f64) -> BTreeMap<String, (String, Json)> {
    let json: Json = serde_json::from_str(&report.to_json()).expect("the report is JSON");
    let json = json.as_object().expect("a map of ids");
    assert_eq!(json.len(), report.len(), "each id once");
    let mut checked = BTreeMap::new();
    for (id, object) in json {
        let of_type = object["type"].as_str().expect("a type").to_owned();
        assert_eq!(object["id"].as_str(), Some(id.as_str()));
        let timestamp = object["timestamp"].as_f64().expect("a timestamp");
        assert!(timestamp <= now_ms && timestamp > now_ms - 30_000.0, "{id}: {timestamp} at {now_ms}");
        let typed = report.get(id).expect("the typed object");
        assert_eq!(typed.stats_type().as_str(), of_type);
        let present = typed.members().iter().filter(|(_, value)| value.is_present()).count();
        assert_eq!(object.as_object().unwrap().len(), present, "what is absent is left out");
        check_members(id, &of_type, object);
        for (name, value) in object.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("Id")) {
            let named = value.as_str().expect("references are texts");
            assert!(json.contains_key(named), "{id}: {name} {named} leads nowhere");
        }
        checked.insert(id.clone(), (of_type, object.clone()));
    }
    checked
}

/// A member is what the IDL says, and what must be there is.
fn check_members(id: &str, of_type: &str, object: &Json) {
    let kind = object["kind"].as_str().unwrap_or_default();
    let is_here = |dictionary: &str| match dictionary {
        "RTCAudioSourceStats" => kind == "audio",
        "RTCVideoSourceStats" => kind == "video",
        _ => true,
    };
    let (_, dictionary) = idl::DICTIONARIES
        .iter()
        .find(|(known, name)| *known == of_type && is_here(name))
        .expect("a known type");
    let members = idl::members(dictionary);
    for member in &members {
        let Some(value) = object.get(&member.name) else {
            assert!(!member.required, "{id} lacks {}", member.name);
            continue;
        };
        let is_right = match member.of.as_str() {
            "unsigned long" => value.as_u64().is_some_and(|number| number <= u64::from(u32::MAX)),
            "unsigned short" => value.as_u64().is_some_and(|number| number <= u64::from(u16::MAX)),
            "unsigned long long" => value.is_u64(),
            "long" | "long long" => value.as_i64().is_some(),
            "double" | "DOMHighResTimeStamp" => value.is_number(),
            "boolean" => value.is_boolean(),
            "DOMString" => value.is_string(),
            "DOMString?" => value.is_string() || value.is_null(),
            "record<DOMString, double>" => {
                value.as_object().is_some_and(|entries| entries.values().all(Json::is_number))
            }
            words => value.as_str().is_some_and(|word| {
                !idl::has_words(words) || idl::words(words).iter().any(|known| known == word)
            }),
        };
        assert!(is_right, "{id}: {} is {value}, not {}", member.name, member.of);
    }
    for name in object.as_object().unwrap().keys() {
        let is_common = ["id", "type", "timestamp"].contains(&name.as_str());
        assert!(
            is_common || members.iter().any(|member| member.name == *name),
            "{id}: {name} is of no dictionary"
        );
    }
}

/// A member as a number.
pub fn number(report: &StatsReport, id: &str, name: &str) -> f64 {
    let value = report.get(id).and_then(|object| object.member(name));
    value.as_ref().and_then(Value::as_f64).unwrap_or_else(|| panic!("{id} has no {name}"))
}
