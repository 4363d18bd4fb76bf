//! Grok against Oniguruma, which Logstash's grok runs on.

use narae_logparse::grok::{Grok, Groks, Patterns, Problem, Spelling};
use narae_logparse::{Record, Value};
use onig::{MatchParam, Regex, Region, SearchOptions};
use proptest::prelude::*;

/// A pattern with its pieces written out, and the fields it fills, in order.
fn expand(patterns: &Patterns, pattern: &str, fields: &mut Vec<String>) -> String {
    let Some(start) = pattern.find("%{") else {
        return pattern.to_owned();
    };
    let (before, rest) = pattern.split_at(start);
    let (inside, after) = rest.strip_prefix("%{").unwrap().split_once('}').unwrap();
    let (name, field) = inside
        .split_once(':')
        .map_or((inside, None), |(name, field)| (name, Some(field)));
    let group = match field {
        None => "(?:".to_owned(),
        Some(field) => {
            let field = field.trim_end_matches(":int").trim_end_matches(":float");
            fields.push(field.trim_matches(['[', ']']).replace("][", "."));
            format!("(?<f{}>", fields.len())
        }
    };
    let inner = expand(patterns, patterns.get(name).unwrap(), fields);
    format!("{before}{group}{inner}){}", expand(patterns, after, fields))
}

/// What Oniguruma makes of a line: fields that are not empty, in order; `Err` if it gave up.
struct Oracle {
    regex: Regex,
    fields: Vec<String>,
}

impl Oracle {
    fn new(patterns: &Patterns, pattern: &str) -> Self {
        let mut fields = Vec::new();
        let text = expand(patterns, pattern, &mut fields);
        // Classes are ASCII, as in Ruby; `(?<field>…)` in a piece is numbered with the others.
        let mut numbered = String::new();
        let mut names = Vec::new();
        let mut rest = text.as_str();
        let mut known = fields.into_iter();
        while let Some((before, after)) = rest.split_once("(?<") {
            numbered.push_str(before);
            numbered.push_str("(?<");
            rest = after;
            if after.starts_with(['=', '!']) {
                continue;
            }
            let (name, after) = after.split_once('>').unwrap();
            let is_ours = name
                .strip_prefix('f')
                .is_some_and(|number| number.parse::<u32>().is_ok());
            names.push(if is_ours {
                known.next().unwrap()
            } else {
                name.to_owned()
            });
            numbered.push_str(&format!("f{}>", names.len()));
            rest = after;
        }
        numbered.push_str(rest);
        let regex = Regex::new(&format!("(?WDSP:{numbered})"));
        let regex = regex.unwrap_or_else(|error| panic!("{pattern}: {error}"));
        Self {
            regex,
            fields: names,
        }
    }

    fn read(&self, line: &str) -> Result<Option<Vec<(String, String)>>, onig::Error> {
        let mut region = Region::new();
        let options = SearchOptions::SEARCH_OPTION_NONE;
        let mut param = MatchParam::default();
        param.set_retry_limit_in_match(1_000_000);
        let found =
            self.regex
                .search_with_param(line, 0, line.len(), options, Some(&mut region), param)?;
        let fields = found.map(|_| {
            let groups = self.fields.iter().enumerate();
            let texts = groups.filter_map(|(number, name)| {
                let (from, to) = region.pos(number + 1)?;
                (from < to).then(|| (name.clone(), line.get(from..to).unwrap().to_owned()))
            });
            texts.collect()
        });
        Ok(fields)
    }
}

fn fields(record: &Record<'_>) -> Vec<(String, String)> {
    let show = |value: &Value<'_>| match value {
        Value::Text(text) => String::from_utf8_lossy(text.raw()).into_owned(),
        Value::Number(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    record
        .fields()
        .iter()
        .map(|field| (field.name().to_owned(), show(field.value())))
        .collect()
}

/// Conversions are not Oniguruma's: compared as what they mean.
fn same(ours: &[(String, String)], theirs: &[(String, String)]) -> bool {
    let number = |text: &str| text.trim_start_matches('+').parse::<f64>().ok();
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(ours, theirs)| {
            ours.0 == theirs.0
                && (ours.1 == theirs.1
                    || (number(&ours.1).is_some() && number(&ours.1) == number(&theirs.1)))
        })
}

/// How many lines the stock pieces' own file has.
const OWN_LINES: usize = 29;

fn lines() -> Vec<String> {
    let folder = format!("{}/tests/data", env!("CARGO_MANIFEST_DIR"));
    let mut lines = Vec::new();
    for format in [
        "grok",
        "combined",
        "syslog",
        "apache-error",
        "haproxy",
        "log4j",
        "klog",
    ] {
        let file = std::fs::read_to_string(format!("{folder}/{format}/lines.txt")).unwrap();
        let real = file
            .lines()
            .filter(|line| !["#", "=>", "!!"].iter().any(|mark| line.starts_with(mark)));
        lines.extend(real.map(str::to_owned));
    }
    let own = std::fs::read_to_string(format!("{folder}/grok/lines.txt")).unwrap();
    assert_eq!(own.lines().count(), OWN_LINES + 1);
    lines
}

/// A few characters changed, removed or doubled; the same ones every time.
fn damaged(line: &str, seed: usize) -> String {
    let mut characters: Vec<char> = line.chars().collect();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below.max(1)
    };
    for _ in 0..=next(3) {
        let at = next(characters.len());
        let pool: Vec<char> = " :.-/[]\"'\\09aZ(){}|é\n".chars().collect();
        match next(4) {
            0 if characters.len() > 1 => drop(characters.remove(at)),
            1 => characters.insert(at, *pool.get(next(pool.len())).unwrap()),
            2 => characters.truncate(at + 1),
            _ => {
                if let Some(place) = characters.get_mut(at) {
                    *place = *pool.get(next(pool.len())).unwrap();
                }
            }
        }
    }
    characters.into_iter().collect()
}

fn compare(name: &str, grok: &mut Grok, oracle: &Oracle, line: &str) -> Option<bool> {
    let theirs = oracle.read(line).ok()?;
    let ours = grok
        .parse(line.as_bytes())
        .ok()
        .map(|record| fields(&record));
    let agree = match (&ours, &theirs) {
        (Some(ours), Some(theirs)) => same(ours, theirs),
        (ours, theirs) => ours.is_none() && theirs.is_none(),
    };
    assert!(
        agree,
        "{name} on {line:?}\n  ours   {ours:?}\n  theirs {theirs:?}"
    );
    Some(ours.is_some())
}

#[test]
fn stock_pieces_match_as_with_oniguruma() {
    let lines = lines();
    let (mut matched, mut compared, mut gave_up) = (0, 0, 0);
    for spelling in [Spelling::Legacy, Spelling::Ecs] {
        let patterns = Patterns::stock(spelling);
        for name in patterns.names() {
            let pattern = format!("%{{{name}:all}}");
            let mut grok = patterns
                .compile(&pattern)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let oracle = Oracle::new(&patterns, &pattern);
            // Lines of its kind always, of the other formats a different few for each piece.
            let few = |number: usize| number < OWN_LINES || number % 8 == name.len() % 8;
            for (number, line) in lines.iter().enumerate().filter(|(number, _)| few(*number)) {
                for line in [line.clone(), damaged(line, number + name.len() * 1000)] {
                    match compare(name, &mut grok, &oracle, &line) {
                        Some(found) => {
                            compared += 1;
                            matched += usize::from(found);
                        }
                        None => gave_up += 1,
                    }
                }
            }
        }
    }
    assert!(
        compared > 15_000 && matched > 4_000,
        "{compared} compared, {matched} matched"
    );
    assert!(
        gave_up * 100 < compared,
        "Oniguruma gave up {gave_up} times"
    );
}

/// Pieces written without what is not regular match what Logstash's originals do.
#[test]
fn rewritten_pieces_match_as_the_originals() {
    let originals = [
        (
            "BASE10NUM",
            r"(?<![0-9.+-])(?>[+-]?(?:(?:[0-9]+(?:\.[0-9]+)?)|(?:\.[0-9]+)))",
        ),
        (
            "QUOTEDSTRING",
            r#"(?>(?<!\\)(?>"(?>\\.|[^\\"]+)+"|""|(?>'(?>\\.|[^\\']+)+')|''|(?>`(?>\\.|[^\\`]+)+`)|``))"#,
        ),
        ("YEAR", r"(?>\d\d){1,2}"),
        (
            "TIME",
            r"(?!<[0-9])(?:2[0123]|[01]?[0-9]):(?:[0-5][0-9])(?::(?:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?))(?![0-9])",
        ),
        ("WINPATH", r"(?>[A-Za-z]+:|\\)(?:\\[^\\?*]*)+"),
        (
            "IPV4",
            r"(?<![0-9])(?:(?:[0-1]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])[.](?:[0-1]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])[.](?:[0-1]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])[.](?:[0-1]?[0-9]{1,2}|2[0-4][0-9]|25[0-5]))(?![0-9])",
        ),
    ];
    let patterns = Patterns::stock(Spelling::Legacy);
    let nothing = Patterns::new();
    for (name, original) in originals {
        for around in ["", ".", "[.0-9]", "x?"] {
            let mut grok = patterns
                .compile(&format!("(?<all>%{{{name}}}{around})"))
                .unwrap();
            let oracle = Oracle::new(&nothing, &format!("(?<all>(?:{original}){around})"));
            for (number, line) in lines().iter().enumerate() {
                for seed in 0..3 {
                    compare(name, &mut grok, &oracle, &damaged(line, number * 3 + seed));
                }
            }
        }
    }
}

#[test]
fn options_and_counts_reach_as_far_as_with_oniguruma() {
    let patterns = Patterns::new();
    for pattern in [
        "ab(?i)c|def",
        "x(?:ab(?i)c|def)y",
        "(?i)a|b(?-i)c|d",
        "(?:a(?i)b)c|d",
        "(?i)",
        "a{2}?",
        "a{2}?b",
        "(?:ab){2}?c",
        "a{2}??b",
        "a{2,2}?b",
        "a{1,2}?b",
        "a{,2}?b",
    ] {
        let pattern = format!("(?<all>{pattern})");
        let mut grok = patterns.compile(&pattern).unwrap();
        let oracle = Oracle::new(&patterns, &pattern);
        for text in [
            "abc", "abC", "abdef", "abDEF", "def", "DEF", "ABC", "xabCy", "xabDEFy", "xdefy", "A",
            "bC", "bD", "aBc", "aBC", "aab", "ab", "b", "aaab", "ababc", "ababab", "c", "",
        ] {
            compare(&pattern, &mut grok, &oracle, text);
        }
    }
}

/// Patterns out of parts of the syntax, on texts out of few characters, so that both often match.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[ab1 ]",
        Just(".".to_owned()),
        Just(r"\d".to_owned()),
        Just(r"\w".to_owned()),
        Just("[^a]".to_owned()),
        Just("[a-b1]".to_owned()),
        Just(r"\b".to_owned()),
        Just("^".to_owned()),
        Just("$".to_owned()),
        Just("(?<!a)".to_owned()),
        Just("(?=b|1a)".to_owned()),
        Just("é".to_owned()),
        Just("B".to_owned()),
        Just("(?i)".to_owned()),
        Just("(?-i)".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            proptest::collection::vec(inner.clone(), 1..4)
                .prop_map(|parts| format!("(?:{})", parts.join("|"))),
            inner.clone().prop_map(|part| format!("(?<f>{part})")),
            // What is repeated consumes something: how empty rounds end is not what patterns are written for.
            (inner, "[*+?]|[{]1,3[}]|[{]2[}]", "[?]?")
                .prop_map(|(part, times, lazy)| format!("(?:a|(?:{part})b){times}{lazy}")),
        ]
    })
}

proptest! {
    #[test]
    fn patterns_match_as_with_oniguruma(pattern in pattern(), texts in proptest::collection::vec("[abAB1 é]{0,12}", 1..6)) {
        let patterns = Patterns::new();
        let pattern = format!("(?<all>{pattern})");
        let mut grok = patterns.compile(&pattern).unwrap();
        let oracle = Oracle::new(&patterns, &pattern);
        for text in &texts {
            compare(&pattern, &mut grok, &oracle, text);
        }
    }

    #[test]
    fn any_pattern_is_compiled_or_refused(pattern in "[a-z%{}()|*+?\\[\\]\\\\<>:=!^$0-9,-]{0,40}", line in any::<Vec<u8>>()) {
        if let Ok(mut grok) = Patterns::stock(Spelling::Ecs).compile(&pattern) {
            let _ = grok.parse(&line);
        }
    }
}

#[test]
fn a_line_that_oniguruma_gives_up_on_is_decided() {
    // Nine pieces that may each take anything: the shape of filter-grok#37.
    let pattern = format!("^{}end$", "%{DATA} ".repeat(9));
    let mut grok = Patterns::stock(Spelling::Legacy).compile(&pattern).unwrap();
    let good = format!("{}end", "[x] e.f.g ".repeat(2000));
    let bad = format!("{}END", "[x] e.f.g ".repeat(2000));
    assert!(grok.parse(good.as_bytes()).is_ok());
    assert!(grok.parse(bad.as_bytes()).is_err());
}

#[test]
fn conversions_repeated_names_and_nested_fields() {
    let patterns = Patterns::stock(Spelling::Ecs);
    let pattern =
        r"%{INT:[a][b]:int} %{NUMBER:f:float} %{WORD:w} %{WORD:w} (?<own>\S+) %{DATA:empty};";
    let mut grok = patterns.compile(pattern).unwrap();
    let record = grok.parse(b"+7 -1.50 x y z ;").unwrap();
    let expected = [
        ("a.b", "7"),
        ("f", "-1.50"),
        ("w", "x"),
        ("w", "y"),
        ("own", "z"),
    ];
    assert_eq!(
        fields(&record),
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert!(matches!(record.get("a.b"), Some(Value::Number(_))));
}

#[test]
fn the_first_pattern_wins_and_every_failure_has_its_reason() {
    let patterns = Patterns::stock(Spelling::Legacy);
    let compile = |pattern| patterns.compile(pattern).unwrap();
    let mut groks = Groks::new([
        compile("^%{INT:n} %{WORD}$"),
        compile("^%{WORD:w} %{IP:ip}$"),
        compile("^%{WORD:late}"),
    ]);
    let (number, record) = groks.parse(b"GET 10.0.0.1").unwrap();
    assert_eq!((number, fields(&record).len()), (1, 2));

    let mut two = Groks::new([
        compile("^%{INT:n} %{WORD}$"),
        compile("^%{WORD:w} %{IP:ip}$"),
    ]);
    let reasons = two.parse(b"7 -").unwrap_err();
    let shown: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "no match: WORD stopped at byte 2",
            "no match: IP stopped at byte 2"
        ]
    );
    assert_eq!(
        (reasons[0].reached(), reasons[0].piece()),
        (2, Some("WORD"))
    );
}

#[test]
fn what_is_not_regular_or_not_known_is_refused_with_its_place() {
    let mut patterns = Patterns::stock(Spelling::Legacy);
    patterns.define("LOOP", "a%{LOOP}");
    for (pattern, problem) in [
        ("x%{NOPE}", Problem::UnknownPattern("NOPE".to_owned())),
        ("%{LOOP}", Problem::Circular("LOOP".to_owned())),
        ("%{INT:n:date}", Problem::BadType("n:date".to_owned())),
        ("(a", Problem::Unbalanced),
        ("a)", Problem::Unbalanced),
        ("[a", Problem::Unbalanced),
        ("+", Problem::BadRepetition),
        ("a{2000}", Problem::BadRepetition),
        ("(?>a+)b", Problem::NotRegular),
        ("a++", Problem::NotRegular),
        (r"(a)\1", Problem::NotRegular),
        ("(?<!a*)b", Problem::NotRegular),
        (r"\p{L}", Problem::Unsupported),
        ("(((a{900}){900}){900})", Problem::TooLarge),
    ] {
        assert_eq!(
            patterns.compile(pattern).unwrap_err().problem(),
            &problem,
            "{pattern}"
        );
    }
    let error = patterns.compile("x%{NOPE}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no pattern \"NOPE\" (byte 1 of the pattern)"
    );
}
