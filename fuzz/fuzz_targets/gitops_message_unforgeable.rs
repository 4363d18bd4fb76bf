//! Whatever subject, body and values a message takes, its trailers are those it was given.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_gitops::message::{Message, Trailers};

fuzz_target!(|parts: (&str, &str, Vec<(&str, &str)>)| {
    let (subject, body, trailers) = parts;
    let Ok(mut message) = Message::new(subject) else {
        return;
    };
    message = message.clone().with_body(body).unwrap_or(message);
    for (key, value) in trailers {
        message = message.clone().with_trailer(key, value).unwrap_or(message);
    }
    let text = message.to_string();
    assert_eq!(&Trailers::parse(&text), message.trailers());
    assert_eq!(text.lines().next(), Some(message.subject()));
});
