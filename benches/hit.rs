//! A whole hit over a loopback connection that stays open: client, proxy, store and back, on one thread each.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use plimsoll::{
    cli::serve::{Started, start},
    config::Config,
    observe::{LogSink, SystemClock},
    origin::{Options, bind_instances, serve},
    server::Listen,
};
use tokio::runtime::Runtime;

fn proxy(runtime: &Runtime) -> (Started, SocketAddr) {
    runtime.block_on(async {
        let listener = bind_instances(([127, 0, 0, 1], 0).into(), 1).await.expect("to bind").remove(0);
        let origin = listener.local_addr().expect("an address");
        tokio::spawn(serve(listener, Options::default(), std::future::pending()));
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 1\n[origin]\nurl = \"http://{origin}\"\n\
             [[route]]\nname = \"load\"\npath = \"/load/{{bytes}}\"\nlevel = \"permanent\"\n"
        );
        let config = Config::parse("bench.toml", &text).expect("a valid config").config;
        let started =
            start(config, Arc::new(SystemClock::start()), Arc::new(LogSink)).await.expect("to start");
        let Listen::Tcp(address) = started.server.addresses()[0] else { panic!("not a TCP address") };
        (started, address)
    })
}

/// Sends one request and reads its answer, head and content.
fn exchange(stream: &mut TcpStream, request: &[u8], size: usize, buffer: &mut [u8]) {
    stream.write_all(request).expect("to write");
    let mut read = 0;
    let head = loop {
        read += stream.read(&mut buffer[read..]).expect("to read");
        if let Some(end) = buffer[..read].windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    while read < head + size {
        read += stream.read(&mut buffer[read..]).expect("to read");
    }
}

fn hits(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let (_started, address) = proxy(&runtime);
    for size in [1024, 16 * 1024, 128 * 1024] {
        let request =
            format!("GET /load/{size} HTTP/1.1\r\nhost: api.example\r\naccept: */*\r\n\r\n").into_bytes();
        let mut stream = TcpStream::connect(address).expect("to connect");
        stream.set_nodelay(true).expect("a socket");
        let mut buffer = vec![0; size + 4096];
        exchange(&mut stream, &request, size, &mut buffer);
        let mut group = c.benchmark_group("hit");
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{} KiB", size / 1024), |b| {
            b.iter(|| exchange(&mut stream, &request, size, &mut buffer));
        });
        group.finish();
    }
}

criterion_group!(benches, hits);
criterion_main!(benches);
