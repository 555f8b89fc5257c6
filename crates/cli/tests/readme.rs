//! What the README shows is what is there.

#[test]
fn the_readme_quotes_the_example_and_the_options() {
    let readme = include_str!("../../../README.md");
    assert!(readme.contains(include_str!("../examples/stream.rs")), "the README's program is another one");
    let help =
        std::process::Command::new(env!("CARGO_BIN_EXE_peerless")).args(["demo", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for option in help.split_whitespace().filter(|word| word.starts_with("--") && *word != "--help") {
        assert!(readme.contains(option), "the README does not name {option}");
    }
}
