// The page: shows both sides as they are, and does what a person does on either.
"use strict";

const $ = (id) => document.getElementById(id);
const BRIDGE = "Discord Bridge";
const THANKS = ["🙏", "👍", "❤️"];
let state = null;
const ui = { board: null, thread: null, channel: null, member: null, person: null, forumMode: null, discordMode: null, chosen: false, down: false };

async function act(wish) {
  const answer = await fetch("/api/act", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(wish) });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) toast(body.error || "That did not work.");
  return answer.ok ? body : null;
}

let toastTimer = 0;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 6000);
}

// ---- keeping elements that did not change, so that focus and scrolling stay

function keep(list, items, key, make) {
  const old = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const first = old.size === 0;
  let before = null;
  for (const item of items) {
    const id = key(item);
    const look = JSON.stringify(item) + [ui.member, ui.person].join();
    let child = old.get(id);
    if (!child || child.dataset.look !== look) {
      const made = make(item);
      made.dataset.key = id;
      made.dataset.look = look;
      if (!child && !first) made.classList.add("fresh");
      const focused = child && child.contains(document.activeElement) && document.activeElement.dataset.do;
      if (child) child.replaceWith(made);
      if (focused) made.querySelector(`[data-do="${CSS.escape(focused)}"]`)?.focus();
      child = made;
    }
    const place = before ? before.nextSibling : list.firstChild;
    if (place !== child) list.insertBefore(child, place);
    old.delete(id);
    before = child;
  }
  for (const gone of old.values()) gone.remove();
  if (first || atEnd) list.scrollTop = list.scrollHeight;
}

function choose(select, items, chosen, label) {
  const look = JSON.stringify(items.map((item) => [item.id, label(item)])) + chosen;
  if (select.dataset.look === look) return;
  select.dataset.look = look;
  select.replaceChildren(...items.map((item) => element("option", { value: item.id, selected: String(item.id) === String(chosen) }, label(item))));
}

function face(name, url, extra = "") {
  if (url) return element("img", { class: `pic ${extra}`, src: url, alt: "" });
  let hue = 0;
  for (const letter of name) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  const colours = ["#b23a48", "#1f6f8b", "#2e7d32", "#8d5524", "#5e35b1", "#37474f", "#ad1457", "#00695c"];
  const made = element("span", { class: `pic face ${extra}`, "aria-hidden": "true" }, [...name][0]?.toUpperCase() || "?");
  made.style.background = colours[hue % colours.length];
  return made;
}

// ---- the forum

const boards = () => state.forum.boards;
const board = () => boards().find((it) => it.id === ui.board) || boards()[0];
const thread = () => board()?.threads.find((it) => it.id === ui.thread);
const member = () => state.forum.members.find((it) => it.id === ui.member);

// The sandbox's own HTML, of which only what a post is made of is kept.
const KEPT = new Set(["B", "I", "U", "S", "STRONG", "EM", "BR", "P", "UL", "OL", "LI", "PRE", "CODE", "TABLE", "TBODY", "TR", "TD", "TH", "BLOCKQUOTE", "DIV", "SPAN", "HR", "STRIKE", "SUB", "SUP", "FONT"]);
function clean(html, into) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const walk = (from, to) => {
    for (const node of from.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) { to.append(node.data); continue; }
      if (node.nodeType !== Node.ELEMENT_NODE || ["SCRIPT", "STYLE", "IFRAME", "OBJECT"].includes(node.tagName)) continue;
      const href = node.getAttribute("href") || "";
      const src = node.getAttribute("src") || "";
      let made = null;
      if (node.tagName === "A" && /^https?:/.test(new URL(href || "#", state.forum.url).href)) made = element("a", { href: new URL(href, state.forum.url).href, target: "_blank", rel: "noreferrer noopener" });
      else if (node.tagName === "IMG") {
        const url = new URL(src || "#", state.forum.url).href;
        made = url.startsWith(state.forum.url) ? element("img", { src: url, alt: node.getAttribute("alt") || node.getAttribute("title") || "" })
          : element("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, url);
      } else if (KEPT.has(node.tagName)) made = element(node.tagName.toLowerCase(), { class: node.classList.contains("bbcode_quote") ? "quoted" : null });
      if (made) { to.append(made); walk(node, made); } else walk(node, to);
    }
  };
  walk(parsed.body, into);
  return into;
}

function postElement(post) {
  const who = state.forum.members.find((it) => it.id === post.member);
  const thanked = post.thanks.some((it) => it.member === ui.member);
  const own = post.member === ui.member || member()?.staff;
  const tool = (name, label, run, extra = {}) => element("button", { type: "button", "data-do": name, onclick: run, ...extra }, label);
  return element("li", { class: "post", id: `post-${post.id}` },
    element("div", { class: "post-head" }, element("span", {}, post.at_text), element("span", {}, `#${post.number}`)),
    element("div", { class: "post-body" },
      element("div", { class: "user" }, element("b", {}, post.author), who?.title, element("br"), face(post.author, who?.avatar_url), element("br"),
        who && [`Join Date ${who.joined}`, element("br"), who.location && [who.location, element("br")], `Posts ${who.posts}`, element("br"), `Thanked ${who.thanks_received} times`]),
      element("div", { class: "words" }, post.deleted ? element("em", {}, "This post was deleted.") : clean(post.html, element("div")),
        post.edited_at && element("p", { class: "edited" }, "Edited.")),
      element("div", { class: "post-foot" },
        own && tool("edit", "Edit", () => forumMode({ edit: post })),
        own && post.number > 1 && tool("delete", "Delete", () => act({ act: "delete_post", post: post.id })),
        tool("quote", "Quote", () => quotePost(post)),
        post.member !== ui.member && tool("thank", thanked ? "Take thanks back" : "Thank", () => act({ act: "thank", post: post.id, member: ui.member, on: !thanked }), { class: "thank" }))),
    post.thanks.length > 0 && element("div", { class: "thanks" }, `${post.thanks.length} Thanks to ${post.author}: ${post.thanks.map((it) => it.name).join(", ")}`));
}

function quotePost(post) {
  forumMode(null);
  const words = post.bbcode.replace(/\[quote[^\]]*\][\s\S]*?\[\/quote\]/gi, "").trim();
  $("forum-text").value = `[QUOTE=${post.author};${post.id}]${words}[/QUOTE]\n`;
  $("forum-text").focus();
}

function forumMode(mode) {
  ui.forumMode = mode;
  const bar = $("forum-mode");
  bar.hidden = !mode;
  $("forum-title").hidden = !mode?.open;
  $("forum-form").querySelector("button.primary").textContent = mode?.edit ? "Save" : mode?.open ? "Post new thread" : "Post reply";
  if (mode) bar.replaceChildren(mode.edit ? `Editing post #${mode.edit.number}` : `A new thread in ${board().name}`, element("button", { type: "button", onclick: () => { forumMode(null); $("forum-text").value = ""; } }, "cancel"));
  if (mode?.edit) $("forum-text").value = mode.edit.bbcode;
  if (mode) (mode.open ? $("forum-title") : $("forum-text")).focus();
}

function showForum() {
  const forum = state.forum;
  $("forum-name").textContent = forum.title;
  const people = forum.members.filter((it) => it.name !== BRIDGE);
  if (!people.some((it) => it.id === ui.member)) ui.member = people[1]?.id ?? people[0]?.id;
  choose($("member"), people, ui.member, (it) => it.name + (it.staff ? " (staff)" : ""));
  ui.board = board()?.id;
  if (!thread()) ui.thread = [...board().threads].sort((a, b) => b.posts.length - a.posts.length)[0]?.id;
  choose($("board"), boards(), ui.board, (it) => it.name);
  choose($("thread"), board().threads, ui.thread, (it) => `${it.sticky ? "📌 " : ""}${it.closed ? "🔒 " : ""}${it.title} (${it.posts.length})`);
  const now = thread();
  $("thread-title").textContent = now ? now.title : "No thread yet";
  const staff = member()?.staff;
  $("thread-tools").replaceChildren(...(now && staff ? [
    element("button", { type: "button", onclick: () => act({ act: "close", thread: now.id, on: !now.closed }) }, now.closed ? "Reopen" : "Close"), " ",
    element("button", { type: "button", onclick: () => act({ act: "stick", thread: now.id, on: !now.sticky }) }, now.sticky ? "Unstick" : "Stick"),
  ] : []));
  keep($("posts"), now ? now.posts.filter((it) => !it.deleted) : [], (it) => String(it.id), postElement);
  const shut = now?.closed && !staff && !ui.forumMode;
  $("forum-text").disabled = Boolean(shut);
  $("forum-text").placeholder = shut ? "This thread is closed." : forum.markdown ? "Quick reply, in Markdown: **bold**, > quote, `code`" : "Quick reply, in BBCode: [b]bold[/b], [quote]…[/quote], [code]…[/code]";
}

$("forum-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("forum-text").value;
  const mode = ui.forumMode;
  const done = mode?.edit ? await act({ act: "edit_post", post: mode.edit.id, text })
    : mode?.open ? await act({ act: "open_thread", board: ui.board, member: ui.member, title: $("forum-title").value, text })
    : await act({ act: "post", thread: ui.thread, member: ui.member, text });
  if (!done) return;
  if (done.thread) ui.thread = done.thread;
  $("forum-text").value = "";
  $("forum-title").value = "";
  forumMode(null);
  refresh();
});
$("member").addEventListener("change", (event) => { ui.member = Number(event.target.value); forumMode(null); show(); });
$("board").addEventListener("change", (event) => { ui.board = Number(event.target.value); ui.thread = null; $("posts").replaceChildren(); show(); });
$("thread").addEventListener("change", (event) => { ui.thread = Number(event.target.value); $("posts").replaceChildren(); show(); });
$("new-thread").addEventListener("click", () => forumMode({ open: true }));

// ---- Discord

const guild = () => state.discord.guilds[0];
const allChannels = () => guild().channels.flatMap((it) => [it, ...(it.threads || [])]);
const channel = () => allChannels().find((it) => it.id === ui.channel);
const user = (id) => state.discord.users.find((it) => it.id === id);

window.jumpTo = (channelId, messageId) => {
  ui.channel = channelId;
  ui.chosen = true;
  $("messages").replaceChildren();
  show();
  const found = document.getElementById(`message-${messageId}`);
  found?.scrollIntoView({ block: "center" });
  found?.classList.add("fresh");
};

function components(list, message) {
  return (list || []).map((it) => {
    if (it.type === 1) return element("div", { class: "buttons" }, components(it.components, message));
    if (it.type === 2 && it.url) return element("a", { href: it.url, target: "_blank", rel: "noreferrer noopener" }, it.label || it.url);
    if (it.type === 2) return element("button", { type: "button", "data-do": it.custom_id, disabled: it.disabled, onclick: () => press(message, it.custom_id) }, [it.emoji?.name, it.label].filter(Boolean).join(" "));
    if (it.type === 10) return element("div", {}, markdown(it.content));
    if (it.type === 14) return element("hr");
    if (it.type === 17 || it.type === 9) return element("div", { class: "embed" }, components(it.components, message), components(it.accessory ? [it.accessory] : [], message));
    return null;
  });
}

async function press(message, customId) {
  answered(await act({ act: "press", message: message.id, user: ui.person, custom_id: customId }));
}

function embedElement(it, message) {
  const file = message.attachments.find((file) => it.image?.url === `attachment://${file.name}`);
  return element("div", { class: "embed" }, it.author && element("b", {}, it.author.name),
    it.title && element("h4", {}, it.url ? link(it.url, it.title) : it.title), it.description && markdown(it.description),
    (it.fields || []).map((field) => element("div", {}, element("b", {}, inline(field.name)), markdown(field.value))),
    file && element("img", { class: "picture", src: file.url, alt: file.description || it.title || "" }),
    it.footer && element("p", { class: "small" }, it.footer.text));
}

function messageElement(message) {
  const own = message.author === ui.person && !message.webhook;
  const who = user(message.author);
  const tool = (name, label, title, run) => element("button", { type: "button", "data-do": name, "aria-label": title, title, onclick: run }, label);
  const react = (emoji) => {
    const on = !message.reactions.some((it) => it.emoji === emoji && it.users.includes(ui.person));
    act({ act: "react", message: message.id, user: ui.person, emoji, on });
  };
  const at = new Date(message.at);
  return element("article", { class: "msg", id: `message-${message.id}` },
    message.reply_to && element("div", { class: "answers" }, "↱ ", element("b", {}, message.reply_to.name || "a deleted message"), " ", (message.reply_to.content || "").split("\n")[0]),
    message.command && element("div", { class: "answers" }, `${message.command.user_name} used /${message.command.name}`),
    face(message.name, message.avatar_url || who?.avatar_url),
    element("div", { class: "who" }, element("b", {}, message.name), message.bot && element("span", { class: "app" }, "APP"),
      element("time", { datetime: message.at }, at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })), message.edited && element("time", {}, "(edited)")),
    element("div", { class: "text" }, message.thinking ? "thinking…" : markdown(message.content), message.embeds.map((it) => embedElement(it, message)), components(message.components, message),
      message.attachments.filter((file) => !message.embeds.some((it) => it.image?.url === `attachment://${file.name}`)).map((file) => element("p", {}, `📎 ${file.name}`))),
    message.only_for && element("p", { class: "only" }, "Only you can see this."),
    element("div", { class: "reactions" }, message.reactions.map((it) => element("button", { type: "button", "data-do": `r${it.emoji}`,
      "aria-pressed": String(it.users.includes(ui.person)), "aria-label": `${it.emoji}, ${it.count}`, onclick: () => react(it.emoji) }, `${it.emoji} ${it.count}`))),
    element("div", { class: "tools" }, THANKS.map((emoji) => tool(`t${emoji}`, emoji, `React with ${emoji}`, () => react(emoji))),
      tool("reply", "↩", "Reply", () => discordMode({ reply: message })),
      tool("menu", "⋯", "More: apps", () => menu(message)),
      own && tool("edit", "✎", "Edit", () => discordMode({ edit: message })),
      own && tool("delete", "🗑", "Delete", () => act({ act: "delete", message: message.id }))));
}

function discordMode(mode) {
  ui.discordMode = mode;
  const bar = $("discord-mode");
  bar.hidden = !mode;
  if (!mode) return;
  bar.replaceChildren(mode.edit ? "Editing your message" : `Replying to ${mode.reply.name}`, element("button", { type: "button", "aria-label": "Cancel", onclick: () => discordMode(null) }, "✕"));
  if (mode.edit) $("discord-text").value = mode.edit.content;
  $("discord-text").focus();
}

function open(id) {
  ui.channel = id;
  ui.chosen = true;
  discordMode(null);
  $("messages").replaceChildren();
  show();
}

function showDiscord() {
  const people = state.discord.users.filter((it) => !it.bot);
  if (!people.some((it) => it.id === ui.person)) ui.person = people.find((it) => it.name === "Ada")?.id || people[0]?.id;
  choose($("person"), people, ui.person, (it) => it.name);
  $("guild-name").textContent = guild().name;
  const forum = guild().channels.find((it) => it.type === 15);
  // Until somebody chooses, Discord shows what the forum shows.
  if (!channel() || !ui.chosen) {
    const same = (forum?.threads || []).find((it) => it.name === thread()?.title);
    const now = (same || forum || guild().channels[0]).id;
    if (now !== ui.channel) $("messages").replaceChildren();
    ui.channel = now;
  }
  const rows = guild().channels.flatMap((it) => [{ ...it, messages: 0, threads: 0, sign: it.type === 15 ? "💬" : "#" }, ...(it.threads || []).map((room) => ({ ...room, messages: 0, room: true }))]);
  keep($("channels"), rows.map((it) => ({ ...it, current: it.id === ui.channel })), (it) => it.id, (it) =>
    element("button", { type: "button", "data-do": "open", class: `${it.room ? "room" : ""} ${it.locked ? "locked" : ""}`, "aria-current": String(it.current), onclick: () => open(it.id) }, `${it.sign ? `${it.sign} ` : ""}${it.pinned ? "📌 " : ""}${it.name}`));
  const now = channel();
  $("channel-title").textContent = now.type === 11 ? now.name : `${now.type === 15 ? "💬" : "#"} ${now.name}`;
  $("channel-tags").replaceChildren(...(now.tags || []).map((tag) => element("span", { class: "tag" }, tag.name || tag)));
  const cards = now.type === 15;
  $("discord-text").disabled = cards || now.locked;
  $("discord-text").placeholder = cards ? "Open a post to write in it" : now.locked ? "This thread is locked" : `Message ${now.name}, or / for a command`;
  if (cards) {
    keep($("messages"), [{ id: "new" }, ...now.threads].map((it) => it.id === "new" ? it : ({ id: it.id, name: it.name, count: it.messages.length, tags: it.tags })), (it) => `c${it.id}`, (it) =>
      it.id === "new" ? element("button", { type: "button", class: "card", "data-do": "new", onclick: () => newPost(now) }, element("b", {}, "＋ New post"), element("span", {}, "opens a thread on the forum as well")) : element("button", { type: "button", class: "card", onclick: () => open(it.id) }, element("b", {}, it.name), element("span", {}, `${it.count} messages`, it.tags.map((tag) => ` · ${tag}`))));
  } else keep($("messages"), now.messages.filter((it) => !it.only_for || it.only_for === ui.person), (it) => it.id, messageElement);
  const pill = $("link-state");
  pill.textContent = ui.down ? "forum down" : state.discord.connected ? "bridge connected" : "bridge connecting…";
  pill.classList.toggle("up", state.discord.connected && !ui.down);
}

// ---- commands

let suggested = [];
let chosen = -1;

async function suggest() {
  const text = $("discord-text").value;
  const found = await suggestions(text);
  if ($("discord-text").value !== text) return;
  suggested = found;
  chosen = -1;
  showSuggestions();
}

function showSuggestions() {
  $("suggestions").hidden = suggested.length === 0;
  $("suggestions").replaceChildren(...suggested.map((it, index) => element("li", { role: "option", id: `s${index}`, "aria-selected": String(index === chosen), onmousedown: (event) => { event.preventDefault(); take(index); } }, it.label, element("span", {}, it.what))));
  $("discord-text").setAttribute("aria-activedescendant", chosen < 0 ? "" : `s${chosen}`);
}

function take(index) {
  $("discord-text").value = suggested[index].text;
  suggest();
}

async function send() {
  const text = $("discord-text").value;
  if (!text.trim()) return;
  const mode = ui.discordMode;
  const line = typed(text);
  let done;
  $("discord-text").value = "";
  suggested = [];
  showSuggestions();
  if (line) {
    done = await command(line);
  } else if (mode?.edit) done = await act({ act: "edit", message: mode.edit.id, user: ui.person, text });
  else done = await act({ act: "say", channel: ui.channel, user: ui.person, text, reply_to: mode?.reply?.id ?? null });
  if (done) discordMode(null); else $("discord-text").value = text;
  refresh();
}

$("discord-form").addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("discord-text").addEventListener("input", suggest);
$("discord-text").addEventListener("keydown", (event) => {
  if (suggested.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : suggested.length)) % suggested.length;
    showSuggestions();
  } else if (event.key === "Tab" && suggested.length) { event.preventDefault(); take(Math.max(chosen, 0)); }
  else if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); if (chosen >= 0) take(chosen); else send(); }
  else if (event.key === "Escape") { suggested = []; showSuggestions(); discordMode(null); }
});
$("person").addEventListener("change", (event) => { ui.person = event.target.value; discordMode(null); show(); });

// ---- what crossed

const seen = { messages: new Map(), posts: new Map(), first: true };

function crossed() {
  const told = [];
  for (const it of allChannels()) {
    for (const message of it.messages || []) {
      if (!message.webhook || message.command) continue;
      const before = seen.messages.get(message.id);
      const words = message.content.split("\n").find((line) => line && !/^(>|-#|```)/.test(line)) || "";
      const brief = words.replace(/[*_~`|\\]/g, "").slice(0, 40);
      if (before === undefined) told.push(`${message.name} → ${it.name.slice(0, 30)}: ${brief}`);
      else if (before !== message.content) told.push(`${message.name}'s message in Discord follows the forum`);
      seen.messages.set(message.id, message.content);
    }
  }
  for (const it of boards()) for (const topic of it.threads) for (const post of topic.posts) {
    const own = post.author === BRIDGE;
    const thanks = post.thanks.some((it) => it.name === BRIDGE);
    const before = seen.posts.get(post.id);
    if (own && before === undefined) told.push(`${/\[B\](.*?)\[\/B\]/.exec(post.bbcode)?.[1] || "Somebody"} → ${topic.title.slice(0, 36)}: a reply from Discord`);
    else if (own && before.text !== post.bbcode) told.push("A reply on the forum follows its Discord message");
    else if (own && !before.deleted && post.deleted) told.push("A reply was withdrawn from the forum");
    if (before && before.thanks !== thanks) told.push(thanks ? `🙏 → ${post.author} is thanked for #${post.number}` : `🙏 taken back from #${post.number}`);
    seen.posts.set(post.id, { text: post.bbcode, thanks, deleted: post.deleted });
  }
  if (seen.first) { seen.first = false; return; }
  for (const text of told.slice(-6)) $("ribbon").prepend(element("li", {}, text));
  while ($("ribbon").children.length > 20) $("ribbon").lastElementChild.remove();
}

// ---- keys, faults, life

document.addEventListener("keydown", (event) => {
  const typing = /INPUT|TEXTAREA|SELECT/.test(document.activeElement?.tagName || "");
  if (event.key === "Enter" && event.ctrlKey && $("forum-form").contains(document.activeElement)) $("forum-form").requestSubmit();
  if (event.key === "Escape" && ui.forumMode) { forumMode(null); $("forum-text").value = ""; }
  if (event.key === "Escape" && typing) document.activeElement.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "f") { event.preventDefault(); $("forum-text").focus(); }
  if (event.key === "d") { event.preventDefault(); $("discord-text").focus(); }
  if (event.key === "/") { event.preventDefault(); $("discord-text").value = "/"; $("discord-text").focus(); suggest(); }
  if (event.key === "?") document.querySelectorAll(".menu")[1].toggleAttribute("open");
});
$("forum-down").addEventListener("click", async (event) => {
  ui.down = !ui.down;
  event.target.textContent = ui.down ? "Bring the forum back" : "Take the forum down";
  await act({ act: "forum_down", on: ui.down });
  refresh();
});
$("discord-fails").addEventListener("click", () => act({ act: "discord_fails" }));

function show() {
  if (!state) return;
  showForum();
  showDiscord();
}

let busy = false;
let again = false;
async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  do {
    again = false;
    try {
      state = await (await fetch("/api/state")).json();
      show();
      crossed();
    } catch { $("link-state").textContent = "the demo has ended"; }
  } while (again);
  busy = false;
}
refresh();
new EventSource("/api/events").onmessage = () => refresh();
