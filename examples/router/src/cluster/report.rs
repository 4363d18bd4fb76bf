//! Writing status: of our classes, gateways, and routes at our gateways. Conditions and parents of other controllers
//! stay as they are, and nothing is written that stands there already.
//!
//! A write is refused by the server when its object has changed meanwhile; the change then comes by the watch, and
//! with it the next round.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use kube::Error;
use kube::core::Request;
use kube::core::params::{Patch, PatchParams};
use narae_routing::gateway::{GROUP, ObjectName};
use narae_routing::matching::RouteKind;
use narae_routing::matching::status::{Condition, GatewayStatus, ListenerStatus, Statuses};
use serde_json::{Map, Value, json};

use super::resource::{Held, Resource};
use super::{ANSWER, Cluster, Entry, Store, causes, within};
use crate::objects::Files;
use crate::say;

/// So many writes without an answer end a round: then it is not about one object.
const UNANSWERED: usize = 2;

/// A status to write.
struct Change {
    resource: Resource,
    name: ObjectName,
    /// Of the object it is about.
    version: String,
    status: Value,
}

/// Writes what is not there yet; whether all of it is done. One object that is refused holds up no others.
pub(super) async fn write(cluster: &Arc<Cluster>) -> bool {
    let own = Arc::clone(cluster);
    let changes = tokio::task::spawn_blocking(move || changes(&own));
    let Ok(changes) = changes.await else {
        return true;
    };
    let (mut failed, mut unanswered) = (0, 0);
    for change in changes {
        match change.write(cluster).await {
            Ok(()) => {}
            // It has changed, or is gone.
            Err(Error::Api(status)) if [404, 409].contains(&status.code) => {}
            Err(error) => {
                let Change { resource, name, .. } = change;
                if failed == 0 {
                    say(&format!("status of {resource} {name}: {}", causes(&error)));
                }
                failed += 1;
                unanswered += usize::from(!matches!(error, Error::Api(_)));
                if unanswered == UNANSWERED {
                    return false;
                }
            }
        }
    }
    if failed > 1 {
        say(&format!(
            "status of {} more could not be written",
            failed - 1
        ));
    }
    failed == 0
}

fn changes(cluster: &Cluster) -> Vec<Change> {
    let store = cluster.store();
    let mut files = Files::default();
    store.add_to(&cluster.controller, &mut files);
    let statuses = Statuses::of(&files.objects, &cluster.ground(&files));
    let writer = Writer {
        cluster,
        now: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    };
    let mut changes = writer.classes(&store);
    changes.extend(statuses.gateways.iter().filter_map(|status| {
        let entry = store.entry(Resource::Gateway, &status.gateway)?;
        let status_now = writer.gateway(status, entry);
        changed(Resource::Gateway, &status.gateway, entry, status_now)
    }));
    let mut parents: HashMap<(Resource, &ObjectName), Vec<Value>> = HashMap::new();
    for route in &statuses.routes {
        let resource = match route.kind {
            RouteKind::Grpc => Resource::GrpcRoute,
            _ => Resource::HttpRoute,
        };
        let Some(entry) = store.entry(resource, &route.route) else {
            continue;
        };
        let own = route.parents.iter().map(|parent| {
            let reference = entry.parents.get(parent.parent).cloned();
            writer.parent(&reference.unwrap_or_default(), &parent.conditions, entry)
        });
        parents.insert((resource, &route.route), own.collect());
    }
    // All routes: those that left us still have our words.
    for ((resource, name), entry) in &store.entries {
        if matches!(resource, Resource::HttpRoute | Resource::GrpcRoute) {
            let own = parents.remove(&(*resource, name)).unwrap_or_default();
            let all: Vec<Value> = writer.others(entry).cloned().chain(own).collect();
            if !(all.is_empty() && entry.status.get("parents").is_none()) {
                let status = json!({ "parents": all });
                changes.extend(changed(*resource, name, entry, status));
            }
        }
    }
    changes
}

/// A change, if anything of the status is not there already.
fn changed(resource: Resource, name: &ObjectName, entry: &Entry, status: Value) -> Option<Change> {
    let fields = status.as_object()?;
    let new = fields
        .iter()
        .any(|(field, value)| entry.status.get(field) != Some(value));
    new.then(|| Change {
        resource,
        name: name.clone(),
        version: entry.version.clone(),
        status,
    })
}

impl Change {
    async fn write(&self, cluster: &Cluster) -> Result<(), Error> {
        let request = Request::new(self.resource.beside(&self.name));
        // With its version the server refuses what is about an older object.
        let body = Patch::Merge(json!({
            "metadata": { "resourceVersion": self.version },
            "status": self.status,
        }));
        let parameters = PatchParams::default();
        let request = request.patch_subresource("status", self.name.name(), &parameters, &body);
        let request = request.map_err(Error::BuildRequest)?;
        let written = cluster.client.request::<Value>(request);
        within(ANSWER, written).await.map(drop)
    }
}

impl Store {
    fn entry(&self, resource: Resource, name: &ObjectName) -> Option<&Entry> {
        self.entries.get(&(resource, name.clone()))
    }
}

struct Writer<'c> {
    cluster: &'c Cluster,
    now: String,
}

impl Writer<'_> {
    fn classes(&self, store: &Store) -> Vec<Change> {
        let accepted = Condition::new("Accepted", true, "Accepted");
        let classes = store
            .entries
            .iter()
            .filter_map(|((resource, name), entry)| {
                match &entry.held {
                    Held::GatewayClass(controller) if *controller == self.cluster.controller => {}
                    _ => return None,
                }
                let last = entry.status.get("conditions");
                let conditions = self.conditions(std::slice::from_ref(&accepted), last, entry);
                let status = json!({ "conditions": conditions });
                changed(*resource, name, entry, status)
            });
        classes.collect()
    }

    fn gateway(&self, status: &GatewayStatus, entry: &Entry) -> Value {
        let last = entry.status.get("listeners").and_then(Value::as_array);
        let listeners = status.listeners.iter().map(|listener| {
            let mut last = last.into_iter().flatten();
            let last = last.find(|l| l.get("name") == Some(&json!(listener.name)));
            self.listener(listener, last, entry)
        });
        let listeners: Vec<Value> = listeners.collect();
        let conditions = self.conditions(&status.conditions, entry.status.get("conditions"), entry);
        let mut said = Map::new();
        said.insert("conditions".to_owned(), conditions);
        said.insert("listeners".to_owned(), listeners.into());
        let addresses = self.addresses(entry);
        if !addresses.is_empty() {
            said.insert("addresses".to_owned(), addresses.into());
        }
        said.into()
    }

    /// Where its listeners are listened to; nothing is said of an address that stands for all.
    fn addresses(&self, entry: &Entry) -> Vec<Value> {
        let Held::Gateway(gateway) = &entry.held else {
            return Vec::new();
        };
        let ports = gateway.spec.listeners.iter().map(|l| l.port);
        let addresses = ports.filter_map(|port| self.cluster.ports.get(&port));
        let mut addresses: Vec<_> = addresses
            .map(std::net::SocketAddr::ip)
            .filter(|ip| !ip.is_unspecified())
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        let address = |ip| json!({ "type": "IPAddress", "value": format!("{ip}") });
        addresses.into_iter().map(address).collect()
    }

    fn listener(&self, status: &ListenerStatus, last: Option<&Value>, entry: &Entry) -> Value {
        let kinds = status.supported_kinds.iter();
        let kinds: Vec<Value> = kinds
            .map(|kind| json!({ "group": GROUP, "kind": kind.name() }))
            .collect();
        let last = last.and_then(|last| last.get("conditions"));
        json!({
            "name": status.name,
            "supportedKinds": kinds,
            "attachedRoutes": status.attached_routes,
            "conditions": self.conditions(&status.conditions, last, entry),
        })
    }

    fn parent(&self, reference: &Value, conditions: &[Condition], entry: &Entry) -> Value {
        let parents = entry.status.get("parents").and_then(Value::as_array);
        let mut own = parents.into_iter().flatten().filter(|p| self.is_own(p));
        let last = own.find(|p| p.get("parentRef") == Some(reference));
        let last = last.and_then(|last| last.get("conditions"));
        json!({
            "parentRef": reference,
            "controllerName": self.cluster.controller,
            "conditions": self.conditions(conditions, last, entry),
        })
    }

    /// What other controllers say of a route.
    fn others<'e>(&self, entry: &'e Entry) -> impl Iterator<Item = &'e Value> {
        let parents = entry.status.get("parents").and_then(Value::as_array);
        let others = parents.into_iter().flatten();
        others.filter(|parent| !self.is_own(parent))
    }

    fn is_own(&self, parent: &Value) -> bool {
        let controller = parent.get("controllerName").and_then(Value::as_str);
        controller == Some(&self.cluster.controller)
    }

    /// Conditions with their generation and the time since when they hold, and those that are none of ours.
    fn conditions(&self, new: &[Condition], last: Option<&Value>, entry: &Entry) -> Value {
        let last = last
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let kind = |condition: &Value| {
            condition
                .get("type")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let own = |condition: &&Value| {
            new.iter()
                .any(|n| kind(condition).as_deref() == Some(n.kind))
        };
        let mut conditions: Vec<Value> = new
            .iter()
            .map(|condition| {
                let status = if condition.holds { "True" } else { "False" };
                let before = last
                    .iter()
                    .find(|c| kind(c).as_deref() == Some(condition.kind));
                let same = before.filter(|c| c.get("status") == Some(&json!(status)));
                let since = same.and_then(|c| c.get("lastTransitionTime")).cloned();
                json!({
                    "type": condition.kind,
                    "status": status,
                    "reason": condition.reason,
                    "message": condition.message,
                    "observedGeneration": entry.generation,
                    "lastTransitionTime": since.unwrap_or_else(|| json!(self.now)),
                })
            })
            .collect();
        conditions.extend(last.iter().filter(|c| !own(c)).cloned());
        conditions.into()
    }
}
