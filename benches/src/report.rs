//! What every bench says, in one shape: a table for people and, last, one line per figure
//! (`ratio NAME VALUE`, ours against the named peer in the same run, above 1 is better).
//!
//! Timings interleave ours and the peer's, round by round, and keep each one's fastest round:
//! whatever else the machine does slows both, and the fastest round is the one it disturbed least.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// One question: how long does ours take, how long does the peer's.
struct Row {
    name: String,
    peer: String,
    ours: Duration,
    theirs: Duration,
    note: String,
}

/// Collects the rows of one run and prints them at its end.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    skipped: Vec<String>,
}

impl Report {
    /// Times both closures in turn for `rounds` rounds and records the fastest round of each.
    ///
    /// `name` is the stable name of the ratio line; `note` says what was worked on.
    pub fn compare<A, B>(
        &mut self,
        name: &str,
        peer: &str,
        note: &str,
        rounds: usize,
        mut ours: impl FnMut() -> A,
        mut theirs: impl FnMut() -> B,
    ) {
        let (mut best_ours, mut best_theirs) = (Duration::MAX, Duration::MAX);
        for _ in 0..rounds.max(1) {
            best_ours = best_ours.min(time(&mut ours));
            best_theirs = best_theirs.min(time(&mut theirs));
        }
        self.record(name, peer, note, best_ours, best_theirs);
    }

    /// Records two durations measured by the caller, for work that does not fit a closure.
    pub fn record(&mut self, name: &str, peer: &str, note: &str, ours: Duration, theirs: Duration) {
        eprintln!("  {name}: done");
        self.rows.push(Row {
            name: name.to_owned(),
            peer: peer.to_owned(),
            ours,
            theirs,
            note: note.to_owned(),
        });
    }

    /// Names a peer that could not be measured, and why.
    pub fn skip(&mut self, peer: &str, why: &str) {
        self.skipped.push(format!("skipped {peer}: {why}"));
    }

    /// The whole report: table, skipped peers, ratio lines.
    pub fn render(&self) -> String {
        let mut out = String::new();
        let width = |f: fn(&Row) -> usize, least: usize| {
            self.rows.iter().map(f).max().unwrap_or(0).max(least)
        };
        let (wide_name, wide_peer) = (width(|r| r.name.len(), 8), width(|r| r.peer.len(), 4));
        let _ = writeln!(
            out,
            "{:wide_name$}  {:wide_peer$}  {:>12}  {:>12}  {:>8}  on",
            "question", "peer", "narae", "peer's", "ratio"
        );
        for row in &self.rows {
            let _ = writeln!(
                out,
                "{:wide_name$}  {:wide_peer$}  {:>12}  {:>12}  {:>7.2}×  {}",
                row.name,
                row.peer,
                format!("{:.3?}", row.ours),
                format!("{:.3?}", row.theirs),
                ratio(row),
                row.note
            );
        }
        for line in &self.skipped {
            let _ = writeln!(out, "{line}");
        }
        for row in &self.rows {
            let _ = writeln!(out, "ratio {} {:.3}", row.name, ratio(row));
        }
        out
    }
}

fn ratio(row: &Row) -> f64 {
    row.theirs.as_secs_f64() / row.ours.as_secs_f64().max(1e-12)
}

fn time<T>(work: &mut impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}
