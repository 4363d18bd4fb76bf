#![no_main]
//! Whatever a server answers is understood or an error of bounded length that does not repeat the token.

use libfuzzer_sys::fuzz_target;
use narae_gitops::handover::argocd::{ApplicationName, ArgoCd, judge};
use narae_gitops::handover::forge::{Forge, Kind, MergeRequest};
use narae_gitops::handover::notify::Template;
use narae_gitops::handover::{Address, Answer, Error, MAX_WORDS, Request, Token, Transport};

struct Played<'a>(u16, &'a [u8]);

impl Transport for Played<'_> {
    fn send(&self, _: &Request) -> Result<Answer, Error> {
        Ok(Answer::new(self.0, self.1))
    }
}

fuzz_target!(|input: (u16, &[u8])| {
    let (status, body) = input;
    let played = Played(status, body);
    let address = Address::parse("https://example.com").unwrap();
    let bounded = |error: Error| assert!(error.to_string().chars().count() < MAX_WORDS + 500);
    let argocd = ArgoCd::with_transport(address.clone(), &played);
    match argocd.application(&ApplicationName::new("shop").unwrap()) {
        Ok(application) => drop(judge(&application, |revision| revision.len() == 40)),
        Err(error) => bounded(error),
    }
    for kind in [Kind::GitLab, Kind::GitHub, Kind::Gitea] {
        let forge = Forge::with_transport(kind, address.clone(), "o/r", Token::new("t"), &played);
        let wanted = MergeRequest::new("a", "b", "c").unwrap();
        let _ = forge.unwrap().open(&wanted).map_err(bounded);
    }
    if let Ok(template) =
        std::str::from_utf8(body).map_or(Err(()), |text| Template::parse(text).map_err(drop))
    {
        let _ = template.render([("a", "{{a}}")]);
    }
});
