//! Plain O(n) forms of the published rules, to hold the fast ones against.

/// Tijdeman's chairman assignment, straight from its definition, from level.
pub(crate) fn tijdeman(weights: &[u32], picks: usize) -> Vec<usize> {
    let active = weights.iter().filter(|&&w| w > 0).count() as i128;
    let total: i128 = weights.iter().map(|&w| i128::from(w)).sum();
    let spread = 2 * active - 2;
    let mut lags = vec![0i128; weights.len()];
    let mut order = Vec::new();
    for _ in 0..picks {
        for (lag, &weight) in lags.iter_mut().zip(weights) {
            *lag += i128::from(weight);
        }
        let picked = (0..weights.len())
            .filter(|&i| weights[i] > 0 && lags[i] * spread >= total * i128::from(active > 1))
            // Cross-multiplied by every weight but its own would overflow; compare as fractions.
            .min_by(|&i, &j| {
                let deadline = |i: usize| total * (spread - 1) - lags[i] * spread;
                let (left, right) = (i128::from(weights[j]), i128::from(weights[i]));
                (deadline(i) * left).cmp(&(deadline(j) * right))
            })
            .unwrap();
        lags[picked] -= total;
        order.push(picked);
    }
    order
}

/// nginx's smooth weighted round robin for peers that never fail, as its C has it.
pub(crate) fn smooth(weights: &[u32], picks: usize) -> Vec<usize> {
    let total: i64 = weights.iter().map(|&w| i64::from(w)).sum();
    let mut current = vec![0i64; weights.len()];
    let mut order = Vec::new();
    for _ in 0..picks {
        let mut best = None;
        for (i, &weight) in weights.iter().enumerate().filter(|&(_, &w)| w > 0) {
            current[i] += i64::from(weight);
            if best.is_none_or(|b: usize| current[i] > current[b]) {
                best = Some(i);
            }
        }
        let best = best.unwrap();
        current[best] -= total;
        order.push(best);
    }
    order
}
