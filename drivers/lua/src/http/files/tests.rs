use super::super::testing::*;
use super::*;
use crate::app::Application;
use crate::http::Site;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that is removed again.
struct Folder(PathBuf);

impl Folder {
    fn new(names: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("wsrelay-files-{}-{number}", std::process::id()));
        fs::create_dir_all(folder.join("www")).unwrap();
        for name in names {
            let file = folder.join("www").join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, format!("it is {name}")).unwrap();
            // 1994-11-06 08:49:37, and a part of a second.
            let time = UNIX_EPOCH + std::time::Duration::from_millis(784_111_777_500);
            File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        }
        fs::write(folder.join("secret.txt"), "secret").unwrap();
        Self(folder)
    }

    fn root(&self) -> PathBuf {
        self.0.join("www")
    }

    fn app(&self, path: &str) -> Application {
        Application { statics: vec![files(path, &self.root())], ..app("", &[]) }
    }

    fn site(&self) -> Site {
        site(&self.app("/"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn tag(body: &str) -> String {
    format!("W/\"{:x}-{:x}\"", 784_111_777_500_000_000_u64, body.len())
}

fn file(content_type: &str, name: &str) -> Response {
    let body = format!("it is {name}");
    response(
        200,
        &[
            ("ETag", &tag(&body)),
            ("Last-Modified", DATE),
            ("Content-Type", content_type),
            ("X-Content-Type-Options", "nosniff"),
        ],
        &body,
    )
}

#[test]
fn a_file_is_served_with_its_type_and_validators() {
    let folder = Folder::new(&["a.html", "b/ü x.css"]);
    assert_eq!(shown(&folder.site(), get("/a.html?q", &[])), file("text/html; charset=utf-8", "a.html"));
    assert_eq!(
        shown(&folder.site(), get("/b/%C3%BC%20x.css", &[])),
        file("text/css; charset=utf-8", "b/ü x.css")
    );
}

#[test]
fn a_mount_serves_below_its_path_and_its_methods_alone() {
    let folder = Folder::new(&["a.txt", "index.html"]);
    for path in ["/x", "/x/"] {
        let site = site(&folder.app(path));
        assert_eq!(shown(&site, get("/x/a.txt", &[])), file("text/plain; charset=utf-8", "a.txt"));
        assert_eq!(shown(&site, get("/x", &[])), Response::new(301).header("Location", "/x/"));
        assert_eq!(shown(&site, get("/a.txt", &[])), text(404, "not found"));
        let mut expected = text(405, "method not allowed");
        expected.headers.set("Allow", "GET, HEAD, OPTIONS");
        assert_eq!(shown(&site, request("POST", "/x/a.txt", &[])), expected);
        let mut expected = file("text/plain; charset=utf-8", "a.txt");
        expected.body = Default::default();
        assert_eq!(shown(&site, request("HEAD", "/x/a.txt", &[])), expected);
    }
}

#[test]
fn an_index_stands_for_its_folder_and_a_folder_without_is_not_there() {
    let folder = Folder::new(&["index.html", "a/index.html", "b/c.txt"]);
    let site = folder.site();
    assert_eq!(shown(&site, get("/", &[])), file("text/html; charset=utf-8", "index.html"));
    assert_eq!(shown(&site, get("/a/", &[])), file("text/html; charset=utf-8", "a/index.html"));
    assert_eq!(shown(&site, get("/a?q=1", &[])), Response::new(301).header("Location", "/a/?q=1"));
    for target in ["/b", "/b/", "/index.html/", "/c", "/b/c.txt/d"] {
        assert_eq!(shown(&site, get(target, &[])), text(404, "not found"), "{target}");
    }
}

#[test]
fn with_spa_what_is_not_there_is_the_index_of_the_root() {
    let folder = Folder::new(&["index.html", "a.txt", ".env"]);
    let mut app = folder.app("/x/");
    app.statics[0].spa = true;
    app.statics[0].cache = Some("no-cache".to_owned());
    let site = site(&app);
    let mut index = file("text/html; charset=utf-8", "index.html");
    let mut headers = Headers::new();
    for (name, value) in index.headers.iter() {
        headers.append(name, value.clone());
        if name == "Last-Modified" {
            headers.append("Cache-Control", "no-cache");
        }
    }
    index.headers = headers;
    for target in ["/x/", "/x/users/7", "/x/users/7/"] {
        assert_eq!(shown(&site, get(target, &[])), index, "{target}");
    }
    assert_eq!(shown(&site, get("/x/.env", &[])), text(404, "not found"));
}

#[test]
fn nothing_outside_of_the_folder_is_served_in_any_spelling() {
    let folder = Folder::new(&["a.txt", "b/c.txt"]);
    let site = folder.site();
    for (target, status) in [
        ("/../secret.txt", 400),
        ("/b/../../secret.txt", 400),
        ("/%2e%2e/secret.txt", 400),
        ("/%2E%2E%2Fsecret.txt", 400),
        ("/..%2fsecret.txt", 400),
        ("/..%5csecret.txt", 400),
        ("/b/..%2f..%2fsecret.txt", 400),
        ("//secret.txt", 400),
        ("/..\\secret.txt", 400),
        ("/a.txt%00.html", 400),
        ("/%252e%252e/secret.txt", 404),
        ("/%2fetc%2fpasswd", 404),
        ("/b%2fc.txt", 404),
        ("/.../secret.txt", 404),
        ("/c:/secret.txt", 404),
        ("/%c0%ae%c0%ae/secret.txt", 400),
        ("/%ef%bc%8e%ef%bc%8e/secret.txt", 404),
        ("/b/.%2e/.%2e/secret.txt", 400),
        ("/.%2e;/secret.txt", 404),
        ("/b/;/../../secret.txt", 400),
        ("/#/../secret.txt", 400),
        ("/a.txt%20", 404),
        ("/a.txt/.", 400),
        ("/A.TXT", 404),
        ("/?/../secret.txt", 404),
    ] {
        assert_eq!(shown(&site, get(target, &[])).status, status, "{target}");
    }
}

#[test]
fn hidden_files_are_not_there() {
    let folder = Folder::new(&[".env", ".git/config", "a/.b"]);
    for target in ["/.env", "/.git/config", "/a/.b", "/%2eenv"] {
        assert_eq!(shown(&folder.site(), get(target, &[])), text(404, "not found"), "{target}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_inside_of_the_folder_and_not_out_of_it() {
    let folder = Folder::new(&["a.txt", ".hidden"]);
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.root().join(name)).unwrap();
    link("a.txt", "inside.txt");
    link("../secret.txt", "outside.txt");
    link("..", "up");
    link(".hidden", "seen.txt");
    link("/etc/passwd", "index.html");
    link("loop", "loop");
    let site = folder.site();
    assert_eq!(shown(&site, get("/inside.txt", &[])), file("text/plain; charset=utf-8", "a.txt"));
    for target in ["/outside.txt", "/up/secret.txt", "/seen.txt", "/", "/loop"] {
        assert_eq!(shown(&site, get(target, &[])), text(404, "not found"), "{target}");
    }
}

#[test]
fn what_the_client_has_already_is_not_sent_again() {
    let folder = Folder::new(&["a.txt"]);
    let site = folder.site();
    let tag = tag("it is a.txt");
    let unchanged = response(304, &[("ETag", &tag), ("Last-Modified", DATE)], "");
    let strong = tag.trim_start_matches("W/").to_owned();
    let list = format!("\"x\", {strong}");
    let cases: [(&[(&str, &str)], bool); 9] = [
        (&[("If-None-Match", &tag)], true),
        (&[("If-None-Match", &list)], true),
        (&[("If-None-Match", "*")], true),
        (&[("If-None-Match", "\"x\"")], false),
        (&[("If-None-Match", "\"x\""), ("If-Modified-Since", DATE)], false),
        (&[("If-Modified-Since", DATE)], true),
        (&[("If-Modified-Since", "Mon, 07 Nov 1994 08:49:37 GMT")], true),
        (&[("If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT")], false),
        (&[("If-Modified-Since", "yesterday")], false),
    ];
    for (headers, is_unchanged) in cases {
        let expected =
            if is_unchanged { unchanged.clone() } else { file("text/plain; charset=utf-8", "a.txt") };
        assert_eq!(shown(&site, get("/a.txt", headers)), expected, "{headers:?}");
    }
}

#[test]
fn an_endpoint_wins_where_it_is_more_specific_or_the_same() {
    let folder = Folder::new(&["a.txt", "b.txt"]);
    let mut app = folder.app("/");
    app.endpoints = vec![endpoint("r", "GET /a.txt"), endpoint("r", "POST /{rest...}")];
    let site = site(&app);
    assert_eq!(shown(&site, get("/a.txt", &[])), text(200, "GET /a.txt"));
    assert_eq!(shown(&site, get("/b.txt", &[])), file("text/plain; charset=utf-8", "b.txt"));
    assert_eq!(shown(&site, request("POST", "/b.txt", &[])), text(200, "POST /{rest...} rest=b.txt"));
    app.endpoints.push(endpoint("r", "GET /"));
    assert_eq!(
        findings(&app),
        ["/:1:1: warning: no file is served: the route `GET /` at GET /:1:1 is the same"]
    );
}

#[test]
fn a_mount_has_middleware_of_its_own() {
    let folder = Folder::new(&["a.txt"]);
    let mut app = folder.app("/");
    app.statics[0].middleware = names(&["cors", "websocket_relay"]);
    assert_eq!(
        findings(&app),
        ["websocket_relay:1:1: warning: `websocket_relay` has no handler here that could name a process"]
    );
    let mut expected = file("text/plain; charset=utf-8", "a.txt");
    expected.headers.set("Access-Control-Allow-Origin", "*");
    assert_eq!(shown(&site(&app), get("/a.txt", &[])), expected);
}

#[test]
fn an_index_or_cache_that_cannot_be_is_an_error() {
    let folder = Folder::new(&[]);
    let mut app = folder.app("/");
    app.statics[0].index = "../secret.txt".to_owned();
    app.statics[0].cache = Some("a\r\nSet-Cookie: b".to_owned());
    for index in ["", ".env", "a:b", "a/b"] {
        app.statics[0].index = index.to_owned();
        let expected = format!("/:1:1: error: index `{index}` is not the name of a file that is served");
        assert_eq!(findings(&app)[0], expected);
    }
    app.statics[0].index = "../secret.txt".to_owned();
    assert_eq!(
        findings(&app),
        [
            "/:1:1: error: index `../secret.txt` is not the name of a file that is served",
            "/:1:1: error: cache is not a value of a header: it has control characters",
        ]
    );
}

#[cfg(unix)]
#[test]
fn a_file_over_the_bound_is_not_read_into_memory() {
    let folder = Folder::new(&[]);
    let sparse = File::create(folder.root().join("big.bin")).unwrap();
    sparse.set_len(FILE_BYTES_MAX + 1).unwrap();
    let site = folder.site();
    assert_eq!(shown(&site, get("/big.bin", &[])), text(500, "file too large"));
    assert_eq!(shown(&site, request("HEAD", "/big.bin", &[])), text(500, "file too large"));
}
