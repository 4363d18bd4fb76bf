//! Numbers and booleans that become another text than the values file shows.

use narae_manifest::{Layer, Rendering, TemplateSet, Values};

const VALUES: &str = "\
tag: 0123456
version: 1.10
flag: yes
port: 8080
truth: true
quoted: '0123'
list: [1_000, 2]
";

fn render(template: &str, layers: &[(&str, &str)]) -> Rendering {
    let layers = layers
        .iter()
        .map(|(name, text)| Layer::read(name, text).unwrap());
    let values = Values::merge(layers).unwrap();
    let mut set = TemplateSet::new();
    set.add("t.yaml", template).unwrap();
    set.render(&values).unwrap()
}

fn respelled(template: &str) -> Vec<String> {
    let rendering = render(template, &[("v.yaml", VALUES)]);
    (rendering.respelled().into_iter())
        .map(|found| format!("{} {} in {}", found.value, found.origin, found.field))
        .collect()
}

#[test]
fn what_becomes_another_text_is_found() {
    let cases: &[(&str, &[&str])] = &[
        // The number 42798 is what a number's place asks for.
        ("a: {{tag}}", &[]),
        ("a: {{flag}}", &[]),
        ("a: {{list}}", &[]),
        (
            "a: {port: {{port}}, b: \"{{truth}} {{port}}\", c: \"{{quoted}}\"}",
            &[],
        ),
        ("{{#if flag}}a: b{{/if}}", &[]),
        ("a: \"{{tag}}\"", &["tag v.yaml:1:6 in a"]),
        (
            "a: {b: [x, \"v{{version}}\"]}",
            &["version v.yaml:2:10 in a.b[1]"],
        ),
        ("a: image:{{tag}}", &["tag v.yaml:1:6 in a"]),
        ("a: |\n  x={{flag}}\n", &["flag v.yaml:3:7 in a"]),
        ("{{flag}}: 1", &["flag v.yaml:3:7 in true"]),
        ("a: {{concat \"v\" tag}}", &["tag v.yaml:1:6 in a"]),
        ("a: {{join list \",\"}}", &["list[0] v.yaml:7:8 in a"]),
        (
            "a: \"{{tag}}\"\n---\nb: \"{{tag}} {{version}}\"",
            &["tag v.yaml:1:6 in a", "version v.yaml:2:10 in b"],
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(respelled(template), *expected, "for {template}");
    }
}

#[test]
fn only_the_last_word_counts() {
    let respelled = |over: &str| {
        let layers = [("v.yaml", VALUES), ("w.yaml", over)];
        render("a: \"{{tag}}\"", &layers).respelled().len()
    };
    assert_eq!(respelled("tag: '0123'"), 0);
    assert_eq!(respelled("tag: 7"), 0);
    assert_eq!(respelled("tag: 07"), 1);
}

#[cfg(feature = "schema")]
#[test]
fn a_finding_says_where_and_what_to_do() {
    let template =
        "kind: Pod\napiVersion: v1\nmetadata: {name: a, namespace: b}\nimage: web:{{tag}}\n";
    let rendering = render(template, &[("v.yaml", VALUES)]);
    let findings = narae_manifest::Finding::respelled_values(&rendering);
    let [finding] = findings.as_slice() else {
        panic!("{findings:?}")
    };
    assert_eq!(
        finding.to_string(),
        "warning[respelled-value] Pod b/a: `image` has a text in it that is not written so in the values: without quotes it is a number or a boolean
  = template t.yaml:4:12
  = value `tag` at v.yaml:1:6
  = write it in quotes to keep it as it is"
    );
}
