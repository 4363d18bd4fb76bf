//! A timeline that people can read: who served, what failed, what happened. Plain SVG, no script.

use std::fmt::Write as _;
use std::time::Duration;

use super::outcome::{Moment, Outcome, clock, part};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 60.0;
/// Half of the last time on the axis has to fit.
const RIGHT: f64 = 40.0;
const TOP: f64 = 70.0;
/// Of the shares, and of the load below them.
const SHARES: f64 = 220.0;
const LOAD: f64 = 80.0;
const GAP: f64 = 40.0;
/// How high the numbers of events are.
const NUMBER: f64 = 10.0;

/// Told apart by people who see colours otherwise as well (Okabe and Ito).
const COLOURS: [&str; 6] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442",
];
const FAILED: &str = "#d00000";

impl Outcome {
    /// The timeline as an SVG document: above the shares of the sites with failures on top in red, below the
    /// requests a second, and a line for every turn of events.
    #[must_use]
    pub fn svg(&self) -> String {
        let turns: Vec<_> = self.turns().collect();
        let rows = turns.len().min(40);
        let height = TOP + SHARES + GAP + LOAD + 50.0 + 16.0 * rows as f64;
        let mut svg = String::new();
        let said = format!(
            "{:.4} % of {} requests served",
            self.availability() * 100.0,
            grouped(self.requests)
        );
        let (failed, retries) = (grouped(self.failed), grouped(self.retries));
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n\
             <title>{said}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{said}, {failed} failed, {retries} retries</text>\n"
        );
        self.legend(&mut svg);
        self.shares(&mut svg);
        self.load(&mut svg);
        self.hours(&mut svg);
        self.events(&turns, rows, &mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    /// A line where each happened, numbered above, and what it was, below; text for the first `rows` of them.
    fn events(&self, turns: &[&Moment], rows: usize, svg: &mut String) {
        let bottom = TOP + SHARES + GAP + LOAD;
        let mut numbers: Vec<Numbers> = Vec::new();
        for (row, moment) in turns.iter().enumerate() {
            let (x, number) = (self.x(moment.at), row + 1);
            let colour = if moment.scripted { FAILED } else { "#666" };
            let _ = writeln!(
                svg,
                "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"{colour}\" stroke-dasharray=\"3 3\"/>"
            );
            if row >= rows {
                continue;
            }
            let below = bottom + 50.0 + 16.0 * row as f64;
            let _ = writeln!(
                svg,
                "<text x=\"{LEFT}\" y=\"{below}\" fill=\"{colour}\">{number}. {} {}</text>",
                clock(moment.at),
                escaped(&moment.what)
            );
            let mut own = Numbers {
                first: (number, x),
                last: (number, x),
                scripted: moment.scripted,
            };
            while let Some(before) = numbers.pop_if(|before| before.touches(&own)) {
                own = Numbers {
                    first: before.first,
                    scripted: own.scripted || before.scripted,
                    ..own
                };
            }
            numbers.push(own);
        }
        for own in numbers {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" font-size=\"{NUMBER}\" text-anchor=\"middle\" fill=\"{}\">{}</text>",
                own.middle(),
                TOP - 4.0,
                if own.scripted { FAILED } else { "#666" },
                own.text()
            );
        }
    }

    fn legend(&self, svg: &mut String) {
        let mut x = LEFT;
        let named = self.sites.iter().zip(COLOURS.iter().cycle());
        let failed = "failed".to_owned();
        for (name, colour) in named.chain([(&failed, &FAILED)]) {
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"32\" width=\"10\" height=\"10\" fill=\"{colour}\"/><text x=\"{}\" y=\"41\">{}</text>",
                x + 14.0,
                escaped(name)
            );
            x += 34.0 + 7.5 * name.chars().count() as f64;
        }
    }

    /// Bands on top of each other, the first site lowest.
    fn shares(&self, svg: &mut String) {
        let bottom = TOP + SHARES;
        for percent in [0, 25, 50, 75, 100] {
            let y = bottom - SHARES * f64::from(percent) / 100.0;
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{percent} %</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0
            );
        }
        let mut floor = vec![0.0; self.slices.len()];
        let bands = self.sites.len() + 1;
        for band in 0..bands {
            let colour = if band + 1 == bands {
                FAILED
            } else {
                COLOURS.iter().cycle().nth(band).unwrap_or(&FAILED)
            };
            let (mut upper, mut lower) = (String::new(), Vec::new());
            for (slice, floor) in self.slices.iter().zip(&mut floor) {
                let share = if band + 1 == bands {
                    part(slice.failed, slice.requests())
                } else {
                    slice.share(band)
                };
                let (begin, end) = (self.x(slice.begin), self.x(slice.begin + self.slice));
                let low = bottom - SHARES * *floor;
                *floor += share;
                let high = bottom - SHARES * *floor;
                let _ = write!(upper, "{begin:.1},{high:.1} {end:.1},{high:.1} ");
                lower.push(format!("{end:.1},{low:.1} {begin:.1},{low:.1} "));
            }
            lower.reverse();
            let _ = writeln!(
                svg,
                "<polygon fill=\"{colour}\" fill-opacity=\"0.8\" points=\"{upper}{}\"/>",
                lower.concat()
            );
        }
    }

    fn load(&self, svg: &mut String) {
        let seconds = self.slice.as_secs_f64().max(1.0);
        let rate = |requests: u64| part(requests, 1) / seconds;
        let most = self
            .slices
            .iter()
            .map(|s| rate(s.requests()))
            .fold(1.0, f64::max);
        let bottom = TOP + SHARES + GAP + LOAD;
        let points: String = self
            .slices
            .iter()
            .map(|slice| {
                let y = bottom - LOAD * rate(slice.requests()) / most;
                let end = self.x(slice.begin + self.slice);
                format!("{:.1},{y:.1} {end:.1},{y:.1} ", self.x(slice.begin))
            })
            .collect();
        let (left, right) = (LEFT - 6.0, WIDTH - RIGHT);
        let _ = writeln!(
            svg,
            "<text x=\"{left}\" y=\"{}\" text-anchor=\"end\">{}/s</text>\
             <text x=\"{left}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\
             <line x1=\"{LEFT}\" y1=\"{bottom}\" x2=\"{right}\" y2=\"{bottom}\" stroke=\"#999\"/>\n\
             <polyline fill=\"none\" stroke=\"#333\" points=\"{points}\"/>",
            bottom - LOAD + 4.0,
            grouped(format!("{most:.0}"))
        );
    }

    fn hours(&self, svg: &mut String) {
        let y = TOP + SHARES + GAP + LOAD + 16.0;
        for eighth in 0..=8_u32 {
            let at = self.duration * eighth / 8;
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
                self.x(at),
                clock(at)
            );
        }
    }

    fn x(&self, at: Duration) -> f64 {
        let part = at.as_secs_f64() / self.duration.as_secs_f64().max(1.0);
        LEFT + (WIDTH - LEFT - RIGHT) * part.min(1.0)
    }
}

/// The numbers of events that stand too near each other for a text each: `3–6` over all of them.
struct Numbers {
    /// Number and place.
    first: (usize, f64),
    last: (usize, f64),
    scripted: bool,
}

impl Numbers {
    fn text(&self) -> String {
        match (self.first.0, self.last.0) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}–{last}"),
        }
    }

    fn middle(&self) -> f64 {
        f64::midpoint(self.first.1, self.last.1)
    }

    /// Half of the text's width: a digit is less than two thirds as wide as it is high.
    fn reach(&self) -> f64 {
        self.text().chars().count() as f64 * NUMBER / 3.0
    }

    fn touches(&self, next: &Self) -> bool {
        next.middle() - next.reach() < self.middle() + self.reach() + 2.0
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
