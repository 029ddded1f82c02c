//! Whether code has changed.

use super::model::{Application, Code, EntryId};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

impl Application {
    /// A number that stays the same as long as this code does, with all that it imports: source, method, modules and
    /// the names of imports. Where it stands in which file does not count. Good within one build of the program; it
    /// is not for keeping.
    #[must_use]
    pub fn fingerprint(&self, id: &EntryId) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut seen = BTreeSet::from([id]);
        let mut ahead = vec![id];
        // The order is that of the imports, which is part of the code, so that equal code is visited equally.
        while let Some(id) = ahead.pop() {
            id.hash(&mut hasher);
            let code = self.code.get(id);
            code.is_some().hash(&mut hasher);
            let Some(code) = code else { continue };
            hash_one(code, &mut hasher);
            for (_, import, _) in &code.imports {
                if seen.insert(import) {
                    ahead.push(import);
                }
            }
        }
        hasher.finish()
    }
}

fn hash_one(code: &Code, hasher: &mut DefaultHasher) {
    code.kind.hash(hasher);
    code.source.hash(hasher);
    code.method.hash(hasher);
    code.modules.len().hash(hasher);
    for (module, _) in &code.modules {
        module.hash(hasher);
    }
    code.imports.len().hash(hasher);
    for (alias, import, _) in &code.imports {
        alias.hash(hasher);
        import.hash(hasher);
    }
}
