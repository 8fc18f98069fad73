//! An origin that says, byte by byte, what a test scripts, and tells what it saw.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Its request line.
    pub(crate) line: String,
    /// Its field lines, names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    /// Its content.
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The value of a field's first line.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What to say to a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// These bytes, on a connection that stays open.
    Bytes(Vec<u8>),
    /// These bytes, and the end of the connection.
    Close(Vec<u8>),
    /// These bytes, and a reset of the connection.
    Reset(Vec<u8>),
    /// The first bytes; the others when told.
    Wait(Vec<u8>, Arc<Notify>, Vec<u8>),
    /// These bytes, and then nothing.
    Stall(Vec<u8>),
}

/// `200 OK` with these field lines (each with its CRLF) and this content.
pub(crate) fn ok(fields: &str, content: &str) -> Reply {
    answer_with("200 OK", fields, content)
}

/// This status with these field lines and this content.
pub(crate) fn answer_with(status: &str, fields: &str, content: &str) -> Reply {
    let length = content.len();
    Reply::Bytes(
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{fields}\r\n{content}").into_bytes(),
    )
}

/// `304 Not Modified` with these field lines.
pub(crate) fn not_modified(fields: &str) -> Reply {
    Reply::Bytes(format!("HTTP/1.1 304 Not Modified\r\n{fields}\r\n").into_bytes())
}

/// A script that gives these replies in turn, the last one for ever.
pub(crate) fn in_turn<const N: usize>(
    replies: [Reply; N],
) -> impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static {
    move |number, _| replies[number.min(N - 1)].clone()
}

type Script = dyn Fn(usize, &Seen) -> Reply + Send + Sync;

/// A running scripted origin.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    count: watch::Receiver<usize>,
}

/// Starts an origin that answers by this script, which is given the number of the request (from 0) and the request.
pub(crate) async fn scripted(script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("to bind");
    let address = listener.local_addr().expect("an address");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (counter, count) = watch::channel(0);
    let (script, counter): (Arc<Script>, _) = (Arc::new(script), Arc::new(counter));
    let record = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, Arc::clone(&script), Arc::clone(&record), Arc::clone(&counter)));
        }
    });
    Scripted { address, seen, count }
}

impl Scripted {
    /// How many requests have arrived.
    pub(crate) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// The requests that have arrived.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }

    /// Waits until this many requests have arrived.
    pub(crate) async fn arrived(&self, n: usize) {
        self.count.clone().wait_for(|count| *count >= n).await.expect("the origin lives");
    }
}

async fn converse(
    stream: TcpStream,
    script: Arc<Script>,
    record: Arc<Mutex<Vec<Seen>>>,
    counter: Arc<watch::Sender<usize>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(seen) = read(&mut stream).await {
        let number = {
            let mut record = record.lock().expect("no panic");
            record.push(seen.clone());
            record.len() - 1
        };
        counter.send_replace(number + 1);
        if !answer(stream.get_mut(), script(number, &seen)).await {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut seen = Seen { line: line.trim_end().to_owned(), fields: Vec::new(), body: Vec::new() };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        seen.fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if seen.field("transfer-encoding").is_some() {
        seen.body = read_chunks(stream).await?;
        return Some(seen);
    }
    let length = seen.field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    seen.body.resize(length, 0);
    stream.read_exact(&mut seen.body).await.ok()?;
    Some(seen)
}

/// Reads chunked content, and its trailer section away.
async fn read_chunks(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let size = usize::from_str_radix(line.trim_end(), 16).ok()?;
        if size == 0 {
            break;
        }
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).await.ok()?;
        content.extend_from_slice(&chunk[..size]);
    }
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    }
    Some(content)
}

/// Answers, and says whether the connection stays open.
fn answer(stream: &mut TcpStream, reply: Reply) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
    Box::pin(async move {
        let (first, more) = match reply {
            Reply::Bytes(bytes) => return stream.write_all(&bytes).await.is_ok(),
            Reply::Close(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return false;
            }
            Reply::Reset(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.set_zero_linger();
                return false;
            }
            Reply::Wait(first, go, rest) => (first, Some((go, rest))),
            Reply::Stall(first) => (first, None),
        };
        let _ = stream.write_all(&first).await;
        let _ = stream.flush().await;
        match more {
            Some((go, rest)) => {
                go.notified().await;
                stream.write_all(&rest).await.is_ok()
            }
            None => std::future::pending().await,
        }
    })
}
