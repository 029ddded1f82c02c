//! What processes leave behind. One test, alone in its process: everything that is allocated counts.

use peak_alloc::PeakAlloc;
use std::path::PathBuf;
use std::{env, fs, process, thread};
use wsrelay_lua::runtime::HubOptions;
use wsrelay_lua::vm::Values;
use wsrelay_lua::{Instance, check};
use wsrelay_smol::{NodeOptions, Runtime};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const YAML: &str = "
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: main, kind: process.lua, source: 'file://main.lua'}
  - {name: small, kind: process.lua, source: 'return function() process.inbox():receive() end'}
  - {name: large, kind: process.lua, source: 'file://large.lua'}
";
const MAIN: &str = "
return function(kind, number)
    local pids = {}
    for i = 1, number do
        pids[i] = process.spawn_monitored('app:' .. kind, 'app:processes')
    end
    for i = 1, number do process.send(pids[i], 'end') end
    for i = 1, number do process.events():receive() end
end
";
const LARGE: &str = "
return function()
    local held = {}
    for i = 1, 10000 do held[i] = {i} end
    process.inbox():receive()
end
";

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn processes_that_have_ended_leave_next_to_nothing() {
    let folder = Folder(env::temp_dir().join(format!("wsrelay-lua-memory-{}", process::id())));
    fs::create_dir_all(&folder.0).unwrap();
    for (name, text) in [("_index.yaml", YAML), ("main.lua", MAIN), ("large.lua", LARGE)] {
        fs::write(folder.0.join(name), text).unwrap();
    }
    let checked = check(&folder.0);
    assert!(!checked.has_errors(), "{:#?}", checked.findings);
    let runtime = Runtime::start(1).unwrap();
    let node = runtime.node(NodeOptions::default());
    let options = HubOptions { workers: 1, ..HubOptions::default() };
    let instance = runtime.block_on(Instance::start(checked, &node, options)).unwrap();
    let before = HEAP.current_usage();
    for (kind, number) in [("small", 2000), ("large", 100)] {
        let arguments = Values::from_json(&[kind.into(), number.into()]);
        HEAP.reset_peak_usage();
        let result = runtime.block_on(instance.hub().exec("app:main", "app:processes", arguments));
        assert!(result.is_ok(), "{result:?}");
        let peak = HEAP.peak_usage() - before;
        assert!(peak > 20 * 1024 * 1024, "{number} {kind} held {peak}");
        // It collects while it has nothing else to do.
        let is_given_back = (0..10_000_000).any(|_| {
            thread::yield_now();
            HEAP.current_usage() < before + 4 * 1024 * 1024
        });
        assert!(is_given_back, "{} of {peak} are left", HEAP.current_usage() - before);
    }
}
