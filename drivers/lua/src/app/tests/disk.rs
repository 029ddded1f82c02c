//! What only a disk has: symbolic links.

#![cfg(unix)]

use super::super::load;
use super::{NOTHING, findings, id};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

const LIBRARY: &str = "namespace: app\nname: l\nkind: library.lua\nsource: return 1\n";

/// A folder that goes away with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wsrelay-app-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file, with the folders that it needs.
    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn link(&self, target: impl AsRef<Path>, path: &str) -> &Self {
        symlink(target, self.0.join(path)).unwrap();
        self
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_folder_that_links_to_itself_is_read_once() {
    let folder = Folder::new("circle");
    folder.write("app/a.yaml", LIBRARY).link(".", "app/again").link("app/a.yaml", "b.yaml");
    let loaded = load(&folder.0);
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.code[&id("app:l")].place.to_string(), "app/a.yaml:2:7");
}

#[test]
fn a_file_that_is_mounted_as_a_link_into_a_hidden_folder_is_read() {
    let folder = Folder::new("mounted");
    folder.write("..2026/a.yaml", LIBRARY).link("..2026", "..data").link("..data/a.yaml", "a.yaml");
    let loaded = load(&folder.0);
    assert_eq!(findings(&loaded), NOTHING);
    assert_eq!(loaded.application.code.len(), 1);
}

#[test]
fn links_that_lead_out_of_the_sources_or_nowhere_are_told() {
    let folder = Folder::new("outward");
    folder.write("outside/o.yaml", LIBRARY).write("app/src/a.yaml", LIBRARY);
    folder.link("../../outside", "app/src/folder").link("../../outside/o.yaml", "app/src/o.yaml");
    folder.link("nothing.yaml", "app/src/gone.yaml").link("../../outside", "app/src/.hidden");
    assert_eq!(
        findings(&load(&folder.0.join("app"))),
        [
            "src/folder:1:1: warning: the symbolic link leads out of the application's sources, not followed",
            "src/gone.yaml:1:1: warning: the symbolic link leads nowhere, ignored",
            "src/o.yaml:1:1: warning: the symbolic link leads out of the application's sources, not followed",
        ]
    );
}

#[test]
fn a_source_that_is_a_folder_is_told_to_be_none() {
    let folder = Folder::new("kind");
    folder
        .write("a.yaml", "namespace: app\nname: l\nkind: library.lua\nsource: file://lua\n")
        .write("lua/x", "");
    assert_eq!(findings(&load(&folder.0)), ["a.yaml:4:9: error: `file://lua`: it is not a file"]);
}

#[test]
fn an_application_that_is_not_there_is_an_error() {
    let loaded = load(Path::new("/nowhere/at/all"));
    assert!(loaded.has_errors());
    assert!(findings(&loaded)[0].starts_with("/nowhere/at/all:1:1: error: the folder cannot be read: "));
}
