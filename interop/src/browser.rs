//! Either browser, asked in the same words.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::chromium::{self, Chromium};
use crate::devices::Devices;
use crate::firefox::{self, Firefox};
use crate::process::{Error, PATIENCE};

/// Which browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Debian's Chromium.
    Chromium,
    /// Debian's Firefox ESR.
    Firefox,
}

/// A running browser with a profile that is deleted with it.
#[derive(Debug)]
pub struct Browser {
    engine: Engine,
    profile: PathBuf,
}

#[derive(Debug)]
enum Engine {
    Chromium(Chromium),
    Firefox(Firefox),
}

/// An open tab.
#[derive(Debug, Clone)]
pub enum Tab {
    /// Of Chromium.
    Chromium(chromium::Tab),
    /// Of Firefox.
    Firefox(firefox::Tab),
}

static PROFILES: AtomicU32 = AtomicU32::new(0);

impl Browser {
    /// Starts one without camera and microphone.
    pub async fn start(kind: Kind) -> Result<Self, Error> {
        Self::start_with(kind, false).await
    }

    /// Starts one that has a camera and a microphone (see `devices`), where that is wished for.
    pub async fn start_with(kind: Kind, devices: bool) -> Result<Self, Error> {
        let number = PROFILES.fetch_add(1, Ordering::Relaxed);
        let profile = std::env::temp_dir().join(format!("peerless-browser-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&profile)
            .map_err(|source| Error::Io { what: "make a profile".into(), source })?;
        let engine = match kind {
            Kind::Chromium => {
                let devices = if devices { Some(Devices::make(&profile)?) } else { None };
                Engine::Chromium(Chromium::start(&profile, devices.as_ref()).await?)
            }
            Kind::Firefox => Engine::Firefox(Firefox::start(&profile, devices).await?),
        };
        Ok(Self { engine, profile })
    }

    /// Opens `url` in a new tab.
    pub async fn open(&mut self, url: &str) -> Result<Tab, Error> {
        Ok(match &mut self.engine {
            Engine::Chromium(chromium) => Tab::Chromium(chromium.open(url).await?),
            Engine::Firefox(firefox) => Tab::Firefox(firefox.open(url).await?),
        })
    }

    /// Runs the body of an async function in the tab's page and gives the JSON of what it returns.
    pub async fn run(&mut self, tab: &Tab, body: &str) -> Result<Value, Error> {
        let expression = format!("(async () => {{ {body} }})().then(v => JSON.stringify(v ?? null))");
        let text = match (&mut self.engine, tab) {
            (Engine::Chromium(chromium), Tab::Chromium(tab)) => chromium.evaluate(tab, &expression).await?,
            (Engine::Firefox(firefox), Tab::Firefox(tab)) => firefox.evaluate(tab, &expression).await?,
            _ => return Err(Error::Browser("the tab is another browser's".into())),
        };
        serde_json::from_str(&text).map_err(|error| Error::Browser(error.to_string()))
    }

    /// Runs `body` again and again until it returns something true, and gives that.
    pub async fn until(&mut self, tab: &Tab, what: &str, body: &str) -> Result<Value, Error> {
        let begun = Instant::now();
        let mut last = Value::Null;
        while begun.elapsed() < PATIENCE {
            match self.run(tab, body).await {
                Ok(value) if !matches!(value, Value::Null | Value::Bool(false)) => return Ok(value),
                Ok(value) => last = value,
                // The page may still be loading: its objects are not there yet.
                Err(error @ Error::Browser(_)) => last = error.to_string().into(),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(Error::Browser(format!("never: {what}; last {last}")))
    }

    /// A PNG of what the tab shows, in base 64.
    pub async fn screenshot(&mut self, tab: &Tab) -> Result<String, Error> {
        match (&mut self.engine, tab) {
            (Engine::Chromium(chromium), Tab::Chromium(tab)) => chromium.screenshot(tab).await,
            (Engine::Firefox(firefox), Tab::Firefox(tab)) => firefox.screenshot(tab).await,
            _ => Err(Error::Browser("the tab is another browser's".into())),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser may still be writing there; what is left behind is a temporary folder.
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
