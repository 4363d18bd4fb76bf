//! A messenger that takes JSON at an address: Slack, KakaoWork, Mattermost, Teams. What it takes is a
//! [`Template`]; how it knows who speaks is in the address, or a token.

use super::template::Template;
use crate::handover::{Address, Error, Request, Token};

/// Where to, in which words.
#[derive(Clone, Debug)]
pub struct Messenger {
    address: Address,
    template: Template,
    token: Option<Token>,
}

impl Messenger {
    /// The address of an incoming webhook is a secret and never printed.
    #[must_use]
    pub fn new(address: Address, template: Template) -> Self {
        Self {
            address,
            template,
            token: None,
        }
    }

    /// For a messenger that wants `Authorization: Bearer`, as KakaoWork's bots do.
    #[must_use]
    pub fn with_token(self, token: Token) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }

    /// The request that says `facts`.
    ///
    /// # Errors
    ///
    /// Those of [`Template::render`].
    pub fn request<'a>(
        &self,
        facts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Request, Error> {
        let body = self.template.render(facts)?.to_string().into_bytes();
        let request = Request::post(self.address.clone(), body);
        Ok(match &self.token {
            Some(token) => {
                request.with_header("authorization", format!("Bearer {}", token.expose()))
            }
            None => request,
        })
    }
}
