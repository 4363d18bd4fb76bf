//! The stock pieces, one `NAME pattern` a line in `stock/*.patterns`.
//!
//! Written anew after what Logstash's pieces of the same names match. Where those use what is not regular, these say the
//! same without: an atomic group around digits is a look at what follows them; around fixed text it is nothing.

use super::Spelling;

const COMMON: &str = include_str!("stock/common.patterns");
const LEGACY: &str = include_str!("stock/legacy.patterns");
const ECS: &str = include_str!("stock/ecs.patterns");

pub(super) fn definitions(
    spelling: Spelling,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let own = match spelling {
        Spelling::Legacy => LEGACY,
        Spelling::Ecs => ECS,
    };
    let lines = COMMON.lines().chain(own.lines());
    lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
}
