#!/usr/bin/env bash
# Runs fuzz targets, each with its dictionary, and keeps what they find.
#
# usage: fuzz/run.sh [--seconds N] [TARGET...]    each for so many seconds (default 60); without names all of them
#        fuzz/run.sh --keep [TARGET...]           make the corpora in fuzz/corpus anew, as small as can be, from
#                                                 themselves, the seeds, and what runs have found
#
# What a run finds on its way goes to fuzz/target/found/TARGET, and an input that fails to fuzz/artifacts/TARGET.
# Needs the nightly compiler and cargo-fuzz (`cargo install cargo-fuzz`).
set -euo pipefail
cd "$(dirname "$0")"

seconds=60
keep=
while [[ ${1:-} == --* ]]; do
  case $1 in
    --seconds) seconds=${2:?how many seconds}; shift 2 ;;
    --keep) keep=yes; shift ;;
    *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
  esac
done

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for path in fuzz_targets/*.rs; do targets+=("$(basename "$path" .rs)"); done
fi

cargo +nightly fuzz build
for target in "${targets[@]}"; do
  found=target/found/$target
  mkdir -p "$found"
  if [ "$keep" ]; then
    # By the edges that are reached, not by how often: fewer files, and the same coverage.
    rm -rf "target/kept/$target" && mkdir -p "target/kept/$target"
    cargo +nightly fuzz run "$target" -- -set_cover_merge=1 -use_counters=0 \
      "target/kept/$target" "seeds/$target" "corpus/$target" "$found" 2>&1 | tail -n 1
    rm -rf "corpus/$target" && mv "target/kept/$target" "corpus/$target"
    printf '%s: %s inputs\n' "$target" "$(find "corpus/$target" -type f | wc -l)"
  else
    printf '\n%s, %s s\n' "$target" "$seconds"
    cargo +nightly fuzz run "$target" "$found" "corpus/$target" "seeds/$target" -- \
      -dict="dictionaries/$target.dict" -max_total_time="$seconds" -print_final_stats=1 2>&1 |
      tee "target/found/$target.log" | grep -aE 'panicked at|^assertion|^ *(left|right):|SUMMARY|DONE|number_of_executed' || true
    # Of a pipeline, the first command is the one that counts.
    grep -aq '^Done ' "target/found/$target.log" || { tail -n 40 "target/found/$target.log" >&2; exit 1; }
  fi
done
