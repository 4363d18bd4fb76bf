//! Following one resource: listed page by page, watched from there on, listed again when the server no longer knows
//! where that was (410 Gone). kube's own watchers would do as much with thirty more crates.
//!
//! Whatever goes wrong is said once and tried again, later and later up to half a minute, and what is known stays. A
//! resource of which the server says twice that it does not have it counts as empty. Nothing is waited for without end: a server may vanish
//! without a word.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use kube::Error;
use kube::core::params::{ListParams, WatchParams};
use kube::core::{Request, WatchEvent};
use narae_routing::retry::{Backoff, Jitter};
use serde::Deserialize;
use serde_json::Value;

use super::resource::Resource;
use super::{ANSWER, Cluster, causes, within};
use crate::say;

/// Objects in one answer of the server.
const PAGE: u32 = 500;

/// Answers in one list. Clusters have fewer objects of a kind; what has more may have no end.
const MOST_PAGES: u32 = 200;

const BACKOFF: Backoff =
    Backoff::new(Duration::from_millis(500), Duration::from_secs(30)).with_jitter(Jitter::Equal);

/// How long until the server is asked again for a resource that it does not have.
const ABSENT: Duration = Duration::from_secs(10);

/// How long until a resource that the server says it does not have is asked for once more before that is believed.
const CONFIRM: Duration = Duration::from_secs(1);

/// When the server is to end a watch, in seconds.
const WATCH: u32 = 290;

/// How long a watch may be silent: after this the server would have ended it.
const SILENCE: Duration = Duration::from_secs(300);

/// Keeps the cluster's objects of a resource as the server has them, for ever.
pub(super) async fn follow(cluster: Arc<Cluster>, resource: Resource) {
    let mut version: Option<String> = None;
    let mut failures = 0;
    // Lists in a row that found no such resource.
    let mut absent = 0_u32;
    loop {
        let followed = match &mut version {
            Some(version) => watch(&cluster, resource, version).await,
            None => list(&cluster, resource).await.map(|listed| {
                version = Some(listed);
                true
            }),
        };
        let missing = matches!(&followed, Err(error) if code(error) == Some(404));
        absent = if missing && version.is_none() {
            absent + 1
        } else {
            0
        };
        match followed {
            Ok(true) => {
                if failures > 0 {
                    say(&format!("{resource}: the cluster is heard again"));
                }
                failures = 0;
                continue;
            }
            // It ended at once; asking again at once could go on for ever.
            Ok(false) => failures += 1,
            Err(error) if code(&error) == Some(410) => {
                version = None;
                failures += 1;
            }
            Err(_) if absent == 1 => {
                tokio::time::sleep(CONFIRM).await;
                continue;
            }
            Err(_) if absent > 1 => {
                cluster.replace(resource, Vec::new());
                tokio::time::sleep(ABSENT).await;
                continue;
            }
            // What else it says of a watch, a list has to say as well.
            Err(error) if code(&error) == Some(404) => {
                version = None;
                failures += 1;
            }
            Err(error) => {
                failures += 1;
                if failures == 1 {
                    say(&format!(
                        "{resource}: {}; what is known goes on",
                        causes(&error)
                    ));
                }
            }
        }
        tokio::time::sleep(BACKOFF.wait(failures, fastrand::f64())).await;
    }
}

/// Replaces what is kept by what the server has, and returns which version that is.
async fn list(cluster: &Cluster, resource: Resource) -> Result<String, Error> {
    let request = Request::new(resource.everywhere());
    let mut parameters = ListParams::default().limit(PAGE);
    parameters.field_selector = resource.fields().map(str::to_owned);
    let mut entries = Vec::new();
    for _ in 0..MOST_PAGES {
        let request = request.list(&parameters).map_err(Error::BuildRequest)?;
        let page: Page = within(ANSWER, cluster.client.request(request)).await?;
        for object in page.items {
            match resource.read(object) {
                Ok(entry) => entries.push(entry),
                Err(error) => say(&error.to_string()),
            }
        }
        match page
            .metadata
            .continue_token
            .filter(|token| !token.is_empty())
        {
            Some(token) => parameters.continue_token = Some(token),
            None => {
                cluster.replace(resource, entries);
                return Ok(page.metadata.resource_version);
            }
        }
    }
    let most = MOST_PAGES * PAGE;
    let endless = format!("the list has more than {most} objects");
    Err(Error::Service(endless.into()))
}

/// Takes what changes after `version`, which moves along, until the server ends the answer. Whether there was anything.
async fn watch(cluster: &Cluster, resource: Resource, version: &mut String) -> Result<bool, Error> {
    let parameters = WatchParams {
        field_selector: resource.fields().map(str::to_owned),
        timeout: Some(WATCH),
        ..WatchParams::default()
    };
    let request = Request::new(resource.everywhere());
    let request = request.watch(&parameters, version);
    let request = request.map_err(Error::BuildRequest)?;
    let events = within(ANSWER, cluster.client.request_events::<Value>(request)).await?;
    let mut events = pin!(events);
    let mut any = false;
    while let Some(event) = within(SILENCE, events.try_next()).await? {
        any = true;
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                let name = Resource::name(&object);
                if let Some(next) = object.pointer("/metadata/resourceVersion") {
                    *version = next.as_str().unwrap_or_default().to_owned();
                }
                match resource.read(object) {
                    Ok((name, entry)) => cluster.put(resource, name, entry),
                    Err(error) => {
                        say(&error.to_string());
                        // What it was before is not what it is now.
                        name.into_iter()
                            .for_each(|name| cluster.remove(resource, name));
                    }
                }
            }
            WatchEvent::Deleted(object) => {
                if let Some(next) = object.pointer("/metadata/resourceVersion") {
                    *version = next.as_str().unwrap_or_default().to_owned();
                }
                let name = Resource::name(&object);
                name.into_iter()
                    .for_each(|name| cluster.remove(resource, name));
            }
            WatchEvent::Bookmark(mark) => *version = mark.metadata.resource_version,
            WatchEvent::Error(status) => return Err(Error::Api(status)),
        }
    }
    Ok(any)
}

fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// One answer to a list.
#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
    #[serde(default)]
    items: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    #[serde(default)]
    resource_version: String,
    #[serde(default, rename = "continue")]
    continue_token: Option<String>,
}
