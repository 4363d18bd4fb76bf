//! The command line: every flag, its default and what `--help` says of it. Decides nothing.

mod check;
mod handover;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use narae_cli::Given;
pub(crate) use narae_cli::UsageError;
use narae_gitops::image::{ImageReference, TagOrder};

pub(crate) use handover::{By, Handover, MergeRequest, WebhookStyle};

/// Deliver, promote and roll back versions in a GitOps repository, without a checkout.
///
/// Environments, their gates and the places of values stand in the repository's own narae.yaml.
#[derive(Debug, Parser)]
#[command(name = "promote", version, max_term_width = 100, after_long_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Common {
    /// The repository: a path, https://…, ssh://…, user@host:path or git://… [default: the one around this folder]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "NARAE_REPO",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) repo: Given<String>,

    /// The branch that narae.yaml is read from [default: the repository's own]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) branch: Option<String>,

    /// Say what would be done and write nothing, not even a plan's file
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,

    /// Commit and print even what looks like a secret
    #[arg(long, global = true)]
    pub(crate) unguarded: bool,

    /// Print the result as one JSON object
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Sign the commit, if one is made: the file of an SSH key, or the id of a gpg key
    #[arg(
        long,
        global = true,
        value_name = "FILE|ID",
        env = "NARAE_SIGN_KEY",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) sign_key: Given<String>,

    /// Who commits, as git writes it (`Narae promote <promote@narae.invalid>` unless given)
    #[arg(
        long,
        global = true,
        value_name = "NAME <MAIL>",
        env = "NARAE_AUTHOR",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) author: Given<String>,

    /// Where objects of a repository elsewhere are kept between runs; deletable at any time
    /// [default: narae in the user's cache folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) cache: Option<PathBuf>,

    /// How many commits of a branch elsewhere are looked at for what was delivered
    #[arg(long, global = true, value_name = "COMMITS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) depth: u32,

    /// How long an operation with a repository elsewhere may take, all its attempts together
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,

    /// When to colour: a terminal gets colour, a pipe does not
    #[arg(long, global = true, value_enum, default_value_t = clap::ColorChoice::Auto)]
    pub(crate) color: clap::ColorChoice,

    #[command(flatten)]
    pub(crate) handover: Handover,

    #[command(flatten)]
    pub(crate) merge_request: MergeRequest,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Change(Change),
    /// Decide a change and print it as a plan, to look at and to apply later
    Plan(Plan),
    /// Make the changes of plans, if their gates let them now and what they were decided on still holds
    Apply(Apply),
    /// Show what was delivered where, when, by whom and from which commit
    History(History),
    /// Show what an environment has other than the one before it
    Drift(Drift),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Change {
    /// Set an application's image in one environment
    SetImage(SetImage),
    /// Give an environment, or several, the declared values of another one
    Move(Move),
    /// Undo the newest delivery that is not undone yet
    Rollback(Rollback),
}

#[derive(Debug, Args)]
pub(crate) struct SetImage {
    /// The application, as narae.yaml names it
    pub(crate) app: String,

    /// The image to run, with a tag, a digest or both: `registry.example.com/shop:6b1f0c4`
    pub(crate) image: ImageReference,

    /// The environment
    #[arg(long)]
    pub(crate) env: String,

    /// Leave the image's registry out: each site and place keeps its own
    #[arg(long)]
    pub(crate) keep_registries: bool,

    #[command(flatten)]
    pub(crate) what: What,
}

#[derive(Debug, Args)]
pub(crate) struct Move {
    /// The applications, as narae.yaml names them: a commit for each, in one push
    #[arg(required = true, value_name = "APP")]
    pub(crate) apps: Vec<String>,

    /// The environment whose values are taken
    #[arg(long)]
    pub(crate) from: String,

    /// The environment that gets them; may be given again: an application moves to all of them or to none
    #[arg(long, required = true)]
    pub(crate) to: Vec<String>,

    #[command(flatten)]
    pub(crate) what: What,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The application, as narae.yaml names it
    pub(crate) app: String,

    /// The environment
    #[arg(long)]
    pub(crate) env: String,

    /// Undo this delivery instead, if its values still stand: its id, or how that begins
    #[arg(long, value_name = "ID", value_parser = commit)]
    pub(crate) commit: Option<String>,

    /// Only this site; may be given again
    #[arg(long = "site", value_name = "SITE")]
    pub(crate) sites: Vec<String>,

    /// The pipeline run that asks, recorded in the commit; what a rollback of the same run has undone is what is asked for
    #[arg(
        long,
        value_name = "URL",
        env = "NARAE_PIPELINE",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) pipeline: Given<String>,
}

/// What may be said of a delivery.
#[derive(Debug, Args)]
pub(crate) struct What {
    /// Only this site; may be given again
    #[arg(long = "site", value_name = "SITE")]
    pub(crate) sites: Vec<String>,

    /// Who agreed, where an environment asks for it
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) approved_by: Given<String>,

    /// Let a version come again that was here and was replaced
    #[arg(long)]
    pub(crate) again: bool,

    /// Refuse unless this image stands there
    #[arg(long, value_name = "IMAGE", conflicts_with = "if_newer")]
    pub(crate) expect: Option<String>,

    /// Refuse unless the new tag is newer: `semver: RANGE`, `numeric` or `alphabetical`
    #[arg(long, value_name = "ORDER", value_parser = order)]
    pub(crate) if_newer: Option<TagOrder>,

    /// The commit the image was built from, recorded in the commit
    #[arg(long, value_name = "ID")]
    pub(crate) source_commit: Option<String>,

    /// The pipeline run that asks, recorded in the commit
    #[arg(
        long,
        value_name = "URL",
        env = "NARAE_PIPELINE",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) pipeline: Given<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(subcommand)]
    pub(crate) change: Change,

    /// Write the plan to this file instead of standard output
    #[arg(short, long, value_name = "FILE", global = true)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The file of a plan, or of a list of them
    pub(crate) plan: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// Only this application
    pub(crate) app: Option<String>,

    /// Only this environment
    #[arg(long)]
    pub(crate) env: Option<String>,

    /// At most this many
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,

    /// Show frequency, lead time, change-failure rate and time to restore instead
    #[arg(long)]
    pub(crate) measures: bool,

    /// How far the measures look back
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(crate) days: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Drift {
    /// Only this application
    pub(crate) app: Option<String>,

    /// The earlier environment [default: the one that `from` names]
    #[arg(long)]
    pub(crate) from: Option<String>,

    /// The later environment [default: every one that has a `from`]
    #[arg(long)]
    pub(crate) to: Option<String>,

    /// Only this site; may be given again
    #[arg(long = "site", value_name = "SITE")]
    pub(crate) sites: Vec<String>,
}

/// An order that a tag alone tells.
fn order(text: &str) -> Result<TagOrder, String> {
    match text.parse() {
        Ok(TagOrder::Newest) => {
            Err("a tag does not say when its image was built: expected `semver: RANGE`, `numeric` or `alphabetical`".to_owned())
        }
        Ok(order) => Ok(order),
        Err(error) => Err(error.to_string()),
    }
}

/// The beginning of a commit's id.
fn commit(text: &str) -> Result<String, String> {
    let is_hash = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_hash && (4..=40).contains(&text.len()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("expected 4 to 40 hexadecimal digits".to_owned()),
    }
}

const AFTER_HELP: &str = "\
Examples:
  promote set-image shop harbor.example.com/shop/web:3f2a9c1 --env dev --repo git@git.example.com:platform/gitops.git
  promote move shop --from rc --to master --approved-by 'Grace Hopper'
  promote move shop cart --from dev --to rc --to load-test
  promote plan -o plan.json move shop --from dev --to rc && promote apply plan.json
  promote move shop --from rc --to master --approved-by 'Grace Hopper' --merge-request gitlab --label deploy
  promote rollback shop --env master --wait-argocd https://argocd.example.com --argocd-app shop-master
  promote history shop --env master --measures
  promote drift shop --from rc --to master

Exit codes:
  0  done, or nothing to do
  1  an error: it says what, where and what to try
  2  the command line is wrong
  3  refused: by a rule of narae.yaml, or because what a plan was decided on has moved
  4  the commit has landed, and Argo CD cannot sync it, calls it Degraded or takes too long

Environment:
  NARAE_REPO       the repository
  NARAE_AUTHOR     who commits
  NARAE_SIGN_KEY   the key that signs
  NARAE_PIPELINE   the pipeline run that asks
  NARAE_FORGE_TOKEN      who we are to the forge's API, for --merge-request
  ARGOCD_AUTH_TOKEN      who we are to Argo CD
  ARGOCD_WEBHOOK_SECRET  what signs its webhook
  NO_COLOR         no colour";
