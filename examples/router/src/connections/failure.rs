//! Why there is no response from an endpoint, what that is to the client, and whose fault it is.

use std::io;
use std::sync::Arc;

use hyper::client::conn::TrySendError;
use hyper::{Request, StatusCode};

use super::Outgoing;
use crate::flags::Flags;
use crate::stall::Stalled;

/// A request without response; `unsent` if nothing of it left.
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    pub(crate) unsent: Option<Box<Request<Outgoing>>>,
}

impl Failed {
    pub(super) fn of(mut error: TrySendError<Request<Outgoing>>) -> Self {
        let unsent = error.take_message().map(Box::new);
        let failure = Failure::of(error.into_error());
        Self { failure, unsent }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            unsent: None,
        }
    }
}

/// Why there is no response from an endpoint.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("has as many requests as it may")]
    Busy,
    #[error("cannot be reached")]
    Connect(#[source] Arc<io::Error>),
    #[error("did not accept the connection in time")]
    ConnectTimeout,
    #[error("did not answer in time")]
    ResponseTimeout,
    #[error("stopped reading the request")]
    NotReading,
    #[error("was still being sent the request when its time was over")]
    UploadTimeout,
    #[error("broke off")]
    Broken(#[source] Arc<hyper::Error>),
    #[error("waited for a request body that stood still")]
    ClientStalled,
    #[error("waited for a request body that broke off")]
    ClientGone,
}

impl Failure {
    pub(super) fn to_connect(cause: io::Error) -> Self {
        Self::Connect(Arc::new(cause))
    }

    pub(super) fn of(error: hyper::Error) -> Self {
        let by_user = error.is_user();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            // The body stood still, or the socket did.
            if cause.is::<Stalled>() && by_user {
                return Self::ClientStalled;
            }
            if let Some(error) = cause.downcast_ref::<io::Error>()
                && error.get_ref().is_some_and(|inner| inner.is::<Stalled>())
            {
                return Self::NotReading;
            }
            source = cause.source();
        }
        // The body is the only thing of ours that can fail.
        if by_user {
            Self::ClientGone
        } else {
            Self::Broken(Arc::new(error))
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Connect(_) | Self::Broken(_) => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout
            | Self::ResponseTimeout
            | Self::NotReading
            | Self::UploadTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::ClientStalled => StatusCode::REQUEST_TIMEOUT,
            Self::ClientGone => StatusCode::BAD_REQUEST,
        }
    }

    pub(crate) fn flags(&self) -> Flags {
        match self {
            Self::Busy => Flags::UO,
            Self::Connect(_) | Self::ConnectTimeout => Flags::UF,
            Self::ResponseTimeout | Self::NotReading => Flags::UT,
            Self::Broken(_) => Flags::UC,
            Self::UploadTimeout | Self::ClientStalled | Self::ClientGone => Flags::DPE,
        }
    }

    pub(crate) fn is_timeout(&self) -> bool {
        self.status() == StatusCode::GATEWAY_TIMEOUT
    }

    /// Whether it says something about the endpoint.
    pub(crate) fn is_the_endpoints(&self) -> bool {
        !matches!(
            self,
            Self::Busy | Self::UploadTimeout | Self::ClientStalled | Self::ClientGone
        )
    }
}
