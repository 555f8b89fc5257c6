//! The page over plain HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::program::{Demo, LIMIT};

/// The whole answer to a GET.
fn answer(demo: &Demo, path: &str) -> String {
    let mut stream = TcpStream::connect(demo.address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_page_and_all_it_names_are_served() {
    let demo = Demo::start(&[]);
    let page = answer(&demo, "/");
    assert!(page.starts_with("HTTP/1.1 200 OK"), "{page}");
    assert!(page.contains("content-type: text/html; charset=utf-8"));
    let mut named = Vec::new();
    for attribute in ["src=\"", "href=\""] {
        named.extend(page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()));
    }
    assert!(named.len() >= 3, "{named:?}");
    for path in named {
        let part = answer(&demo, &format!("/{path}"));
        assert!(part.starts_with("HTTP/1.1 200 OK"), "{path}: {part}");
        // Modules name each other.
        for module in part.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(answer(&demo, &format!("/{module}")).starts_with("HTTP/1.1 200 OK"), "{module}");
        }
    }
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let demo = Demo::start(&[]);
    for path in ["/", "/style.css", "/page.js", "/call.js", "/figures.js", "/chart.js"] {
        let text = answer(&demo, path);
        assert!(!text.contains("http://") && !text.contains("https://"), "{path}");
    }
}

#[test]
fn other_requests_get_plain_refusals() {
    let demo = Demo::start(&[]);
    assert!(answer(&demo, "/nothing").starts_with("HTTP/1.1 404"));
    let no_upgrade = answer(&demo, "/ws");
    assert!(no_upgrade.starts_with("HTTP/1.1 4"), "{no_upgrade}");
    let bad_role = answer(&demo, "/ws?role=king");
    assert!(bad_role.starts_with("HTTP/1.1 400"), "{bad_role}");
}
