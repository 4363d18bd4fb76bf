//! Runs `tests/data/multiline/LANGUAGE.txt`: groups with `-----` between them, which is not in the input.

use narae_logparse::line::{Ending, Part};
use narae_logparse::multiline::{Group, Grouper, Limits, Rules};
use proptest::prelude::*;

const LANGUAGES: [&str; 8] = [
    "java", "python", "go", "node", "ruby", "dotnet", "php", "klog",
];

fn groups_of(language: &str) -> Vec<String> {
    let path = format!(
        "{}/tests/data/multiline/{language}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    let file = std::fs::read_to_string(path).unwrap();
    file.trim_end_matches('\n')
        .split("\n-----\n")
        .map(str::to_owned)
        .collect()
}

fn group(grouper: &mut Grouper<usize>, lines: &[&str]) -> Vec<Group<usize>> {
    let (mut groups, mut offset) = (Vec::new(), 0);
    for (number, line) in lines.iter().enumerate() {
        let end = offset + line.len() as u64 + 1;
        grouper.push(line.as_bytes(), Ending::Lf, offset..end, number);
        offset = end;
        groups.extend(std::iter::from_fn(|| grouper.next_group()));
    }
    grouper.flush();
    groups.extend(std::iter::from_fn(|| grouper.next_group()));
    groups
}

fn texts(groups: &[Group<usize>]) -> Vec<String> {
    groups
        .iter()
        .map(|group| String::from_utf8(group.text().to_vec()).unwrap())
        .collect()
}

#[test]
fn traces_are_joined_to_the_line_that_introduced_them() {
    for language in LANGUAGES {
        let expected = groups_of(language);
        let input = expected.join("\n");
        let lines: Vec<&str> = input.split('\n').collect();
        let groups = group(&mut Grouper::new(Rules::traces()), &lines);
        for (found, expected) in texts(&groups).iter().zip(&expected) {
            assert_eq!(found, expected, "{language}");
        }
        assert_eq!(groups.len(), expected.len(), "{language}");
        assert!(groups.iter().all(|group| group.part() == Part::Whole));
    }
}

/// All languages one after the other, twice: no state is left behind.
#[test]
fn languages_can_be_mixed_in_one_input() {
    // What ends with a trace is followed by what begins with a line of its own.
    let expected: Vec<String> = LANGUAGES
        .iter()
        .chain(&LANGUAGES)
        .flat_map(|language| groups_of(language))
        .collect();
    let input = expected.join("\n");
    let lines: Vec<&str> = input.split('\n').collect();
    let found = texts(&group(&mut Grouper::new(Rules::traces()), &lines));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn records_that_mention_a_place_are_records() {
    let lines = [
        "INFO started",
        "2026-11-21T04:44:44Z app.rb:12:in `call' was slow",
        "W, app.rb:12:in 'call': deprecated",
        r#"{"at":"app.rb:12:in 'call'"}"#,
        "level=warn at=app.rb:12:in 'call'",
        "\"GET /x:12:in 'y' HTTP/1.1\" 200",
        "app.rb:12:in 'call': undefined method (NoMethodError)",
        "\tfrom app.rb:3:in '<main>'",
    ];
    let found = texts(&group(&mut Grouper::new(Rules::traces()), &lines));
    assert_eq!(found[..5], lines[..5]);
    assert_eq!(found[5..], [lines[5..].join("\n")]);
}

#[test]
fn rules_of_one_s_own_and_indentation() {
    let lines = ["a", " b", "c", "d", "+ e"];
    let joined = |rules: Rules| texts(&group(&mut Grouper::new(rules), &lines)).join("|");
    assert_eq!(joined(Rules::indentation()), "a\n b|c|d|+ e");
    assert_eq!(
        joined(Rules::starting_with(|line| line == b"a" || line == b"d")),
        "a\n b\nc|d\n+ e"
    );
    assert_eq!(
        joined(Rules::indentation().or_continuing(|line| line.starts_with(b"+"))),
        "a\n b|c|d\n+ e"
    );
    assert_eq!(joined(Rules::default()), "a| b|c|d|+ e");
}

#[test]
fn a_group_over_the_limit_is_handed_over_in_marked_parts() {
    let lines = ["E", "\tat 1", "\tat 2", "\tat 3", "\tat 4", "F"];
    let limits = Limits::default().with_max_lines(2);
    let groups = group(&mut Grouper::with_limits(Rules::traces(), limits), &lines);
    let found: Vec<_> = groups
        .iter()
        .map(|group| (group.lines(), group.part()))
        .collect();
    assert_eq!(
        found,
        [
            (2, Part::Head),
            (2, Part::Middle),
            (1, Part::Tail),
            (1, Part::Whole)
        ]
    );
}

#[test]
fn flushing_loses_nothing_and_marks_what_goes_on() {
    let mut grouper = Grouper::new(Rules::traces());
    let push =
        |grouper: &mut Grouper<()>, line: &str| grouper.push(line.as_bytes(), Ending::Lf, 0..0, ());
    let take = |grouper: &mut Grouper<()>| {
        let groups = std::iter::from_fn(|| grouper.next_group());
        groups
            .map(|group| (group.text().to_vec(), group.part()))
            .collect::<Vec<_>>()
    };
    push(&mut grouper, "E");
    push(&mut grouper, "a.b.SomeException: x");
    push(&mut grouper, "perhaps");
    grouper.flush();
    assert_eq!(
        take(&mut grouper),
        [
            (b"E\na.b.SomeException: x".to_vec(), Part::Whole),
            (b"perhaps".to_vec(), Part::Whole)
        ]
    );
    assert!(!grouper.is_pending());
    push(&mut grouper, "F");
    grouper.flush();
    push(&mut grouper, "\tat late");
    grouper.flush();
    assert_eq!(
        take(&mut grouper),
        [
            (b"F".to_vec(), Part::Whole),
            (b"\tat late".to_vec(), Part::Tail)
        ]
    );
}

proptest! {
    /// Whatever the lines, limits and flushes: the groups are the lines, in order, and memory is bounded.
    #[test]
    fn groups_are_the_lines(picks in proptest::collection::vec((0..20_usize, any::<bool>()), 0..60), max_bytes in 1_usize..200, max_lines in 1_usize..10) {
        let pieces: Vec<String> = LANGUAGES.iter().flat_map(|language| groups_of(language)).collect();
        let pool: Vec<&str> = pieces.iter().flat_map(|piece| piece.split('\n')).collect();
        let limits = Limits::default().with_max_bytes(max_bytes).with_max_lines(max_lines);
        let mut grouper = Grouper::with_limits(Rules::traces(), limits);
        let (mut groups, mut offset, mut input) = (Vec::new(), 0, Vec::new());
        for (number, (pick, flush)) in picks.iter().enumerate() {
            let line = pool[(pick * 7 + number * 13) % pool.len()];
            let end = offset + line.len() as u64 + 1;
            grouper.push(line.as_bytes(), Ending::Lf, offset..end, ());
            if *flush && pick % 3 == 0 { grouper.flush() }
            (offset, _) = (end, input.extend_from_slice(format!("{line}\n").as_bytes()));
            groups.extend(std::iter::from_fn(|| grouper.next_group()));
            prop_assert!(grouper.pending_bytes() <= max_bytes + 201);
        }
        grouper.flush();
        groups.extend(std::iter::from_fn(|| grouper.next_group()));
        let rebuilt: Vec<u8> = groups.iter().flat_map(|group| [group.text(), group.ending().as_bytes()].concat()).collect();
        prop_assert_eq!(rebuilt, input);
        let mut end = 0;
        for group in &groups {
            prop_assert_eq!(group.spans().iter().collect::<Vec<_>>().len(), 1);
            prop_assert_eq!(group.spans().start(), end);
            end += group.spans().bytes();
        }
    }
}
