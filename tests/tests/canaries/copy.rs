//! The copy of the sources, with all defects in it.

use crate::canary::Edit;
use crate::list;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The packages that are copied.
const MEMBERS: [&str; 4] = ["core", "drivers/host", "drivers/sim", "tests"];

/// What asks, at run time, which of the defects is there.
const SWITCH: &str = "//! Which defect is there.

use core::sync::atomic::{AtomicU32, Ordering};

/// Its number; 0 for none.
pub static WHICH: AtomicU32 = AtomicU32::new(0);

/// Whether it is this one.
pub fn is(number: u32) -> bool {
    WHICH.load(Ordering::Relaxed) == number
}
";

/// The files of the copy by their paths, as they are to be.
pub(crate) type Files = BTreeMap<String, String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// The sources of the simulator, of the oracles and of what they look at, with all defects under their numbers.
///
/// # Panics
///
/// When what a defect is to replace does not stand where it should.
pub(crate) fn files() -> Files {
    let mut files = Files::new();
    for file in ["Cargo.toml", "Cargo.lock"] {
        take(file, &mut files);
    }
    for member in MEMBERS {
        take(&format!("{member}/Cargo.toml"), &mut files);
        take_all(&format!("{member}/src"), &mut files);
    }
    let manifest = files.get_mut("Cargo.toml").expect("it was taken");
    *manifest = workspace(manifest);
    let lib = files.get_mut("core/src/lib.rs").expect("the core");
    lib.push_str("\npub mod canary;\n");
    files.insert("core/src/canary.rs".to_owned(), SWITCH.to_owned());
    for (number, name, edit) in list::edits() {
        plant(number, name, edit, &mut files);
    }
    // The command is ours.
    files.retain(|path, _| {
        !["args.rs", "report.rs"].iter().any(|its| *path == format!("drivers/sim/src/{its}"))
    });
    files.insert("drivers/sim/src/main.rs".to_owned(), include_str!("harness.rs").to_owned());
    files.insert("tests/src/main.rs".to_owned(), include_str!("oracle.rs").to_owned());
    for (package, sections) in
        [("drivers/sim", &["[features]", "[[bin]]", "[[test]]"][..]), ("tests", &["[dev-dependencies]"])]
    {
        let manifest = files.get_mut(&format!("{package}/Cargo.toml")).expect("it was taken");
        *manifest = without(sections, manifest);
    }
    files
}

/// A manifest without these sections, and without what the simulator's own command needs.
fn without(sections: &[&str], manifest: &str) -> String {
    let mut is_kept = true;
    let lines = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            is_kept = !sections.contains(line);
        }
        is_kept && !line.starts_with("clap")
    });
    lines.map(|line| format!("{line}\n")).collect()
}

fn take(path: &str, files: &mut Files) {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    files.insert(path.to_owned(), text);
}

fn take_all(folder: &str, files: &mut Files) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder of the repository") {
        let entry = entry.expect("an entry");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            take_all(&path, files);
        } else if path.ends_with(".rs") {
            take(&path, files);
        }
    }
}

/// The manifest of the workspace, with these members alone.
fn workspace(manifest: &str) -> String {
    let members = MEMBERS.map(|member| format!("{member:?}")).join(", ");
    let lines = manifest.lines().filter(|line| !line.starts_with("default-members"));
    let lines = lines.map(|line| match line.split_once(" = ") {
        Some(("members", _)) => format!("members = [{members}]\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

fn plant(number: usize, name: &str, edit: &Edit, files: &mut Files) {
    let Edit { file, anchor, with } = edit;
    let text = files.get_mut(*file).unwrap_or_else(|| panic!("{name:?}: there is no {file}"));
    let count = text.matches(anchor).count();
    assert_eq!(count, 1, "{name:?}: {file} has to contain this once:\n{anchor}");
    let core = if file.starts_with("core/") { "crate" } else { "wsrelay_core" };
    *text = text.replacen(anchor, &with.replace("CANARY", &format!("{core}::canary::is({number})")), 1);
}

/// Writes what is not there already: what stays the same is not compiled again.
pub(crate) fn write(files: &Files, folder: &Path) {
    remove_others(files, folder, "");
    for (path, text) in files {
        let path = folder.join(path);
        if fs::read_to_string(&path).is_ok_and(|before| before == *text) {
            continue;
        }
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder in the target directory");
        fs::write(&path, text).expect("a file in the target directory");
    }
}

/// Removes sources that an earlier copy had.
fn remove_others(files: &Files, folder: &Path, below: &str) {
    let Ok(entries) = fs::read_dir(folder.join(below)) else { return };
    for entry in entries {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if path == "target" {
            continue;
        }
        if folder.join(&path).is_dir() {
            remove_others(files, folder, &path);
        } else if path.ends_with(".rs") && !files.contains_key(&path) {
            fs::remove_file(folder.join(&path)).expect("a file in the target directory");
        }
    }
}
