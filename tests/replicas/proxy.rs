//! A network between a replica and its database that can be cut, or fall silent.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Up,
    /// Connections are broken, and new ones refused at once.
    Cut,
    /// Everything is swallowed, and nobody is told.
    Silent,
}

/// On loopback, for one replica.
#[derive(Clone)]
pub struct Proxy {
    pub port: u16,
    state: Arc<watch::Sender<State>>,
}

impl Proxy {
    pub async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a port").port();
        let state = Arc::new(watch::Sender::new(State::Up));
        tokio::spawn({
            let state = state.clone();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(pass(client, to, state.subscribe()));
                }
            }
        });
        Self { port, state }
    }

    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Breaks every connection once.
    pub async fn blink(&self) {
        self.set(State::Cut);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        self.set(State::Up);
    }
}

async fn pass(client: TcpStream, to: SocketAddr, state: watch::Receiver<State>) {
    if *state.borrow() == State::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(to).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    // When one direction is broken, so is the other.
    tokio::select! {
        () = pump(from_client, to_server, state.clone()) => {}
        () = pump(from_server, to_client, state) => {}
    }
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut state: watch::Receiver<State>,
) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let now = *state.borrow_and_update();
        match now {
            State::Cut => return,
            State::Silent => {
                if state.changed().await.is_err() {
                    return;
                }
            }
            State::Up => tokio::select! {
                changed = state.changed() => if changed.is_err() { return },
                read = from.read(&mut bytes) => match read {
                    Ok(count) if count > 0 => if to.write_all(&bytes[..count]).await.is_err() { return },
                    _ => return,
                },
            },
        }
    }
}
