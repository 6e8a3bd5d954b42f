//! A headless browser, driven over the DevTools protocol through two pipes: no port, no client
//! library.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A reply or event that takes longer fails the test. A busy machine needs seconds to start a
/// browser.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where a browser is expected, unless `IPCRAFT_BROWSER` names one.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Returns the browser to use.
pub(crate) fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os("IPCRAFT_BROWSER") {
        return Some(named.into());
    }
    let path = env::var_os("PATH")?;
    let folders: Vec<_> = env::split_paths(&path).collect();
    NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// A running browser with one page. Its profile is removed with it.
pub(crate) struct Browser {
    child: Child,
    commands: Option<ChildStdin>,
    messages: Receiver<Value>,
    session: Option<String>,
    last_id: u64,
    /// Every event since the start.
    pub(crate) events: Vec<Value>,
    /// Removed after the browser has ended.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts the browser. The shell moves its standard streams to the descriptors 3 and 4, on
    /// which the browser expects the protocol.
    pub(crate) fn start(browser: &Path) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .arg(browser)
            .args(["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu"])
            .args(["--disable-extensions", "--disable-background-networking", "--disable-dev-shm-usage"])
            // A container's root has no namespaces for the sandbox. The page is our own.
            .arg("--no-sandbox")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, messages) = channel();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                let parsed = serde_json::from_slice(message.strip_suffix(&[0]).unwrap_or(&message));
                if parsed.is_ok_and(|parsed| send.send(parsed).is_err()) {
                    break;
                }
                message.clear();
            }
        });
        let commands = child.stdin.take();
        let (session, events) = (None, Vec::new());
        let mut browser =
            Browser { child, commands, messages, session, last_id: 0, events, _profile: profile };
        browser.attach();
        browser
    }

    /// Opens a page whose events are reported.
    fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached =
            self.call("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        self.session = attached["sessionId"].as_str().map(String::from);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
    }

    /// Calls a method and returns its result.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut command = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        let commands = self.commands.as_mut().unwrap();
        commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        commands.flush().unwrap();
        let mut reply = self.wait_for(method, |message| message["id"] == id);
        assert!(reply["error"].is_null(), "{method}: {}", reply["error"]);
        reply["result"].take()
    }

    /// Waits for a message, and keeps the events until then.
    fn wait_for(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let rest = deadline.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(rest);
            let message = message.unwrap_or_else(|error| panic!("no reply to {what}: {error}"));
            if message["method"].is_string() {
                self.events.push(message.clone());
            }
            if fits(&message) {
                return message;
            }
        }
    }

    /// Opens a file and waits until it is complete.
    pub(crate) fn open(&mut self, file: &Path) {
        let before = self.events.len();
        self.call("Page.navigate", json!({ "url": format!("file://{}", file.display()) }));
        let is_loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        if !self.events[before..].iter().any(is_loaded) {
            self.wait_for("Page.navigate", is_loaded);
        }
    }

    /// Evaluates an expression of JavaScript in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut result = self.call("Runtime.evaluate", parameters);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].take()
    }

    /// Returns the centre of the first element that matches, after scrolling to it.
    pub(crate) fn centre(&mut self, selector: &str) -> (f64, f64) {
        let selector = Value::from(selector);
        let place = self.evaluate(&format!(
            "(() => {{ const e = document.querySelector({selector}); e.scrollIntoView({{block: 'center', \
             inline: 'center'}}); const b = e.getBoundingClientRect(); \
             return [b.left + b.width / 2, b.top + b.height / 2]; }})()"
        ));
        (place[0].as_f64().unwrap(), place[1].as_f64().unwrap())
    }

    /// Moves the pointer.
    pub(crate) fn point_at(&mut self, (x, y): (f64, f64)) {
        self.call("Input.dispatchMouseEvent", json!({ "type": "mouseMoved", "x": x, "y": y }));
    }

    /// Clicks on an element with the main button.
    pub(crate) fn click(&mut self, selector: &str) {
        let (x, y) = self.centre(selector);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Sets the width of the window, in pixels.
    pub(crate) fn resize(&mut self, width: u32) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }
}

impl Drop for Browser {
    /// The browser ends when its pipe closes. A browser that does not is killed.
    fn drop(&mut self) {
        self.commands = None;
        let deadline = Instant::now() + Duration::from_secs(20);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
