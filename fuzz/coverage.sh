#!/usr/bin/env bash
# How much of the core the seeds and the corpora reach, line by line: prints a table of files, and the lines that are not reached.
#
# usage: fuzz/coverage.sh [FILE...]    the lines of these files alone, such as core/src/wire/decode.rs
#
# Needs cargo-tarpaulin (`cargo install cargo-tarpaulin`), which reads what the compiler's instrumentation writes.
set -euo pipefail
cd "$(dirname "$0")/.."

report=fuzz/target/coverage
mkdir -p "$report"
cargo tarpaulin --engine llvm --skip-clean --packages wsrelay-tests --test fuzz --include-files 'core/src/*' \
  --target-dir "$report/build" --out json --output-dir "$report" -- everything_that_is_kept >"$report/log" 2>&1 ||
  { tail -n 40 "$report/log" >&2; exit 1; }
python3 - "$report/tarpaulin-report.json" "$@" <<'PYTHON'
import json, sys

files = json.load(open(sys.argv[1]))["files"]
rows = []
for file in files:
    name = "/".join(file["path"][file["path"].index("core"):])
    traces = [(trace["line"], trace["stats"]["Line"] > 0) for trace in file["traces"]]
    if traces:
        rows.append((name, traces))
reached = sum(hit for _, traces in rows for _, hit in traces)
total = sum(len(traces) for _, traces in rows)
for name, traces in sorted(rows):
    missed = [line for line, hit in traces if not hit]
    if not sys.argv[2:]:
        print(f"{name:44} {len(traces) - len(missed):5} of {len(traces):5}")
    elif name in sys.argv[2:]:
        source = open(name).read().splitlines()
        for line in missed:
            print(f"{name}:{line}: {source[line - 1].strip()}")
print(f"{reached} of {total} lines, {100 * reached / total:.1f} %")
PYTHON
