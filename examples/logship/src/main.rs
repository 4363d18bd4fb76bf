//! `logship` prints every line of log files as NDJSON and says at the end what it saw; see its README.

mod analysis;
mod follow;
mod input;
mod lines;
mod output;
mod pipe;
#[cfg(feature = "kube")]
mod pods;
mod progress;
mod report;
mod ship;
mod status;
mod summary;

use std::env;
use std::fs;
use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use narae_logparse::encode::Origin;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use zeroize::Zeroizing;

use crate::analysis::Analysis;
use crate::follow::Pods;
use crate::input::{Step, read};
use crate::lines::Inputs;
use crate::progress::Bar;
use crate::ship::state::{self, State};
use crate::ship::{
    Access, Files, Http, HttpOptions, Kafka, Login, Mechanism, S3, Shipper, Sink, http,
};
use crate::summary::Summary;

/// Prints every line of log files as one JSON object, and a summary on standard error.
///
/// Lines that are not of the format are printed too, as {"raw": …, "reason": …, "offset": …}: nothing is
/// dropped, and the summary checks that the bytes add up. Container messages split by the runtime are joined, per stream.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    shipping: Shipping,
}

#[derive(Args)]
struct Shipping {
    /// Go on with what is written to the files, whatever becomes of them, until SIGTERM or SIGINT. FILES may be patterns such as
    /// '/var/log/pods/*/*/*.log*', in quotes.
    #[arg(long, requires = "to")]
    follow: bool,
    /// Where to send: `opensearch URL`, `otlp URL`, `otlp-json URL`, `loki URL`, `kafka HOST:PORT,…`, `s3 s3://BUCKET/PREFIX` or `file FOLDER`; otherwise to standard output.
    #[arg(long, num_args = 2, value_names = ["KIND", "WHERE"])]
    to: Vec<String>,
    /// A folder to remember in what has arrived, so that every line arrives also after a kill.
    #[arg(long, value_name = "FOLDER", requires = "to")]
    state: Option<PathBuf>,
    /// The index or data stream of OpenSearch, the topic of Kafka, the label `job` of Loki.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "logs-logship-default",
        requires = "to"
    )]
    name: String,
    /// The value of the header `Authorization`.
    #[arg(
        long,
        env = "LOGSHIP_AUTHORIZATION",
        hide_env_values = true,
        hide = true
    )]
    authorization: Option<String>,
    /// Reach Kafka's brokers over TLS.
    #[arg(long, requires = "to")]
    tls: bool,
    /// Log in to Kafka's brokers with the name in LOGSHIP_USER and the password in LOGSHIP_PASSWORD, or in the file that
    /// LOGSHIP_PASSWORD_FILE names.
    #[arg(long, value_name = "MECHANISM", requires = "to")]
    sasl: Option<Mechanism>,
    /// Certificates to trust, in PEM.
    #[arg(long, value_name = "FILE", requires = "to")]
    ca: Option<PathBuf>,
    /// How many MiB may wait for the destination; reading pauses when they do.
    #[arg(long, value_name = "MIB", default_value_t = 32, requires = "to")]
    buffer: usize,
    /// For how many seconds lines are collected for an object of S3, unless half the buffer is full before.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "to")]
    every: u64,
    /// Where to answer GET /metrics (Prometheus), /healthz and /readyz, such as 127.0.0.1:9090.
    #[arg(long, value_name = "ADDRESS", requires = "to")]
    metrics: Option<String>,
    /// Add labels, workload and node of the pods that the logs belong to, as an API server tells of them, reached as by kubectl or with a
    /// pod's service account.
    #[cfg(feature = "kube")]
    #[arg(long, requires = "to")]
    kubernetes: bool,
    /// The node whose pods they are; otherwise all are watched.
    #[cfg(feature = "kube")]
    #[arg(long, value_name = "NAME", env = "NODE_NAME", requires = "to")]
    node: Option<String>,
    /// Send requests over HTTP as they are, not in gzip.
    #[arg(long, requires = "to")]
    plain: bool,
}

const AFTER: &str =
    "Exit status: 0 all was read, 1 something could not be read or written, 2 wrong usage.
A file named `stats` or `report` is given as ./stats.";

#[derive(Subcommand)]
enum Command {
    /// Prints the summary only, on standard output, with templates and alerts.
    Stats(Inputs),
    /// Writes one page about the files, to open in a browser.
    Report {
        #[command(flatten)]
        inputs: Inputs,
        /// The page.
        #[arg(short, long, value_name = "FILE", default_value = "report.html")]
        output: PathBuf,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Stats(inputs)) => stats(&inputs),
        Some(Command::Report { inputs, output }) => write_report(&inputs, &output),
        None if !cli.shipping.to.is_empty() => deliver(&cli.inputs, cli.shipping),
        None => print(&cli.inputs),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever reads us has seen enough: not an error, and nobody is left to tell.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn print(inputs: &Inputs) -> anyhow::Result<bool> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut line = Vec::new();
    let mut summary = Summary::default();
    // Lines on a terminal show by themselves how far it is.
    let bar = match io::stdout().is_terminal() {
        true => Bar::default(),
        false => Bar::of(&inputs.files),
    };
    let all_read = each(inputs, &bar, &mut summary, |name, step| {
        let written = match step {
            Step::Event(event) => {
                line.clear();
                output::write(name, event, &mut line);
                out.write_all(&line)
            }
            Step::Pause => out.flush(),
        };
        written.context("cannot write to standard output")
    })?;
    out.flush().context("cannot write to standard output")?;
    drop(bar);
    // A summary nobody can read is no reason to fail: the records are out.
    let _ = write!(anstream::stderr().lock(), "{summary}");
    Ok(all_read)
}

/// Reads the inputs into a destination. Fails if not all could be read or not all arrived.
fn deliver(inputs: &Inputs, shipping: Shipping) -> anyhow::Result<bool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // The second one ends us at once.
        flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    let mut state = match &shipping.state {
        Some(folder) => State::open(folder)?,
        None => State::default(),
    };
    let [kind, place] = &shipping.to[..] else {
        bail!("--to takes a kind and a place");
    };
    let sink: Box<dyn Sink> = match (&kind[..], http::protocol(kind)) {
        ("file", _) => Box::new(Files::open(Path::new(place), &mut state)?),
        ("s3", _) => Box::new(S3::open(place, shipping.ca.as_deref(), &state)?),
        ("kafka", _) => {
            let login = shipping.sasl.map(login).transpose()?;
            let access = Access::new(shipping.tls, shipping.ca.as_deref(), login)?;
            Box::new(Kafka::new(place, shipping.name, access)?)
        }
        (_, Some(protocol)) => {
            let options = HttpOptions {
                authorization: shipping.authorization,
                ca: shipping.ca,
                name: shipping.name,
                compress: !shipping.plain,
            };
            Box::new(Http::new(protocol, place, options)?)
        }
        _ => bail!(
            "no destination {kind:?}: expected opensearch, otlp, otlp-json, loki, kafka, s3 or file"
        ),
    };
    let max_bytes = shipping.buffer.max(1) << 20;
    let mut shipper = Shipper::new(sink, state, max_bytes, stop)?;
    if kind == "s3" {
        shipper = shipper.with_linger(Duration::from_secs(shipping.every), max_bytes);
    }
    if let Some(address) = &shipping.metrics {
        let bound = status::serve(address, Arc::clone(shipper.status()))?;
        let _ = writeln!(
            anstream::stderr().lock(),
            "metrics   http://{bound}/metrics"
        );
    }
    let pods: Box<dyn Pods> = Box::new(());
    #[cfg(feature = "kube")]
    let pods = match shipping.kubernetes {
        true => Box::new(pods::Watch::start(shipping.node)?),
        false => pods,
    };
    let all_read = match &inputs.files[..] {
        [only] if only == "-" => stream(inputs, &mut shipper)?,
        _ => follow::run(inputs, shipping.follow, pods.as_ref(), &mut shipper)?,
    };
    let all_arrived = shipper.drain()?;
    let (acknowledged, dead, queued) = shipper.counts();
    let _ = writeln!(
        anstream::stderr().lock(),
        "shipped   {acknowledged} arrived, {dead} refused, {queued} did not arrive"
    );
    Ok(all_read && (all_arrived || shipping.state.is_some()) && dead == 0)
}

/// Name and password, which have no business on a command line.
fn login(mechanism: Mechanism) -> anyhow::Result<Login> {
    let user = env::var("LOGSHIP_USER").context("--sasl needs a name in LOGSHIP_USER")?;
    let password = match env::var_os("LOGSHIP_PASSWORD_FILE") {
        Some(path) => {
            let path = Path::new(&path);
            let about = || format!("cannot read the password from {}", path.display());
            let text = Zeroizing::new(fs::read_to_string(path).with_context(about)?);
            Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        None => {
            let password = env::var("LOGSHIP_PASSWORD");
            let about = "--sasl needs a password in LOGSHIP_PASSWORD, or LOGSHIP_PASSWORD_FILE";
            // The error of a password that is no text quotes it.
            Zeroizing::new(password.ok().context(about)?)
        }
    };
    Login::new(mechanism, user, password)
}

/// Standard input, which nobody can read again: what does not arrive is lost, and said.
fn stream(inputs: &Inputs, shipper: &mut Shipper) -> anyhow::Result<bool> {
    let source = state::new_name((0, u64::from(std::process::id())));
    let (number, _) = shipper.source(&source);
    let (reader, written) = input::open("-", &Bar::default())?;
    let read = read(reader, inputs, written, |step| {
        match step {
            Step::Event(event) => {
                let origin = Origin::new(&source, "-", input::now());
                let item = shipper.encode(event, &origin);
                let _arrives = shipper.offer(item, number, event.spans())?;
            }
            Step::Pause => shipper.pump_for(follow::RESCAN)?,
        }
        Ok(!shipper.must_stop())
    })?;
    if let Some(error) = read.failed {
        complain(&anyhow::Error::new(error).context("cannot read standard input to its end"));
        return Ok(false);
    }
    if read.stopped {
        complain(&anyhow::anyhow!("ended before standard input did"));
    }
    Ok(!read.stopped)
}

fn stats(inputs: &Inputs) -> anyhow::Result<bool> {
    let (summary, analysis, all_read) = analyse(inputs)?;
    let mut out = anstream::stdout().lock();
    write!(out, "{summary}{analysis}")
        .and_then(|()| out.flush())
        .context("cannot write to standard output")?;
    Ok(all_read)
}

fn write_report(inputs: &Inputs, path: &Path) -> anyhow::Result<bool> {
    let (summary, analysis, all_read) = analyse(inputs)?;
    let page = report::page(&inputs.files, &summary, &analysis);
    std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    let _ = writeln!(anstream::stderr().lock(), "report    {}", path.display());
    Ok(all_read)
}

fn analyse(inputs: &Inputs) -> anyhow::Result<(Summary, Analysis, bool)> {
    let (mut summary, mut analysis) = (Summary::default(), Analysis::default());
    let bar = Bar::of(&inputs.files);
    let all_read = each(inputs, &bar, &mut summary, |_, step| {
        if let Step::Event(event) = step {
            analysis.add(event);
        }
        Ok(())
    })?;
    analysis.finish();
    Ok((summary, analysis, all_read))
}

/// Reads every input; one that cannot be read is named and does not keep the others from being read.
fn each(
    inputs: &Inputs,
    bar: &Bar,
    summary: &mut Summary,
    mut take: impl FnMut(&str, Step<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let mut all_read = true;
    for name in &inputs.files {
        let (reader, written) = match input::open(name, bar) {
            Ok(opened) => opened,
            Err(error) => {
                complain(&error);
                all_read = false;
                continue;
            }
        };
        let read = read(reader, inputs, written, |step| {
            if let Step::Event(event) = &step {
                summary.add(event);
            }
            take(name, step)?;
            Ok(true)
        })?;
        summary.add_input(&read);
        if let Some(error) = read.failed {
            complain(&anyhow::Error::new(error).context(format!("cannot read {name} to its end")));
            all_read = false;
        }
    }
    Ok(all_read)
}

pub(crate) fn complain(error: &anyhow::Error) {
    progress::clear();
    let _ = writeln!(anstream::stderr().lock(), "logship: {error:#}");
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == ErrorKind::BrokenPipe)
}
