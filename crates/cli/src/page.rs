//! The pages, inside the binary.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// `/` and what it needs, of one command.
pub fn routes<S: Clone + Send + Sync + 'static>(page: &'static [File]) -> Router<S> {
    page.iter().fold(Router::new(), |router, file| router.route(file.path, get(|| async { answer(file) })))
}

/// One file of a page.
pub struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

fn answer(file: &'static File) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, file.kind),
        // A page of another version must not stay in a cache.
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, file.text)
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const ICON: &str = "image/svg+xml";

const STYLE: File = File { path: "/style.css", kind: CSS, text: include_str!("../page/style.css") };
const CALL: File = File { path: "/call.js", kind: SCRIPT, text: include_str!("../page/call.js") };
const FIGURES: File = File { path: "/figures.js", kind: SCRIPT, text: include_str!("../page/figures.js") };
const FORM: File = File { path: "/form.js", kind: SCRIPT, text: include_str!("../page/form.js") };
const TEST_SOURCE: File =
    File { path: "/test_source.js", kind: SCRIPT, text: include_str!("../page/test_source.js") };
const SENT: File = File { path: "/sent.js", kind: SCRIPT, text: include_str!("../page/sent.js") };
const CHART: File = File { path: "/chart.js", kind: SCRIPT, text: include_str!("../page/chart.js") };
const PICTURE: File = File { path: "/icon.svg", kind: ICON, text: include_str!("../page/icon.svg") };

/// The demo's.
pub static DEMO: &[File] = &[
    File { path: "/", kind: HTML, text: include_str!("../page/index.html") },
    File { path: "/index.html", kind: HTML, text: include_str!("../page/index.html") },
    File { path: "/page.js", kind: SCRIPT, text: include_str!("../page/page.js") },
    STYLE,
    CALL,
    FIGURES,
    FORM,
    CHART,
    PICTURE,
];

/// The echo's.
pub static ECHO: &[File] = &[
    File { path: "/", kind: HTML, text: include_str!("../page/echo.html") },
    File { path: "/echo.js", kind: SCRIPT, text: include_str!("../page/echo.js") },
    TEST_SOURCE,
    STYLE,
    FIGURES,
    FORM,
    CHART,
    PICTURE,
];

/// The receiver's.
pub static RECEIVE: &[File] = &[
    File { path: "/", kind: HTML, text: include_str!("../page/receive.html") },
    File { path: "/receive.js", kind: SCRIPT, text: include_str!("../page/receive.js") },
    TEST_SOURCE,
    STYLE,
    CALL,
    SENT,
    FORM,
    CHART,
    PICTURE,
];
