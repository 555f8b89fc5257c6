//! Negotiation, a text file for each clause: scripts in `vectors/clauses` moved between two peers, in virtual time.
//!
//! The language of the scripts is told in `script`. Each file has its test of the same name, so that SPECS.md can name it.

#[path = "../scene/mod.rs"]
mod scene;
mod world;
mod script;
mod descriptions;
mod needs;
mod media;
mod jsep;

#[test]
fn every_script_has_its_test() {
    let tests = [
        include_str!("descriptions.rs"),
        include_str!("needs.rs"),
        include_str!("media.rs"),
        include_str!("jsep.rs"),
    ];
    for file in std::fs::read_dir(script::folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let name = name.strip_suffix(".txt").expect("scripts are text files");
        let call = format!("run(\"{name}\")");
        assert!(tests.iter().any(|text| text.contains(&call)), "nobody runs {name}");
    }
}
