//! The command line: every flag, its default and what `--help` says of it. Decides nothing.

use std::path::PathBuf;

use clap::{ArgGroup, Parser, ValueEnum};
use narae_manifest::{Rule, Schemas};
use narae_yaml::Path;

/// Render templates with layered values to Kubernetes objects.
///
/// Objects go to standard output in the order in which they can be applied; what is wrong with them
/// goes to standard error, with the place in the template and the place of the value behind it.
#[derive(Debug, Parser)]
#[command(name = "render", version, after_long_help = AFTER_HELP, max_term_width = 100)]
#[command(group(ArgGroup::new("what").required(true).args(["app", "templates", "rules"])))]
pub(crate) struct Arguments {
    /// An application's folder, as `deliver` has it: application.yaml, values/, templates/
    #[arg(value_name = "APP", requires = "site", requires = "stage")]
    pub(crate) app: Option<PathBuf>,

    /// Where the application goes: one of the sites its application.yaml names
    #[arg(long, requires = "app")]
    pub(crate) site: Option<String>,

    /// Which environment there: one of the stages its application.yaml names
    #[arg(long, requires = "app")]
    pub(crate) stage: Option<String>,

    /// Any folder of templates; `_name.yaml` is the partial `name`
    #[arg(long, value_name = "DIR")]
    pub(crate) templates: Option<PathBuf>,

    /// A file of values, over the application's; later ones win
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    pub(crate) values: Vec<PathBuf>,

    /// Values, over all files, as Helm has them: image.tag=1.2.3,replicas=3
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,

    /// The same, each a string; over --set
    #[arg(long, value_name = "PATH=TEXT")]
    pub(crate) set_string: Vec<String>,

    /// Print where this value comes from, whom it overrode and where it is used, instead of objects
    #[arg(long, value_name = "PATH")]
    pub(crate) explain: Option<Path>,

    /// Check the objects against the schemas of their kinds, and what a linter looks for
    #[arg(long)]
    pub(crate) check: bool,

    /// Custom resource definitions for --check
    #[arg(long, value_name = "FILE")]
    pub(crate) crd: Vec<PathBuf>,

    /// The version of Kubernetes for --check [default: the application's, or the newest]
    #[arg(long, value_name = "VERSION", value_parser = kubernetes)]
    pub(crate) kubernetes: Option<String>,

    /// A finding that is none, by its id; --rules lists them
    #[arg(long, value_name = "ID", value_parser = rule)]
    pub(crate) allow: Vec<Rule>,

    /// List every finding there is
    #[arg(long)]
    pub(crate) rules: bool,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    pub(crate) output: Format,

    /// When to colour: a terminal gets colour, a pipe does not
    #[arg(long, value_enum, default_value_t = clap::ColorChoice::Auto)]
    pub(crate) color: clap::ColorChoice,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Documents
    Yaml,
    /// One List; for --explain one object
    Json,
}

fn rule(id: &str) -> Result<Rule, String> {
    let known = Rule::ALL.iter().find(|rule| rule.id() == id);
    known
        .copied()
        .ok_or_else(|| "no finding has this id: see --rules".to_owned())
}

/// One for which there is a table.
fn kubernetes(version: &str) -> Result<String, String> {
    match Schemas::kubernetes(version) {
        Ok(schemas) => Ok(schemas.version().to_owned()),
        Err(error) => Err(format!("{}; {}", error.message(), error.notes().join("; "))),
    }
}

const AFTER_HELP: &str = "\
Examples:
  render examples/deliver/shop --site aws --stage prod
  render examples/deliver/shop --site idc --stage dev --explain image.tag
  render shop --site idc --stage dev --set replicas=3 --check --kubernetes 1.35 >/dev/null
  render --templates templates -f values.yaml --crd crds.yaml --check -o json

Values, later ones over earlier: values/base.yaml, the site's, the stage's, the pair's, --site and
--stage, -f in their order, --set, --set-string. They must satisfy values.schema.yaml (or .json) in
the application's folder, or beside the first -f.

Exit codes:
  0  done
  1  an error: it says what, where and what to try
  2  the command line is wrong
  4  --check found something

Environment:
  NO_COLOR  no colour";
