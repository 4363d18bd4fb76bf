//! What is wrong with a narae.yaml is said with line, column and words. Each file of `tests/data/narae.yaml` begins
//! with `# ` and the whole error.

use std::fs;
use std::path::Path;

use crate::sandbox::Sandbox;

#[test]
fn a_broken_configuration_says_where_and_why() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/narae.yaml");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 24, "a file was added or lost");
    let sandbox = Sandbox::new();
    let mut faults = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let expected = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# "))
            .unwrap();
        sandbox.import(&[("narae.yaml".to_owned(), text.clone())]);
        let run = sandbox.run(&["history"]);
        if run.code != Some(1)
            || run.stderr != format!("error: {expected}\n")
            || !run.stdout.is_empty()
        {
            faults.push(format!("{}: {run:?}", file.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
