//! Postgres servers that will not do: each is named with what is wrong and what to do, and the program ends with 1.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::postgres;

/// What a server of our own does with whoever connects.
#[derive(Clone, Copy)]
enum Manner {
    /// Takes the connection, and says nothing.
    Silent,
    /// Refuses with this code and message.
    Refuses(&'static str, &'static str),
    /// Asks for a password, and does not like it.
    WrongPassword,
    /// Says that it is of this version, by its number.
    Version(&'static str),
}

/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message");
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

fn refusal(code: &str, words: &str) -> Vec<u8> {
    let body = format!("SFATAL\0VFATAL\0C{code}\0M{words}\0\0");
    message(b'E', body.as_bytes())
}

/// One row of texts, as an answer to a simple query.
fn row(cells: &[&str]) -> Vec<u8> {
    let count = u16::try_from(cells.len()).expect("a short row").to_be_bytes();
    let (mut description, mut data) = (count.to_vec(), count.to_vec());
    for cell in cells {
        description.extend(b"cell\0");
        description.extend([0; 6]);
        // The type text, of no fixed size, as text.
        description.extend(25_u32.to_be_bytes());
        description.extend([0xff; 6]);
        description.extend([0; 2]);
        data.extend(u32::try_from(cell.len()).expect("a short cell").to_be_bytes());
        data.extend(cell.as_bytes());
    }
    [message(b'T', &description), message(b'D', &data), message(b'C', b"SELECT 1\0"), message(b'Z', b"I")]
        .concat()
}

fn read_message(stream: &mut TcpStream, kind: bool) -> Option<Vec<u8>> {
    let mut head = [0; 5];
    let head = &mut head[usize::from(!kind)..];
    stream.read_exact(head).ok()?;
    let length = u32::from_be_bytes(head[head.len() - 4..].try_into().ok()?);
    let mut body = vec![0; usize::try_from(length).ok()?.checked_sub(4)?];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

fn serve(mut stream: TcpStream, manner: Manner) -> Option<()> {
    if matches!(manner, Manner::Silent) {
        while stream.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
        return None;
    }
    // Whether it speaks TLS: no.
    while read_message(&mut stream, false)?.starts_with(&80_877_103_u32.to_be_bytes()) {
        stream.write_all(b"N").ok()?;
    }
    match manner {
        Manner::Silent => {}
        Manner::Refuses(code, words) => stream.write_all(&refusal(code, words)).ok()?,
        Manner::WrongPassword => {
            stream.write_all(&message(b'R', &3_u32.to_be_bytes())).ok()?;
            read_message(&mut stream, true)?;
            let words = "password authentication failed for user \"me\"";
            stream.write_all(&refusal("28P01", words)).ok()?;
        }
        Manner::Version(version) => {
            stream.write_all(&message(b'R', &0_u32.to_be_bytes())).ok()?;
            stream.write_all(&message(b'Z', b"I")).ok()?;
            while read_message(&mut stream, true).is_some() {
                stream.write_all(&row(&[version, "UTF8"])).ok()?;
            }
        }
    }
    Some(())
}

fn server(manner: Manner) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, manner));
        }
    });
    port
}

#[tokio::test]
async fn what_is_wrong_with_a_postgres_server_is_told_in_one_sentence() {
    let ours = |manner| format!("postgres://me:s3cret@127.0.0.1:{}/db", server(manner));
    // A port that nobody listens on: it was ours a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut cases = vec![
        (format!("postgres://me:s3cret@127.0.0.1:{free}/db"), "check that its server runs"),
        ("postgres://me:s3cret@nowhere.invalid/db".to_owned(), "check that its server runs"),
        (ours(Manner::Silent), "check that its server runs"),
        (ours(Manner::WrongPassword), "refused the user or password"),
        (ours(Manner::Version("110022")), "the server is version 11; threadbridge needs 12 or newer"),
        (ours(Manner::Refuses("53300", "sorry, too many clients already")), "raise its max_connections"),
        (ours(Manner::Refuses("57P03", "the database system is starting up")), "try again soon"),
    ];
    let unique = format!("threadbridge_servers_{}", std::process::id());
    let (ascii, shut, poor) = (format!("{unique}_ascii"), format!("{unique}_shut"), format!("{unique}_poor"));
    let real = postgres();
    if let Some(real) = &real {
        let mut admin = PgConnection::connect(real).await.unwrap();
        for sql in [
            format!(
                "CREATE DATABASE {ascii} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
            ),
            format!("CREATE DATABASE {shut} ENCODING 'UTF8' TEMPLATE template0"),
            format!("CREATE ROLE {poor} LOGIN"),
        ] {
            admin.execute(AssertSqlSafe(sql)).await.unwrap();
        }
        let at = |database: &str, user: Option<&str>| {
            let mut url = url::Url::parse(real).unwrap();
            url.set_path(database);
            if let Some(user) = user {
                url.set_username(user).unwrap();
            }
            url.to_string()
        };
        let mut inside = PgConnection::connect(&at(&shut, None)).await.unwrap();
        inside.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").await.unwrap();
        cases.extend([
            (at(&ascii, None), "stores text as SQL_ASCII; create one with ENCODING 'UTF8'"),
            (at(&shut, Some(&poor)), "make it the owner of the database"),
            (at(&format!("{unique}_missing"), None), "does not exist on the Postgres server; create it"),
        ]);
    }
    let running: Vec<_> = cases
        .iter()
        .map(|(url, _)| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_threadbridge"));
            command.args(["migrate", "--database", url]).stdin(Stdio::null());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for ((url, expected), running) in cases.iter().zip(running) {
        let ended = running.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{url}: {told}");
        assert!(told.contains(expected), "{url}: {told}");
        assert!(!told.contains("s3cret"), "{told}");
        assert_eq!(told.trim_end().lines().count(), 1, "one sentence: {told}");
        assert!(told.starts_with("Postgres on "), "{told}");
    }
    if let Some(real) = &real {
        let mut admin = PgConnection::connect(real).await.unwrap();
        for sql in [
            format!("DROP DATABASE {ascii} WITH (FORCE)"),
            format!("DROP DATABASE {shut} WITH (FORCE)"),
            format!("DROP ROLE {poor}"),
        ] {
            admin.execute(AssertSqlSafe(sql)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_bridge_itself_and_its_check_tell_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("threadbridge.toml");
    let url = format!("postgres://me@127.0.0.1:{}/db", server(Manner::Version("110022")));
    let text = format!(
        "[discord]\ntoken = \"a.b.c\"\napi_url = \"http://127.0.0.1:1\"\n[database]\nurl = \"{url}\"\n\
         [server]\nlisten = \"127.0.0.1:0\"\n[[forums]]\nkey = \"edu\"\nengine = \"vbulletin4\"\n\
         url = \"http://127.0.0.1:1/\"\n"
    );
    std::fs::write(&config, text).unwrap();
    for arguments in [&["run"][..], &["check", "--offline"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_threadbridge"));
        let ended = command.args(arguments).arg("--config").arg(&config).output().unwrap();
        let told = [ended.stdout, ended.stderr].concat();
        let told = String::from_utf8_lossy(&told).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{told}");
        assert!(told.contains("the server is version 11; threadbridge needs 12 or newer"), "{told}");
    }
}
