//! The forum's door: a socket on 127.0.0.1 whose connections can be broken on purpose, one at a time
//! or all at once, and the faults that show on the wire.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::discourse::{self, Asked};
use super::fault::Fault;
use super::wire::{Call, Reply};
use super::{Face, Forum, feed, lock, nodebb, scripts};

/// PHP's `post_max_size`.
const BODY_LIMIT: usize = 8 << 20;

pub(super) fn bind(port: u16) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The open door; shutting it breaks every connection that came through it.
pub(super) struct Door {
    task: JoinHandle<()>,
    all: CancellationToken,
}

impl Door {
    pub fn open(listener: std::net::TcpListener, forum: &Forum) -> io::Result<Self> {
        let all = CancellationToken::new();
        let lines = Lines { listener: TcpListener::from_std(listener)?, all: all.clone() };
        // Weak: the handle's last owner may go without stopping the forum first.
        let router = Router::new().fallback(answer).with_state(std::sync::Arc::downgrade(&forum.inner));
        let service = router.into_make_service_with_connect_info::<Line>();
        let task = tokio::spawn(async move {
            // Ends only with the task itself.
            let _ = axum::serve(lines, service).await;
        });
        Ok(Self { task, all })
    }

    /// Answers when the port is free again.
    pub async fn shut(mut self) {
        self.all.cancel();
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.all.cancel();
        self.task.abort();
    }
}

struct Lines {
    listener: TcpListener,
    all: CancellationToken,
}

impl Listener for Lines {
    type Io = Breakable;
    type Addr = Line;

    async fn accept(&mut self) -> (Breakable, Line) {
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        let cut = self.all.child_token();
        let line = Line { cut: cut.clone(), peer: Some(peer) };
        (Breakable { stream, broken: Box::pin(cut.clone().cancelled_owned()), cut }, line)
    }

    fn local_addr(&self) -> io::Result<Line> {
        Ok(Line { cut: self.all.clone(), peer: None })
    }
}

/// One connection, as a handler sees it: it can be cut.
#[derive(Debug, Clone)]
struct Line {
    cut: CancellationToken,
    peer: Option<SocketAddr>,
}

impl Connected<IncomingStream<'_, Lines>> for Line {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.remote_addr().clone()
    }
}

struct Breakable {
    stream: TcpStream,
    cut: CancellationToken,
    broken: Pin<Box<WaitForCancellationFutureOwned>>,
}

fn broken<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
}

impl AsyncRead for Breakable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.broken.as_mut().poll(cx).is_ready() {
            return broken();
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.cut.is_cancelled() {
            return broken();
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

async fn answer(
    State(inner): State<std::sync::Weak<super::Inner>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let Some(inner) = inner.upgrade() else {
        line.cut.cancel();
        return Response::default();
    };
    let forum = Forum { inner };
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    forum.with(|state| *state.requests.entry(format!("{} {path}", parts.method)).or_default() += 1);

    let address = parts.uri.path_and_query().map_or(path.as_str(), |address| address.as_str());
    let fault = lock(&forum.inner.faults).take(address, parts.method != "GET");
    if fault == Some(Fault::DropBeforeAnswer) {
        line.cut.cancel();
        return Response::default();
    }
    let charset = forum.options().charset;
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return Reply::page(charset, "The file(s) uploaded were too large to process.")
            .into_response(Body::from);
    };
    let address = line.peer.map_or_else(String::new, |peer| peer.ip().to_string());
    let query = parts.uri.query().unwrap_or_default();
    let call = Call::new(&parts.method, &path, query, &parts.headers, &body, address, charset);
    let reply = match &fault {
        Some(fault) => stand_in(&forum, fault, &call),
        None => None,
    };
    let reply = reply.unwrap_or_else(|| match forum.options().face {
        Face::Vbulletin4 => scripts::answer(&forum, &call, fault.as_ref()),
        Face::Feed(kind) => feed::answer(&forum, kind, &call),
        face => {
            let asked =
                Asked { method: &parts.method, path: &path, query, headers: &parts.headers, body: &body };
            if face == Face::Nodebb {
                nodebb::answer(&forum, &asked)
            } else {
                discourse::answer(&forum, &asked)
            }
        }
    });
    match fault {
        Some(Fault::DropAfterCommit) => {
            line.cut.cancel();
            Response::default()
        }
        Some(Fault::CutBody(at)) => cut(reply, at, line.cut),
        Some(Fault::SlowDrip(pause)) => reply.into_response(|bytes| drip(bytes, pause)),
        _ => reply.into_response(Body::from),
    }
}

/// The page that a fault puts in place of the forum's own answer.
fn stand_in(forum: &Forum, fault: &Fault, call: &Call) -> Option<Reply> {
    let charset = forum.options().charset;
    Some(match fault {
        Fault::Status(status, retry_after) => {
            let mut reply = Reply::page(
                charset,
                &format!(
                    "<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>nginx</body></html>"
                ),
            );
            reply.status = *status;
            match retry_after {
                Some(seconds) => reply.with("retry-after", seconds.to_string()),
                None => reply,
            }
        }
        Fault::CloudflarePage => {
            let mut reply = Reply::page(
                charset,
                "<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment...</title></head><body \
                 class=\"no-js\"><div class=\"main-wrapper\"><h1>forum</h1><h2>Checking if the site connection is \
                 secure</h2><noscript>Enable JavaScript and cookies to continue</noscript></div><script \
                 src=\"/cdn-cgi/challenge-platform/h/b/orchestrate/jsch/v1\"></script></body></html>",
            );
            reply.status = 503;
            reply.with("server", "cloudflare").with("cf-mitigated", "challenge")
        }
        Fault::Garbage => {
            let noise: Vec<u8> =
                (0..4096u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
            Reply::bytes("text/html", noise)
        }
        Fault::HugeDivs(count) => Reply::page(charset, &"<div>".repeat(*count)),
        Fault::Maintenance | Fault::LoginForm => return Some(scripts::instead(forum, call, fault)),
        _ => return None,
    })
}

/// Sends the headers and the first bytes, then breaks the connection.
fn cut(mut reply: Reply, at: usize, line: CancellationToken) -> Response {
    let whole = reply.body.len();
    reply.body.truncate(at);
    let reply = reply.with("content-length", whole.max(at + 1).to_string());
    reply.into_response(|bytes| {
        let (sender, receiver) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(1);
        tokio::spawn(async move {
            let _ = sender.send(Ok(bytes.into())).await;
            // The next send waits until the first piece was taken; give it time to leave.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let _ = sender.send(Err(io::ErrorKind::ConnectionReset.into())).await;
            line.cancel();
        });
        Body::from_stream(ReceiverStream::new(receiver))
    })
}

fn drip(bytes: Vec<u8>, pause: Duration) -> Body {
    let (sender, receiver) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(1);
    tokio::spawn(async move {
        for piece in bytes.chunks(64) {
            if sender.send(Ok(Bytes::copy_from_slice(piece))).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    });
    Body::from_stream(ReceiverStream::new(receiver))
}
