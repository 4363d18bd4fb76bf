//! Whatever a traffic policy says and whatever happens to its pool: shares sum to one or to nothing, and whoever is
//! picked is listed.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use narae_routing::gateway::{ObjectName, Objects, TrafficPolicy};
use narae_routing::pool::{Change, Pool, check, what_if};

fuzz_target!(|input: (&str, Vec<(u8, bool, u16)>)| {
    let (text, steps) = input;
    let Ok(policy) = serde_json::from_str::<TrafficPolicy>(text) else {
        return;
    };
    let mut objects = Objects::default();
    let service = ObjectName::new(
        policy.metadata.namespace(),
        policy
            .spec
            .target_refs
            .first()
            .map_or("a", |t| t.name.as_str()),
    );
    objects.traffic_policies.push(policy);
    let policy = objects.pool(&service, 80);
    let _ = check(&policy, 100.0);
    let shares = what_if(&policy, &Change::default(), 100.0).sites;
    let sum: f64 = shares
        .iter()
        .map(|s| s.share.0 as f64 / s.share.1 as f64)
        .sum();
    assert!(sum == 0.0 || (sum - 1.0).abs() < 1e-6, "{sum}");
    let addresses: Vec<String> = policy
        .sites
        .iter()
        .flat_map(|s| &s.endpoints)
        .map(|e| e.address.clone())
        .collect();
    let Ok(mut pool) = Pool::new(policy) else {
        return;
    };
    let mut now = Duration::ZERO;
    for (which, good, millis) in steps {
        now += Duration::from_millis(millis.into());
        let address = addresses.get(usize::from(which));
        if let Some(address) = address {
            pool.probed(address, good, now);
        } else if let Ok(pick) = pool.pick(now, &[]) {
            assert!(addresses.iter().any(|a| a == pick.address()));
            pool.ended(pick, good, Duration::from_millis(5), now);
        }
    }
    let _ = pool.standing(now);
});
