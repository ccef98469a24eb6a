//! What reading a page costs: 40 posts in vBulletin 4's markup, some 175 KB, become posts and then Discord
//! Markdown; beside it html5ever's tokenizer alone, which any parser of the same page needs at least.
//! Run with `cargo bench --bench page`; `cargo test --bench page` runs each once.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use jiff::tz::TimeZone;
use threadbridge::forum::vbulletin4::parse::{self, Context};
use threadbridge::markup::discord::{self, NoLinks};
use threadbridge::markup::html::{self, tree};
use threadbridge::model::ThreadPage;
use url::Url;

const POSTS: usize = 40;
const FIRST: usize = 1_167_701;

const HEAD: &str = r#"<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" dir="ltr" lang="en" id="vbulletin_html">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
<base href="https://forum.example/" />
<meta name="generator" content="vBulletin 4.2.2" />
<link rel="canonical" href="showthread.php?4711-Where-next" />
<script type="text/javascript">
<!--
	var SESSIONURL = ""; var SECURITYTOKEN = "guest"; var LOGGEDIN = 0 > 0 ? true : false; var THIS_SCRIPT = "showthread";
// -->
</script>
<title>Where next?</title>
</head>
<body>
<div id="breadcrumb" class="breadcrumb"><ul class="floatcontainer">
	<li class="navbit"><a href="forum.php">Forum</a></li>
	<li class="navbit"><a href="forumdisplay.php?12-General-Chat">General Chat</a></li>
	<li class="navbit lastnavbit"><span>Where next?</span></li>
</ul></div>
<div id="pagetitle" class="pagetitle"><h1>Thread: <span class="threadtitle"><a href="showthread.php?4711-Where-next" title="Reload this Page">Where next?</a></span></h1></div>
<div id="postlist" class="postlist restrain">
<ol id="posts" class="posts" start="1">
"#;

const TAIL: &str = r#"</ol></div>
<div id="footer_time" class="footer_time">All times are GMT. The time now is <span class="time">08:37 PM</span>.</div>
</body>
</html>
"#;

/// One post; `ID`, `BEFORE`, `NUMBER` and `MEMBER` are filled in.
const POST: &str = r##"
<li class="postbitlegacy postbitim postcontainer old" id="post_ID">
	<div class="posthead">
		<span class="postdate old"><span class="date">2nd April 2014,&nbsp;<span class="time">11:45 PM</span></span></span>
		<span class="nodecontrols"><a name="postID" href="showthread.php?4711-Where-next&amp;p=ID#postID" class="postcounter">#NUMBER</a><a id="postcountID" name="NUMBER"></a></span>
	</div>
	<div class="postdetails">
		<div class="userinfo">
			<div class="username_container">
				<div class="popupmenu memberaction">
					<a class="username offline popupctrl" href="member.php?MEMBER-Pixel-Ann" title="Pixel Ann is offline"><strong><font color="#004080">Pixel Ann</font></strong></a>
					<ul class="popupbody popuphover memberaction_body">
						<li class="left"><a href="member.php?MEMBER-Pixel-Ann" class="siteicon_profile">View Profile</a></li>
						<li class="right"><a href="search.php?do=finduser&amp;userid=MEMBER&amp;contenttype=vBForum_Post&amp;showposts=1" class="siteicon_forum" rel="nofollow">View Forum Posts</a></li>
						<li class="left"><a href="private.php?do=newpm&amp;u=MEMBER" class="siteicon_message" rel="nofollow">Private Message</a></li>
					</ul>
				</div>
				<img class="inlineimg onlinestatus" src="images/statusicon/user-offline.png" alt="Pixel Ann is offline" border="0" />
			</div>
			<span class="usertitle">Keyboard &amp; Chair</span>
			<a class="postuseravatar" href="member.php?MEMBER-Pixel-Ann" title="Pixel Ann is offline"><img src="image.php?u=MEMBER&amp;dateline=1389" alt="Pixel Ann's Avatar" title="Pixel Ann's Avatar" /></a>
			<hr />
			<dl class="userinfo_extra">
				<dt>Join Date</dt> <dd>Nov 2005</dd>
				<dt>Location</dt> <dd>North East, by the sea</dd>
				<dt>Posts</dt> <dd>12,345</dd>
				<dt>Thank Post</dt> <dd>1,021</dd>
				<dt>Thanked 965 Times in 665 Posts</dt>
			</dl>
			<div class="imlinks"></div>
		</div>
		<div class="postbody"><div class="postrow has_after_content">
			<h2 class="title icon">Re: Where next?</h2>
			<div class="content"><div id="post_message_ID"><blockquote class="postcontent restore ">
				<div class="bbcode_container"><div class="bbcode_quote"><div class="quote_container"><div class="bbcode_quote_container"></div>
					<div class="bbcode_postedby"><img src="images/misc/quote_icon.png" alt="Quote" /> Originally Posted by <strong>Ivy Ledger</strong>
						<a href="showthread.php?p=BEFORE#postBEFORE" rel="nofollow"><img class="inlineimg" src="images/buttons/viewpost-right.png" alt="View Post" /></a></div>
					<div class="message">Having talked with <a href="member.php?77-Marrow99">Marrow99</a> about this, I changed my mind.</div>
				</div></div></div>
				My career has been eight and a half years in a school; the <b>learning</b> never stopped, and it was <i>every</i> technology: 2 &gt; 1 &amp; 3 &lt; 4.<br />
				<br />
				The plan as it stands:<br />
				<ul><li style="">ask the <u>old</u> hands</li><li style="">read <a href="https://docs.example/start?page=NUMBER" target="_blank">the manual</a> once more</li><li style="">then <font color="#FF0000">decide</font> <img src="images/smilies/smile.png" border="0" alt="" title="Smile" class="inlineimg" /></li></ul>
				<div class="bbcode_container"><div class="bbcode_description">Code:</div><pre class="bbcode_code" style="height:60px;">for file in *.txt; do
    echo "$file" &amp;&amp; wc -l &lt; "$file"
done</pre></div>
				It was not planned. Nobody said that a printer would be the end of a good day, yet here we are, and the queue is as long as it was in the morning.<br />
				<br />
				If somebody has done this before, I would be glad to hear how it went, what it cost, and whether the users noticed anything at all; the last time that we tried they did, and we heard of it for weeks.
			</blockquote></div></div>
			<div class="after_content">
				<blockquote class="postcontent lastedited">Last edited by Pixel Ann; 3rd April 2014 at <span class="time">08:05 AM</span>.</blockquote>
				<blockquote class="signature restore"><div class="signaturecontainer">Never trust a printer.</div></blockquote>
			</div>
		</div></div>
	</div>
	<div class="postfoot"><div class="textcontrols floatcontainer"><span class="postcontrols"></span></div></div>
</li>
<li class="postbitlegacy postbitim" id="post_thanks_box_ID" style="display:none"></li>
"##;

fn page() -> String {
    let mut page = HEAD.to_owned();
    for index in 0..POSTS {
        let id = FIRST + index;
        let post = POST
            .replace("ID", &id.to_string())
            .replace("BEFORE", &(id - 1).to_string())
            .replace("NUMBER", &(index + 1).to_string())
            .replace("MEMBER", &(200 + index % 7).to_string());
        page.push_str(&post);
    }
    page.push_str(TAIL);
    page
}

fn read(page: &str, context: &Context) -> ThreadPage {
    parse::thread_page(page, context).expect("a thread")
}

fn markdown(page: &ThreadPage) -> String {
    page.posts.iter().map(|post| discord::write(&post.body, &NoLinks)).collect()
}

/// Takes the tokens and does nothing with them.
struct Nowhere;

impl TokenSink for Nowhere {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        black_box(token);
        TokenSinkResult::Continue
    }
}

fn tokenize(page: &StrTendril) {
    let input = BufferQueue::default();
    input.push_back(page.clone());
    let tokenizer = Tokenizer::new(Nowhere, TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
}

fn reading(criterion: &mut Criterion) {
    let text = page();
    let url = Url::parse("https://forum.example/showthread.php?4711-Where-next").expect("an address");
    let context = Context { url, zone: TimeZone::UTC, now: None };
    let parsed = read(&text, &context);
    assert_eq!(parsed.posts.len(), POSTS);
    assert!(markdown(&parsed).contains("the **learning** never stopped"));
    println!("the page: {} bytes, {POSTS} posts", text.len());

    let mut group = criterion.benchmark_group("page");
    group.throughput(Throughput::Bytes(text.len() as u64));
    let tendril = StrTendril::from(text.as_str());
    group.bench_function("tokenizer alone", |bench| bench.iter(|| tokenize(&tendril)));
    group.bench_function("guard", |bench| bench.iter(|| html::guard(black_box(&text))));
    group.bench_function("html5ever's tree", |bench| {
        bench.iter(|| scraper::Html::parse_document(black_box(&text)));
    });
    group.bench_function("our tree", |bench| bench.iter(|| tree::Html::parse_document(black_box(&text))));
    group.bench_function("model", |bench| bench.iter(|| read(black_box(&text), &context)));
    group.bench_function("model to Discord", |bench| bench.iter(|| markdown(black_box(&parsed))));
    group.bench_function("page to Discord", |bench| {
        bench.iter(|| markdown(&read(black_box(&text), &context)));
    });
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
