#!/usr/bin/env bash
# Runs fuzz targets, each with its dictionary, and keeps what they find.
#
# usage: fuzz/run.sh [--seconds N] [TARGET...]    each for so many seconds (default 60), as many at once as there are
#                                                 cores; without names all of them
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

# What a target's run found, or the end of what it said if it did not come to its end.
look() {
  local target=$1 found=target/found/$1 log=target/found/$1.log
  cargo +nightly fuzz run "$target" "$found" "corpus/$target" "seeds/$target" -- \
    -dict="dictionaries/$target.dict" -max_total_time="$seconds" -print_final_stats=1 >"$log" 2>&1 || true
  printf '\n%s, %s s\n' "$target" "$seconds"
  grep -aE 'panicked at|^assertion|^ *(left|right):|SUMMARY|DONE|number_of_executed' "$log" || true
  grep -aq '^Done ' "$log" || { tail -n 40 "$log" >&2; return 1; }
}

# By the edges that are reached, not by how often: fewer files, and the same coverage.
keep() {
  local target=$1
  rm -rf "target/kept/$target" && mkdir -p "target/kept/$target"
  cargo +nightly fuzz run "$target" -- -set_cover_merge=1 -use_counters=0 \
    "target/kept/$target" "seeds/$target" "corpus/$target" "target/found/$target" 2>&1 | tail -n 1
  rm -rf "corpus/$target" && mv "target/kept/$target" "corpus/$target"
  printf '%s: %s inputs\n' "$target" "$(find "corpus/$target" -type f | wc -l)"
}

cargo +nightly fuzz build
for target in "${targets[@]}"; do
  mkdir -p "target/found/$target"
  if [ "$keep" ]; then keep "$target"; fi
done
if [ -z "$keep" ]; then
  export seconds
  export -f look
  printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -c 'look "$1"' _ {}
fi
