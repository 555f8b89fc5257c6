//! The floor plan: inside a crate, a module imports only from modules whose `mod` line stands above its own.

use std::collections::HashMap;
use std::path::Path;

use crate::law::{Fault, Source};

/// Children of a module in the order of their `mod` lines.
type Plan = HashMap<Vec<String>, Vec<String>>;

/// Checks the imports of all files of one crate, whose sources lie under `root`.
pub fn check_crate(root: &Path, sources: &[Source], faults: &mut Vec<Fault>) {
    let plan: Plan = sources
        .iter()
        .filter_map(|source| Some((module_path(root, &source.path)?, children(&source.text))))
        .collect();
    for source in sources {
        let Some(module) = module_path(root, &source.path) else { continue };
        if module.last().is_some_and(|name| name == "tests") {
            continue;
        }
        for (line, target) in imports(&source.text) {
            if let Some(what) = fault_of(&plan, &module, &target) {
                faults.push(Fault { path: source.path.clone(), line, what });
            }
        }
    }
}

/// What is wrong with `module` importing `target` (a path after `crate::`), if anything.
fn fault_of(plan: &Plan, module: &[String], target: &[String]) -> Option<String> {
    let written = format!("crate::{}", target.join("::"));
    if target.first().is_some_and(|first| first == "super") {
        return Some("imports from its parent (super::)".into());
    }
    if module.is_empty() {
        return None;
    }
    for depth in 0..module.len() {
        let order = plan.get(&module[..depth])?;
        let wanted = target.get(depth)?;
        let Some(theirs) = order.iter().position(|name| name == wanted) else {
            // Not a module: an item of the face at this depth. The crate's root and one's own folder are faces.
            return Some(format!("{written} goes through a face above it"));
        };
        let ours = order.iter().position(|name| *name == module[depth])?;
        if theirs > ours {
            return Some(format!("{written} is declared below `{}`", module[depth]));
        }
        if theirs < ours {
            return None;
        }
    }
    None
}

/// `src/a/b.rs` and `src/a/b/mod.rs` are `[a, b]`; `lib.rs` and `main.rs` are the root.
fn module_path(root: &Path, file: &Path) -> Option<Vec<String>> {
    let inside = file.strip_prefix(root).ok()?;
    let mut path: Vec<String> =
        inside.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    match path.last().map(String::as_str) {
        Some("lib" | "main") if path.len() == 1 => path.clear(),
        Some("mod") => {
            path.pop();
        }
        _ => {}
    }
    (path.first().map(String::as_str) != Some("bin")).then_some(path)
}

/// The modules that `text` declares, in order.
fn children(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let line = line.strip_suffix(';')?;
            let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
            Some(line.strip_prefix("mod ")?.to_owned())
        })
        .filter(|name| name != "tests")
        .collect()
}

/// Line and path of everything that `text` takes from its own crate, outside its tests.
fn imports(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut statement: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        if line.trim() == "mod tests {" {
            break;
        }
        let code = line.split("//").next().unwrap_or_default().trim();
        let begins = code
            .strip_prefix("pub(crate) use ")
            .or(code.strip_prefix("pub use "))
            .or(code.strip_prefix("use "));
        match (&mut statement, begins) {
            (Some((_, so_far)), _) => so_far.push_str(code),
            (None, Some(rest)) => statement = Some((number + 1, rest.to_owned())),
            (None, None) => {
                for rest in code.split("crate::").skip(1) {
                    let path = rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').next();
                    found.push((number + 1, segments(path.unwrap_or_default())));
                }
            }
        }
        if let Some((first, whole)) = &statement
            && whole.ends_with(';')
        {
            for path in expand(whole.trim_end_matches(';')) {
                if let Some(rest) = path.strip_prefix("crate::") {
                    found.push((*first, segments(rest)));
                } else if path.starts_with("super::") {
                    found.push((*first, vec!["super".into()]));
                }
            }
            statement = None;
        }
    }
    found
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expand(tree: &str) -> Vec<String> {
    let Some(open) = tree.find('{') else { return vec![tree.trim().to_owned()] };
    let (front, inside) = tree.split_at(open);
    let inside = inside.trim_start_matches('{').trim_end();
    let inside = inside.strip_suffix('}').unwrap_or(inside);
    let (mut depth, mut start, mut parts) = (0_u32, 0, Vec::new());
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[start..]);
    parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .flat_map(expand)
        .map(|part| format!("{}{part}", front.trim()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        segments(text)
    }

    fn plan() -> Plan {
        HashMap::from([
            (vec![], vec!["ground".into(), "room".into(), "roof".into()]),
            (path("room"), vec!["floor".into(), "wall".into()]),
        ])
    }

    #[test]
    fn imports_go_upwards_only() {
        let plan = plan();
        assert_eq!(fault_of(&plan, &path("room::wall"), &path("ground::Type")), None);
        assert_eq!(fault_of(&plan, &path("room::wall"), &path("room::floor::Type")), None);
        assert!(fault_of(&plan, &path("room::floor"), &path("room::wall::Type")).is_some());
        assert!(fault_of(&plan, &path("room::floor"), &path("roof::Type")).is_some());
        assert!(fault_of(&plan, &path("room::wall"), &path("room::Type")).is_some(), "its own face");
        assert!(fault_of(&plan, &path("ground"), &path("Type")).is_some(), "the crate's face");
        assert!(fault_of(&plan, &path("room"), &path("super")).is_some());
    }

    #[test]
    fn nested_imports_are_unfolded() {
        let text = "use crate::a::{B, c::{D, E}};\nlet x = crate::f::g();\nuse super::h;\n";
        let found: Vec<String> = imports(text).into_iter().map(|(_, path)| path.join("::")).collect();
        assert_eq!(found, ["a::B", "a::c::D", "a::c::E", "f::g", "super"]);
    }

    #[test]
    fn the_order_is_that_of_the_mod_lines() {
        assert_eq!(children("//! x\n\npub mod b;\nmod a;\npub(crate) mod c;\nmod tests;\n"), ["b", "a", "c"]);
    }
}
