//! What the user says of the lines: which files, `--format`, `--multiline`, `--zone`; and what that means to a reader.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use clap::Args;
use narae_logparse::grok::{Grok, Groks, PatternError, Patterns, Spelling};
use narae_logparse::multiline::Rules;
use narae_logparse::reader::ReaderOptions;
use narae_logparse::time::Context;
use narae_logparse::{Format, detect};

use crate::input;

#[derive(Args)]
pub(crate) struct Inputs {
    /// Files to read, `-` for standard input.
    #[arg(value_name = "FILES", default_value = "-")]
    pub(crate) files: Vec<String>,
    #[arg(long, value_name = "FORMAT", default_value = "auto", value_parser = choice, help = format_help())]
    format: Choice,
    /// Which lines belong to the one before: `traces` (stack traces), `indentation` (what begins with a space or a tab),
    /// `start:PATTERN` (what does not match) or `continue:PATTERN` (what matches); several may be given.
    #[arg(long, value_name = "RULE", value_parser = rule)]
    multiline: Vec<Rule>,
    /// The zone of times that name none, as ±hh:mm.
    #[arg(long, value_name = "OFFSET", default_value = "+00:00", value_parser = offset, allow_hyphen_values = true)]
    zone: i32,
}

impl Inputs {
    /// Whether this says what the lines are, whatever they look like.
    pub(crate) const fn is_decided(&self) -> bool {
        !matches!(self.format, Choice::Auto)
    }

    /// What an input that begins like this is read as, the first first.
    pub(crate) fn formats(&self, sample: &[u8]) -> Vec<Format> {
        match &self.format {
            Choice::Auto => detect::detect(sample).formats(),
            Choice::Fixed(format) => vec![*format],
            Choice::Grok(_) => vec![Format::Grok],
        }
    }

    /// Times without a year are near when the input was last written.
    pub(crate) fn options(&self, written: SystemTime) -> ReaderOptions {
        let context = Context::default().with_offset_seconds(self.zone);
        let context = match input::timestamp(written) {
            Some(written) => context.with_reference(written),
            None => context,
        };
        let mut options = ReaderOptions::default().with_context(context);
        if let Choice::Grok(pattern) = &self.format {
            options = options.with_grok(Groks::new([(**pattern).clone()]));
        }
        match self.rules() {
            Some(rules) => options.with_multiline(rules),
            None => options,
        }
    }

    fn rules(&self) -> Option<Rules> {
        let (mut starts, mut more) = (Vec::new(), Vec::new());
        let (mut traces, mut indentation) = (false, false);
        for rule in self.multiline.iter().cloned() {
            match rule {
                Rule::Traces => traces = true,
                Rule::Indentation => indentation = true,
                Rule::Start(test) => starts.push(test),
                Rule::Continue(test) => more.push(test),
            }
        }
        let mut rules = match starts.is_empty() {
            true => Rules::default(),
            false => Rules::starting_with(move |line| any(&starts, line)),
        };
        if traces {
            rules = rules.or_traces();
        }
        if indentation {
            rules = rules.or_indentation();
        }
        rules = rules.or_continuing(move |line| any(&more, line));
        (!self.multiline.is_empty()).then_some(rules)
    }
}

/// What the lines are.
#[derive(Clone)]
enum Choice {
    Auto,
    Fixed(Format),
    Grok(Arc<Grok>),
}

/// Which lines belong together.
#[derive(Clone)]
enum Rule {
    Traces,
    Indentation,
    Start(Test),
    Continue(Test),
}

/// A pattern, which remembers nothing but needs room to work in.
#[derive(Clone)]
struct Test(Arc<Mutex<Grok>>);

fn any(tests: &[Test], line: &[u8]) -> bool {
    tests.iter().any(|Test(pattern)| {
        // What panicked while it worked left nothing that matters.
        let mut pattern = pattern.lock().unwrap_or_else(PoisonError::into_inner);
        pattern.is_match(line)
    })
}

fn format_help() -> String {
    let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    format!(
        "What the lines are: `auto` decides for each file by its beginning; `grok:PATTERN` is a pattern of your own, with Logstash's pieces and \
         the fields of the Elastic Common Schema; otherwise one of {}",
        names.join(", ")
    )
}

fn choice(text: &str) -> Result<Choice, String> {
    if text == "auto" {
        return Ok(Choice::Auto);
    }
    if let Some(pattern) = text.strip_prefix("grok:") {
        return compile(pattern).map(|grok| Choice::Grok(Arc::new(grok)));
    }
    let format = text.parse().map(Choice::Fixed);
    format.map_err(|error| format!("{error}, auto or grok:PATTERN"))
}

fn rule(text: &str) -> Result<Rule, String> {
    let test = |pattern| Ok(Test(Arc::new(Mutex::new(compile(pattern)?))));
    match text.split_once(':') {
        None if text == "traces" => Ok(Rule::Traces),
        None if text == "indentation" => Ok(Rule::Indentation),
        Some(("start", pattern)) => test(pattern).map(Rule::Start),
        Some(("continue", pattern)) => test(pattern).map(Rule::Continue),
        _ => Err("expected traces, indentation, start:PATTERN or continue:PATTERN".to_owned()),
    }
}

fn compile(pattern: &str) -> Result<Grok, String> {
    let found = Patterns::stock(Spelling::Ecs).compile(pattern);
    found.map_err(|error| pointed(pattern, &error))
}

/// What is wrong and, if it is wrong in the pattern itself, a mark below the place.
fn pointed(pattern: &str, error: &PatternError) -> String {
    let before = pattern.get(..error.offset());
    match before.filter(|_| error.within().is_none()) {
        Some(before) => {
            let width = before.chars().count();
            format!("{error}\n\n  {pattern}\n  {:width$}^", "")
        }
        None => error.to_string(),
    }
}

/// Seconds east of UTC.
fn offset(text: &str) -> Result<i32, String> {
    let parse = || {
        let (hours, minutes) = text.strip_prefix(['+', '-'])?.split_once(':')?;
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        let seconds = (0..24).contains(&hours) && (0..60).contains(&minutes);
        let seconds = seconds.then_some(hours * 3600 + minutes * 60)?;
        Some(if text.starts_with('-') {
            -seconds
        } else {
            seconds
        })
    };
    parse().ok_or_else(|| "expected an offset from UTC such as +09:00".to_owned())
}
