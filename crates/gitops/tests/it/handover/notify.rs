//! Webhooks: what is in them, and that their signatures are those that `openssl` makes.

use std::time::Duration;

use narae_gitops::handover::notify::{
    self, FluxReceiver, Messenger, PushEvent, SignedWebhook, Style, Template,
};
use narae_gitops::handover::{
    Address, Answer, Client, Clock as _, Error, ErrorKind, Request, Token,
};
use narae_gitops::repository::CommitId;
use serde_json::{Value, json};

use super::fake::{Fake, FakeClock, Script};
use crate::fixture::{advance, bare};

fn body(request: &Request) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}

fn header(request: &Request, wanted: &str) -> Option<String> {
    request
        .headers()
        .find_map(|(name, value)| (name == wanted).then(|| value.to_owned()))
}

fn commit() -> CommitId {
    "3f2a9c1d3f2a9c1d3f2a9c1d3f2a9c1d3f2a9c1d".parse().unwrap()
}

fn somewhere() -> Address {
    Address::parse("https://argocd.example.com/api/webhook").unwrap()
}

/// `printf %s TEXT | openssl dgst -sha256 -hmac KEY`: RFC 2104 by somebody else.
pub(crate) fn of_openssl(key: &str, text: &[u8]) -> Option<String> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    if narae_testservers::is_missing(&["openssl"], "signatures of webhooks") {
        return None;
    }
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-r", "-hmac", key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    Some(said.split(' ').next().unwrap().to_owned())
}

#[test]
fn a_push_event_names_exactly_the_files_that_changed() {
    let (_directory, repository) = bare();
    let before = advance(
        &repository,
        &[
            ("apps/shop/values.yaml", Some("1")),
            ("apps/cart/values.yaml", Some("1")),
        ],
    );
    let after = advance(
        &repository,
        &[
            ("apps/shop/values.yaml", Some("2")),
            ("apps/shop/new.yaml", Some("n")),
            ("apps/cart/values.yaml", None),
        ],
    );
    let files = repository.changed_files(Some(before), after).unwrap();
    let event = PushEvent::new("https://git.example.com/shop/gitops.git", "main", after)
        .unwrap()
        .with_changes(Some(before), files);
    let commits = json!([{
        "id": after.to_string(),
        "added": ["apps/shop/new.yaml"],
        "modified": ["apps/shop/values.yaml"],
        "removed": ["apps/cart/values.yaml"],
    }]);
    for style in [Style::GitHub, Style::GitLab, Style::Gitea] {
        let body = body(&event.request(style, &somewhere(), None));
        assert_eq!(body["ref"], "refs/heads/main");
        assert_eq!(body["before"], before.to_string());
        assert_eq!(body["after"], after.to_string());
        assert_eq!(body["commits"], commits);
        let (repository, url) = match style {
            Style::GitLab => (&body["project"], "web_url"),
            _ => (&body["repository"], "html_url"),
        };
        assert_eq!(repository[url], "https://git.example.com/shop/gitops");
        assert_eq!(repository["default_branch"], "main");
    }
    // What is not known is not made up: a receiver looks at everything then.
    let event = PushEvent::new("https://git.example.com/shop/gitops", "rc", after)
        .unwrap()
        .with_default_branch("main");
    let body = body(&event.request(Style::GitHub, &somewhere(), None));
    assert_eq!(body["commits"], json!([]));
    assert_eq!(body["before"], "0".repeat(40));
    assert_eq!(body["repository"]["default_branch"], "main");
    for address in [
        "git.example.com/x",
        "https://git.example.com",
        "git://h/p",
        "https://h/",
    ] {
        assert!(PushEvent::new(address, "main", after).is_err(), "{address}");
    }
}

#[test]
fn each_style_proves_itself_in_its_own_way() {
    let secret = Token::new("s3cret");
    let event = PushEvent::new("https://h/o/r", "main", commit()).unwrap();
    let github = event.request(Style::GitHub, &somewhere(), Some(&secret));
    let gitea = event.request(Style::Gitea, &somewhere(), Some(&secret));
    let gitlab = event.request(Style::GitLab, &somewhere(), Some(&secret));
    assert_eq!(header(&github, "x-github-event").unwrap(), "push");
    assert_eq!(header(&gitea, "x-gogs-event").unwrap(), "push");
    assert_eq!(header(&gitlab, "x-gitlab-event").unwrap(), "Push Hook");
    assert_eq!(header(&gitlab, "x-gitlab-token").unwrap(), "s3cret");
    if let Some(expected) = of_openssl("s3cret", github.body()) {
        let signature = header(&github, "x-hub-signature-256").unwrap();
        assert_eq!(signature, format!("sha256={expected}"));
        assert_eq!(github.body(), gitea.body());
        assert_eq!(header(&gitea, "x-gogs-signature").unwrap(), expected);
    }
    let open = event.request(Style::GitHub, &somewhere(), None);
    assert_eq!(header(&open, "x-hub-signature-256"), None);
}

#[test]
fn a_flux_receiver_is_found_and_signed_for() {
    let server = Address::parse("https://flux.example.com").unwrap();
    let receiver = FluxReceiver::new(&server, "shop", "apps", &Token::new("token"));
    let request = receiver.request(&json!({"commit": commit().to_string()}));
    // `printf %s tokenshopapps | sha256sum`
    let path = "/hook/d271e11947f873283d9ac6c89b2626372534d7d7c37b5cec2b83119bb293f793";
    assert_eq!(
        request.url().strip_prefix("https://flux.example.com"),
        Some(path)
    );
    assert_eq!(header(&request, "x-signature"), None);
    let signed = receiver.signed(Token::new("s3cret")).request(&json!({}));
    // `printf %s {} | openssl dgst -sha256 -hmac s3cret`
    let mac = "adbde1ce40c89c14215687d5d762a47df6dfaefcfad61e2e86718ffc8498571b";
    assert_eq!(
        header(&signed, "x-signature").unwrap(),
        format!("sha256={mac}")
    );
}

#[test]
fn a_signed_webhook_is_that_of_standard_webhooks() {
    // The example of the specification's own libraries.
    let webhook = SignedWebhook::new(
        somewhere(),
        Token::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    );
    let request = webhook
        .request(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#.to_vec(),
        )
        .unwrap();
    assert_eq!(
        header(&request, "webhook-id").unwrap(),
        "msg_p5jXN8AQM9LWM0D4loKWxJek"
    );
    assert_eq!(header(&request, "webhook-timestamp").unwrap(), "1614265330");
    assert_eq!(
        header(&request, "webhook-signature").unwrap(),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
    for id in ["", "a.b", "a b", &"x".repeat(201)] {
        let error = webhook.request(id, 0, Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{id}");
    }
    let wrong = SignedWebhook::new(somewhere(), Token::new("whsec_s3cret!"));
    let error = wrong.request("a", 0, Vec::new()).unwrap_err();
    assert!(!format!("{error} {error:?} {wrong:?}").contains("s3cret"));
}

#[test]
fn a_messenger_is_told_by_a_template_and_nothing_changes_its_shape() {
    let slack = Template::parse_slack(include_str!("../../data/handover/templates/slack.json"));
    let kakao = Template::parse(include_str!("../../data/handover/templates/kakaowork.json"));
    let facts = [
        ("application", "shop"),
        ("environment", "prod"),
        ("image", "shop/web:3f2a9c1"),
        ("subject", "<!channel> \"}, {{image}} & more"),
    ];
    let address = Address::parse("https://hooks.slack.com/services/T/B/s3cret").unwrap();
    let slack = Messenger::new(address.clone(), slack.unwrap());
    assert!(!format!("{slack:?}").contains("s3cret"));
    let told = body(&slack.request(facts).unwrap());
    assert_eq!(told["text"], "shop is at shop/web:3f2a9c1 in prod");
    let text = told["blocks"][0]["text"]["text"].as_str().unwrap();
    assert!(
        text.ends_with("&lt;!channel&gt; \"}, {{image}} &amp; more"),
        "{text}"
    );

    let kakao = Messenger::new(address, kakao.unwrap()).with_token(Token::new("t0ken"));
    let request = kakao.request(facts).unwrap();
    assert_eq!(header(&request, "authorization").unwrap(), "Bearer t0ken");
    let told = body(&request);
    assert_eq!(told["conversation_id"], 1234);
    assert!(
        told["blocks"][1]["text"]
            .as_str()
            .unwrap()
            .contains("<!channel>")
    );

    let long = "가".repeat(10_000);
    let template = Template::parse(r#"["{{ x }}{{x}}", 1, null]"#).unwrap();
    let told = template.render([("x", long.as_str())]).unwrap();
    assert_eq!(told[0].as_str().unwrap().chars().count(), 2 * 501);
    let error = template.render([("y", "")]).unwrap_err();
    assert!(
        error.to_string().contains("nothing is known of `{{x}}`"),
        "{error}"
    );
    assert!(error.to_string().contains("one of: y"), "{error}");
    for wrong in [
        "{",
        r#"{"a": "{{x"}"#,
        &format!("\"{}\"", "x".repeat(70_000)),
        &"[".repeat(500),
    ] {
        assert!(Template::parse(wrong).is_err());
    }
}

#[test]
fn a_busy_receiver_is_asked_again_a_bounded_number_of_times() {
    let busy = |after: &str| format!("429 Too Many\nRetry-After: {after}\n\nrate_limited");
    let fake = Fake::start(vec![busy("7"), busy("9999"), "200 OK\n\nok".to_owned()]);
    let clock = FakeClock::default();
    let request = Request::post(fake.address(), b"{}".to_vec());
    notify::send(&Client::new(), &clock, &request).unwrap();
    assert_eq!(clock.now(), Duration::from_secs(7) + notify::LONGEST_WAIT);

    let gone = Script::new(vec![Err(Error::new(ErrorKind::Unreachable, "gone"))]);
    let clock = FakeClock::default();
    assert!(notify::send(&gone, &clock, &request).is_err());
    assert_eq!(gone.lines().len(), 3);
    assert_eq!(clock.now(), Duration::from_secs(3));

    // Slack's final answers are final.
    let refused = Script::new(vec![Ok(Answer::new(404, "no_service"))]);
    let error = notify::send(&refused, &clock, &request).unwrap_err();
    assert_eq!(
        (error.kind(), refused.lines().len()),
        (ErrorKind::NotFound, 1)
    );
    assert!(error.to_string().contains("no_service"));
    assert_eq!(refused.last().body(), b"{}");
}
