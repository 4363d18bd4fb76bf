//! The command line: every flag, its default and what `--help` says of it. Decides nothing.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use narae_cli::Given;

/// Deliver an application: templates and values in, a commit in a GitOps repository out.
///
/// Renders the application for one site and one stage, checks its policies, seals the secrets it
/// refers to, shows what would change and commits that to the stage's place in the repository.
/// Nothing is checked out, and running it again changes nothing.
#[derive(Debug, Parser)]
#[command(name = "deliver", version, after_long_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Where the application goes: one of the sites its application.yaml names
    #[arg(long, default_value = "idc")]
    pub(crate) site: String,

    /// Which environment there: one of the stages its application.yaml names
    #[arg(long, default_value = "dev")]
    pub(crate) stage: String,

    /// Deliver this image instead of the one the values name
    #[arg(long, value_name = "[REGISTRY/]NAME:TAG[@DIGEST]")]
    pub(crate) image: Option<String>,

    /// The application's folder [default: the bundled examples/deliver/shop]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) app: Option<PathBuf>,

    /// The GitOps repository, a path; it must exist when named
    /// [default: a bare repository, made when missing, at target/narae/gitops.git]
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: Option<PathBuf>,

    /// The branch Argo CD follows
    #[arg(long, default_value = "main")]
    pub(crate) branch: String,

    /// Where secret references are looked up
    #[arg(long, value_enum, default_value_t = StoreKind::File)]
    pub(crate) store: StoreKind,

    /// The embedded store's file; it must exist when named
    /// [default: target/narae/secrets.store, made with the application's sample content]
    #[arg(long, value_name = "FILE")]
    pub(crate) store_file: Option<PathBuf>,

    /// The embedded store's key; it must exist when named
    /// [default: store.key in the key folder, made on first run]
    #[arg(long, value_name = "FILE")]
    pub(crate) store_key: Option<PathBuf>,

    /// Make the store and the key that are named, if they are missing, with the application's sample content
    #[arg(long)]
    pub(crate) init_store: bool,

    /// Read secrets at the versions that this file locks, and lock what it does not;
    /// it is made when missing and belongs in version control
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,

    /// Read the newest versions, and lock those
    #[arg(long, requires = "lock")]
    pub(crate) relock: bool,

    /// Seal for this certificate, PEM, as `kubeseal --fetch-cert` prints it
    /// [default: sealing/tls.crt in the key folder, made on first run]
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,

    /// The key by which values are known again that a store has no versions of; it must exist when named
    /// [default: digest.key in the key folder, made when it is needed]
    #[arg(long, value_name = "FILE")]
    pub(crate) digest_key: Option<PathBuf>,

    /// The value of this reference is no secret and may stand in the clear, such as a user's name
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) not_secret: Vec<String>,

    /// Who commits, as git writes it (`Narae deliver <deliver@narae.invalid>` unless given)
    #[arg(
        long,
        value_name = "NAME <MAIL>",
        env = "NARAE_AUTHOR",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) author: Given<String>,

    /// Stop after the plan: write nothing to the repository
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Show every field of new files, not the first few
    #[arg(long)]
    pub(crate) full: bool,

    /// Print plan and result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// When to colour: a terminal gets colour, a pipe does not
    #[arg(long, value_enum, default_value_t = clap::ColorChoice::Auto)]
    pub(crate) color: clap::ColorChoice,
}

/// A kind of secret store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreKind {
    /// One encrypted file; needs no server
    File,
    /// OpenBao or Vault at BAO_ADDR with BAO_TOKEN (or VAULT_ADDR, VAULT_TOKEN)
    Openbao,
}

const AFTER_HELP: &str = "\
Examples:
  deliver                                    the bundled shop to idc/dev
  deliver --site aws --stage prod --dry-run  what would change in production at the recovery site
  deliver --stage rc --image shop:9f2c1d7e4b8a60355c1e7a9d0b42f8e6a3d5c710
  BAO_ADDR=https://bao:8200 BAO_TOKEN=… deliver --store openbao
  deliver --lock secrets.lock --relock --dry-run  what newer secrets would change
  deliver --json | jq .result.commit

Exit codes:
  0  done, or nothing to do
  1  an error: it says what, where and what to try
  2  the command line is wrong
  3  refused by a policy of the application

Environment:
  BAO_ADDR, BAO_TOKEN, BAO_NAMESPACE, BAO_CACERT   the server for --store openbao (VAULT_* when unset)
  BAO_CLIENT_CERT, BAO_CLIENT_KEY, BAO_CLIENT_TIMEOUT, BAO_MAX_RETRIES   the same, for those who need them
  NARAE_AUTHOR                                     who commits
  NARAE_HOME                                       the key folder [default: $XDG_DATA_HOME/narae
                                                   or ~/.local/share/narae]: never inside a repository
  NO_COLOR                                         no colour";
