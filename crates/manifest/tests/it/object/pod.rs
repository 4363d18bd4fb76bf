//! Where images stand.

use narae_manifest::object::{images, pod_spec};

use crate::yaml;

#[test]
fn images_are_found_in_every_kind_that_makes_pods() {
    let spec = "{initContainers: [{image: a}], containers: [{name: none}, {image: b:1}],
                 volumes: [{emptyDir: {}}, {image: {reference: c}}]}";
    for (object, place) in [
        (format!("{{kind: Pod, spec: {spec}}}"), "spec"),
        (
            format!("{{kind: Deployment, spec: {{template: {{spec: {spec}}}}}}}"),
            "spec.template.spec",
        ),
        (
            format!("{{kind: Job, spec: {{template: {{spec: {spec}}}}}}}"),
            "spec.template.spec",
        ),
        (
            format!("{{kind: PodTemplate, template: {{spec: {spec}}}}}"),
            "template.spec",
        ),
        (
            format!(
                "{{kind: CronJob, spec: {{jobTemplate: {{spec: {{template: {{spec: {spec}}}}}}}}}}}"
            ),
            "spec.jobTemplate.spec.template.spec",
        ),
    ] {
        let object = yaml(&object);
        let found: Vec<(String, &str)> = images(&object)
            .into_iter()
            .map(|(path, image)| (path.to_string(), image))
            .collect();
        let expected = [
            ("initContainers[0].image", "a"),
            ("containers[1].image", "b:1"),
            ("volumes[1].image.reference", "c"),
        ];
        let expected = expected.map(|(path, image)| (format!("{place}.{path}"), image));
        assert_eq!(found, expected, "{place}");
    }
    for object in [
        "{kind: Service, spec: {containers: [{image: a}]}}",
        "{kind: Deployment}",
        "[]",
    ] {
        assert_eq!(
            (pod_spec(&yaml(object)), images(&yaml(object))),
            (None, vec![])
        );
    }
}
