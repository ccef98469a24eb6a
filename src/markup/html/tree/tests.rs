//! Both roads must give the same tree: over pages of real forums where they are at hand, our own fixtures, pages that
//! were cut and glued, and tags thrown together.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{Html, Node, Selector, plain, whole};

/// Every node in words, by how deep it stands.
fn outline(html: &Html) -> Vec<String> {
    let document = super::NodeRef { html, id: 0 };
    let words = |node: super::NodeRef<'_>| {
        let deep = node.ancestors().count();
        let what = match node.value() {
            Node::Element(element) => {
                let mut attributes: Vec<_> = element
                    .attributes()
                    .iter()
                    .map(|own| (html.at(own.name.span), html.at(own.value)))
                    .collect();
                attributes.sort_unstable();
                format!("<{}> {attributes:?}", element.name())
            }
            Node::Text(text) => format!("{text:?}"),
            Node::Comment(text) => format!("<!--{text}-->"),
            Node::Other => "other".to_owned(),
        };
        format!("{deep} {what}")
    };
    document.descendants().map(words).collect()
}

/// Whether the page was plain; if it was, both roads gave the same.
fn same(page: &str) -> bool {
    let Some(quick) = plain::document(page) else { return false };
    let (quick, full) = (outline(&quick), outline(&whole::document(page)));
    for (quick, full) in quick.iter().zip(&full) {
        assert_eq!(quick, full, "in {page:?}");
    }
    assert_eq!(quick.len(), full.len(), "in {page:?}");
    true
}

fn same_piece(piece: &str) -> bool {
    let Some(quick) = plain::fragment(piece) else { return false };
    assert_eq!(outline(&quick), outline(&whole::fragment(piece)), "in {piece:?}");
    true
}

fn pages_in(folder: &Path, pages: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            pages_in(&path, pages);
        } else if path.extension().is_some_and(|end| ["html", "htm", "php"].iter().any(|known| end == *known))
        {
            pages.push(path);
        }
    }
}

fn text_of(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("a page that can be read")).into_owned()
}

static FIXTURES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut pages = Vec::new();
    pages_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), &mut pages);
    pages.iter().map(|path| text_of(path)).collect()
});

#[test]
fn fixtures_and_real_pages_give_one_tree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = Vec::new();
    pages_in(&root.join("tests/fixtures"), &mut pages);
    assert!(pages.len() > 5);
    let shared = ["../shared/pages", "../../shared/pages"].map(|folder| root.join(folder));
    shared.iter().for_each(|folder| pages_in(folder, &mut pages));
    let plain = pages.iter().filter(|path| same(&text_of(path))).count();
    println!("{plain} of {} pages are plain", pages.len());
    assert!(plain > 0);
}

#[test]
fn what_templates_write_is_plain() {
    let frame = |body: &str| {
        format!(
            "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \"x.dtd\">\r\n<html lang=en>\n<head>\n\
             <!-- c --><meta charset='utf-8' /><title>a &amp; b</title><script>if (a < b) \"</b>\";</script></head>\n\
             <body class=\"x\">{body}</body>\n</html>\n<!-- made -->\n"
        )
    };
    for body in [
        "<div><p>one<p>two<div>three</div></div>",
        "<ul><li>a<li><b>b</b><ul><li>c</ul></ul>",
        "<dl><dt>a<dd>b<dt>c</dl>",
        "<table><tr><td>a<td>b<tr><th>c</table><table> <thead><tr><td><p>x</td></tr></thead><tbody></tbody></table>",
        "<select><option>a<option selected>b</select><textarea>\n\n a &lt; </textarea><pre>\n\nx</pre>",
        "<A HREF=x?a=1&amp;b=2&c TITLE='\"'>l &raquo; &hellip; &eacute;&notin; & &x</a><br><IMG src=a/>",
        "<a href=\"?a&lt=1&copy;\" href='z'>a</a><form><input type=hidden></form><![endif]--><?x y?><b><div>c</div></b>",
        "a < b <3 <",
        "<object><param><embed></object><noscript><p>x</noscript><iframe src=x></iframe><button><p>b</button>",
        "<script><!-- <script>\"</script>\" --></script><script><!--></script><script><!-- x</script>",
        "<select><optgroup><option>a</optgroup><optgroup><option>b</option></optgroup></select><pre>&gt;</pre>",
        "<font><font><font><font>a</font></font></font></font>",
        "<b><i>a</b></i>b<a><font><b>c</a></b></font>d<pre>&#91;e</pre>",
        // What ends or begins nothing.
        "<div></p></div></div></span>a</b>b</li><ul></dd></ul></td></table></h3></form></script></img>c</br>d",
        "<div><tr><td class=x>a</td></tr></div><tbody><ul><th><li></tr></ul>",
        "<table><tr></div></td><td></thead></b>a</table><select></div><option></span>b</select><table><td></br>c</p></table>",
        "<a b\"c = 'd' ' e=\"f\"\" <g =h>i</a>",
    ] {
        assert!(same(&frame(body)), "{body}");
        assert!(same_piece(body), "{body}");
    }
    for body in [
        "<b><i>a</b>c</i>",
        "<b><span>a</b></span>",
        "<i><b><b><b><b>a</i></b></b></b></b>",
        "<a>b<a>c</a>",
        "<table>a</table>",
        "<p><b>a<p>b",
        "<svg><p></svg>",
        "<form><form></form></form>",
        "<pre>&#10;x</pre>",
        "<script><!-- <script></script>",
        "<table></p></table>",
        "<h1></h2></h1>",
        "<!-->",
    ] {
        assert!(!same(&frame(body)), "{body}");
    }
}

#[test]
fn a_page_may_leave_out_its_head_or_say_it_twice() {
    for head in ["<html>", "<html><!-- c --> ", "<html a=b><head><html><head><title>t</title></head> "] {
        assert!(same(&format!("<!DOCTYPE html>{head}<body c=d>e</body></html>")), "{head}");
    }
    assert!(!same("<html><head><html lang=en></head><body></body></html>"), "what it says again is added");
}

#[test]
fn a_page_that_ends_before_its_body_is_not_plain() {
    for page in ["", "<!DOCTYPE html>", "<html><head>", "<html><head><title>a</title></head><!-- b -->"] {
        assert!(!same(page), "{page}");
    }
}

#[test]
fn selectors_find_what_they_name() {
    let page = Html::parse_document(
        "<html><head><link REL=Canonical href=x></head><body><ol id=posts><li id=post_1 class='a b'><h2><a name=x>1</a></h2>\
         <li id=post_x><p class=b><a href=\"member.php?u=1\">2</a></p></ol><dc:date>now</dc:date></body></html>",
    )
    .expect("a small page");
    let found = |selector: &str| {
        let selector = Selector::parse(selector).expect("a selector");
        page.select(&selector).map(|element| element.text().collect::<String>()).collect::<Vec<_>>()
    };
    for (selector, expected) in [
        ("ol#posts > li[id^=post_]", &["1", "2"][..]),
        (".b a", &["1", "2"]),
        ("li.a.b a[name]", &["1"]),
        ("body > a, p > a[href*=\"member.php?u\"]", &["2"]),
        ("h2,p", &["1", "2"]),
        ("link[rel=canonical][href$=x]", &[""]),
        ("dc\\:date", &["now"]),
        ("li[id*=\"\"], ul, #post, .A", &[]),
    ] {
        assert_eq!(found(selector), expected, "{selector}");
    }
    for unknown in ["", "a >", "a:hover", "[x", "a,", "a + b"] {
        assert!(Selector::parse(unknown).is_err(), "{unknown}");
    }
}

/// What scraper finds, in the page and within each of its blocks, is found here too, in the same order.
#[test]
fn selectors_find_what_others_find() {
    let selectors = [
        "li",
        "[id^=post_]",
        "#posts > [id^=post_], #postlist [id^=post_], ol.posts > [id^=post_], .postcontainer[id^=post_]",
        ".postdate .date, .postdate, .lastedited, .stats dd, .postdate .time",
        ".userinfo a[href*=member], .postdetails a, a.username strong",
        "body .posthead span span, div > div > a",
        "dl dt, dd, .nothing a, #nothing",
        "[href]",
    ];
    let block = |name: &str| matches!(name, "li" | "div" | "ol");
    for page in FIXTURES.iter() {
        let (own, other) = (whole::document(page), scraper::Html::parse_document(page));
        let blocks = own.root_element().descendent_elements().filter(|e| block(e.value().name()));
        let other_blocks = other
            .root_element()
            .descendent_elements()
            .filter(|e| block(e.value().name()))
            .collect::<Vec<_>>();
        let blocks: Vec<_> = std::iter::once(own.root_element()).chain(blocks).collect();
        let other_blocks: Vec<_> = std::iter::once(other.root_element()).chain(other_blocks).collect();
        assert_eq!(blocks.len(), other_blocks.len());
        for text in selectors {
            let selector = Selector::parse(text).expect("a selector");
            let reference = scraper::Selector::parse(text).expect("a selector");
            for (block, other) in blocks.iter().zip(&other_blocks) {
                let found = block.select(&selector).map(|e| (e.value().name(), e.text().collect::<String>()));
                let expected = other.select(&reference).map(|e| (e.value().name(), e.text().collect()));
                assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{text}");
            }
        }
    }
}

const PIECES: [&str; 84] = [
    "<div>",
    "</div>",
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<a href=x>",
    "</a>",
    "<ul>",
    "</ul>",
    "<li>",
    "</li>",
    "<dl>",
    "</dl>",
    "<dt>",
    "</dt>",
    "<dd>",
    "<table>",
    "</table>",
    "<tbody>",
    "</tbody>",
    "<thead>",
    "<tr>",
    "</tr>",
    "<td>",
    "</td>",
    "<th>",
    "<select>",
    "</select>",
    "<option>",
    "</option>",
    "<optgroup>",
    "<form>",
    "</form>",
    "<button>",
    "</button>",
    "<pre>",
    "</pre>",
    "<h1>",
    "</h1>",
    "<h2>",
    "<br>",
    "<hr>",
    "<img src=a>",
    "<input type=hidden>",
    "<span>",
    "</span>",
    "<object>",
    "</object>",
    "<address>",
    "</address>",
    "<font>",
    "</font>",
    "<!-- c -->",
    " ",
    "\n",
    "a",
    "a &amp; b",
    "&nbsp;",
    "&notit;",
    "<script>x</script>",
    "<style>y</style>",
    "<textarea>\nz</textarea>",
    "</body>",
    "</html>",
    "<noscript><p></noscript>",
    "<blockquote>",
    "</blockquote>",
    "<label>",
    "</label>",
    "</br>",
    "</img>",
    "</h2>",
    "</html >",
    "<i a\"b'=c =d \"e\">",
    "<code>",
    "</optgroup>",
    "1 < 2",
    "<script><!-- <script>x</script> --></script>",
    "<script><!--></script>",
    "<pre>&#10;",
    "<a name=x title='&eacute;&x=1'>",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn tags_thrown_together_give_one_tree(pieces in prop::collection::vec(select(&PIECES[..]), 0..14), bare in any::<bool>()) {
        let body = pieces.concat();
        same_piece(&body);
        let end = if bare { "" } else { "</body></html>" };
        same(&format!("<html><head></head><body>{body}{end}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn pages_cut_and_glued_give_one_tree(page in any::<Index>(), cuts in prop::collection::vec((any::<Index>(), any::<Index>(), 0..4_u8, any::<bool>()), 1..4)) {
        let mut page = page.get(&FIXTURES[..]).clone();
        for (from, to, what, at_tags) in cuts {
            let places: Vec<usize> =
                if at_tags { page.match_indices('<').map(|(at, _)| at).collect() } else { page.char_indices().map(|(at, _)| at).collect() };
            if places.is_empty() {
                break;
            }
            let (a, b) = (*from.get(&places), *to.get(&places));
            let (a, b) = (a.min(b), a.max(b).min(a.min(b) + 4_000));
            let b = (a..=b).rev().find(|at| page.is_char_boundary(*at)).unwrap_or(a);
            let piece = page[a..b].to_owned();
            match what {
                0 => page.replace_range(a..b, ""),
                1 => page.insert_str(b, &piece),
                2 => page.truncate(b),
                _ => {
                    page.replace_range(a..b, "");
                    let to = (0..=a / 2).rev().find(|at| page.is_char_boundary(*at)).unwrap_or(0);
                    page.insert_str(to, &piece);
                }
            }
        }
        same(&page);
    }
}
