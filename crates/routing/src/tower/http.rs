//! What results of HTTP mean for the policies, by the `http` crate's types, which hyper's are.

use std::time::SystemTime;

use http::header::RETRY_AFTER;
use http::{Request, Response};

use super::Verdict;
use crate::retry::{Failure, Repeatable, retry_after};

/// A backend served unless it answered 5xx or not at all.
pub fn verdict<B, E>(result: &Result<Response<B>, E>) -> Verdict {
    match result {
        Ok(response) if !response.status().is_server_error() => Verdict::Success,
        _ => Verdict::Failure,
    }
}

/// How a call failed, for a policy that knows which statuses to try again after. An error may mean that the request was
/// processed; who knows better says [`Failure::NotSent`] itself.
pub fn failure<B, E>(result: &Result<Response<B>, E>) -> Option<Failure> {
    let Ok(response) = result else {
        return Some(Failure::Unknown);
    };
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let written = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let after = written.and_then(|value| retry_after(value, now.unwrap_or_default()));
    Some(Failure::Status(status.as_u16(), after))
}

/// Whether a request may be sent twice, by its method alone.
pub fn repeatable<B>(request: &Request<B>) -> Repeatable {
    Repeatable::of(request.method().as_str(), false)
}
