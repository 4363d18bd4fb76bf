//! The two charts, as SVG: requests and errors over time, and how long requests took as a heat map over time.

use std::fmt::{self, Write as _};
use std::time::Duration;

use narae_logparse::Timestamp;
use narae_logparse::measure::{Series, Window};

use super::page::grouped;
pub(super) use super::page::short;

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 24.0;
/// Rows of the heat map.
const ROWS: usize = 28;
/// The most columns of either chart, should a window be far from all others.
const MOST_COLUMNS: i64 = 240;

/// Where windows stand on the paper.
struct Axis {
    start: i64,
    width: i64,
    columns: i64,
}

impl Axis {
    fn new(series: &Series) -> Option<Self> {
        let starts = || series.windows().map(|(start, _)| start.unix_seconds());
        let (first, last) = (starts().min()?, starts().max()?);
        let mut width = i64::try_from(series.width().as_secs())
            .unwrap_or(i64::MAX)
            .max(1);
        while (last - first) / width >= MOST_COLUMNS {
            width = width.saturating_mul(2);
        }
        let start = first.div_euclid(width) * width;
        Some(Self {
            start,
            width,
            columns: (last - start) / width + 1,
        })
    }

    /// The windows merged into columns, with the left edge of each on the paper.
    fn columns(&self, series: &Series) -> Vec<(f64, Timestamp, Window)> {
        let mut columns: Vec<(i64, Window)> = Vec::new();
        for (start, window) in series.windows() {
            let column = (start.unix_seconds() - self.start).div_euclid(self.width);
            match columns.last_mut().filter(|(last, _)| *last == column) {
                Some((_, sum)) => sum.merge(window),
                None => columns.push((column, window.clone())),
            }
        }
        let placed = columns.into_iter().map(|(column, window)| {
            let start = Timestamp::from_unix_seconds(self.start + column * self.width);
            (LEFT + column as f64 * self.step(), start, window)
        });
        placed.collect()
    }

    fn step(&self) -> f64 {
        (WIDTH - LEFT) / self.columns as f64
    }

    /// Times below the chart.
    fn write(&self, out: &mut String) -> fmt::Result {
        let ticks = self.columns.min(6);
        let day = self.columns * self.width > 86_400;
        for tick in 0..ticks {
            let column = tick * self.columns / ticks;
            let text = Timestamp::from_unix_seconds(self.start + column * self.width).to_string();
            let shown = if day {
                text.get(5..16)
            } else {
                text.get(11..19)
            };
            writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" class=\"axis\">{}</text>",
                LEFT + column as f64 * self.step(),
                HEIGHT - 6.0,
                shown.unwrap_or(&text).replace('T', " ")
            )?;
        }
        Ok(())
    }
}

fn open(out: &mut String, label: &str) -> fmt::Result {
    writeln!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">"
    )
}

/// Stacked bars: what went well, clients' errors, servers' errors.
pub(super) fn timeline(out: &mut String, series: &Series) -> fmt::Result {
    let Some(axis) = Axis::new(series) else {
        return Ok(());
    };
    let columns = axis.columns(series);
    let has_requests = columns.iter().any(|(_, _, window)| window.requests > 0);
    let parts = |window: &Window| -> [(u64, &str); 3] {
        if has_requests {
            let [none, informing, ok, redirect, client, server, other] = window.classes;
            [
                (server + other, "bad"),
                (client + none, "doubt"),
                (informing + ok + redirect, "fine"),
            ]
        } else {
            let well = window.events - window.errors.min(window.events);
            [(window.errors, "bad"), (0, "doubt"), (well, "fine")]
        }
    };
    let height = |window: &Window| parts(window).iter().map(|(n, _)| n).sum::<u64>();
    let most = columns
        .iter()
        .map(|(_, _, w)| height(w))
        .max()
        .unwrap_or(0)
        .max(1);
    let scale = (HEIGHT - BOTTOM - 8.0) / most as f64;
    open(out, "requests and errors over time")?;
    for share in [1.0, 0.5] {
        let y = HEIGHT - BOTTOM - most as f64 * scale * share;
        writeln!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\" class=\"grid\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" class=\"axis end\">{:.0}</text>",
            LEFT - 6.0,
            y + 4.0,
            most as f64 * share
        )?;
    }
    for (x, start, window) in &columns {
        let mut y = HEIGHT - BOTTOM;
        writeln!(
            out,
            "<g><title>{start}, {} s: {} requests, {} failed, {} events</title>",
            axis.width,
            grouped(window.requests),
            grouped(window.failed_requests),
            grouped(window.events)
        )?;
        for (count, class) in parts(window).into_iter().filter(|(count, _)| *count > 0) {
            // A single error must be seen.
            let tall = (count as f64 * scale).max(1.5);
            y -= tall;
            writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.2}\" height=\"{tall:.1}\" class=\"{class}\"/>",
                (axis.step() - 0.8).max(0.8)
            )?;
        }
        out.push_str("</g>\n");
    }
    axis.write(out)?;
    out.push_str("</svg>\n<p class=\"key\"><i class=\"fine\"></i>fine <i class=\"doubt\"></i>client error or none <i class=\"bad\"></i>server error</p>\n");
    Ok(())
}

/// Columns of time, rows of latency on a logarithmic scale, darker for more; lines for the median and the 99th percentile.
pub(super) fn heat_map(out: &mut String, series: &Series) -> fmt::Result {
    let Some(axis) = Axis::new(series) else {
        return Ok(());
    };
    let columns = axis.columns(series);
    let values = || {
        columns
            .iter()
            .flat_map(|(_, _, window)| window.latency.buckets())
    };
    let seconds = |latency: Duration| latency.as_secs_f64().max(1e-6).ln();
    let low = values()
        .map(|(latency, _)| seconds(latency))
        .fold(f64::MAX, f64::min)
        - 0.05;
    let high = values()
        .map(|(latency, _)| seconds(latency))
        .fold(f64::MIN, f64::max)
        + 0.05;
    if low > high {
        return Ok(());
    }
    let row = |latency: Duration| {
        let share = (seconds(latency) - low) / (high - low) * ROWS as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of rows"
        )]
        let row = share.max(0.0) as usize;
        row.min(ROWS - 1)
    };
    let tall = (HEIGHT - BOTTOM) / ROWS as f64;
    let top = |row: usize| HEIGHT - BOTTOM - (row as f64 + 1.0) * tall;
    let counts = |window: &Window| {
        let mut counts = [0_u64; ROWS];
        for (latency, count) in window.latency.buckets() {
            if let Some(sum) = counts.get_mut(row(latency)) {
                *sum += count;
            }
        }
        counts
    };
    let most = columns
        .iter()
        .flat_map(|(_, _, window)| counts(window))
        .max();
    let most = most.unwrap_or(1).max(1);
    open(out, "latency over time")?;
    for (x, start, window) in &columns {
        for (number, count) in counts(window)
            .into_iter()
            .enumerate()
            .filter(|(_, n)| *n > 0)
        {
            // The root lets the few be seen beside the many.
            let strength = 0.12 + 0.88 * (count as f64 / most as f64).sqrt();
            let at = (low + (number as f64 + 0.5) / ROWS as f64 * (high - low)).exp();
            writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.2}\" height=\"{:.2}\" class=\"heat\" opacity=\"{strength:.2}\"><title>{start}: {} around {}</title></rect>",
                top(number),
                axis.step() + 0.3,
                tall + 0.3,
                grouped(count),
                short(Duration::from_secs_f64(at))
            )?;
        }
    }
    for (share, class) in [(0.5, "p50"), (0.99, "p99")] {
        let points: Vec<String> = columns
            .iter()
            .filter_map(|(x, _, window)| {
                let latency = window.latency.quantile(share)?;
                let y =
                    HEIGHT - BOTTOM - (seconds(latency) - low) / (high - low) * (HEIGHT - BOTTOM);
                Some(format!("{:.1},{y:.1}", x + axis.step() / 2.0))
            })
            .collect();
        writeln!(
            out,
            "<polyline points=\"{}\" class=\"{class}\"/>",
            points.join(" ")
        )?;
    }
    for tick in 0..=4 {
        let share = f64::from(tick) / 4.0;
        let latency = Duration::from_secs_f64((low + share * (high - low)).exp());
        writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"axis end\">{}</text>",
            LEFT - 6.0,
            (HEIGHT - BOTTOM) * (1.0 - share) + if tick == 4 { 10.0 } else { 0.0 },
            short(latency)
        )?;
    }
    axis.write(out)?;
    out.push_str("</svg>\n<p class=\"key\"><i class=\"heat\"></i>requests <i class=\"line p50\"></i>median <i class=\"line p99\"></i>99th percentile</p>\n");
    Ok(())
}
