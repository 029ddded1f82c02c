//! Sources, compiled once and run many times.

use crate::app::model::{Code, CodeKind, EntryId};
use crate::app::{Application, Finding, Place};
use mlua::chunk::Compiler;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One source as byte code, with what it imports.
#[derive(Debug)]
pub struct Program {
    /// The entry.
    pub code: Arc<Code>,
    /// How tracebacks call it.
    pub chunk_name: String,
    /// The byte code. It comes from our own compiler and nowhere else.
    pub bytecode: Vec<u8>,
    /// The libraries it imports, by the names they have in it.
    pub imports: Vec<(String, Arc<Program>)>,
    /// Says whether another program is the same, imports and all.
    pub fingerprint: u64,
}

/// The programs of an application.
#[derive(Debug, Default)]
pub struct Programs(BTreeMap<EntryId, Arc<Program>>);

/// Most libraries that import one another in a row.
const IMPORTS_DEEP_MAX: usize = 100;

impl Programs {
    /// Compiles every source of an application; what does not compile is a finding.
    #[must_use]
    pub fn compile(application: &Application) -> (Self, Vec<Finding>) {
        let mut compiling = Compiling { application, known: BTreeMap::new(), findings: Vec::new() };
        for id in application.code.keys() {
            compiling.program(id, 0);
        }
        let Compiling { known, findings, .. } = compiling;
        let programs = known.into_iter().filter_map(|(id, known)| Some((id.clone(), known?.program)));
        (Self(programs.collect()), findings)
    }

    /// The program of an entry.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Program>> {
        self.0.get(&EntryId::resolve("", id))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Program>> {
        self.0.values()
    }
}

struct Compiling<'a> {
    application: &'a Application,
    /// `None` for a program that is not sound, or whose imports are being compiled.
    known: BTreeMap<&'a EntryId, Option<Known>>,
    findings: Vec<Finding>,
}

#[derive(Clone)]
struct Known {
    program: Arc<Program>,
    /// How many libraries import one another in a row, beginning with this.
    height: usize,
}

impl<'a> Compiling<'a> {
    /// The program of an entry, its imports first. None if it imports itself on any way, which reading has told.
    fn program(&mut self, id: &'a EntryId, depth: usize) -> Option<Known> {
        if let Some(known) = self.known.get(id) {
            return known.clone();
        }
        let application = self.application;
        let code = application.code.get(id)?;
        self.known.insert(id, None);
        let bytecode = compile(code).map_err(|finding| self.findings.push(finding));
        let (mut imports, mut height) = (Vec::new(), 0);
        for (name, import, place) in &code.imports {
            let known = if depth < IMPORTS_DEEP_MAX { self.program(import, depth + 1) } else { None };
            height = height.max(known.as_ref().map_or(0, |known| known.height + 1));
            if depth.max(height) >= IMPORTS_DEEP_MAX {
                let message = format!("more than {IMPORTS_DEEP_MAX} libraries import one another in a row");
                self.findings.push(Finding::error(place, message));
                return None;
            }
            imports.push(known.map(|known| (name.clone(), known.program)));
        }
        let program = Arc::new(Program {
            code: Arc::clone(code),
            // "@" marks the name of a file.
            chunk_name: format!("@{}", code.source_place.file),
            bytecode: bytecode.ok()?,
            imports: imports.into_iter().collect::<Option<_>>()?,
            fingerprint: application.fingerprint(id),
        });
        let known = Some(Known { program, height });
        self.known.insert(id, known.clone());
        known
    }
}

impl Program {
    /// Whether this is code to spawn.
    #[must_use]
    pub fn is_process(&self) -> bool {
        self.code.kind == CodeKind::Process
    }
}

/// Byte code whose line numbers are those of the file that the source stands in.
fn compile(code: &Code) -> Result<Vec<u8>, Finding> {
    let first = code.source_place.line.saturating_sub(1);
    let mut source = "\n".repeat(first as usize);
    source.push_str(&code.source);
    compiler().compile(&source).map_err(|error| {
        let (line, message) = syntax_error(&error.to_string());
        let place = Place { line, column: 1, ..code.source_place.clone() };
        let text = source.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
        match super::dialect::explain(text) {
            Some(explanation) => Finding::error(&place, format!("{message}; {explanation}")),
            None => Finding::error(&place, message),
        }
    })
}

/// Scripts have functions of their own for what the compiler would otherwise do without looking them up.
fn compiler() -> Compiler {
    Compiler::new().set_optimization_level(1).set_debug_level(1).set_disabled_builtins([
        "type",
        "typeof",
        "getmetatable",
    ])
}

/// The line and the words of the compiler's message, `syntax error: :3: …` or `:3: …`.
fn syntax_error(message: &str) -> (u32, String) {
    let message = message.trim_start_matches("syntax error: ").trim_start_matches(':');
    let mut parts = message.splitn(2, ':');
    let line = parts.next().and_then(|line| line.trim().parse().ok()).unwrap_or(1);
    let words = parts.next().unwrap_or(message).trim();
    (line, words.to_owned())
}
