//! The demo's page, inside the binary.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// `/` and what it needs.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, file| router.route(file.path, get(|| async { answer(file) })))
}

struct File {
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

static FILES: [File; 8] = [
    File { path: "/", kind: HTML, text: include_str!("../page/index.html") },
    File { path: "/index.html", kind: HTML, text: include_str!("../page/index.html") },
    File { path: "/style.css", kind: CSS, text: include_str!("../page/style.css") },
    File { path: "/page.js", kind: SCRIPT, text: include_str!("../page/page.js") },
    File { path: "/call.js", kind: SCRIPT, text: include_str!("../page/call.js") },
    File { path: "/figures.js", kind: SCRIPT, text: include_str!("../page/figures.js") },
    File { path: "/chart.js", kind: SCRIPT, text: include_str!("../page/chart.js") },
    File { path: "/icon.svg", kind: ICON, text: include_str!("../page/icon.svg") },
];
