//! What a configuration must not say.

use narae_gitops::promote::Config;

use super::CONFIG;

#[test]
fn what_a_configuration_must_not_say() {
    let mut faults = Vec::new();
    for (from, to, expected) in [
        (
            "from: rc,",
            "from: rcc,",
            "narae.yaml:5:50: there is no environment `rcc`",
        ),
        (
            "dev: {directory: environments/dev}",
            "dev: {directory: environments/dev, from: master}",
            "narae.yaml:3:44: `from` leads in a circle",
        ),
        (
            "approval: manual",
            "approval: maybe",
            "narae.yaml:5:64: expected `none` or `manual`",
        ),
        (
            "approval:",
            "aproval:",
            "narae.yaml:5:54: unknown field `aproval`",
        ),
        (
            "[idc, aws]",
            "[idc, AWS]",
            "narae.yaml:1:14: `AWS` is no name: expected lower-case letters",
        ),
        (
            "sites: [idc, aws]",
            "sites: []",
            "narae.yaml:10:14: `{site}` stands here, and there are no `sites`",
        ),
        (
            "{file: \"{site}/shop/kustomization.yaml\", select: \"replicas",
            "{file: \"shop/kustomization.yaml\", select: \"replicas",
            "narae.yaml:12:14: sites would share this file",
        ),
        (
            "environments/rc",
            "environments/dev",
            "narae.yaml:4:7: two environments have the same branch and directory",
        ),
        (
            "\"kustomize:web\"",
            "\"replicas:web\"",
            "narae.yaml:10:56: `replicas:web` does not belong under `images`",
        ),
        (
            "\"kustomize:web\"",
            "\"kustomize\"",
            "narae.yaml:10:56: `kustomize` is not a selector",
        ),
        (
            "{site}/shop/kustomization.yaml\", select: \"kustomize",
            "../{site}/x\", select: \"kustomize",
            "narae.yaml:10:14: path `environments/dev/../idc/x` cannot stand",
        ),
        ("environments:", "environments: {", "narae.yaml:"),
    ] {
        assert!(CONFIG.contains(from), "{from}");
        let error = Config::read("narae.yaml", &CONFIG.replacen(from, to, 1), "main")
            .unwrap_err()
            .to_string();
        if !error.starts_with(expected) {
            faults.push(format!("{to}: {error}"))
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let shared = "sites: [a, ax]\nenvironments: {dev: {}}\napplications:\n  shop:\n    images:\n    - {file: \"{site}\", select: \"image:a\"}\n    - {file: \"{site}x\", select: \"image:a\"}\n";
    let error = Config::read("narae.yaml", shared, "main").unwrap_err();
    assert_eq!(
        error.to_string(),
        "narae.yaml:5:5: `ax` would be of `a` and of `ax`"
    );
    let config = Config::read("narae.yaml", CONFIG, "main").unwrap();
    let error = config.environment("prod").unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown environment `prod`: expected dev, master, rc"
    );
    assert!(config.sites(&["gcp".to_owned()]).is_err());
}

#[test]
fn a_configuration_of_more_places_than_anybody_has_is_refused() {
    let sites: Vec<String> = (0..100).map(|n| format!("s{n}")).collect();
    let environments: String = (0..100)
        .map(|n| format!("  e{n}: {{directory: d{n}}}\n"))
        .collect();
    let places = |count: u32| -> String {
        (0..count)
            .map(|n| format!("{{file: \"{{site}}/{n}\", select: \"image:a\"}},"))
            .collect()
    };
    let read = |count| {
        let text = format!(
            "sites: [{}]\nenvironments:\n{environments}applications:\n  shop: {{images: [{}]}}\n",
            sites.join(","),
            places(count)
        );
        Config::read("narae.yaml", &text, "main")
    };
    assert!(read(20).is_ok());
    let error = read(21).unwrap_err().to_string();
    let words = "21 places in 100 environments and 100 sites are more than 200000 together";
    assert!(error.contains(words), "{error}");
}
