// Discord Markdown as elements. Text only ever becomes text nodes: nothing in a message is HTML.
"use strict";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return made;
}

const PAIRS = [["***", "strong"], ["**", "strong"], ["__", "u"], ["~~", "s"], ["||", "spoiler"], ["*", "em"], ["_", "em"]];

function link(url, content) {
  const jump = /^https:\/\/discord\.com\/channels\/\d+\/(\d+)\/(\d+)$/.exec(url);
  if (jump) return element("button", { type: "button", class: "jump", onclick: () => window.jumpTo(jump[1], jump[2]) }, content);
  if (!/^https?:\/\//.test(url)) return document.createTextNode(url);
  return element("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, content);
}

function inline(text, depth = 0) {
  const out = [];
  let plain = "";
  const flush = () => { if (plain) out.push(document.createTextNode(plain)); plain = ""; };
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    if (rest[0] === "\\" && /^\\[!-/:-@[-`{-~]/.test(rest)) { plain += rest[1]; at += 2; continue; }
    const code = /^(`+)([^`](?:.*?[^`])?)\1(?!`)/s.exec(rest);
    if (code) { flush(); out.push(element("code", {}, code[2])); at += code[0].length; continue; }
    const masked = /^\[((?:\\.|[^\]\\])+)\]\(<?(https?:\/\/[^\s>)]+)>?\)/.exec(rest);
    if (masked) { flush(); out.push(link(masked[2], inline(masked[1], depth + 1))); at += masked[0].length; continue; }
    const angled = /^<(https?:\/\/[^\s>]+)>/.exec(rest);
    if (angled) { flush(); out.push(link(angled[1], angled[1])); at += angled[0].length; continue; }
    const time = /^<t:(\d+)(?::[tTdDfFR])?>/.exec(rest);
    if (time) { flush(); out.push(element("time", {}, new Date(time[1] * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }))); at += time[0].length; continue; }
    const bare = /^https?:\/\/[^\s<]+[^\s<.,:;"')\]|*]/.exec(rest);
    if (bare) { flush(); out.push(link(bare[0], bare[0])); at += bare[0].length; continue; }
    const pair = depth < 12 && PAIRS.find(([mark]) => rest.startsWith(mark));
    if (pair) {
      const [mark, name] = pair;
      let end = mark.length;
      do { end = rest.indexOf(mark, end + 1); } while (end > 0 && rest[end - 1] === "\\" && rest[end - 2] !== "\\");
      const inner = end > 0 ? rest.slice(mark.length, end) : "";
      const edge = mark !== "_" || !/\w/.test(rest[end + 1] || "");
      if (inner.trim() && edge && !/^\s/.test(inner)) {
        flush();
        const content = inline(inner, depth + 1);
        if (name === "spoiler") {
          out.push(element("button", { type: "button", class: "spoiler", "aria-label": "Spoiler, press to show",
            onclick: (event) => { event.currentTarget.classList.add("open"); event.currentTarget.removeAttribute("aria-label"); } }, content));
        } else out.push(mark === "***" ? element("strong", {}, element("em", {}, content)) : element(name, {}, content));
        at += end + mark.length;
        continue;
      }
    }
    if (rest[0] === "\n") { flush(); out.push(element("br")); at += 1; continue; }
    const point = String.fromCodePoint(text.codePointAt(at));
    plain += point;
    at += point.length;
  }
  flush();
  return out;
}

function markdown(text) {
  const out = document.createDocumentFragment();
  const pieces = text.split(/(\|\|)?```(?:([\w+#.-]*)\n)?([\s\S]*?)```(\|\|)?/g);
  for (let index = 0; index < pieces.length; index += 5) {
    lines(pieces[index] || "", out);
    if (index + 3 < pieces.length) out.append(element("pre", {}, element("code", {}, (pieces[index + 3] || "").replace(/\n$/, ""))));
  }
  return out;
}

function lines(text, out) {
  const all = text.replace(/^\n|\n$/g, "").split("\n");
  if (all.length === 1 && !all[0]) return;
  for (let at = 0; at < all.length; at++) {
    const line = all[at];
    if (/^>( |$)/.test(line)) {
      const quoted = [];
      while (at < all.length && /^>( |$)/.test(all[at])) quoted.push(all[at++].replace(/^> ?/, ""));
      at -= 1;
      const block = element("blockquote");
      lines(quoted.join("\n"), block);
      out.append(block);
      continue;
    }
    const heading = /^(#{1,3}) (.+)/.exec(line);
    const item = /^( *)(?:[-*]|(\d+)\.) (.+)/.exec(line);
    if (heading) out.append(element("h4", {}, inline(heading[2])));
    else if (line.startsWith("-# ")) out.append(element("p", { class: "small" }, inline(line.slice(3))));
    else if (item) {
      const name = item[2] ? "ol" : "ul";
      let list = out.lastElementChild;
      if (!list || list.localName !== name) { list = element(name, item[2] ? { start: item[2] } : {}); out.append(list); }
      list.append(element("li", {}, inline(item[3])));
    } else out.append(element("p", {}, inline(line)));
  }
}
