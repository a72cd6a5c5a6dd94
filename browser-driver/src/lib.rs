//! A real Chromium for tests of pages: opens one, touches it, types, looks, takes its picture, searches its heap.
//!
//! Source: Chrome DevTools Protocol (Page, Runtime, Input, Emulation, HeapProfiler) over a WebSocket of the browser.
//! Owns: one browser with a folder of its own, ended with its value; one page in it. Tests alone use it: what fails panics and says
//! what the page showed. Never: is part of a program; waits for time to pass where it can wait for the page.
//! Units: CSS pixels.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

/// How long an answer of the browser may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How long a page may take to become what is waited for, milliseconds.
const PAGE_WITHIN_MS: u32 = 50_000;
/// Most bytes of an answer: a picture of a large screen.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Where distributions put the browser.
const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// Flags of a browser that talks to nobody but the page.
const FLAGS: [&str; 14] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--mute-audio",
    "--remote-debugging-port=0",
];

/// A running browser with one page.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    calls: u64,
    /// Chunks of a heap snapshot under way.
    chunks: String,
    /// The page asked something of the person in front of it: a dialog, a download, another window.
    asked: Vec<String>,
    /// Errors of scripts, and what the browser complained of.
    faults: Vec<String>,
    /// Addresses that were asked for.
    requests: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser with an empty page of this size.
    ///
    /// # Panics
    /// When there is none: `apt-get install chromium`.
    #[must_use]
    pub fn start(width: u32, height: u32) -> Self {
        Self::start_with(width, height, &[])
    }

    /// As [`Self::start`], with further flags.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_with(width: u32, height: u32, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(program())
            .args(FLAGS)
            .args(flags)
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chromium starts");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        let address = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).expect("it says where it listens") > 0, "chromium ended");
            if let Some(address) = line.trim().strip_prefix("DevTools listening on ws://") {
                break address.to_owned();
            }
        };
        // What it says later is nobody's, and must not fill the pipe.
        std::thread::spawn(move || said.lines().map_while(Result::ok).for_each(drop));
        let host = address.split('/').next().expect("a host");
        let stream = TcpStream::connect(host).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a socket");
        let bounds =
            WebSocketConfig::default().max_message_size(Some(ANSWER_BYTES_MAX)).max_frame_size(Some(ANSWER_BYTES_MAX));
        let (socket, _) = tungstenite::client::client_with_config(format!("ws://{address}"), stream, Some(bounds))
            .expect("the browser lets us in");
        let (session, chunks, asked) = (String::new(), String::new(), Vec::new());
        let (faults, requests) = (Vec::new(), Vec::new());
        let mut browser = Self { child, socket, session, calls: 0, chunks, asked, faults, requests, _folder: folder };
        let targets = browser.call("Target.getTargets", &json!({}));
        let pages = targets["targetInfos"].as_array().expect("targets");
        let page = pages.iter().find(|target| target["type"] == "page").expect("a page")["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", &json!({"targetId": page, "flatten": true}));
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        browser.call("Page.enable", &json!({}));
        browser.resize(width, height);
        browser
    }

    /// Another size of the page, which has it when this returns: the browser answers before its page was laid out anew, and who touches
    /// it meanwhile touches another place.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
        self.until(&format!("innerWidth === {width} && innerHeight === {height}"));
    }

    /// Opens an address.
    ///
    /// # Panics
    /// When nobody answers there.
    pub fn visit(&mut self, address: &str) {
        let went = self.call("Page.navigate", &json!({"url": address}));
        assert!(went["errorText"].is_null(), "{address}: {}", went["errorText"]);
        self.until("document.readyState === 'complete'");
    }

    /// What an expression is in the page; a promise is waited for.
    ///
    /// # Panics
    /// When it throws.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        match self.try_evaluate(expression) {
            Ok(value) => value,
            Err(fault) => panic!("{expression}: {fault}"),
        }
    }

    fn try_evaluate(&mut self, expression: &str) -> Result<Value, String> {
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let mut answer = self.try_call("Runtime.evaluate", &asked)?;
        if answer["exceptionDetails"].is_null() {
            Ok(answer["result"]["value"].take())
        } else {
            Err(answer["exceptionDetails"].to_string())
        }
    }

    /// Waits until an expression is true in the page, also in one that it goes to meanwhile.
    ///
    /// # Panics
    /// When it does not become true; says what the page shows.
    pub fn until(&mut self, expression: &str) {
        let look = format!(
            "new Promise((done) => {{ const end = performance.now() + {PAGE_WITHIN_MS}; const look = () => {{ let found = false; \
             try {{ found = Boolean({expression}); }} catch {{ found = false; }} \
             if (found || performance.now() > end) done(found); else setTimeout(look, 5); }}; look(); }})"
        );
        // A page that goes to another takes the question with it.
        for _ in 0..50 {
            match self.try_evaluate(&look) {
                Ok(Value::Bool(true)) => return,
                Ok(_) => break,
                Err(_) => {}
            }
        }
        let shown = self.try_evaluate("document.body.innerText").unwrap_or_default();
        panic!("never: {expression}\nThe page shows: {shown}");
    }

    /// The text that people see, as the page lays it out.
    pub fn text(&mut self) -> String {
        self.evaluate("document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// Touches the middle of the first element of a selector, as a finger or a mouse does.
    ///
    /// # Panics
    /// When it is not there, or another lies on it.
    pub fn touch(&mut self, selector: &str) {
        let quoted = Value::from(selector);
        self.until(&format!("document.querySelector({quoted})"));
        let place = self.evaluate(&format!(
            "(() => {{ const one = document.querySelector({quoted}); one.scrollIntoView({{ block: 'nearest' }}); \
             const box = one.getBoundingClientRect(); const x = box.x + box.width / 2, y = box.y + box.height / 2; \
             const top = document.elementFromPoint(x, y); return {{ x, y, hit: one === top || one.contains(top) }}; }})()"
        ));
        assert!(place["hit"] == true, "{selector} cannot be touched: {place}");
        for (kind, count) in [("mousePressed", 1), ("mouseReleased", 1)] {
            let event = json!({"type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": count});
            self.call("Input.dispatchMouseEvent", &event);
        }
    }

    /// Presses and releases a key by its name in the page: `7`, `Enter`, `ArrowLeft`, `Tab`.
    pub fn key(&mut self, key: &str) {
        self.key_with(key, 0);
    }

    /// As [`Self::key`] with modifiers: 1 Alt, 2 Ctrl, 4 Meta, 8 Shift.
    pub fn key_with(&mut self, key: &str, modifiers: u8) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            "Escape" => (27, ""),
            "Backspace" => (8, ""),
            "ArrowLeft" => (37, ""),
            "ArrowUp" => (38, ""),
            "ArrowRight" => (39, ""),
            "ArrowDown" => (40, ""),
            key if key.len() == 1 => (i32::from(key.as_bytes()[0].to_ascii_uppercase()), key),
            _ => (0, ""),
        };
        let text = if modifiers & 7 == 0 { text } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({"type": kind, "key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers});
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Types text into what has the focus.
    pub fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", &json!({"text": text}));
    }

    /// The page as PNG, `scale` times its size.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn picture(&mut self, path: &Path, scale: f64) {
        let size = self.evaluate("[innerWidth, innerHeight]");
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": scale});
        let asked = json!({"format": "png", "clip": clip, "optimizeForSpeed": false});
        let taken = self.call("Page.captureScreenshot", &asked);
        let png = STANDARD.decode(taken["data"].as_str().expect("a picture")).expect("base64");
        std::fs::write(path, png).expect("the picture is written");
    }

    /// Every string of the page's JavaScript heap, after garbage is collected.
    ///
    /// # Panics
    /// When the snapshot is none.
    pub fn heap(&mut self) -> Vec<String> {
        self.call("HeapProfiler.enable", &json!({}));
        self.call("HeapProfiler.collectGarbage", &json!({}));
        self.chunks.clear();
        self.call("HeapProfiler.takeHeapSnapshot", &json!({"reportProgress": false}));
        let mut snapshot: Value = serde_json::from_str(&std::mem::take(&mut self.chunks)).expect("a snapshot");
        self.call("HeapProfiler.disable", &json!({}));
        let Value::Array(strings) = snapshot["strings"].take() else { panic!("a snapshot has strings") };
        strings.into_iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    }

    /// Dialogs, downloads and windows that the page opened.
    #[must_use]
    pub fn asked(&self) -> &[String] {
        &self.asked
    }

    /// From here on, listens for [`Self::faults`] and [`Self::requests`].
    pub fn listen(&mut self) {
        for method in ["Runtime.enable", "Log.enable", "Network.enable"] {
            self.call(method, &json!({}));
        }
    }

    /// Errors of scripts, and what the browser complained of since [`Self::listen`]: a policy that was broken, a file that was not there.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Addresses that the page asked for since [`Self::listen`].
    #[must_use]
    pub fn requests(&self) -> &[String] {
        &self.requests
    }

    /// Presses Tab until an element of the selector has the focus, as somebody without a mouse does.
    ///
    /// # Panics
    /// When the keyboard does not reach it.
    pub fn tab_to(&mut self, selector: &str) {
        let quoted = Value::from(selector);
        self.until(&format!("document.querySelector({quoted})"));
        for _ in 0..400 {
            if self.evaluate(&format!("document.activeElement?.matches({quoted}) === true")) == true {
                return;
            }
            self.key("Tab");
        }
        panic!("the keyboard does not reach {selector}: {}", self.text());
    }

    /// Chooses a file in a field, as the dialog of the system would.
    ///
    /// # Panics
    /// When there is no such field.
    pub fn choose_file(&mut self, selector: &str, path: &Path) {
        let document = self.call("DOM.getDocument", &json!({}));
        let asked = json!({"nodeId": document["root"]["nodeId"], "selector": selector});
        let found = self.call("DOM.querySelector", &asked);
        self.call("DOM.setFileInputFiles", &json!({"nodeId": found["nodeId"], "files": [path]}));
    }

    /// Calls a method of the DevTools protocol.
    ///
    /// # Panics
    /// When the browser refuses it.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        match self.try_call(method, parameters) {
            Ok(answer) => answer,
            Err(fault) => panic!("{method}: {fault}"),
        }
    }

    fn try_call(&mut self, method: &str, parameters: &Value) -> Result<Value, String> {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_empty() && !method.starts_with("Target.") {
            message["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(message.to_string())).expect("the browser is there");
        loop {
            let heard = self.socket.read().unwrap_or_else(|error| panic!("{method}: no answer: {error}"));
            let Message::Text(text) = heard else { continue };
            let mut answer: Value = serde_json::from_str(&text).expect("JSON");
            if answer["id"] == json!(id) {
                let fault = answer["error"].take();
                return if fault.is_null() { Ok(answer["result"].take()) } else { Err(fault.to_string()) };
            }
            match answer["method"].as_str() {
                Some("HeapProfiler.addHeapSnapshotChunk") => {
                    self.chunks.push_str(answer["params"]["chunk"].as_str().unwrap_or_default());
                }
                Some("Runtime.exceptionThrown") => self.faults.push(answer["params"]["exceptionDetails"].to_string()),
                Some("Log.entryAdded") if answer["params"]["entry"]["level"] == "error" => {
                    self.faults.push(answer["params"]["entry"].to_string());
                }
                Some("Network.requestWillBeSent") => {
                    let address = answer["params"]["request"]["url"].as_str().unwrap_or_default();
                    self.requests.push(address.to_owned());
                }
                Some(event @ ("Page.javascriptDialogOpening" | "Page.downloadWillBegin" | "Page.windowOpen")) => {
                    self.asked.push(event.to_owned())
                }
                _ => {}
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Browser").field("calls", &self.calls).finish_non_exhaustive()
    }
}

fn program() -> PathBuf {
    let found = BROWSERS.into_iter().map(PathBuf::from).find(|path| path.exists());
    found.expect("a browser: apt-get install chromium")
}
