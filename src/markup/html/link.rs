//! Links, pictures, films and mentions: everything in a post that has an address.

use super::tree::ElementRef;
use url::Url;

use super::copied;
use super::dom::{attr, class_any, class_like, descendant, is_block, name, text_of};
use super::flow::Flow;
use super::shielded;
use super::smilies;
use super::style::Around;
use super::walk::Walk;
use crate::markup::Inline;
use crate::markup::runs::Style;
use crate::model::MemberId;

/// Longer addresses are none that a person could be shown.
const LONGEST_ADDRESS: usize = 2_048;
/// All addresses of one post together, in bytes: one that a page repeats a hundred thousand times must not
/// become a document of a hundred megabytes.
pub const MOST_ADDRESSES: usize = 512 * 1024;

impl Walk<'_> {
    /// An absolute address that a person may be given; scripts and the like are none. Names and passwords
    /// before a host are left out: they are where false hosts hide.
    pub fn address(&self, href: &str) -> Option<String> {
        self.given(self.joined(href)?)
    }

    fn joined(&self, href: &str) -> Option<Url> {
        let href = href.trim();
        let named = !href.is_empty() && !href.starts_with('#') && href.len() <= LONGEST_ADDRESS;
        named.then(|| self.base.join(href).ok()).flatten().map(copied::live)
    }

    /// What a person is given of an address.
    fn given(&self, mut url: Url) -> Option<String> {
        if url.has_host() {
            url.set_username("").ok()?;
            url.set_password(None).ok()?;
        }
        if url.host_str() == self.base.host_str() {
            without_session(&mut url);
        }
        let url = matches!(url.scheme(), "http" | "https" | "mailto" | "ftp").then(|| String::from(url))?;
        let spent = self.addresses.get() + url.len();
        (url.len() <= LONGEST_ADDRESS && spent <= MOST_ADDRESSES).then(|| {
            self.addresses.set(spent);
            url
        })
    }

    /// An address of the forum itself.
    pub fn own_address(&self, href: &str) -> Option<String> {
        let url = self.joined(href)?;
        let [host, own] =
            [&url, self.base].map(|url| url.host_str().map(|host| host.trim_start_matches("www.")));
        if host == own { self.given(url) } else { None }
    }

    pub fn link(&self, link: ElementRef<'_>, flow: &mut Flow, around: &Around) {
        let href = attr(link, "href");
        let hidden = shielded::mail_link(href);
        let Some(url) = self.address(hidden.as_deref().unwrap_or(href)) else {
            return self.children(link, flow, around);
        };
        if self.mention(link, &url, flow, around) || self.picture_link(link, &url, flow, around) {
            return;
        }
        // A link is one line. One around whole blocks is told behind them.
        if descendant(link, is_block).is_some() {
            self.children(link, flow, around);
            let content = vec![Inline::Text(url.clone())];
            return flow.leaf(Inline::Link { url, content }, &around.styles, around.size);
        }
        self.children(link, flow, &around.styled(Style::Link(url.into())));
    }

    /// `@Ann`, of which add-ons link all or only the name.
    fn mention(&self, link: ElementRef<'_>, url: &str, flow: &mut Flow, around: &Around) -> bool {
        const CLASSES: [&str; 6] =
            ["mention", "username", "mention-user", "usertag", "plugin-mentions-user", "plugin-mentions-a"];
        const PLACES: [&str; 7] =
            ["member.php", "/members/", "/member/", "/u/", "/user/", "/users/", "/uid/"];
        let of_member = class_any(link, &CLASSES) || PLACES.iter().any(|place| url.contains(place));
        if !of_member {
            return false;
        }
        let text = text_of(link);
        let name = match text.strip_prefix('@') {
            Some(name) => name.trim(),
            None if flow.take_at_sign() => text.as_str(),
            None => return false,
        };
        if name.is_empty() {
            return false;
        }
        let mention = Inline::Mention { name: name.to_owned(), member: member_of(url) };
        flow.leaf(mention, &around.styles, around.size);
        true
    }

    /// A picture that links to itself in full size is that picture: attachments, light boxes.
    fn picture_link(&self, link: ElementRef<'_>, url: &str, flow: &mut Flow, around: &Around) -> bool {
        let Some(picture) = descendant(link, |e| name(e) == "img").filter(|img| !is_smilie(*img)) else {
            return false;
        };
        let lightbox =
            class_like(link, &["lightbox"]) || attr(link, "rel").to_ascii_lowercase().contains("lightbox");
        if !lightbox && !text_of(link).is_empty() {
            return false;
        }
        let source = source_of(picture);
        let attachment = |url: &str| url.contains("attachmentid=") || url.contains("/attachment");
        let same = lightbox
            || self.base.join(source).is_ok_and(|shown| copied::live(shown).as_str() == url)
            || (attachment(url) && attachment(source));
        if same {
            let title = attr(link, "title");
            let alt =
                Some(title).filter(|title| !title.is_empty()).or_else(|| file_name(attr(picture, "alt")));
            let alt = alt.or_else(|| label_of(picture, url)).map(str::to_owned);
            flow.leaf(Inline::Image { url: url.to_owned(), alt }, &around.styles, around.size);
        }
        same
    }

    pub fn image(&self, image: ElementRef<'_>, flow: &mut Flow, around: &Around) {
        let source = source_of(image);
        if is_smilie(image) {
            if let Some(emoji) = smilies::emoji(attr(image, "alt"), attr(image, "title"), source) {
                flow.leaf(Inline::Emoji(emoji), &around.styles, around.size);
            }
            return;
        }
        let pixel = |name| matches!(attr(image, name), "1" | "0");
        if source.starts_with("data:") || (pixel("width") && pixel("height")) || source.ends_with("clear.gif")
        {
            return;
        }
        if copied::is_local(source) {
            // Nobody else has that file, but its name may say something.
            let name = source.rsplit('/').next().unwrap_or_default();
            return flow.text(name, &around.styles, around.size);
        }
        let Some(url) = self.address(source) else { return };
        let alt = file_name(attr(image, "alt")).or_else(|| label_of(image, &url)).map(str::to_owned);
        flow.leaf(Inline::Image { url, alt }, &around.styles, around.size);
    }

    /// Players of other sites become links to the film.
    pub fn video(&self, element: ElementRef<'_>, flow: &mut Flow, around: &Around) {
        let own =
            ["src", "data", "data-src"].into_iter().map(|name| attr(element, name)).find(|s| !s.is_empty());
        let inner = || {
            element.descendent_elements().find_map(|e| match name(e) {
                "source" | "embed" => Some(attr(e, "src")),
                "param" if attr(e, "name").eq_ignore_ascii_case("movie") => Some(attr(e, "value")),
                // A film that is loaded once it is clicked.
                "a" => Some(attr(e, "href")),
                _ => None,
            })
        };
        if let Some(url) =
            own.or_else(inner).and_then(|source| self.address(source)).filter(|url| !is_advert(url))
        {
            let titles = ["data-video-title", "title"].into_iter().map(|name| attr(element, name));
            let title =
                titles.into_iter().find(|t| !t.is_empty() && !t.to_ascii_lowercase().ends_with("player"));
            let video = Inline::Video { url: watch_page(&url), title: title.map(str::to_owned) };
            flow.leaf(video, &around.styles, around.size);
        }
    }

    /// A preview that the forum made of a bare address: Discord makes its own.
    pub fn onebox(&self, element: ElementRef<'_>, flow: &mut Flow, around: &Around) -> bool {
        let link = || {
            descendant(element, |e| name(e) == "a" && !attr(e, "href").is_empty()).map(|e| attr(e, "href"))
        };
        let source = Some(attr(element, "data-onebox-src")).filter(|s| !s.is_empty()).or_else(link);
        let Some(url) = source.and_then(|source| self.address(source)) else { return false };
        let content = vec![Inline::Text(url.clone())];
        flow.leaf(Inline::Link { url, content }, &around.styles, around.size);
        true
    }
}

fn source_of<'a>(image: ElementRef<'a>) -> &'a str {
    let sources = ["data-src", "data-original", "src"];
    sources.into_iter().map(|name| attr(image, name)).find(|source| !source.is_empty()).unwrap_or_default()
}

fn is_smilie(image: ElementRef<'_>) -> bool {
    let source = source_of(image);
    class_any(image, &["inlineimg", "smilie", "emoji", "smiley", "mceSmilie"])
        || ["/smilies/", "/smileys/", "/emoji/"].iter().any(|folder| source.contains(folder))
}

/// What a picture is called, if that says more than its address does.
fn label_of<'a>(image: ElementRef<'a>, url: &str) -> Option<&'a str> {
    let alt = attr(image, "alt");
    let says = !alt.is_empty()
        && !alt.contains("://")
        && !alt.contains('\n')
        && !["attachment", "image", "img"].iter().any(|word| alt.eq_ignore_ascii_case(word))
        && !url.ends_with(alt);
    says.then_some(alt)
}

/// The file's name in what vBulletin says of a thumbnail, in any language: a line `Name: house.jpg`.
fn file_name(alt: &str) -> Option<&str> {
    const ENDS: [&str; 7] = [".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".jpe"];
    let lines = alt.lines().filter(|_| alt.contains('\n'));
    let mut names = lines.filter_map(|line| {
        let name = line.split_once(':')?.1.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}');
        let lower = name.to_ascii_lowercase();
        ENDS.iter().any(|end| lower.ends_with(end)).then_some(name)
    });
    names.next()
}

/// The id in a link to a member: `u=14`, `member.php?14-Name`, `members/14-name`, `uid/14`.
fn member_of(url: &str) -> Option<MemberId> {
    ["u=", "member.php?", "member.php/", "/members/", "/uid/"].iter().find_map(|marker| {
        let (_, rest) = url.split_once(marker)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then(|| MemberId::new(digits))
    })
}

/// vBulletin writes a visitor's session into the addresses of its own pages.
fn without_session(url: &mut Url) {
    let session = |pair: &str| {
        let id = pair.strip_prefix("s=");
        id.is_some_and(|id| {
            id.is_empty() || (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
        })
    };
    let Some(query) = url.query().filter(|query| query.split('&').any(session)) else { return };
    let kept: Vec<&str> = query.split('&').filter(|pair| !session(pair)).collect();
    let kept = kept.join("&");
    url.set_query(Some(kept.as_str()).filter(|query| !query.is_empty()));
}

/// Frames that show advertisements.
fn is_advert(url: &str) -> bool {
    const HOSTS: [&str; 8] = [
        "doubleclick.net",
        "googlesyndication.com",
        "googleadservices.com",
        "amazon-adsystem.com",
        "adnxs.com",
        "taboola.com",
        "outbrain.com",
        "criteo.",
    ];
    let host = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
    HOSTS.iter().any(|known| host.contains(known))
}

/// The page on which a player's film is watched.
fn watch_page(url: &str) -> String {
    let id = |marker: &str| {
        let (_, rest) = url.split_once(marker)?;
        let id: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        (!id.is_empty()).then_some(id)
    };
    let page = if url.contains("youtube") {
        id("/embed/").or_else(|| id("/v/")).map(|id| format!("https://www.youtube.com/watch?v={id}"))
    } else if url.contains("player.vimeo.com") {
        id("/video/").map(|id| format!("https://vimeo.com/{id}"))
    } else if url.contains("vimeo.com/moogaloop.swf") {
        id("clip_id=").map(|id| format!("https://vimeo.com/{id}"))
    } else if url.contains("dailymotion.com") {
        id("/embed/video/")
            .or_else(|| id("/swf/"))
            .map(|id| format!("https://www.dailymotion.com/video/{id}"))
    } else {
        None
    };
    page.unwrap_or_else(|| url.to_owned())
}
