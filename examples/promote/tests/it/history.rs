//! Who delivered what, and DORA's measures, of commits at known times; the numbers were computed by hand.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::sandbox::{IMAGE, Sandbox, TO_RC};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Commits at hours after a moment ten days ago.
struct Past {
    sandbox: Sandbox,
    begin: i64,
}

impl Past {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = i64::try_from(now.as_secs()).unwrap();
        Self {
            sandbox: Sandbox::new(),
            begin: now - 10 * DAY,
        }
    }

    /// A commit as this program writes them; its id.
    fn commit(&self, hours: i64, what: &str, tag: &str, more: &[&str]) -> String {
        let (app, environment) = what.split_once('/').unwrap();
        let mut message = format!(
            "{what}: {tag}\n\nNarae-App: {app}\nNarae-Environment: {environment}\nNarae-Image: {IMAGE}:{tag}\n"
        );
        for line in more {
            message.push_str(&format!("{line}\n"));
        }
        let seconds = self.begin + hours * HOUR;
        let mut stream = format!(
            "commit refs/heads/main\ncommitter Ada <ada@example.com> {seconds} +0000\ndata {}\n{message}\nfrom refs/heads/main^0\n",
            message.len()
        );
        let content = format!("{what} {hours}");
        let _ = write!(
            stream,
            "M 100644 inline log\ndata {}\n{content}\n",
            content.len()
        );
        let import = ["--git-dir", "gitops.git", "fast-import", "--quiet"];
        self.sandbox.git(&import, &stream);
        self.sandbox
            .repository(&["rev-parse", "main"])
            .trim()
            .to_owned()
    }

    fn roll_back(&self, hours: i64, what: &str, commit: &str, tag: &str) -> String {
        self.commit(hours, what, tag, &[&format!("Narae-Reverts: {commit}")])
    }

    fn measures(&self, more: &[&str]) -> Value {
        let (code, json) = self
            .sandbox
            .json(&[&["history", "--measures"], more].concat());
        assert_eq!(code, Some(0), "{json:#}");
        json.get("environments").unwrap().clone()
    }
}

/// Two applications, three environments, a week.
fn week() -> Past {
    let past = Past::new();
    past.commit(0, "shop/dev", "a000001", &[]);
    past.commit(1, "cart/dev", "c000001", &[]);
    past.commit(6, "shop/rc", "a000001", &[]);
    past.commit(24, "shop/master", "a000001", &[]);
    past.commit(25, "cart/rc", "c000001", &[]);
    past.commit(48, "shop/dev", "a000002", &[]);
    past.commit(50, "shop/rc", "a000002", &[]);
    let shop = past.commit(72, "shop/master", "a000002", &[]);
    let back = past.roll_back(74, "shop/master", &shop, "a000001");
    // The rollback is undone, and undone again: neither is a delivery.
    past.roll_back(75, "shop/master", &back, "a000002");
    let cart = past.commit(96, "cart/master", "c000001", &[]);
    past.roll_back(100, "cart/master", &cart, "c000000");
    past.commit(120, "shop/dev", "a000003", &[]);
    past
}

fn spread(count: u32, least: i64, median: i64, most: i64) -> Value {
    json!({"count": count, "least": least * HOUR, "median": median * HOUR, "most": most * HOUR})
}

#[test]
fn when_it_was_is_said_in_seconds_and_in_words() {
    let past = Past::new();
    past.commit(0, "shop/dev", "a000001", &[]);
    past.commit(30, "shop/dev", "a000002", &[]);
    let times = [past.begin + 30 * HOUR, past.begin];
    let (code, json) = past.sandbox.json(&["history"]);
    assert_eq!(code, Some(0), "{json:#}");
    let deliveries = json.get("deliveries").and_then(Value::as_array).unwrap();
    let seconds = deliveries.iter().map(|delivery| delivery.get("seconds"));
    let expected = times.map(Value::from);
    assert!(seconds.eq(expected.iter().map(Some)), "{json:#}");
    let words = past.sandbox.repository(&[
        "log",
        "-2",
        "--date=format-local:%Y-%m-%d %H:%M",
        "--format=%cd",
        "main",
    ]);
    let table = past.sandbox.done(&["history"]);
    for (row, when) in table.lines().skip(1).zip(words.lines()) {
        assert!(row.starts_with(&format!("{when}  dev ")), "{table}{words}");
    }
}

#[test]
fn the_measures_of_a_week() {
    let past = week();
    let expected = |deliveries: u32, rollbacks: u32, days: f64| {
        json!({
            "deliveries": deliveries,
            "rollbacks": rollbacks,
            "per_day": f64::from(deliveries) / days,
            "lead_time": null,
            "change_failure_rate": 0.0,
            "time_to_restore": null,
        })
    };
    let mut dev = expected(4, 0, 30.0);
    let mut rc = expected(3, 0, 30.0);
    // 6 h, 24 h and 2 h after dev.
    rc["lead_time"] = spread(3, 2, 6, 24);
    let mut master = expected(3, 3, 30.0);
    // 24 h, 24 h and 95 h; two of three came back, after 2 h and 4 h.
    master["lead_time"] = spread(3, 24, 24, 95);
    master["change_failure_rate"] = json!(2.0 / 3.0);
    master["time_to_restore"] = spread(2, 2, 4, 4);
    assert_eq!(
        past.measures(&[]),
        json!({"dev": dev, "rc": rc, "master": master})
    );
    // In tables, in people's units.
    let out = past.sandbox.done(&["history", "--measures"]);
    assert_eq!(
        out,
        "environment  deliveries  per day  lead time  failures  time to restore\n\
         dev          4           0.13     -          0 %       -\n\
         master       3           0.10     24 h       67 %      4 h\n\
         rc           3           0.10     6 h        0 %       -\n\
         the last 30 days; times are medians\n"
    );

    // One application, one environment.
    let mut cart = expected(1, 1, 30.0);
    cart["lead_time"] = spread(1, 95, 95, 95);
    cart["change_failure_rate"] = json!(1.0);
    cart["time_to_restore"] = spread(1, 4, 4, 4);
    let found = past.measures(&["cart", "--env", "master"]);
    assert_eq!(found, json!({"master": cart}));

    // Of the last six days: 96 h after the beginning and later.
    dev["deliveries"] = json!(1);
    dev["per_day"] = json!(1.0 / 6.5_f64.floor());
    rc = expected(0, 0, 6.0);
    rc["change_failure_rate"] = json!(null);
    let late = past.measures(&["--days", "6"]);
    assert_eq!((&late["dev"], &late["rc"]), (&dev, &rc));
}

#[test]
fn one_delivery_and_none() {
    let past = Past::new();
    let nothing = json!({
        "deliveries": 0, "rollbacks": 0, "per_day": 0.0,
        "lead_time": null, "change_failure_rate": null, "time_to_restore": null,
    });
    let found = past.measures(&[]);
    assert_eq!(
        found,
        json!({"dev": nothing, "rc": nothing, "master": nothing})
    );
    past.commit(1, "shop/master", "a000001", &[]);
    let mut one = nothing.clone();
    one["deliveries"] = json!(1);
    one["per_day"] = json!(1.0 / 30.0);
    one["change_failure_rate"] = json!(0.0);
    let found = past.measures(&[]);
    assert_eq!(found, json!({"dev": nothing, "rc": nothing, "master": one}));
}

#[test]
fn a_delivery_says_which_commit_it_was_built_from() {
    let sandbox = Sandbox::new();
    let image = format!("{IMAGE}:8c1d2e3");
    let built = [
        "--source-commit",
        "8c1d2e3f00112233445566778899aabbccddeeff",
    ];
    let set = ["set-image", "shop", &image, "--env", "dev"];
    sandbox.done(&[&set[..], &built].concat());
    sandbox.done(&TO_RC);
    let out = sandbox.done(&["history", "shop"]);
    let rows: Vec<Vec<&str>> = out
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    let column = |row: usize, name: &str| {
        let heading = rows.first().unwrap();
        let index = heading.iter().position(|other| *other == name).unwrap();
        *rows.get(row).unwrap().get(index).unwrap()
    };
    let row = |environment: &str| {
        (1..3)
            .find(|row| column(*row, "environment") == environment)
            .unwrap()
    };
    assert_eq!(column(row("dev"), "source"), "8c1d2e3f0011");
    assert_eq!(column(row("dev"), "by"), "Ada");
    assert_eq!(column(row("rc"), "source"), "-");
    assert_eq!(column(row("rc"), "how"), "promote from dev");
    let commit = sandbox.repository(&["rev-parse", "--short=12", "main^"]);
    assert_eq!(column(row("dev"), "commit"), commit.trim());
    let (_, json) = sandbox.json(&["history", "--env", "dev"]);
    assert_eq!(
        json.pointer("/deliveries/0/source_commit"),
        Some(&json!(built[1]))
    );
    let (_, json) = sandbox.json(&["history", "--env", "rc"]);
    assert_eq!(
        json.pointer("/deliveries/0/source_commit"),
        Some(&json!(null))
    );
}
