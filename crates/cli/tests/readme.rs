//! What the README shows is what is there.

#[test]
fn the_readme_quotes_the_example_and_the_options() {
    let readme = include_str!("../../../README.md");
    assert!(readme.contains(include_str!("../examples/stream.rs")), "the README's program is another one");
    for command in ["demo", "receive", "echo", "probe", "gather"] {
        let help =
            std::process::Command::new(env!("CARGO_BIN_EXE_peerless")).args([command, "--help"]).output();
        let help = String::from_utf8(help.unwrap().stdout).unwrap();
        let words = help.split_whitespace().map(|word| word.trim_end_matches([',', '.', ';', ']', '>']));
        for option in words.filter(|word| word.starts_with("--") && *word != "--help") {
            assert!(readme.contains(option), "the README does not name {option} of {command}");
        }
    }
}
