//! Flux's notification controller (`docs/spec/v1/receivers.md`): a request to a receiver reconciles what it names.

use super::mac::{authenticated, digest, hexadecimal};
use crate::handover::{Address, Request, Token};

/// A Flux `Receiver` of type `generic` or `generic-hmac`. One of type `github` or `gitlab` takes a
/// [`PushEvent`](super::PushEvent) at [`FluxReceiver::address`].
#[derive(Clone, Debug)]
pub struct FluxReceiver {
    address: Address,
    key: Option<Token>,
}

impl FluxReceiver {
    /// The receiver `name` in `namespace`, with the token of its Secret, at the controller's `server`. Its path
    /// is a digest of the three.
    #[must_use]
    pub fn new(server: &Address, name: &str, namespace: &str, token: &Token) -> Self {
        let path = digest(&format!("{}{name}{namespace}", token.expose()));
        Self::at(server.join(&format!("/hook/{}", hexadecimal(&path))))
    }

    /// The receiver whose path is known: `status.webhookPath`.
    #[must_use]
    pub fn at(address: Address) -> Self {
        Self { address, key: None }
    }

    /// For type `generic-hmac`: signed with the token of its Secret.
    #[must_use]
    pub fn signed(self, token: Token) -> Self {
        Self {
            key: Some(token),
            ..self
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The request. What the body holds, only a `resourceFilter` of the receiver looks at.
    #[must_use]
    pub fn request(&self, body: &serde_json::Value) -> Request {
        let body = body.to_string().into_bytes();
        let signature = self.key.as_ref().map(|key| {
            let mac = authenticated(key.expose().as_bytes(), &[&body]);
            format!("sha256={}", hexadecimal(&mac))
        });
        let request = Request::post(self.address.clone(), body);
        match signature {
            Some(signature) => request.with_header("x-signature", signature),
            None => request,
        }
    }
}
