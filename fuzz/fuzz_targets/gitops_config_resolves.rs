//! A configuration that is accepted leads somewhere: every place of every application in every
//! environment and site has a path, none shared by two sites, and no chain of environments is endless.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use narae_gitops::promote::Config;

fuzz_target!(|text: &str| {
    let Ok(config) = Config::read("narae.yaml", text, "main") else {
        return;
    };
    let count = config.environments().count();
    for (name, environment) in config.environments() {
        let mut next = environment.from.as_deref();
        for _ in 0..=count {
            next = next.and_then(|from| {
                config
                    .environment(from)
                    .expect("it is known")
                    .from
                    .as_deref()
            });
        }
        assert_eq!(next, None, "a circle");
        for application in config.applications() {
            let mut files = BTreeSet::new();
            for site in config.sites(&[]).expect("all sites") {
                let declared = config.declared(application, name, site.as_deref());
                let own: BTreeSet<_> = declared
                    .expect("its places")
                    .into_iter()
                    .map(|place| place.file)
                    .collect();
                for file in own {
                    assert!(files.insert(file), "two sites share a file");
                }
            }
        }
    }
});
