"use strict";
const token = new URLSearchParams(location.search).get("token");
const byId = (id) => document.getElementById(id);
const query = token ? `?token=${encodeURIComponent(token)}` : "";
let phone = null, source = null, state = null;

async function call(method, path, body, text) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  if (body !== undefined) headers["content-type"] = text ? "text/plain" : "application/json";
  const answer = await fetch(path, { method, headers, body: text ? body : body && JSON.stringify(body) });
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({ error: answer.statusText }));
    byId("problem").textContent = told.error;
    throw new Error(told.error);
  }
  byId("problem").textContent = "";
  return answer;
}
const one = (rest = "") => `/api/phones/${phone}${rest}`;
const post = (rest, body) => call("POST", one(rest), body);
const put = (rest, body, text) => call("PUT", one(rest), body, text);

let drawing = 0;
async function draw() {
  const mine = ++drawing;
  const svg = await (await call("GET", one("/screen.svg"))).text();
  if (mine === drawing) byId("screen").innerHTML = svg;
}

function show(now) {
  state = now;
  const screen = byId("screen");
  screen.dataset.device = now.device;
  screen.classList.toggle("off", !now.power);
  byId("power").setAttribute("aria-pressed", String(now.power));
  byId("power").textContent = now.power ? "Cut the power" : "Switch on";
  byId("status").textContent = `${now.id}: ${now.page}${now.lock ? `, ${now.lock}` : ""}, network ${now.serving || "none"}`;
  for (const id of ["serving", "sim"]) if (document.activeElement !== byId(id)) byId(id).value = now[id] || "none";
  for (const id of ["firmware", "locale", "device", "theme"]) byId(id).value = now[id];
  byId("tamper").value = now.tamper || "";
  byId("policy").value = now.policy.name;
  const at = (s) => s === null ? "none" : new Date(s * 1000).toISOString().slice(0, 16).replace("T", " ");
  byId("clocks").textContent = `phone ${at(now.clock.phone_s)}, server ${at(now.clock.server_s)}, floor ${at(now.clock.floor_s)}`;
}

function cell(row, text, name) {
  const made = document.createElement("td");
  made.textContent = text;
  if (name) made.className = name;
  row.append(made);
}

function taken(message) {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = `${message.type}, ${message.fields.length} fields`;
  for (const one of message.signatures) {
    const mark = document.createElement("span");
    mark.textContent = ` signed by ${one.owner}: ${one.verdict}`;
    mark.className = one.verdict === "good" ? "good" : "bad";
    summary.append(mark);
  }
  details.append(summary);
  const table = document.createElement("table");
  table.innerHTML = "<thead><tr><th scope=col>at</th><th scope=col>field</th><th scope=col>value</th><th scope=col>hex</th></tr></thead>";
  const body = table.createTBody();
  for (const field of message.fields) {
    const row = body.insertRow();
    cell(row, field.offset);
    cell(row, field.name);
    cell(row, field.value);
    cell(row, field.hex, "hex");
  }
  details.append(table);
  return details;
}

const MOST_ROWS = 600;
function log(told) {
  const row = document.createElement("li");
  row.className = `${told.part} ${told.kind}`;
  row.dataset.part = told.part;
  row.hidden = !wanted().has(told.part);
  const time = document.createElement("time");
  time.textContent = `${(told.at_ms / 1000).toFixed(3)}`;
  const part = document.createElement("b");
  part.textContent = told.part;
  const arrow = document.createElement("span");
  arrow.textContent = told.sent === true ? "→" : told.sent === false ? "←" : "";
  const text = document.createElement("span");
  text.className = "text";
  text.textContent = told.text;
  row.append(time, part, arrow, text);
  if (told.message) row.append(taken(told.message));
  const events = byId("events");
  const atEnd = events.scrollTop + events.clientHeight > events.scrollHeight - 40;
  events.append(row);
  while (events.childElementCount > MOST_ROWS) events.firstElementChild.remove();
  if (atEnd) events.scrollTop = events.scrollHeight;
}
const wanted = () => new Set([...document.querySelectorAll("#filters input:checked")].map((box) => box.value));

function choose(id) {
  phone = id;
  if (source) source.close();
  byId("events").replaceChildren();
  for (const button of byId("phones").children) button.setAttribute("aria-pressed", String(button.dataset.id === id));
  for (const [link, file] of [["png", "screen.png"], ["svg", "screen.svg"], ["xml", "screen.xml"], ["trace", "trace.pcapng"]]) byId(link).href = one(`/${file}`) + query;
  source = new EventSource(one("/events") + query);
  source.addEventListener("timeline", (event) => log(JSON.parse(event.data)));
  source.addEventListener("screen", draw);
  source.addEventListener("state", (event) => show(JSON.parse(event.data)));
}

async function list(chosen) {
  const all = await (await call("GET", "/api/phones")).json();
  byId("phones").replaceChildren(...all.map((one) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.id = button.textContent = one.id;
    button.addEventListener("click", () => choose(one.id));
    return button;
  }));
  if (all.length) choose(chosen || all[0].id);
}

function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}

async function begin() {
  const [policies, attacks] = await Promise.all(["/api/policies", "/api/attacks"].map(async (path) => (await call("GET", path)).json()));
  byId("policy").append(...policies.map((one) => option(one.name, `${one.name}: ${one.title}`)));
  byId("tamper").append(...attacks.map((one) => option(one.id, `${one.id}: ${one.sent}`)));
  await list();
}

byId("screen").addEventListener("click", (event) => {
  const box = event.currentTarget.querySelector("svg")?.getBoundingClientRect();
  if (!box) return;
  const drawn = event.currentTarget.querySelector("svg").viewBox.baseVal;
  const scale = Math.min(box.width / drawn.width, box.height / drawn.height);
  const x = Math.round((event.clientX - box.left - (box.width - drawn.width * scale) / 2) / scale);
  const y = Math.round((event.clientY - box.top - (box.height - drawn.height * scale) / 2) / scale);
  if (x >= 0 && y >= 0) post("/input", { tap: { x, y } }).catch(() => {});
});
byId("screen").addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  let key = event.key;
  if (key === "Tab") key = event.shiftKey ? "Shift+Tab" : "Tab";
  // F6 leaves the phone: Tab belongs to it while it has the focus.
  if (key === "F6") { byId("serving").focus(); event.preventDefault(); return; }
  if (key.length > 1 && !["Tab", "Shift+Tab", "Enter", "Escape", "Backspace"].includes(key)) return;
  event.preventDefault();
  post("/input", { key }).catch(() => {});
});
byId("screen").addEventListener("paste", (event) => {
  event.preventDefault();
  post("/input", { type: event.clipboardData.getData("text") }).catch(() => {});
});
byId("add").addEventListener("click", async () => {
  const made = await (await call("POST", "/api/phones", {})).json();
  await list(made.id);
});
byId("power").addEventListener("click", () => put("/power", state && state.power ? "0" : "1", true).catch(() => {}));
for (const form of document.querySelectorAll("form[data-control=modem]")) form.addEventListener("submit", (event) => {
  event.preventDefault();
  post("/modem", { name: form.dataset.name, value: form.querySelector("input").value }).catch(() => {});
  document.activeElement.blur();
});
for (const button of document.querySelectorAll("[data-post]")) button.addEventListener("click", () => post(`/${button.dataset.post}`).catch(() => {}));
for (const button of document.querySelectorAll("[data-skip]")) button.addEventListener("click", () => post("/clock", { skip_s: Number(button.dataset.skip) }).catch(() => {}));
byId("rtc").addEventListener("submit", (event) => {
  event.preventDefault();
  post("/clock", { rtc_s: Math.floor(Date.parse(byId("rtc-value").value + "Z") / 1000) }).catch(() => {});
});
byId("firmware").addEventListener("change", (event) => put("/firmware", { kind: event.target.value }).catch(() => {}));
byId("locale").addEventListener("change", (event) => put("/locale", { tag: event.target.value }).catch(() => {}));
for (const id of ["device", "theme"]) byId(id).addEventListener("change", (event) => put("/look", { [id]: event.target.value }).catch(() => {}));
byId("text_scale").addEventListener("change", (event) => put("/look", { text_scale: Number(event.target.value) }).catch(() => {}));
byId("policy").addEventListener("change", (event) => put("/policy", { pack: event.target.value }).catch(() => {}));
byId("upload").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (file) put("/policy", { text: await file.text() }).catch(() => {});
});
byId("tamper").addEventListener("change", (event) => put("/tamper", { attack: event.target.value || null }).catch(() => {}));
byId("ticket").addEventListener("click", async () => {
  const told = await (await post("/ticket")).json();
  byId("ticket-text").textContent = told.ticket;
});
byId("filters").addEventListener("change", () => {
  const parts = wanted();
  for (const row of byId("events").children) row.hidden = !parts.has(row.dataset.part);
});
begin();
