//! A server that takes `_bulk`, OTLP/JSON and Loki requests, keeps what it took by id, and misbehaves as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// What it does to a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Does {
    Takes,
    /// Answers this status and takes nothing.
    Status(u16),
    /// Takes everything and closes the connection without an answer.
    CutsAfterTaking,
    CutsBefore,
    /// Takes every second item and answers 429 for the others.
    HalfBusy,
    /// Answers 403 for every item.
    Forbids,
    /// Refuses the first item for its content.
    RefusesFirst,
    /// Takes everything; the answer lacks the last item.
    Short,
    /// Takes everything and answers in the opposite order.
    Shuffled,
    /// Takes everything and answers what is no JSON.
    Babbles,
}

#[derive(Default)]
struct Store {
    /// Documents by id; how often each was created.
    documents: BTreeMap<String, (Value, u32)>,
    script: VecDeque<Does>,
    requests: usize,
    headers: Vec<String>,
}

pub(crate) struct Server {
    pub(crate) url: String,
    store: Arc<Mutex<Store>>,
    /// One message for each request.
    requests: Receiver<()>,
}

impl Server {
    pub(crate) fn start(script: &[Does]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let store = Arc::new(Mutex::new(Store {
            script: script.iter().copied().collect(),
            ..Store::default()
        }));
        let (sender, requests) = channel();
        let shared = Arc::clone(&store);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (store, sender) = (Arc::clone(&shared), sender.clone());
                // A client that was killed is no error of ours.
                std::thread::spawn(move || serve(stream.unwrap(), &store, &sender));
            }
        });
        Self {
            url,
            store,
            requests,
        }
    }

    /// Waits for requests until this holds of the documents taken.
    pub(crate) fn wait(&self, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        loop {
            let documents = self.documents();
            if enough(&documents) {
                return documents;
            }
            let more = self.requests.recv_timeout(Duration::from_secs(60));
            assert!(
                more.is_ok(),
                "no request for a minute; have {} documents",
                documents.len()
            );
        }
    }

    pub(crate) fn documents(&self) -> Vec<Value> {
        let store = self.store.lock().unwrap();
        store
            .documents
            .values()
            .map(|(document, _)| document.clone())
            .collect()
    }

    pub(crate) fn requests(&self) -> usize {
        self.store.lock().unwrap().requests
    }

    pub(crate) fn headers(&self) -> Vec<String> {
        self.store.lock().unwrap().headers.clone()
    }

    pub(crate) fn tell(&self, does: Does) {
        self.store.lock().unwrap().script.push_back(does);
    }
}

fn serve(stream: TcpStream, store: &Mutex<Store>, sender: &Sender<()>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut first = String::new();
        reader
            .read_line(&mut first)
            .ok()
            .filter(|bytes| *bytes > 0)?;
        let path = first.split(' ').nth(1)?.to_owned();
        let mut length = 0;
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let header = header.trim().to_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            headers.push(header);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        if headers
            .iter()
            .any(|header| header == "content-encoding: gzip")
        {
            let mut plain = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(&body[..]);
            decoder.read_to_end(&mut plain).unwrap();
            body = plain;
        }
        let answer = {
            let mut store = store.lock().unwrap();
            store.requests += 1;
            store.headers = headers;
            let does = store.script.pop_front().unwrap_or(Does::Takes);
            take(&mut store, &path, &body, does)
        };
        let _ = sender.send(());
        let (status, text) = answer?;
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(text.as_bytes()).ok()?;
    }
}

/// `None` cuts the connection.
fn take(store: &mut Store, path: &str, body: &[u8], does: Does) -> Option<(u16, String)> {
    match does {
        Does::Status(status) => return Some((status, "{\"error\":\"told so\"}".to_owned())),
        Does::CutsBefore => return None,
        _ => {}
    }
    let mut items = Vec::new();
    for (number, (id, document)) in documents(path, body).into_iter().enumerate() {
        let status = match does {
            Does::HalfBusy if number % 2 == 1 => 429,
            Does::RefusesFirst if number == 0 => 400,
            Does::Forbids => 403,
            _ if store.documents.contains_key(&id) => 409,
            _ => 201,
        };
        if status == 201 {
            store.documents.entry(id.clone()).or_insert((document, 0)).1 += 1;
        }
        let mut item = json!({"_id": id, "status": status});
        if status >= 400 {
            item["error"] = json!({"type": "told_so", "reason": "because"});
        }
        items.push(json!({"create": item}));
    }
    match does {
        Does::CutsAfterTaking => return None,
        Does::Babbles => return Some((200, "<html>".to_owned())),
        Does::Short => drop(items.pop()),
        Does::Shuffled => items.reverse(),
        _ => {}
    }
    Some((200, json!({"errors": true, "items": items}).to_string()))
}

fn documents(path: &str, body: &[u8]) -> Vec<(String, Value)> {
    if path.starts_with("/_bulk") {
        let lines: Vec<Value> = body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let id = |action: &Value| action["create"]["_id"].as_str().unwrap().to_owned();
        return lines
            .chunks(2)
            .map(|pair| (id(&pair[0]), pair[1].clone()))
            .collect();
    }
    let request: Value = serde_json::from_slice(body).unwrap();
    let mut found = Vec::new();
    for resource in request["resourceLogs"].as_array().into_iter().flatten() {
        for record in resource["scopeLogs"][0]["logRecords"].as_array().unwrap() {
            let attributes = record["attributes"].as_array().unwrap();
            let uid = attributes
                .iter()
                .find(|pair| pair["key"] == "log.record.uid")
                .unwrap();
            found.push((
                uid["value"]["stringValue"].as_str().unwrap().to_owned(),
                record.clone(),
            ));
        }
    }
    for stream in request["streams"].as_array().into_iter().flatten() {
        for value in stream["values"].as_array().unwrap() {
            found.push((value.to_string(), value.clone()));
        }
    }
    found
}
