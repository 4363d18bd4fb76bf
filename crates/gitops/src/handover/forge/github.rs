//! GitHub's REST API, and that of Gitea and Forgejo, which is made after it: pull requests are created alike, and
//! labelled as issues are. They differ in where the API is, how a duplicate is refused, and how one is found.

use serde::Deserialize;
use serde_json::json;

use super::{
    Address, Answer, Error, Forge, Kind, MergeRequest, Opened, Request, Transport, vanished,
};

#[derive(Deserialize)]
struct Found {
    number: u64,
    html_url: String,
}

pub(super) fn open<T: Transport>(forge: &Forge<T>, wanted: &MergeRequest) -> Result<Opened, Error> {
    let api = match forge.kind {
        Kind::Gitea => "/api/v1",
        _ => "",
    };
    // `owner/name` was checked to be two names.
    let (owner, name) = forge.repository.split_once('/').unwrap_or_default();
    let repository = format!(
        "{api}/repos/{}/{}",
        Address::escape(owner),
        Address::escape(name)
    );
    let body = json!({
        "head": wanted.source,
        "base": wanted.target,
        "title": wanted.title,
        "body": wanted.description,
    });
    let created = post(forge, &format!("{repository}/pulls"), &body)?;
    let was_open = is_duplicate(forge.kind, &created);
    let found: Found = if was_open {
        find(forge, &repository, owner, wanted)?
    } else {
        created.accepted()?.json()?
    };
    let unlabelled = if was_open || wanted.labels.is_empty() {
        None
    } else {
        let path = format!("{repository}/issues/{}/labels", found.number);
        let labels = json!({"labels": wanted.labels});
        let labelled = post(forge, &path, &labels).and_then(Answer::accepted);
        labelled.err().map(|error| error.during("labels"))
    };
    Ok(Opened {
        number: found.number,
        url: found.html_url,
        was_open,
        unlabelled,
    })
}

fn post<T: Transport>(
    forge: &Forge<T>,
    path: &str,
    body: &serde_json::Value,
) -> Result<Answer, Error> {
    let body = body.to_string().into_bytes();
    forge.exchange(Request::post(forge.address.join(path), body))
}

fn is_duplicate(kind: Kind, answer: &Answer) -> bool {
    match kind {
        Kind::Gitea => answer.status == 409,
        // 422 is whatever GitHub cannot make sense of: only its words tell.
        _ => {
            answer.status == 422
                && String::from_utf8_lossy(&answer.body).contains("pull request already exists")
        }
    }
}

fn find<T: Transport>(
    forge: &Forge<T>,
    repository: &str,
    owner: &str,
    wanted: &MergeRequest,
) -> Result<Found, Error> {
    let (source, target) = (
        Address::escape(&wanted.source),
        Address::escape(&wanted.target),
    );
    match forge.kind {
        Kind::Gitea => {
            // The one that is neither merged nor closed.
            let path = format!("{repository}/pulls/{target}/{source}");
            let answer = forge.exchange(Request::get(forge.address.join(&path)))?;
            if answer.status == 404 {
                return Err(vanished());
            }
            answer.accepted()?.json()
        }
        _ => {
            let owner = Address::escape(owner);
            let path = format!("{repository}/pulls?state=open&head={owner}:{source}&base={target}");
            let answer = forge.exchange(Request::get(forge.address.join(&path)))?;
            let open: Vec<Found> = answer.accepted()?.json()?;
            open.into_iter().next().ok_or_else(vanished)
        }
    }
}
