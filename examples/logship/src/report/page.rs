//! The page around the charts.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::chart;
use crate::analysis::{Analysis, Notice};
use crate::summary::Summary;

/// How many templates and notices are shown.
const SHOWN: usize = 60;

/// The whole document.
pub(crate) fn page(files: &[String], summary: &Summary, analysis: &Analysis) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(&mut out, files, summary, analysis);
    out
}

fn write_page(
    out: &mut String,
    files: &[String],
    summary: &Summary,
    analysis: &Analysis,
) -> fmt::Result {
    let title = match files {
        [one] => escaped(one),
        several => format!("{} files", several.len()),
    };
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · log report</title>\n<style>\n{}</style>\n</head>\n<body>\n<header><h1>{title}</h1>\n",
        include_str!("page.css")
    )?;
    if let Some((first, last)) = summary.times() {
        writeln!(out, "<p class=\"span\">{first} – {last}</p>")?;
    }
    out.push_str("</header>\n");
    tiles(out, summary, analysis)?;
    if analysis.chart().windows().next().is_some() {
        section(out, "Requests over time", "over-time", |out| {
            chart::timeline(out, analysis.chart())
        })?;
    }
    if summary.seen().latency.count() > 0 {
        section(out, "Latency over time", "latency", |out| {
            chart::heat_map(out, analysis.chart())
        })?;
    }
    section(out, "To look at", "alerts", |out| notices(out, analysis))?;
    section(out, "Kinds of lines", "templates", |out| {
        templates(out, analysis)
    })?;
    section(out, "What was read", "read", |out| {
        read(out, files, summary)
    })?;
    out.push_str("</body>\n</html>\n");
    Ok(())
}

fn section(
    out: &mut String,
    title: &str,
    id: &str,
    write: impl FnOnce(&mut String) -> fmt::Result,
) -> fmt::Result {
    writeln!(out, "<section id=\"{id}\">\n<h2>{title}</h2>")?;
    write(out)?;
    out.push_str("</section>\n");
    Ok(())
}

fn tiles(out: &mut String, summary: &Summary, analysis: &Analysis) -> fmt::Result {
    let seen = summary.seen();
    let (records, raw) = summary.lines();
    let mut tile = |name: &str, value: String, note: String, class: &str| {
        writeln!(
            out,
            "<div class=\"tile {class}\"><b>{value}</b><span>{name}</span><small>{note}</small></div>"
        )
    };
    let seconds = summary.span().map_or(0.0, |span| span.as_secs_f64());
    let rate = |count: u64| match seconds > 0.0 {
        true => format!("{:.3} per second", count as f64 / seconds),
        false => String::new(),
    };
    if seen.requests > 0 {
        tile("requests", grouped(seen.requests), rate(seen.requests), "")?;
        let ratio = seen.failed_requests as f64 * 100.0 / seen.requests as f64;
        let class = if seen.failed_requests == 0 {
            "good"
        } else {
            "bad"
        };
        let note = format!("{} answered 5xx", grouped(seen.failed_requests));
        tile("errors", format!("{ratio:.2} %"), note, class)?;
    } else {
        tile("records", grouped(records), rate(records), "")?;
        let class = if seen.errors == 0 { "good" } else { "bad" };
        tile(
            "errors",
            grouped(seen.errors),
            "level error or worse".to_owned(),
            class,
        )?;
    }
    if let [Some(p50), Some(p99)] = [0.5, 0.99].map(|share| seen.latency.quantile(share)) {
        let note = format!("within 1 %, of {}", grouped(seen.latency.count()));
        tile("median", chart::short(p50), note.clone(), "")?;
        tile("99th percentile", chart::short(p99), note, "")?;
    }
    let (bytes, balanced) = summary.bytes();
    let class = if balanced { "good" } else { "bad" };
    let note = if balanced {
        "every byte accounted for"
    } else {
        "the bytes do not add up"
    };
    tile("bytes", grouped(bytes), note.to_owned(), class)?;
    let class = if raw == 0 { "good" } else { "doubt" };
    tile(
        "unparsed lines",
        grouped(raw),
        format!("of {}", grouped(records + raw)),
        class,
    )?;
    let (notices, more) = analysis.notices();
    let urgent = notices.iter().filter(|notice| notice.is_urgent).count();
    let class = match (urgent, notices.len()) {
        (0, 0) => "good",
        (0, _) => "doubt",
        _ => "bad",
    };
    tile(
        "to look at",
        grouped((notices.len() + more) as u64),
        format!("{urgent} urgent"),
        class,
    )
}

fn notices(out: &mut String, analysis: &Analysis) -> fmt::Result {
    let (notices, more) = analysis.notices();
    if notices.is_empty() {
        return writeln!(out, "<p>Nothing stands out.</p>");
    }
    // The urgent first; those of one kind in the order of time.
    let mut sorted: Vec<&Notice> = notices.iter().collect();
    sorted.sort_by_key(|notice| !notice.is_urgent);
    out.push_str("<table class=\"notices\">\n");
    for notice in sorted.iter().take(SHOWN) {
        let class = if notice.is_urgent { "bad" } else { "doubt" };
        writeln!(
            out,
            "<tr><td class=\"when\">{}</td><td><i class=\"{class}\">{}</i></td><td>{}</td></tr>",
            notice.at,
            notice.kind,
            marked(&notice.text)
        )?;
    }
    out.push_str("</table>\n");
    match notices.len().saturating_sub(SHOWN) + more {
        0 => Ok(()),
        more => writeln!(out, "<p>and {} more</p>", grouped(more as u64)),
    }
}

fn templates(out: &mut String, analysis: &Analysis) -> fmt::Result {
    let (templates, lines) = analysis.templates();
    let most = templates.first().map_or(1, |(count, _)| *count).max(1);
    out.push_str("<table class=\"templates\">\n");
    for (count, text) in templates.iter().take(SHOWN) {
        let width = *count as f64 * 100.0 / most as f64;
        let share = *count as f64 * 100.0 / lines.max(1) as f64;
        writeln!(
            out,
            "<tr><td class=\"number\">{}</td><td class=\"number\">{share:.1} %</td>\
             <td class=\"bar\"><s style=\"width:{width:.1}%\"></s></td><td><code>{}</code></td></tr>",
            grouped(*count),
            marked(text)
        )?;
    }
    out.push_str("</table>\n");
    match templates.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "<p>and {more} more kinds</p>"),
    }
}

fn read(out: &mut String, files: &[String], summary: &Summary) -> fmt::Result {
    let (formats, reasons) = summary.kinds();
    writeln!(out, "<dl><dt>formats</dt><dd>{}</dd>", escaped(&formats))?;
    if !reasons.is_empty() {
        writeln!(out, "<dt>unparsed</dt><dd>{}</dd>", escaped(&reasons))?;
    }
    let names: Vec<String> = files.iter().take(SHOWN).map(|name| escaped(name)).collect();
    writeln!(out, "<dt>files</dt><dd>{}</dd></dl>", names.join("<br>"))
}

/// Escaped, with what differs from line to line set apart.
fn marked(text: &str) -> String {
    let text: String = text.chars().take(300).collect();
    escaped(&text).replace("&lt;*&gt;", "<em>∗</em>")
}

/// Text that cannot be markup.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// `1 234 567`, with thin spaces.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202F}');
        }
        out.push(digit);
    }
    out
}

/// A duration in the shortest unit that reads well.
pub(super) fn short(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        _ if seconds < 1e-3 => format!("{:.0} µs", seconds * 1e6),
        _ if seconds < 1e-2 => format!("{:.1} ms", seconds * 1e3),
        _ if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 10.0 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}
