//! Firefox, driven over WebDriver BiDi.

use std::path::Path;

use serde_json::json;

use crate::process::{Error, Process};
use crate::socket::Socket;

/// Preferences that keep it offline and willing to play sound without a click.
const PREFERENCES: &str = r#"
user_pref("media.autoplay.default", 0);
user_pref("media.autoplay.blocking_policy", 0);
user_pref("app.update.auto", false);
user_pref("app.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("services.settings.server", "");
user_pref("toolkit.telemetry.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("media.gmp-manager.updateEnabled", false);
"#;

/// A camera and a microphone that are not there, given to any page: one colour that changes slowly, and the tone.
const DEVICES: &str = r#"
user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("media.navigator.audio.fake_frequency", 440);
"#;

/// A running Firefox.
#[derive(Debug)]
pub struct Firefox {
    _process: Process,
    socket: Socket,
}

/// One of its tabs: a browsing context.
#[derive(Debug, Clone)]
pub struct Tab(String);

impl Firefox {
    /// Starts one with a profile of its own in `folder`, and with devices where these are wished for.
    pub async fn start(folder: &Path, devices: bool) -> Result<Self, Error> {
        let failed = |source| Error::Io { what: "write user.js".into(), source };
        let preferences = format!("{PREFERENCES}{}", if devices { DEVICES } else { "" });
        std::fs::write(folder.join("user.js"), preferences).map_err(failed)?;
        let arguments = ["-headless", "--no-remote", "-profile", &folder.display().to_string()]
            .into_iter()
            .chain(["--remote-debugging-port", "0", "about:blank"])
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let mut process = Process::start("firefox-esr", &arguments)?;
        let url = process
            .wait_line("WebDriver BiDi listening on", |line| {
                line.split_once("WebDriver BiDi listening on ").map(|(_, url)| url.trim().to_owned())
            })
            .await?;
        let mut socket = Socket::connect(&format!("{url}/session")).await?;
        socket.call("session.new", json!({ "capabilities": {} }), None).await?;
        Ok(Self { _process: process, socket })
    }

    /// Opens a tab.
    pub async fn open(&mut self, url: &str) -> Result<Tab, Error> {
        let created = self.socket.call("browsingContext.create", json!({ "type": "tab" }), None).await?;
        let tab = Tab(created["context"].as_str().unwrap_or_default().to_owned());
        let parameters = json!({ "context": tab.0, "url": url, "wait": "complete" });
        self.socket.call("browsingContext.navigate", parameters, None).await?;
        Ok(tab)
    }

    /// Evaluates `expression`, awaits it, and gives what it became, which must be a string.
    pub async fn evaluate(&mut self, tab: &Tab, expression: &str) -> Result<String, Error> {
        let parameters = json!({
            "expression": expression, "target": { "context": tab.0 }, "awaitPromise": true, "userActivation": true,
        });
        let answer = self.socket.call("script.evaluate", parameters, None).await?;
        match answer["result"]["value"].as_str() {
            Some(text) if answer["type"] == "success" => Ok(text.to_owned()),
            _ => Err(Error::Browser(answer.to_string())),
        }
    }

    /// A PNG of what the tab shows, in base 64.
    pub async fn screenshot(&mut self, tab: &Tab) -> Result<String, Error> {
        let parameters = json!({ "context": tab.0 });
        let answer = self.socket.call("browsingContext.captureScreenshot", parameters, None).await?;
        Ok(answer["data"].as_str().unwrap_or_default().to_owned())
    }
}
