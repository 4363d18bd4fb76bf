//! GitLab's API v4 (`doc/api/merge_requests.md`).

use serde::Deserialize;
use serde_json::json;

use super::{Address, Error, Forge, MergeRequest, Opened, Request, Transport, vanished};

#[derive(Deserialize)]
struct Found {
    iid: u64,
    web_url: String,
}

pub(super) fn open<T: Transport>(forge: &Forge<T>, wanted: &MergeRequest) -> Result<Opened, Error> {
    // A project is named by its number, or its path escaped to one component.
    let project = Address::escape(&forge.repository);
    let path = format!("/api/v4/projects/{project}/merge_requests");
    let body = json!({
        "source_branch": wanted.source,
        "target_branch": wanted.target,
        "title": wanted.title,
        "description": wanted.description,
        "labels": wanted.labels.join(","),
        "remove_source_branch": wanted.removes_source,
    });
    let created = forge.exchange(Request::post(
        forge.address.join(&path),
        body.to_string().into_bytes(),
    ))?;
    let was_open = created.status == 409;
    let found: Found = if was_open {
        let (source, target) = (
            Address::escape(&wanted.source),
            Address::escape(&wanted.target),
        );
        let query = format!("?state=opened&source_branch={source}&target_branch={target}");
        let address = forge.address.join(&format!("{path}{query}"));
        let open: Vec<Found> = forge.exchange(Request::get(address))?.accepted()?.json()?;
        open.into_iter().next().ok_or_else(vanished)?
    } else {
        created.accepted()?.json()?
    };
    Ok(Opened {
        number: found.iid,
        url: found.web_url,
        was_open,
        unlabelled: None,
    })
}
