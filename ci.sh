#!/usr/bin/env bash
# What decides whether a change lands; run it yourself before you propose one.
#
# usage: ./ci.sh
#   CI=true  installs Chromium where it is missing (Debian), and lets no test be skipped
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never} CARGO_LLVM_COV_SETUP=no

step() { printf '\n== %s\n' "$*"; }

if [ "${CI:-}" = true ] && ! command -v chromium >/dev/null; then
  step "install Chromium"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi

step "format"
cargo fmt --all --check
cargo fmt --manifest-path fuzz/Cargo.toml --check

msrv=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
step "oldest supported compiler: $msrv"
case $(rustc --version) in
  "rustc $msrv."*) echo "the compiler in use is the oldest one" ;;
  *)
    if rustup toolchain list 2>/dev/null | grep -q "^$msrv"; then
      cargo "+$msrv.0" check --workspace --all-targets --locked
    else
      echo "skipped: rustc $msrv is not installed"
    fi
    ;;
esac

step "clippy"
cargo clippy --workspace --all-targets --locked -- --deny warnings
# The core alone, without what its features bring in.
cargo clippy --package wsrelay-core --all-targets --locked -- --deny warnings

if [ ! -x target/python/bin/python ]; then
  step "Python's websockets, for the test of compression with another implementation"
  { python3 -m venv target/python && target/python/bin/pip install --quiet 'websockets>=15'; } ||
    { rm -rf target/python; echo "skipped: it cannot be installed here"; }
fi

step "tests"
# The README's command, as it stands there.
test_command=$(sed -n 's/^\(cargo test .*\)$/\1/p' README.md | head -n 1)
[ -n "$test_command" ] || { echo "README.md names no test command" >&2; exit 1; }
echo "+ $test_command"
$test_command

step "simulation"
# Other seeds with every commit, and those that have failed once.
commit=$(git rev-parse --short=7 HEAD 2>/dev/null || echo 0)
cargo run --quiet --release --locked -p wsrelay-sim -- --seeds 1000 --from $((16#$commit))
cargo run --quiet --release --locked -p wsrelay-sim -- --file drivers/sim/seeds.txt

step "fuzz targets"
# The tests have replayed what the fuzzer keeps; here it looks on for a moment, other ways with every run.
if [ "${CI:-}" = true ] && ! cargo fuzz --version >/dev/null 2>&1; then
  cargo install --quiet --locked cargo-fuzz --version 0.13.2
fi
if cargo +nightly fuzz --version >/dev/null 2>&1; then
  fuzz/run.sh --seconds 10
elif [ "${CI:-}" = true ]; then
  echo "the nightly compiler or cargo-fuzz is missing" >&2
  exit 1
else
  echo "skipped: the nightly compiler or cargo-fuzz is not installed"
fi

step "documentation"
RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --locked

step "dependency rules"
if command -v cargo-deny >/dev/null; then
  cargo deny --locked check licenses bans sources
else
  echo "skipped: cargo-deny is not installed"
fi

step "all is well"
