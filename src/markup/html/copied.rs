//! Addresses that whoever saved a page has changed: the Internet Archive puts its own before them, a browser names the files
//! that it saved beside the page.

use url::Url;

/// What an address led to before the Internet Archive made it one of its own:
/// `https://web.archive.org/web/20140305021139im_/http://forum.example/image.gif`. Root-relative ones look the same on any
/// host.
pub fn live(url: Url) -> Url {
    original(&url).unwrap_or(url)
}

fn original(url: &Url) -> Option<Url> {
    let (stamp, rest) = url.path().strip_prefix("/web/")?.split_once('/')?;
    let digits = stamp.bytes().take_while(u8::is_ascii_digit).count();
    let flag = &stamp[digits..];
    let dated = (4..=14).contains(&digits) && (flag.is_empty() || (flag.len() == 3 && flag.ends_with('_')));
    let (scheme, rest) =
        rest.split_once(':').filter(|(scheme, _)| dated && matches!(*scheme, "http" | "https"))?;
    let mut address = format!("{scheme}://{}", rest.trim_start_matches('/'));
    for (sign, part) in [('?', url.query()), ('#', url.fragment())] {
        if let Some(part) = part {
            address.push(sign);
            address.push_str(part);
        }
    }
    Url::parse(&address).ok().filter(Url::has_host)
}

/// Whether an address is that of a file which a browser saved with the page: `Thread_files/avatar.gif`.
pub fn is_local(source: &str) -> bool {
    const FOLDERS: [&str; 9] = [
        "_files/",
        "-files/",
        "-Dateien/",
        "_fichiers/",
        "_archivos/",
        "_bestanden/",
        "_arquivos/",
        "_pliki/",
        "_%D1%84%D0%B0%D0%B9%D0%BB%D1%8B/",
    ];
    let relative = !source.starts_with('/') && !source.contains("://");
    source.starts_with("file:") || (relative && FOLDERS.iter().any(|folder| source.contains(folder)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archives_addresses_are_undone() {
        for (address, expected) in [
            (
                "https://web.archive.org/web/20140305021139/http://forum.example/showthread.php?t=5&page=2#post9",
                "http://forum.example/showthread.php?t=5&page=2#post9",
            ),
            (
                "https://forum.example/web/20140305021139im_/http://forum.example/a.gif",
                "http://forum.example/a.gif",
            ),
            ("http://web.archive.org/web/2014/https:/forum.example/", "https://forum.example/"),
            ("https://forum.example/web/2014-5/x", "https://forum.example/web/2014-5/x"),
            (
                "https://forum.example/web/20140305021139/mailto:x",
                "https://forum.example/web/20140305021139/mailto:x",
            ),
            ("https://forum.example/threads/5-web", "https://forum.example/threads/5-web"),
        ] {
            let url = Url::parse(address).expect("an address");
            assert_eq!(live(url).as_str(), expected, "{address}");
        }
    }

    #[test]
    fn files_beside_the_page_are_local() {
        for (source, expected) in [
            ("Thread_files/avatar.gif", true),
            ("./Ein%20Thema-Dateien/avatar.gif", true),
            ("file:///C:/page/avatar.gif", true),
            ("/my_files/avatar.gif", false),
            ("https://forum.example/my_files/avatar.gif", false),
            ("customavatars/avatar5_1.gif", false),
        ] {
            assert_eq!(is_local(source), expected, "{source}");
        }
    }
}
