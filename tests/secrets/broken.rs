//! Configurations that can't work, each with its secrets where they make the trouble.

use std::process::{Command, Stdio};

use threadbridge::sandbox::stage::Folder;

use crate::forms::forms;
use crate::setting::{Secret, account, leaks, said};

/// Every command tells what is wrong, and not what was typed.
pub fn explained(level: &str) {
    let secrets: Vec<(String, Vec<String>)> = Secret::ALL
        .iter()
        .map(|secret| (format!("{secret:?}"), forms(secret.text(), secret.core())))
        .collect();
    let (password, key, database) =
        (Secret::Password.text(), Secret::WrongKey.text(), Secret::Database.text());
    let forum =
        format!("[[forums]]\nkey = \"edu\"\nurl = \"http://127.0.0.1:9/\"\n{}\n", account(Secret::Password));
    let good = format!("[discord]\ntoken = \"{key}\"\napi_url = \"http://127.0.0.1:9\"\n");
    let sqlite = "[database]\nurl = \"sqlite://x.db\"\n";
    let wrong = [
        format!("[discord]\ntoken = [\"{key}\"]\n{forum}"),
        format!("[discord]\ntokn = \"{key}\"\n{forum}"),
        format!("[discord]\ntoken = \"{key}\n{forum}"),
        format!("[discord]\ntoken = \"{key}\" \"{key}\"\n{forum}"),
        format!("[discord]\ntoken = \"{key}\"\ntoken = \"{key}\"\n{forum}"),
        format!("[discord]\ntoken = {key}\n{forum}"),
        format!("[discord]\ntoken = \"{key}\\n{key}\"\napi_url = \"http://127.0.0.1:9\"\n{sqlite}{forum}"),
        format!("{good}{sqlite}[accounts]\nsign_in = true\nsession_key = \"{key}\"\n{forum}"),
        format!("{good}{sqlite}[accounts]\nsession_key = {{ \"{key}\" = 1 }}\n{forum}"),
        format!("{good}[database]\nurl = \"mysql://me:{database}@db/x\"\n{forum}"),
        format!("{good}[database]\nurl = \"postgres://me:{database}@127.0.0.1:9/x\"\n{forum}"),
        format!("{good}[database]\nurl = \"postgres://me:{database}@127.0.0.1:port/x\"\n{forum}"),
        format!("{good}[database]\nurl = \"me:{database}@127.0.0.1\"\n{forum}"),
        format!("{good}{sqlite}{}", forum.replace("http://", &format!("http://me:{database}@"))),
        format!("{good}{sqlite}{}", forum.replace("http://", &format!("ftp://me:{database}@"))),
        format!("{good}{sqlite}{forum}passwort = \"{password}\"\n"),
        format!("{good}{sqlite}{forum}api_key = \"{key}\"\n"),
        format!("{good}{sqlite}{forum}hook_secret = \"{key}\"\n"),
        format!("{good}{sqlite}{}", forum.replace("vbulletin4", "discourse")),
        format!("{good}{sqlite}{forum}password_file = \"here\"\n"),
        // It can be read, and nobody answers.
        format!("{good}{sqlite}{forum}"),
    ];
    let folder = Folder::new().unwrap();
    for (number, text) in wrong.iter().enumerate() {
        std::fs::write(folder.0.join("threadbridge.toml"), text).unwrap();
        let mut usable = false;
        for arguments in
            [&["check", "--offline"][..], &["check"], &["check", "--json"], &["migrate"], &["run"]]
        {
            if usable && arguments[..] == ["run"] {
                // It would wait for those who don't answer.
                continue;
            }
            let mut command = Command::new(env!("CARGO_BIN_EXE_threadbridge"));
            command.args(arguments).args(["--config", "threadbridge.toml"]).current_dir(&folder.0);
            command.env("THREADBRIDGE_LOG", level).env("THREADBRIDGE__DISCORD__TOKENN", key);
            if number % 2 == 0 {
                command.env_remove("THREADBRIDGE__DISCORD__TOKENN");
            }
            let done = command.stdin(Stdio::null()).output().unwrap();
            usable |= arguments[..] == ["check", "--offline"] && done.status.code() != Some(2);
            let told = leaks(&secrets, &format!("{arguments:?} with\n{text}"), &said(&done));
            assert!(told.is_empty(), "{}", told.join("\n"));
        }
    }
}
