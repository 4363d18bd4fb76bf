//! The command line: every flag, its default and what `--help` says of it. Decides nothing.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use narae_cli::Given;
use narae_secrets::sealed::Scope;
use narae_secrets::store::SecretPath;

/// Seal Secrets for git, as kubeseal does, and keep a folder of them in order.
///
/// Reads a Secret from standard input and writes a SealedSecret to standard output. Works offline with a
/// certificate (--cert), and touches nothing but what it is told to write.
#[derive(Debug, Parser)]
#[command(name = "seal", version, args_conflicts_with_subcommands = true, max_term_width = 100,
          after_long_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) seal: Seal,
}

/// What kubeseal has no word for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show every sealed item below a folder, and what is wrong with it; needs no private key
    Status(Status),
    /// Seal every item below a folder anew for another certificate; nothing else in the files changes
    Rotate(Rotate),
    /// Look for secrets in files, folders or standard input: known values in every encoding, and what looks like one
    Guard(Guard),
    /// Write a value, from standard input or a file, to an embedded store
    Put(Put),
}

/// kubeseal's flags, under their names there.
#[derive(Debug, Args)]
pub(crate) struct Seal {
    #[command(flatten)]
    pub(crate) mode: Mode,

    /// The certificate to seal for: a file, PEM or a backup of the controller's Secret
    /// [default: the controller's, through the API server]
    #[arg(
        long,
        value_name = "FILE",
        env = "SEALED_SECRETS_CERT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) cert: Given<String>,

    #[command(flatten)]
    pub(crate) cluster: Cluster,

    /// Where the items may be opened [default: what the Secret's annotations say, else strict]
    #[arg(
        long,
        value_name = "strict|namespace-wide|cluster-wide",
        env = "SEALED_SECRETS_SCOPE",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) scope: Given<Scope>,

    /// The namespace, for a Secret that names none; one that names another is refused
    #[arg(short, long, default_value = "", hide_default_value = true)]
    pub(crate) namespace: Given<String>,

    /// The name, whatever the Secret's is
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) name: Given<String>,

    /// Read the Secret from this file
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,

    /// Write the result to this file; one that ends in .yaml or .yml becomes YAML
    #[arg(short = 'w', long, value_name = "FILE")]
    pub(crate) sealed_secret_file: Option<PathBuf>,

    /// How to write the result [default: json]
    #[arg(
        short = 'o',
        long,
        value_name = "json|yaml",
        env = "SEALED_SECRETS_FORMAT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) format: Given<Format>,

    /// With --raw: read the value from this file
    #[arg(long, value_name = "[KEY=]FILE", requires = "raw")]
    pub(crate) from_file: Option<String>,

    /// Seal a Secret that has no data
    #[arg(long)]
    pub(crate) allow_empty_data: bool,

    /// Keep what is unchanged in --merge-into or -w: values are digested with this key, and known by that. The file is
    /// made when it is missing; keep it outside the repository, the same for all who seal
    #[arg(
        long,
        value_name = "FILE",
        env = "SEAL_DIGEST_KEY",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) digest_key: Given<PathBuf>,

    /// Private keys, PEM or a backup of the controller's Secrets; for --recovery-unseal and --re-encrypt
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub(crate) recovery_private_key: Vec<PathBuf>,
}

/// Where the controller is.
#[derive(Debug, Args)]
pub(crate) struct Cluster {
    /// The controller's namespace [default: kube-system]
    #[arg(
        long,
        env = "SEALED_SECRETS_CONTROLLER_NAMESPACE",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) controller_namespace: Given<String>,

    /// The controller's Service; the Helm chart's is sealed-secrets [default: sealed-secrets-controller]
    #[arg(
        long,
        env = "SEALED_SECRETS_CONTROLLER_NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) controller_name: Given<String>,

    /// The kubeconfig [default: KUBECONFIG, ~/.kube/config, or the pod's own]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig [default: its current one]
    #[arg(long)]
    pub(crate) context: Option<String>,
}

/// What to do instead of sealing a Secret.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Mode {
    /// Write the certificate to standard output: the controller's, or that of --cert
    #[arg(long)]
    pub(crate) fetch_cert: bool,

    /// Seal one value from standard input or --from-file and write the item alone
    #[arg(long)]
    pub(crate) raw: bool,

    /// Seal the Secret's items into this file; nothing else in it changes
    #[arg(long, value_name = "FILE")]
    pub(crate) merge_into: Option<PathBuf>,

    /// Check SealedSecrets offline, without a private key
    #[arg(long)]
    pub(crate) validate: bool,

    /// Seal SealedSecrets anew for --cert, opening them with --recovery-private-key, or with the controller's
    /// keys for whoever may read those
    #[arg(long, alias = "rotate")]
    pub(crate) re_encrypt: bool,

    /// Open a SealedSecret with --recovery-private-key and write the Secret, plaintext and all
    #[arg(long, requires = "recovery_private_key")]
    pub(crate) recovery_unseal: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The folder, or one file
    pub(crate) path: PathBuf,

    /// Check against these certificates, too: which items none of their keys sealed, and whether they expired
    #[arg(
        long,
        value_name = "FILE",
        env = "SEALED_SECRETS_CERT",
        value_delimiter = ','
    )]
    pub(crate) cert: Vec<String>,

    /// Print the items as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The folder, or one file
    pub(crate) path: PathBuf,

    /// The old private keys, PEM or a backup of the controller's Secrets
    #[arg(long, value_name = "FILE", required = true, value_delimiter = ',')]
    pub(crate) keys: Vec<PathBuf>,

    /// The new certificate
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: String,

    /// Report what would be done and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Print the report as one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// Files worked on at a time [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Guard {
    /// Files and folders; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Look for the values of these Secrets, too: YAML or JSON, as kubectl prints them
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub(crate) secret: Vec<PathBuf>,

    /// Look for the values in this embedded store, too
    #[arg(long, value_name = "FILE", requires = "store_key")]
    pub(crate) store: Option<PathBuf>,

    /// The store's key
    #[arg(long, value_name = "FILE", requires = "store")]
    pub(crate) store_key: Option<PathBuf>,

    /// Print the findings as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Put {
    /// The secret: `kv/shop/dev/database`, as references name it
    pub(crate) path: SecretPath,

    /// Which of its values; the others stay as they are, in a new version
    pub(crate) key: String,

    /// The embedded store, as `deliver` makes and reads it
    #[arg(long, value_name = "FILE")]
    pub(crate) store: PathBuf,

    /// The store's key
    #[arg(long, value_name = "FILE")]
    pub(crate) store_key: PathBuf,

    /// Read the value from this file; a line break at its end is part of it
    #[arg(long, value_name = "FILE")]
    pub(crate) from_file: Option<PathBuf>,
}

/// A form of output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Json,
    Yaml,
}

impl FromStr for Format {
    type Err = String;

    /// In any case, as kubeseal.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            _ => Err("expected json or yaml".to_owned()),
        }
    }
}

const AFTER_HELP: &str = "\
Examples:
  seal --cert cert.pem -o yaml < secret.yaml > sealed.yaml
  seal --cert cert.pem --merge-into sealed.yaml < secret.yaml
  printf %s pa55 | seal --raw --cert cert.pem -n shop --name db
  seal status deploy/ --cert cert.pem
  seal rotate deploy/ --keys backup.yaml --cert new.pem --dry-run
  printf %s pa55 | seal put kv/shop/dev/database password --store secrets.store --store-key store.key
  git diff --cached | seal guard - --store secrets.store --store-key store.key

Exit codes:
  0  done
  1  an error: it says what, where and what to try
  2  the command line is wrong
  3  done, and what was looked at has findings (status, guard, --validate)";

fn jobs(text: &str) -> Result<usize, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=256).contains(number));
    number.ok_or_else(|| "expected a number from 1 to 256".to_owned())
}
