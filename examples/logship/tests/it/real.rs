//! Real servers get every line, once by id, however often the sender is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

#[cfg(feature = "kube")]
use narae_testservers::ControlPlane;
use narae_testservers::{Collector, Kafka, ObjectStore, OpenSearch, request};
use serde_json::{Value, json};

use crate::kills::behind_a_message;
use crate::place::{Place, assert_each_once};
#[cfg(feature = "kube")]
use crate::server::Server;

const ROUNDS: usize = 6;
const LINES: usize = 1500;

/// An HTTP request, and the JSON that comes back.
fn ask(method: &str, url: &str, body: &Value) -> (u16, Value) {
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let port = host.rsplit_once(':').unwrap().1.parse().unwrap();
    let answer = request(port, method, &format!("/{path}"), "", &body.to_string());
    let value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    (answer.status, value)
}

/// Ships lines to `--to KIND URL` in rounds that end by a kill, each a little later than the one before by the time that `look` takes,
/// and a last round that ends well.
fn kill_again_and_again(place: &Place, kind: &str, url: &str, look: impl Fn()) {
    let arguments = ["--to", kind, url, "--name", "logs-shop", "--every", "0"];
    for round in 0..ROUNDS {
        place.write("app.log", LINES);
        let running = place.start(&[&arguments[..], &["--follow"]].concat(), "app.log");
        (0..=3 * round).for_each(|_| look());
        running.signal("-KILL");
    }
    let (code, said) = place.start(&arguments, "app.log").wait();
    assert_eq!(code, Some(0), "{said}");
}

fn opensearch(version: u8) {
    let Some(server) = OpenSearch::start(version, "shipping to OpenSearch") else {
        return;
    };
    let url = server.address();
    let template = json!({
        "index_patterns": ["logs-*"],
        "data_stream": {},
        "template": {"settings": {"number_of_replicas": 0}},
    });
    let health = format!("{url}/_cluster/health?wait_for_status=green");
    assert_eq!(
        ask("GET", &health, &Value::Null).0,
        200,
        "{}",
        server.output()
    );
    let made = ask("PUT", &format!("{url}/_index_template/logs"), &template);
    assert_eq!(made.0, 200, "{made:?}");
    let refresh = || {
        drop(ask(
            "POST",
            &format!("{url}/logs-shop/_refresh"),
            &Value::Null,
        ))
    };

    let place = Place::new();
    kill_again_and_again(&place, "opensearch", &url, refresh);
    refresh();
    let query = json!({"size": 10_000, "_source": ["n", "@format"]});
    let (status, found) = ask("POST", &format!("{url}/logs-shop/_search"), &query);
    assert_eq!(status, 200, "{found}");
    let hits = found["hits"]["hits"].as_array().unwrap().iter();
    let documents: Vec<Value> = hits.map(|hit| hit["_source"].clone()).collect();
    assert_each_once(&documents, ROUNDS * LINES);
}

#[test]
fn opensearch_2_has_every_line_once_after_kills() {
    opensearch(2);
}

#[test]
fn opensearch_3_has_every_line_once_after_kills() {
    opensearch(3);
}

/// The attributes of each record that a collector printed.
fn printed(output: &str) -> Vec<BTreeMap<&str, &str>> {
    let records = output.split("\nLogRecord #").skip(1);
    let attributes = records.map(|record| {
        record
            .lines()
            .filter_map(|line| line.trim().strip_prefix("-> ")?.split_once(": "))
            .collect()
    });
    attributes.collect()
}

#[test]
fn a_collector_gets_every_line_in_both_encodings_after_kills() {
    for kind in ["otlp", "otlp-json"] {
        let Some(server) = Collector::start("shipping to an OpenTelemetry collector") else {
            return;
        };
        let place = Place::new();
        let look = || drop(server.output());
        kill_again_and_again(&place, kind, &server.address(), look);
        let output = server.output();
        let records = printed(&output);
        // What came twice after a kill has the same id: without repeats it is every line once.
        let by_id: BTreeMap<&str, &str> = records
            .iter()
            .map(|record| (record["log.record.uid"], record["n"]))
            .collect();
        let numbers: BTreeSet<&str> = by_id.values().copied().collect();
        assert_eq!(
            (by_id.len(), numbers.len()),
            (ROUNDS * LINES, ROUNDS * LINES),
            "{kind}"
        );
        assert!(numbers.contains("Int(0)"), "{kind}: {:?}", records.first());
    }
}

#[test]
fn kafka_has_every_line_under_its_key_after_kills() {
    let Some(server) = Kafka::start("shipping to Kafka") else {
        return;
    };
    let place = Place::new();
    let look = || drop(std::net::TcpStream::connect(server.address()));
    kill_again_and_again(&place, "kafka", &server.address(), look);
    let records = server.records("logs-shop");
    // What came twice has the same key, as compaction wants it.
    let by_key: BTreeMap<&str, Value> = records
        .iter()
        .map(|(key, value)| (&key[..], serde_json::from_str(value).unwrap()))
        .collect();
    let documents: Vec<Value> = by_key.into_values().collect();
    assert_each_once(&documents, ROUNDS * LINES);
    assert_eq!(documents[0]["@format"], "json");
}

#[test]
fn kafka_over_tls_has_every_line_by_each_mechanism_and_nothing_without_the_password() {
    let Some(server) = Kafka::start("shipping to Kafka over TLS") else {
        return;
    };
    let (address, certificate) = (server.secure_address(), server.certificate());
    let to = ["--to", "kafka", &address, "--ca"];
    let to = [&to[..], &[certificate.to_str().unwrap()]].concat();
    let login = |password: &str| {
        let user = ("LOGSHIP_USER", Kafka::USER.to_owned());
        vec![user, ("LOGSHIP_PASSWORD", password.to_owned())]
    };
    for mechanism in ["plain", "scram-sha-256", "scram-sha-512"] {
        let mut place = Place::new();
        place.write("app.log", 100);
        let topic = format!("logs-{mechanism}");
        let arguments = ["--tls", "--name", &topic, "--sasl", mechanism];
        let arguments = [&to[..], &arguments].concat();
        place.environment = login("wr0ng-password");
        let mut running = place.start(&arguments, "app.log");
        let said = running.first_line();
        running.signal("-KILL");
        assert!(said.contains("the password is wrong"), "{said}");
        assert!(!said.contains("wr0ng"), "{said}");

        place.environment = login(Kafka::PASSWORD);
        if mechanism == "scram-sha-512" {
            let file = place.path("password");
            std::fs::write(&file, format!("{}\n", Kafka::PASSWORD)).unwrap();
            place.environment.pop();
            let file = file.display().to_string();
            place.environment.push(("LOGSHIP_PASSWORD_FILE", file));
        }
        let (code, said) = place.start(&arguments, "app.log").wait();
        assert_eq!(code, Some(0), "{said}");
        let records = server.records(&topic);
        let documents: Vec<Value> = records
            .iter()
            .map(|(_, value)| serde_json::from_str(value).unwrap())
            .collect();
        assert_each_once(&documents, 100);
    }
}

#[test]
fn a_password_that_cannot_be_had_or_would_be_told_to_everybody_ends_it() {
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_logship"))
            .args(["--to", "kafka", "127.0.0.1:9", "none.log", "--sasl"])
            .args(arguments)
            .env_remove("LOGSHIP_USER")
            .env_remove("LOGSHIP_PASSWORD")
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("s3same"), "{said}");
        said
    };
    let user = ("LOGSHIP_USER", "shop");
    let both = [user, ("LOGSHIP_PASSWORD", "s3same")];
    assert!(run(&["plain"], &both).contains("only goes over TLS"));
    assert!(run(&["plain", "--tls"], &[]).contains("a name in LOGSHIP_USER"));
    assert!(run(&["scram-sha-256"], &[user]).contains("a password in LOGSHIP_PASSWORD"));
    let file = [user, ("LOGSHIP_PASSWORD_FILE", "/nowhere/s")];
    assert!(run(&["scram-sha-256"], &file).contains("cannot read the password from /nowhere/s"));
}

/// The lines of every object below a folder, also while objects come and go.
fn objects(folder: &std::path::Path) -> Vec<Value> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(objects(&path));
        } else if let Ok(file) = std::fs::File::open(&path) {
            let mut text = String::new();
            let mut decoder = flate2::read::GzDecoder::new(file);
            if decoder.read_to_string(&mut text).is_err() {
                continue;
            }
            found.extend(
                text.lines()
                    .map(|line| serde_json::from_str::<Value>(line).unwrap()),
            );
        }
    }
    found
}

#[cfg(feature = "kube")]
#[test]
fn records_have_what_the_api_server_knows_of_their_pod() {
    let Some(plane) = ControlPlane::start("labels of pods in logs") else {
        return;
    };
    plane.kubectl(&["create", "namespace", "shop"]);
    let pod = |name: &str, node: &str, owner: &str| {
        let hash = "5d78c9869d";
        let owner = json!([{"apiVersion": "apps/v1", "kind": owner, "name": format!("{name}-{hash}"), "uid": "u", "controller": true}]);
        let labels = json!({"pod-template-hash": hash, "team": "cart"});
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": labels, "ownerReferences": owner},
            "spec": {"nodeName": node, "containers": [{"name": "main", "image": "none"}]},
        });
        let uid = ["create", "-f", "-", "-o", "jsonpath={.metadata.uid}"];
        let uid = plane.kubectl_with(&uid, &pod.to_string());
        let folder = format!("pods/shop_{name}_{uid}/main");
        (format!("{folder}/0.log"), uid)
    };
    let mut place = Place::new();
    place.format = "cri";
    place.environment = vec![("KUBECONFIG", plane.kubeconfig().display().to_string())];
    let line = "2026-11-21T04:44:44Z stdout F line\n";
    let (log, uid) = pod("web", "n1", "ReplicaSet");
    let (other, _) = pod("api", "n2", "StatefulSet");
    // One that is gone, whose name another pod has now.
    let stale = log.replace(&uid, "0a7c2b9e-8f3d-4c55-9e21-6b1f0d2a3c44");
    for log in [&log, &other, &stale] {
        std::fs::create_dir_all(place.path(log).parent().unwrap()).unwrap();
        place.append(log, line);
    }

    let server = Server::start(&[]);
    let to = [
        "--to",
        "opensearch",
        &server.url,
        "--follow",
        "--kubernetes",
        "--node",
        "n1",
    ];
    let running = place.start(&to, "pods/*/*/*.log");
    let documents = server.wait(|documents| documents.len() == 3);
    let of = |file: &str| {
        let mut documents = documents.iter();
        documents
            .find(|document| document["@file"] == file)
            .unwrap()
    };
    assert_eq!(of(&log)["k8s.node.name"], "n1", "{documents:?}");
    assert_eq!(of(&log)["k8s.deployment.name"], "web");
    assert_eq!(of(&log)["k8s.pod.label.team"], "cart");
    for log in [&other, &stale] {
        let known = (
            of(log).get("k8s.node.name"),
            of(log).get("k8s.pod.label.team"),
        );
        assert_eq!(known, (None, None), "{log}");
    }

    let labelled = [
        "-n",
        "shop",
        "label",
        "--overwrite",
        "pod",
        "web",
        "team=till",
    ];
    plane.until("the new label in a record", || {
        plane.kubectl(&labelled);
        place.append(&log, line);
        let mut documents = server.documents().into_iter();
        documents.any(|document| document["k8s.pod.label.team"] == "till")
    });
    assert_eq!(running.end().0, Some(0));
}

fn with_keys(place: &mut Place, server: &ObjectStore) {
    place.environment = vec![
        ("AWS_ENDPOINT_URL", server.address()),
        ("AWS_ACCESS_KEY_ID", ObjectStore::KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", ObjectStore::SECRET.to_owned()),
    ];
}

#[test]
fn an_object_store_has_what_stands_behind_an_unfinished_message_once_after_kills() {
    let Some(server) = ObjectStore::start("shipping containers' lines to S3") else {
        return;
    };
    let mut place = Place::new();
    with_keys(&mut place, &server);
    let to = ["--to", "s3", "s3://logs/shop", "--every", "0"];
    behind_a_message(&mut place, &to, || objects(&server.bucket().join("shop")));
}

#[test]
fn an_object_store_has_every_line_once_after_kills() {
    let Some(server) = ObjectStore::start("shipping to S3") else {
        return;
    };
    let mut place = Place::new();
    with_keys(&mut place, &server);
    let look = || {
        drop(std::net::TcpStream::connect(
            server.address().trim_start_matches("http://"),
        ))
    };
    kill_again_and_again(&place, "s3", "s3://logs/shop", look);
    let hour = server.bucket().join("shop/date=2026-11-21/hour=04");
    let documents = objects(&hour);
    assert_each_once(&documents, ROUNDS * LINES);
    assert_eq!(
        documents.len(),
        objects(&server.bucket()).len(),
        "all are of that hour"
    );

    // A wrong key is not the lines' fault: they wait, and what is said has nothing of the signature.
    place.environment.pop();
    place
        .environment
        .push(("AWS_SECRET_ACCESS_KEY", "wrong-secret".to_owned()));
    place.write("app.log", 1);
    let mut running = place.start(&["--to", "s3", "s3://logs/shop"], "app.log");
    let said = running.first_line();
    running.signal("-KILL");
    assert!(said.contains("SignatureDoesNotMatch"), "{said}");
    assert!(
        !said.contains("X-Amz") && !said.contains(ObjectStore::KEY),
        "{said}"
    );
}
