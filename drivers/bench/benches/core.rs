//! Times of single pieces of a message's way. Instructions, which have no noise, are counted by the
//! program itself: `cargo run --release -p wsrelay-bench -- instructions`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wsrelay_bench::pieces::{self, Payload};

const LENGTHS: [usize; 4] = [16, 125, 1024, 64 * 1024];

fn wire(criterion: &mut Criterion) {
    let payloads = [("ascii", Payload::Ascii), ("mixed", Payload::Mixed), ("binary", Payload::Binary)];
    let mut group = criterion.benchmark_group("decode");
    for len in LENGTHS {
        group.throughput(Throughput::Bytes(len as u64));
        for (name, payload) in payloads {
            let mut step = pieces::decode(payload, len);
            group.bench_function(BenchmarkId::new(name, len), |bencher| bencher.iter(&mut step));
        }
    }
    group.finish();
    let mut group = criterion.benchmark_group("utf8");
    for len in LENGTHS {
        group.throughput(Throughput::Bytes(len as u64));
        for (name, payload) in &payloads[..2] {
            let mut step = pieces::utf8(*payload, len);
            group.bench_function(BenchmarkId::new(*name, len), |bencher| bencher.iter(&mut step));
        }
    }
    group.finish();
    let mut group = criterion.benchmark_group("wire");
    for len in LENGTHS {
        group.throughput(Throughput::Bytes(len as u64));
        let mut step = pieces::mask(len);
        group.bench_function(BenchmarkId::new("mask", len), |bencher| bencher.iter(&mut step));
        let mut step = pieces::encode(Payload::Ascii, len);
        group.bench_function(BenchmarkId::new("encode", len), |bencher| bencher.iter(&mut step));
    }
    group.finish();
}

fn relay(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("relay");
    group.bench_function("upgrade", |bencher| bencher.iter(pieces::upgrade()));
    for len in LENGTHS {
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::new("session in", len), |bencher| {
            bencher.iter(pieces::session_in(len));
        });
        group.bench_function(BenchmarkId::new("session out", len), |bencher| {
            bencher.iter(pieces::session_out(len));
        });
        group.bench_function(BenchmarkId::new("actor echo", len), |bencher| {
            bencher.iter(pieces::actor_echo(len));
        });
        group.bench_function(BenchmarkId::new("host echo", len), |bencher| {
            bencher.iter(pieces::host_echo(len, 1));
        });
    }
    group.finish();
}

criterion_group!(benches, wire, relay);
criterion_main!(benches);
