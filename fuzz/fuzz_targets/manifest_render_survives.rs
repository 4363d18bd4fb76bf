//! A string arrives unchanged wherever it is inserted, and nothing else of the document changes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_manifest::{Layer, TemplateSet, Values, template::Turn};
use narae_yaml::{Mapping, Path, Value};

const TEMPLATE: &str = "k: {{x}}
q: \"a{{x}}\"
'z{{x}}': 1
b: |2-
    {{x}}
   e
f: [{{x}}, {g: '{{concat x}}'}] # {{x}}
{{#each (list x)}}
l:
  - name: {{this}}
    v: >-
      {{../x}}
{{/each}}
{{#> p y=x}}
c: {{x}}
{{/p}}
{{#once x as |o|}}
o: 'a{{this}}{{o}}'
{{/once}}
";

const PARTIAL: &str = "d: \"{{y}}\"\n{{> @partial-block}}";

fuzz_target!(|text: &str| {
    let x = || Value::from(text);
    let map = |entries: Vec<(&str, Value)>| {
        let mut map = Mapping::new();
        map.extend(entries);
        Value::Mapping(map)
    };
    let layer = Layer::assignment("fuzz", &Path::root(), map(vec![("x", x())]));
    let values = Values::merge([layer]).expect("one layer merges");
    let mut set = TemplateSet::new();
    set.add_block_helper("once", 1..=1, &[], |call| {
        let turns = call.arguments().iter().copied();
        let turns = turns.map(|value| Turn::new().with_context(value.clone()).with_name(value));
        Ok(turns.collect())
    })
    .expect("it has a name of its own");
    set.add("t", TEMPLATE).expect("the template is fixed");
    set.add_partial("p", "p", PARTIAL)
        .expect("so is the partial");
    let rendering = set.render(&values).expect("any string can be inserted");
    let expected = map(vec![
        ("k", x()),
        ("q", Value::from(format!("a{text}"))),
        (&*format!("z{text}"), Value::from(1_u64)),
        ("b", Value::from(format!("  {text}\n e"))),
        ("f", Value::from(vec![x(), map(vec![("g", x())])])),
        ("l", Value::from(vec![map(vec![("name", x()), ("v", x())])])),
        ("d", x()),
        ("c", x()),
        ("o", Value::from(format!("a{text}{text}"))),
    ]);
    assert_eq!(rendering.objects[0].value, expected);
    let written = narae_yaml::write(&expected);
    assert_eq!(
        narae_yaml::read_one(&written).expect("it was written"),
        expected
    );
});
