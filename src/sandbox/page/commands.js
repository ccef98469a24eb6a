// The command box, the messages' menu and the forms: as the bot has registered them, nothing known beforehand.
"use strict";

const TEXT = 3, NUMBER = 4, YES_NO = 5, CHANNEL = 7;

// Every command that can be typed: its whole path and its options.
function leaves() {
  return state.discord.commands.filter((it) => (it.type ?? 1) === 1).flatMap((it) => {
    const parts = (it.options || []).filter((option) => option.type === 1);
    return parts.length ? parts.map((part) => ({ path: `${it.name} ${part.name}`, what: part.description, options: part.options || [] }))
      : [{ path: it.name, what: it.description, options: it.options || [] }];
  });
}

// What is typed: the command, and the options in their order. Words before any name belong to the first option.
function typed(text) {
  const leaf = leaves().find(({ path }) => text === `/${path}` || text.startsWith(`/${path} `));
  if (!leaf) return null;
  const rest = text.slice(leaf.path.length + 1);
  const names = leaf.options.map((it) => it.name).join("|");
  const marks = names ? [...rest.matchAll(new RegExp(`\\s(${names}):`, "g"))] : [];
  const given = [];
  const before = rest.slice(0, marks[0]?.index ?? rest.length).trim();
  if (before && leaf.options.length) given.push({ option: leaf.options[0], value: before });
  marks.forEach((mark, index) => {
    const value = rest.slice(mark.index + mark[0].length, marks[index + 1]?.index ?? rest.length).trim();
    given.push({ option: leaf.options.find((it) => it.name === mark[1]), value });
  });
  return { leaf, given };
}

// An option as Discord's client sends it.
function sendable({ option, value }) {
  const named = (option.choices || []).find((it) => it.name === value);
  if (named) return [option.name, named.value];
  if (option.type === NUMBER) return [option.name, Number.parseInt(value, 10)];
  if (option.type === YES_NO) return [option.name, value !== "false"];
  if (option.type === CHANNEL) return [option.name, guild().channels.find((it) => it.name === value.replace(/^#/, ""))?.id || value];
  return [option.name, value];
}

// What may come next, each with the whole line that it leads to.
async function suggestions(text) {
  if (!text.startsWith("/")) return [];
  const line = typed(text);
  if (!line) return leaves().filter(({ path }) => path.startsWith(text.slice(1))).map(({ path, what }) => ({ label: `/${path}`, what, text: `/${path} ` }));
  const { leaf, given } = line;
  const last = given.at(-1);
  const shown = [];
  if (last) {
    // Words may go on after a blank; so may the next option.
    const said = text.trimEnd();
    const start = said.slice(0, said.length - last.value.length).trimEnd();
    const so = (value) => `${start}${start.endsWith(":") ? "" : ` ${last.option.name}:`}${value} `;
    if (last.option.autocomplete) {
      const wish = { act: "complete", channel: ui.channel, user: ui.person, path: leaf.path, options: given.map(sendable), focused: last.option.name };
      const got = await act(wish);
      shown.push(...(got?.choices || []).map(([name, value]) => ({ label: name, what: String(value), text: so(value) })));
    }
    const among = (names) => shown.push(...names.filter((it) => it.toLowerCase().includes(last.value.toLowerCase())).map((it) => ({ label: it, what: last.option.name, text: so(it) })));
    if (last.option.choices) among(last.option.choices.map((it) => it.name));
    if (last.option.type === YES_NO) among(["true", "false"]);
    if (last.option.type === CHANNEL) among(guild().channels.map((it) => `#${it.name}`));
  }
  if (!last || text.endsWith(" ")) {
    const left = leaf.options.filter((it) => !given.some(({ option }) => option === it));
    shown.push(...left.map((it) => ({ label: `${it.name}:`, what: `${it.description}${it.required ? " (needed)" : ""}`, text: `${text.trimEnd()} ${it.name}:` })));
  }
  return shown.slice(0, 25);
}

async function command({ leaf, given }) {
  return answered(await act({ act: "command", channel: ui.channel, user: ui.person, path: leaf.path, options: given.map(sendable) }));
}

// An answer that is a form is filled in; anything else is seen in the channel.
function answered(body) {
  if (body?.modal) form(body.modal.title, body.modal.components.map((row) => row.components[0]), (fields) => act({ act: "submit", interaction: body.interaction, fields }).then(answered));
  refresh();
  return body;
}

function form(title, inputs, send) {
  const dialog = $("form");
  const field = (it) => element("label", {}, it.label, element(it.style === 2 ? "textarea" : "input",
    { name: it.custom_id, placeholder: it.placeholder || "", maxlength: it.max_length || 4000, required: it.required !== false, rows: it.style === 2 ? 5 : null, value: it.style === 2 ? null : it.value || "" }, it.style === 2 ? it.value || "" : null));
  const made = element("form", { method: "dialog" }, element("h3", {}, title), inputs.map(field),
    element("div", { class: "buttons" }, element("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), element("button", { class: "primary" }, "Send")));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    send(inputs.map((it) => [it.custom_id, made.elements[it.custom_id].value])).then(() => refresh());
  });
  dialog.replaceChildren(made);
  dialog.showModal();
}

// What a message's menu offers.
function menu(message) {
  const dialog = $("form");
  const names = state.discord.commands.filter((it) => it.type === 3).map((it) => it.name);
  const choose = async (name) => {
    dialog.close();
    answered(await act({ act: "menu", message: message.id, user: ui.person, name }));
  };
  dialog.replaceChildren(element("div", { class: "choices" }, element("h3", {}, `Message by ${message.name}`),
    names.map((name) => element("button", { type: "button", onclick: () => choose(name) }, name)), element("button", { type: "button", onclick: () => dialog.close() }, "Cancel")));
  dialog.showModal();
}

// Opening a post in a forum channel.
function newPost(place) {
  const inputs = [{ custom_id: "title", label: "Title", max_length: 100 }, { custom_id: "text", label: "Text", style: 2 }];
  form(`New post in ${place.name}`, inputs, async ([[, title], [, text]]) => {
    const done = await act({ act: "forum_post", channel: place.id, user: ui.person, title, text });
    if (done?.channel) open(done.channel);
  });
}
