//! A control plane that is asked what it thinks of objects, and keeps none of them.

use std::collections::{BTreeSet, HashMap};

use narae_testservers::{Connection, ControlPlane};
use narae_yaml::Value;

use super::verdict::{self, Refusal};

pub(super) struct Cluster {
    // INVARIANT: dropped before the servers it leads to.
    connection: Connection,
    _plane: ControlPlane,
    /// By API version and kind: the path below which objects are made, `{}` for the namespace.
    paths: HashMap<(String, String), String>,
    namespaces: BTreeSet<String>,
}

/// How an object is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verb {
    Create,
    /// Server-side.
    Apply,
}

impl Cluster {
    pub(super) fn start(what: &str) -> Option<Self> {
        let plane = ControlPlane::start(what)?;
        Some(Self {
            connection: plane.connect(),
            _plane: plane,
            paths: HashMap::new(),
            namespaces: BTreeSet::new(),
        })
    }

    /// Creates a custom resource definition, and waits until the server serves it.
    pub(super) fn define(&mut self, definition: &Value) {
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let body = serde_json::to_string(definition).unwrap();
        let answer = self.connection.post(path, &body);
        assert_eq!(answer.status, 201, "{}", answer.body);
        let made: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let spec = &made["spec"];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let versions = spec["versions"].as_array().unwrap().iter();
        for version in versions.filter(|version| version["served"] == true) {
            let (group, name) = (text(&spec["group"]), text(&version["name"]));
            let (version_path, plural) = (
                format!("/apis/{group}/{name}"),
                text(&spec["names"]["plural"]),
            );
            let list = format!("{version_path}/{plural}");
            // Half a second as a rule, in which each answer takes its time.
            let is_served = (0..20_000).any(|_| {
                let known = self.connection.get(&version_path).body;
                known.contains(&format!("{plural:?}")) && self.connection.get(&list).status == 200
            });
            assert!(is_served, "{list} is not served");
        }
    }

    /// Why the server refuses an object, with strict validation; `Err` when it has no such kind.
    pub(super) fn refusal(
        &mut self,
        verb: Verb,
        object: &Value,
    ) -> Result<Option<Refusal>, &'static str> {
        let text =
            |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let key = (
            text(object, "apiVersion").unwrap_or_default(),
            text(object, "kind").unwrap_or_default(),
        );
        if !self.paths.contains_key(&key) {
            self.discover(&key.0);
        }
        let path = self.paths.get(&key).ok_or("no such kind")?;
        let metadata = object.get("metadata").ok_or("no metadata")?;
        let namespace = text(metadata, "namespace").unwrap_or_else(|| "default".to_owned());
        let path = path.replace("{}", &namespace);
        if path.contains("/namespaces/") && self.namespaces.insert(namespace.clone()) {
            // One that is there already is as good.
            let body = format!(r#"{{"metadata": {{"name": "{namespace}"}}}}"#);
            self.connection.post("/api/v1/namespaces", &body);
        }
        let body = serde_json::to_string(object).unwrap();
        let options = "dryRun=All&fieldValidation=Strict&fieldManager=test";
        let answer = match verb {
            Verb::Create => self.connection.post(&format!("{path}?{options}"), &body),
            Verb::Apply => {
                let name = text(metadata, "name").ok_or("no name")?;
                let path = format!("{path}/{name}?{options}&force=true");
                let media = "application/apply-patch+yaml";
                self.connection.send("PATCH", &path, media, &body)
            }
        };
        Ok(verdict::of_server(&answer))
    }

    fn discover(&mut self, api_version: &str) {
        let group = match api_version {
            "v1" => "/api/v1".to_owned(),
            other => format!("/apis/{other}"),
        };
        let answer = self.connection.get(&group);
        let list: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        for resource in list["resources"].as_array().into_iter().flatten() {
            let name = resource["name"].as_str().unwrap_or_default();
            let kind = resource["kind"].as_str().unwrap_or_default();
            if !name.contains('/') {
                let path = match resource["namespaced"].as_bool() {
                    Some(true) => format!("{group}/namespaces/{{}}/{name}"),
                    _ => format!("{group}/{name}"),
                };
                let key = (api_version.to_owned(), kind.to_owned());
                self.paths.insert(key, path);
            }
        }
    }
}
