//! An async server: up to 1000 clients as tasks, over a seqpacket socket that passes descriptors.
//!
//! Each client sends the write end of a pipe with its request. The server writes the reply to that
//! pipe. The clients share another process, in tasks of one thread.
//!
//! Run it: `cargo run -p ipcraft-examples --example async_server`

use std::os::fd::AsFd;
use std::process::id;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ipcraft::pipe;
use ipcraft::process::Inherit;
use ipcraft::socket::Options;
use ipcraft_examples::{Outcome, argument, expect, fresh_path, pattern, println, role, this_program, verify};
use ipcraft_tokio::socket::seqpacket::{self, Connection};
use ipcraft_tokio::{IntoAsync, process};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::AsyncReadExt;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::timeout;

const MOST_CLIENTS: usize = 1000;
const REQUESTS: usize = 10;
const LARGEST: usize = 512;
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client has a connection and both ends of a pipe open, and the rest of the process some more.
const DESCRIPTORS_PER_CLIENT: usize = 4;
const OTHER_DESCRIPTORS: usize = 64;

/// The error of a task, which may run in another thread.
type TaskError = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Outcome {
    let clients = clients_that_fit()?;
    if role().as_deref() == Some("--clients") {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(async { timeout(TIMEOUT, request_all(&argument()?, clients)).await? });
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async { timeout(TIMEOUT, serve(clients)).await? })
}

/// The number of clients for which the process may open descriptors.
fn clients_that_fit() -> Outcome<usize> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = (MOST_CLIENTS * DESCRIPTORS_PER_CLIENT + OTHER_DESCRIPTORS) as u64;
    let limit = soft.max(wanted.min(hard));
    setrlimit(Resource::RLIMIT_NOFILE, limit, hard)?;
    let fit = (limit as usize).saturating_sub(OTHER_DESCRIPTORS) / DESCRIPTORS_PER_CLIENT;
    Ok(fit.clamp(1, MOST_CLIENTS))
}

async fn serve(clients: usize) -> Outcome {
    let path = fresh_path("ipcraft-example-async-server");
    let listener = Options::new().remove_on_drop(true).listen_seqpacket(&path)?.into_async()?;
    println!("server {}: listening for {clients} clients at {}", id(), path.display());
    let child = process::spawn(this_program("--clients")?.arg(&path), Inherit::new())?;

    let (start, answered) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut serving = JoinSet::new();
    let status = loop {
        tokio::select! {
            connection = listener.accept() => {
                serving.spawn(answer_all(connection?, answered.clone()));
            }
            exit = child.wait() => break exit?.status(),
        }
    };
    while let Some(served) = serving.join_next().await {
        served?.map_err(|e| e.to_string())?;
    }
    let answered = answered.load(Relaxed);
    println!(
        "server {}: answered {answered} requests, {:?} each",
        id(),
        start.elapsed() / answered.max(1) as u32
    );
    expect("whether the clients succeeded", status.map(|status| status.success()), Some(true))?;
    expect("requests", answered, clients * REQUESTS)
}

/// Writes the sum of each request to the pipe that came with it, until the client leaves.
async fn answer_all(connection: Connection, answered: Arc<AtomicUsize>) -> Result<(), TaskError> {
    let mut buffer = [0; LARGEST];
    while let Some((length, mut descriptors)) = connection.recv_descriptors(&mut buffer, 1).await? {
        verify(0, &buffer[..length]).map_err(|e| e.to_string())?;
        let writer = pipe::Writer::from(descriptors.pop().ok_or("no descriptor came with the request")?);
        writer.into_async()?.write(sum(&buffer[..length]).to_string().as_bytes()).await?;
        answered.fetch_add(1, Relaxed);
    }
    Ok(())
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().copied().map(u64::from).sum()
}

async fn request_all(path: &str, clients: usize) -> Outcome {
    let mut requesting = JoinSet::new();
    for client in 0..clients {
        let path = path.to_owned();
        requesting.spawn(async move {
            let connection = seqpacket::connect(path.as_str()).await?;
            for number in 0..REQUESTS {
                request(&connection, (client + number) % LARGEST).await?;
            }
            Ok::<_, TaskError>(())
        });
    }
    while let Some(done) = requesting.join_next().await {
        done?.map_err(|e| e.to_string())?;
    }
    println!("clients {}: {clients} clients got {REQUESTS} right answers each", id());
    Ok(())
}

async fn request(connection: &Connection, length: usize) -> Result<(), TaskError> {
    let (reader, writer) = pipe::pipe()?;
    let request = pattern(0, length);
    connection.send_descriptors(&request, &[writer.as_fd()]).await?;
    drop(writer); // the server has its own, which ends the stream
    let mut answer = String::new();
    reader.into_async()?.read_to_string(&mut answer).await?;
    expect("sum", answer, sum(&request).to_string()).map_err(|e| e.to_string().into())
}
