//! The page over plain HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::program::{LIMIT, Running};

/// The whole answer to a GET.
fn answer(demo: &Running, path: &str) -> String {
    let mut stream = TcpStream::connect(demo.address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_pages_and_all_they_name_are_served() {
    for command in ["demo", "receive", "echo"] {
        check_page(&Running::start(command, &[]));
    }
}

fn check_page(demo: &Running) {
    let page = answer(demo, "/");
    assert!(page.starts_with("HTTP/1.1 200 OK"), "{page}");
    assert!(page.contains("content-type: text/html; charset=utf-8"));
    let mut named = Vec::new();
    for attribute in ["src=\"", "href=\""] {
        named.extend(page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()));
    }
    assert!(named.len() >= 3, "{named:?}");
    for path in named {
        let part = answer(demo, &format!("/{path}"));
        assert!(part.starts_with("HTTP/1.1 200 OK"), "{path}: {part}");
        // Modules name each other.
        for module in part.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(answer(demo, &format!("/{module}")).starts_with("HTTP/1.1 200 OK"), "{module}");
        }
    }
}

#[test]
fn the_pages_need_nothing_from_elsewhere() {
    let pages = [
        ("demo", &["/", "/style.css", "/page.js", "/call.js", "/figures.js", "/form.js", "/chart.js"][..]),
        ("receive", &["/", "/receive.js", "/sent.js", "/test_source.js"]),
        ("echo", &["/", "/echo.js", "/form.js"]),
    ];
    for (command, paths) in pages {
        let running = Running::start(command, &[]);
        for path in paths {
            let text = answer(&running, path);
            assert!(text.starts_with("HTTP/1.1 200 OK"), "{path}: {text}");
            assert!(!text.contains("http://") && !text.contains("https://"), "{path}");
        }
    }
}

#[test]
fn other_requests_get_plain_refusals() {
    let demo = Running::start("demo", &[]);
    assert!(answer(&demo, "/nothing").starts_with("HTTP/1.1 404"));
    let no_upgrade = answer(&demo, "/ws");
    assert!(no_upgrade.starts_with("HTTP/1.1 4"), "{no_upgrade}");
    let bad_role = answer(&demo, "/ws?role=king");
    assert!(bad_role.starts_with("HTTP/1.1 400"), "{bad_role}");
}
