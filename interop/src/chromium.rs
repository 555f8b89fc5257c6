//! Chromium, driven over its DevTools protocol.

use std::path::Path;

use serde_json::json;

use crate::devices::Devices;
use crate::process::{Error, Process};
use crate::socket::Socket;

/// Flags that keep it headless, offline and willing to play sound without a click.
const FLAGS: [&str; 13] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--window-size=1280,900",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
];

/// A running Chromium.
#[derive(Debug)]
pub struct Chromium {
    _process: Process,
    socket: Socket,
}

/// One of its tabs: the DevTools session attached to it.
#[derive(Debug, Clone)]
pub struct Tab(String);

impl Chromium {
    /// Starts one with a profile of its own in `folder`. With `devices` it has a camera and a microphone, and gives them
    /// to any page.
    pub async fn start(folder: &Path, devices: Option<&Devices>) -> Result<Self, Error> {
        let mut arguments: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        if let Some(devices) = devices {
            arguments.push("--use-fake-ui-for-media-stream".into());
            arguments.push("--use-fake-device-for-media-stream".into());
            arguments.push(format!("--use-file-for-fake-video-capture={}", devices.camera.display()));
            arguments.push(format!("--use-file-for-fake-audio-capture={}", devices.microphone.display()));
        }
        arguments.push(format!("--user-data-dir={}", folder.display()));
        arguments.push("about:blank".into());
        let mut process = Process::start("chromium", &arguments)?;
        let url = process
            .wait_line("DevTools listening on", |line| {
                line.split_once("DevTools listening on ").map(|(_, url)| url.trim().to_owned())
            })
            .await?;
        Ok(Self { socket: Socket::connect(&url).await?, _process: process })
    }

    /// Opens a tab.
    pub async fn open(&mut self, url: &str) -> Result<Tab, Error> {
        let target = self.socket.call("Target.createTarget", json!({ "url": url }), None).await?;
        let parameters = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.socket.call("Target.attachToTarget", parameters, None).await?;
        let tab = Tab(session["sessionId"].as_str().unwrap_or_default().to_owned());
        self.socket.call("Runtime.enable", json!({}), Some(&tab.0)).await?;
        Ok(tab)
    }

    /// Evaluates `expression`, awaits it, and gives what it became, which must be a string.
    pub async fn evaluate(&mut self, tab: &Tab, expression: &str) -> Result<String, Error> {
        let parameters = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        let answer = self.socket.call("Runtime.evaluate", parameters, Some(&tab.0)).await?;
        match answer["result"]["value"].as_str() {
            Some(text) if answer["exceptionDetails"].is_null() => Ok(text.to_owned()),
            _ => Err(Error::Browser(answer.to_string())),
        }
    }

    /// A PNG of what the tab shows, in base 64.
    pub async fn screenshot(&mut self, tab: &Tab) -> Result<String, Error> {
        let answer =
            self.socket.call("Page.captureScreenshot", json!({ "format": "png" }), Some(&tab.0)).await?;
        Ok(answer["data"].as_str().unwrap_or_default().to_owned())
    }
}
