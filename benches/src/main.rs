//! `cargo run --release --manifest-path benches/Cargo.toml -- CRATE [CRATE…]` answers how fast the
//! crate is against the peer its users know. See `report` for the shape of what is printed.

mod gitops;
mod logparse;
mod manifest;
#[path = "../../examples/render/tests/it/platform.rs"]
mod platform;
mod process;
mod proxy;
mod report;
mod routing;
mod secrets;
mod yaml;

use report::Report;

/// Asks one crate's questions.
type Suite = fn(&mut Report);

/// One line per crate: its name on the command line, and what it asks.
const SUITES: &[(&str, Suite)] = &[
    ("gitops", gitops::run),
    ("logparse", logparse::run),
    ("manifest", manifest::run),
    ("proxy", proxy::run),
    ("routing", routing::run),
    ("secrets", secrets::run),
    ("yaml", yaml::run),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [first, command @ ..] = wanted.as_slice()
        && first == process::MEASURE
    {
        return process::measure(command);
    }
    if let [first, arguments @ ..] = wanted.as_slice()
        && first == gitops::LAND
    {
        return gitops::land(arguments);
    }
    if let [first, arguments @ ..] = wanted.as_slice()
        && first == proxy::LOAD
    {
        return proxy::play(arguments);
    }
    #[cfg(feature = "pingora")]
    if let [first, ports @ ..] = wanted.as_slice()
        && first == proxy::PINGORA
    {
        return proxy::pingora::serve(ports);
    }
    let known: Vec<&str> = SUITES.iter().map(|(name, _)| *name).collect();
    let unknown: Vec<&String> = wanted
        .iter()
        .filter(|w| !known.contains(&w.as_str()))
        .collect();
    if wanted.is_empty() || !unknown.is_empty() {
        eprintln!(
            "usage: narae-benches CRATE [CRATE…]   where CRATE is one of: {}",
            known.join(" ")
        );
        std::process::exit(2);
    }
    let mut report = Report::default();
    for (name, suite) in SUITES
        .iter()
        .filter(|(name, _)| wanted.iter().any(|w| w == name))
    {
        eprintln!("{name} …");
        suite(&mut report);
    }
    print!("{}", report.render());
}
