//! Is the whole process of `render` cheaper than that of `helm template` for the same objects?
//!
//! Processor time and peak memory are those the kernel accounts to each process. A process begins with
//! the peak of the one that made it, so a small one of our own (`MEASURE`) stands between.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

use crate::platform;
use crate::report::Report;

/// The argument with which this program only runs and measures another.
pub const MEASURE: &str = "--measure";

const ROUNDS: usize = 11;

/// What a process took.
#[derive(Clone, Copy)]
pub struct Cost {
    /// On all processors, with that of the processes it made and waited for.
    pub cpu: Duration,
    /// At most at a time.
    pub bytes: u64,
    /// From its start to its end.
    pub wall: Duration,
}

/// Runs the questions about whole processes.
pub fn run(report: &mut Report) {
    if Command::new("helm").arg("version").output().is_err() {
        report.skip("helm template", "`helm` is not on PATH");
        return;
    }
    let render = build("render");
    let folder = platform::folder();
    for applications in [4, 100] {
        let values = std::env::temp_dir().join(format!("narae-bench-{}.yaml", std::process::id()));
        std::fs::write(&values, platform::values(applications)).expect("a file");
        let words = |words: &[&str], paths: &[&Path]| -> Vec<String> {
            let paths = paths.iter().map(|path| path.display().to_string());
            words
                .iter()
                .map(|word| (*word).to_owned())
                .chain(paths)
                .collect()
        };
        let program = render.display().to_string();
        let ours = words(
            &[&program, "-f"],
            &[&values, Path::new("--templates"), &folder.join("templates")],
        );
        let theirs = words(
            &["helm", "template", "platform", "-f"],
            &[&values, &folder.join("chart")],
        );
        let (mut best_ours, mut best_theirs) = (cost(&ours), cost(&theirs));
        for _ in 1..ROUNDS {
            best_ours = better(best_ours, cost(&ours));
            best_theirs = better(best_theirs, cost(&theirs));
        }
        let _ = std::fs::remove_file(&values);
        let objects = applications * 5;
        let mebibytes = |cost: Cost| cost.bytes as f64 / (1 << 20) as f64;
        let note = format!(
            "{objects} objects, processor time of the whole process; {:.1} MiB against {:.1} MiB",
            mebibytes(best_ours),
            mebibytes(best_theirs)
        );
        let name = format!("manifest.helm_template_{objects}");
        report.record(
            &name,
            "helm template",
            &note,
            best_ours.cpu,
            best_theirs.cpu,
        );
    }
}

/// Runs a program, without its output, and prints microseconds, bytes, and microseconds of the clock.
pub fn measure(command: &[String]) {
    let [program, arguments @ ..] = command else {
        std::process::exit(2);
    };
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let used = child.wait4().expect("it is our child");
    assert!(used.status.success(), "{program} failed");
    let cpu = used.rusage.utime + used.rusage.stime;
    let wall = start.elapsed().as_micros();
    println!("{} {} {wall}", cpu.as_micros(), used.rusage.maxrss);
}

/// What running `command` takes.
pub fn cost(command: &[String]) -> Cost {
    let own = std::env::current_exe().expect("this program is a file");
    let output = Command::new(own)
        .arg(MEASURE)
        .args(command)
        .stderr(Stdio::inherit())
        .output();
    let text = String::from_utf8(output.expect("this program starts").stdout).expect("numbers");
    let mut numbers = text
        .split_whitespace()
        .map(|number| number.parse().expect("a number"));
    let mut next = || numbers.next().expect("three numbers");
    Cost {
        cpu: Duration::from_micros(next()),
        bytes: next(),
        wall: Duration::from_micros(next()),
    }
}

/// The least time, and the most memory: what each can be relied on for.
pub fn better(a: Cost, b: Cost) -> Cost {
    Cost {
        cpu: a.cpu.min(b.cpu),
        bytes: a.bytes.max(b.bytes),
        wall: a.wall.min(b.wall),
    }
}

/// Builds a program of the workspace as its users do.
pub fn build(program: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("it has one");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", program])
        .current_dir(root)
        .status();
    assert!(status.expect("cargo starts").success(), "{program} builds");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release").join(program)
}
