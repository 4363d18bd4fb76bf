//! A real browser, told what to do over a pair of pipes (Chrome's DevTools protocol, messages ended by a zero byte).

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A page in a browser of its own; both end with the test.
pub(crate) struct Browser {
    child: Child,
    commands: File,
    messages: BufReader<File>,
    last: u64,
    page: Option<String>,
    /// The document that was loaded last.
    loaded: Value,
    /// What to answer when the page asks for a text.
    pub(crate) answer: String,
    _profile: TempDir,
}

impl Browser {
    /// `None` where there is no browser: says so.
    pub(crate) fn open(url: &str, skipped: &str) -> Option<Self> {
        if narae_testservers::is_missing(&["chromium"], skipped) {
            return None;
        }
        let profile = tempfile::tempdir().unwrap();
        let path = |name: &str| profile.path().join(name).display().to_string();
        let (commands, messages) = (path("commands"), path("messages"));
        let made = Command::new("mkfifo").args([&commands, &messages]).status();
        assert!(made.unwrap().success());
        let options = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync \
                       --disable-background-networking --disable-component-update --window-size=1200,900";
        // The browser reads commands from its descriptor 3 and writes messages to 4.
        let script = format!(
            "exec chromium {options} --remote-debugging-pipe --user-data-dir={} 3<{commands} 4>{messages}",
            path("profile")
        );
        let child = Command::new("sh")
            .args(["-c", &script])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut browser = Self {
            child,
            // Each waits for the other end.
            commands: OpenOptions::new().write(true).open(&commands).unwrap(),
            messages: BufReader::new(File::open(&messages).unwrap()),
            last: 0,
            page: None,
            loaded: Value::Null,
            answer: String::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach);
        browser.page = Some(session["sessionId"].as_str().unwrap().to_owned());
        browser.call("Page.enable", json!({}));
        browser.call("Page.setLifecycleEventsEnabled", json!({ "enabled": true }));
        let document = browser.call("Page.navigate", json!({ "url": url }));
        while browser.loaded != document["loaderId"] {
            browser.receive();
        }
        Some(browser)
    }

    /// The value of an expression in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until the page says yes.
    pub(crate) fn until(&mut self, condition: &str) {
        let promise = format!(
            "new Promise((yes, no) => {{ const began = Date.now(); (function look() {{\
             if ({condition}) yes(true); else if (Date.now() - began > 20000) no(document.body.innerText);\
             else requestAnimationFrame(look); }})(); }})"
        );
        assert_eq!(self.evaluate(&promise), true, "{condition}");
    }

    /// Clicks with the mouse in the middle of the element that an expression finds.
    pub(crate) fn click(&mut self, element: &str) {
        let found = format!(
            "(() => {{ const element = {element}; element.scrollIntoView({{ block: 'center' }});\
             const box = element.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        );
        let at = self.evaluate(&found);
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.send(method, parameters);
        loop {
            let message = self.receive();
            if message["id"] == id {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    /// The next message, which may be about something that happened.
    fn receive(&mut self) -> Value {
        let mut message = Vec::new();
        self.messages.read_until(0, &mut message).unwrap();
        assert_eq!(message.pop(), Some(0), "the browser has gone");
        let message: Value = serde_json::from_slice(&message).unwrap();
        match message["method"].as_str() {
            Some("Page.lifecycleEvent") if message["params"]["name"] == "load" => {
                self.loaded = message["params"]["loaderId"].clone();
            }
            Some("Page.javascriptDialogOpening") => {
                let answer = json!({ "accept": true, "promptText": self.answer });
                self.send("Page.handleJavaScriptDialog", answer);
            }
            _ => {}
        }
        message
    }

    fn send(&mut self, method: &str, parameters: Value) -> u64 {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(page) = &self.page {
            message["sessionId"] = json!(page);
        }
        write!(self.commands, "{message}\0").unwrap();
        self.last
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
