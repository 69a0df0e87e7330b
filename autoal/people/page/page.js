// The labelling page. The server has the last word; an answer shows the next row at once and is sent in the
// background. All text from outside is set as text, never as markup.

const PAUSE = 1000; // milliseconds between attempts to reconnect
const PATIENCE = { ask: 40_000, tell: 10_000 }; // the server holds a question for changes for 25 s at most
const NOTICE = 7000; // milliseconds for which a notice stays
const SMALLEST = 448; // pixels to which a small picture is enlarged ...
const LARGEST_FACTOR = 20; // ... but by no more than this, or it would be mud
const LEAST_FACTOR = 1.5; // larger ones may still fill a large screen a little
const SPOKEN = 600; // characters of a text that a screen reader announces
const LISTED = 300; // characters of a row in the list
const PAGES = { " ": 0.9, PageDown: 0.9, PageUp: -0.9, ArrowDown: 0.1, ArrowUp: -0.1 }; // how far a key scrolls

const NONE = Symbol("none"); // none of the offered classes

const token = new URLSearchParams(location.search).get("token") ?? "";
const $ = (id) => document.getElementById(id);
const elapsed = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const beginning = (text, most) => text.replace(new RegExp(`^(.{${most}}).+`, "su"), "$1…");

/** An element with properties and children. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Terms and their definitions, as the rows of a definition list. */
function definitions(pairs) {
  return pairs.map(([term, value]) =>
    make("div", {}, make("dt", { textContent: term }), make("dd", { textContent: value })),
  );
}

/** A random UUID; crypto.randomUUID is missing if a page comes by plain HTTP from another machine. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// ---- Talking to the server ----

/** A refusal by the server, in its words. */
class Refusal extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

/** A refusal is an outcome; any other error is a defect of this page. */
function asRefusal(error) {
  if (error instanceof Refusal) return error;
  throw error;
}

/** One request; anything but JSON, such as no answer at all, counts as a lost connection. */
async function request(path, body) {
  const headers = { Authorization: `Bearer ${token}` };
  const options = { headers, signal: AbortSignal.timeout(body ? PATIENCE.tell : PATIENCE.ask) };
  if (body) {
    headers["Content-Type"] = "application/json";
    Object.assign(options, { method: "POST", body: JSON.stringify(body), keepalive: true });
  }
  const response = await fetch(path, options);
  const said = await response.json();
  if (response.ok) return said;
  throw new Refusal(response.status, said.error);
}

/** The same, repeated until there is an answer; a refusal is one, unless the server is at fault. */
async function insist(path, body) {
  for (;;) {
    try {
      const said = await request(path, body);
      connection();
      return said;
    } catch (error) {
      const refused = error instanceof Refusal;
      if (refused && error.status < 500) {
        connection();
        throw error;
      }
      connection(refused ? error.message : "Connection lost");
      if (!refused) version = -1;
    }
    await elapsed(PAUSE);
  }
}

/** Messages on their way to the server: kept with the tab until they arrive, and sent in order. */
class Outbox {
  constructor(key) {
    this.key = key;
    this.entries = JSON.parse(sessionStorage.getItem(key) ?? "[]");
    this.sending = false;
  }

  add(path, row, body = {}) {
    this.entries.push({ path, row, body: { id: uuid(), ...body } });
    this.keep();
    this.send();
  }

  keep() {
    sessionStorage.setItem(this.key, JSON.stringify(this.entries));
  }

  /** The rows that are answered once all of these have arrived. */
  answered() {
    const rows = new Set();
    for (const { path, row } of this.entries) path === "/api/undo" ? rows.delete(row) : rows.add(row);
    return rows;
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    while (this.entries.length) {
      const { path, body } = this.entries[0];
      const outcome = await insist(path, body).catch(asRefusal);
      if (outcome.status === 403) return tell(outcome); // the messages stay
      this.entries.shift();
      this.keep();
      if (outcome instanceof Refusal) await recover(outcome);
      else adopt(outcome, path === "/api/undo");
    }
    this.sending = false;
  }
}

/** Counts the seconds since a row was shown, while somebody can see it. */
class Stopwatch {
  constructor() {
    this.clear();
    document.addEventListener("visibilitychange", () => (document.hidden ? this.pause() : this.resume()));
  }

  clear() {
    this.shown = false;
    this.spent = 0;
    this.since = null;
  }

  start() {
    this.shown = true;
    if (!document.hidden) this.resume();
  }

  pause() {
    this.spent = this.seconds();
    this.since = null;
  }

  resume() {
    if (this.shown && this.since === null) this.since = performance.now();
  }

  seconds() {
    return this.spent + (this.since === null ? 0 : (performance.now() - this.since) / 1000);
  }
}

// ---- State ----

let state = null; // the server's latest state
let version = -1; // its version; dropped with the connection, since the server may have restarted
let queue = []; // the tasks to answer, the current one first
let past = []; // those answered in this tab, the last one last
let mode = "work"; // or "list", "item": the labelled rows, and one of them
let rows = []; // the labelled rows
let place = 0; // of the item in them
let onStage = null; // the task on display
let chooser = null;
let lost = ""; // why the server accepts nothing
let barred = false; // the server does not know the token
let guessing = localStorage.getItem("guess") !== "hidden";

const outbox = new Outbox(`outbox ${token}`);
const watch = new Stopwatch();

/** Waits for changes while the page is open; opening it counts as activity, waiting does not. */
async function follow() {
  await look("/api/state");
  while (!barred) await look(`/api/state?since=${version}`);
}

async function look(path) {
  const outcome = await insist(path).catch(asRefusal);
  if (!(outcome instanceof Refusal)) return adopt(outcome);
  tell(outcome);
  return elapsed(PAUSE);
}

/** Adopts the server's state; the row on display stays, unless an undo brings another. */
function adopt(said, undone = false) {
  if (said.version < version) return;
  state = said;
  version = said.version;
  const answered = outbox.answered();
  const open = said.tasks.filter((task) => !answered.has(task.row));
  const waiting = new Set(queue.map((task) => task.row));
  if (outbox.entries.length) queue.push(...open.filter((task) => !waiting.has(task.row)));
  else queue = undone ? open : withPresentFirst(open);
  render();
}

function withPresentFirst(tasks) {
  const present = tasks.find((task) => task.row === queue[0]?.row);
  return present ? [present, ...tasks.filter((task) => task !== present)] : tasks;
}

/** Says why something did not count, and asks for the current state. */
async function recover(refusal) {
  tell(refusal);
  queue = [];
  past = [];
  await look("/api/state");
}

/** Shows a refusal; if it is about the token, for good. */
function tell(refusal) {
  barred ||= refusal.status === 403;
  if (barred) shutOut(refusal);
  else notice(refusal.message);
}

/** Notes what is wrong with the server, if anything; missing pictures are requested again. */
function connection(wrong = "") {
  if (lost && !wrong) {
    for (const [url, { failed }] of pictures) if (failed) pictures.delete(url);
    if (onStage?.card.kind === "picture" && !pictures.has(onStage.card.url)) onStage = null;
  }
  lost = wrong;
  renderConnection();
}

// ---- Actions ----

/** Answers the current row and shows the next, before the server knows. */
function answer(kind, label = null) {
  const [task] = queue;
  if (mode !== "work" || !task || !watch.shown) return; // nobody has seen it yet
  const seconds = Math.round(watch.seconds() * 100) / 100;
  queue = queue.slice(1);
  const unnamed = { none: () => chooser.wordsOf(NONE), unsure: () => unsureWords(task).toLowerCase() };
  past.push({ ...task, said: label ?? unnamed[kind]?.() ?? kind });
  const shown = guessOf(task) !== null;
  outbox.add("/api/answer", task.row, { row: task.row, kind, label, seconds, shown });
  chooser.flash(kind === "none" ? NONE : label);
  render();
}

function undo() {
  if (mode !== "work") return;
  const task = past.pop();
  outbox.add("/api/undo", task?.row ?? null);
  if (!task) return; // answered before this tab was opened: the server knows which
  queue = [task, ...queue];
  render();
}

/** A class was chosen: for the current row, or for one that was labelled before. */
function choose(label) {
  if (mode === "item") correct(label);
  else if (label === NONE) answer("none");
  else answer("label", label);
}

function correct(label) {
  const task = rows[place];
  if (label === task.label) return;
  outbox.add("/api/correct", task.row, { row: task.row, label });
  $("change").textContent = `${task.label} is ${label} now; the next model learns it`;
  rows[place] = { ...task, label, suspicion: null };
  render();
}

function takeGuess() {
  const guess = queue.length ? guessOf(queue[0]) : null;
  if (guess) answer("label", guess[0].label);
}

function hideGuess() {
  guessing = !guessing;
  localStorage.setItem("guess", guessing ? "shown" : "hidden");
  render();
}

/** The model's prediction for a row, if it may be shown. */
function guessOf(task) {
  const blind = task.kind === "adjudicate" || task.kind === "review";
  return guessing && !blind && task.guess?.length ? task.guess : null;
}

async function openList() {
  mode = "list";
  const order = $("suspected").getAttribute("aria-pressed") === "true" ? "?suspected=1" : "";
  const outcome = await insist(`/api/labelled${order}`).catch(asRefusal);
  if (outcome instanceof Refusal) tell(outcome);
  else rows = outcome.rows;
  render();
}

function backToList() {
  mode = "list";
  render();
  $("rows").children[place].firstChild.focus();
}

function openItem(index) {
  mode = "item";
  place = Math.min(Math.max(index, 0), rows.length - 1);
  $("change").textContent = "";
  render();
}

function work() {
  mode = "work";
  render();
}

function turnSuspected() {
  const pressed = $("suspected").getAttribute("aria-pressed") === "true";
  $("suspected").setAttribute("aria-pressed", String(!pressed));
  openList();
}

// ---- Display ----

let timer = 0;

/** Shows a passing notice. */
function notice(words) {
  $("notice").textContent = words;
  clearTimeout(timer);
  timer = setTimeout(() => ($("notice").textContent = ""), NOTICE);
}

/** Tells a screen reader what has changed. */
function announce(words) {
  if ($("live").textContent !== words) $("live").textContent = words;
}

function renderConnection() {
  const kept = outbox.entries.length;
  const rest = kept
    ? `${counted(kept, "answer")} kept here, to be sent when it is back.`
    : "It is tried again every second.";
  const over = kept === 0 && ["done", "stopped"].includes(state?.phase); // then the server is not missed
  const words = lost && !over ? `${lost}. ${rest}` : "";
  if ($("lost").textContent !== words) $("lost").textContent = words;
  $("lost").hidden = !words;
}

/** The address is no longer of any use. */
function shutOut(refusal) {
  $("headline").textContent = "This address does not open the page";
  $("words").textContent = refusal.message;
  $("again").hidden = true;
  view("message");
  $("progress").hidden = true;
}

function view(name) {
  document.body.dataset.view = name;
  for (const part of document.querySelectorAll("[data-in]"))
    part.hidden = !part.dataset.in.split(" ").includes(name);
}

function render() {
  if (!state || barred) return;
  renderConnection();
  renderHeader();
  renderProgress();
  fetchAhead();
  if (mode === "list") renderList();
  else if (mode === "item") renderTask(rows[place]);
  else if (queue.length) renderTask(queue[0]);
  else renderMessage();
}

function renderHeader() {
  const { batch, phase, round, rounds, run } = state;
  $("run").textContent = run;
  const total = rounds === null ? "" : ` of ${rounds}`;
  $("round").textContent = round === 0 ? "The start" : `Round ${round}${total}`;
  $("batch").max = Math.max(batch.of, 1);
  $("batch").value = batch.done;
  $("batch-count").textContent = `${batch.done} of ${batch.of}`;
  $("to-list").setAttribute("aria-pressed", String(mode !== "work"));
  $("to-stop").hidden = phase === "done" || phase === "stopped";
  document.title = `${queue.length ? "Label" : MESSAGES[phase]().headline} · ${run}`;
}

// The stage: one row, large.

function renderTask(task) {
  view(mode === "item" ? "item" : "label");
  renderChooser(task);
  const same = ["row", "kind", "round"].every((name) => onStage?.[name] === task[name]);
  onStage = task;
  $("kind").textContent = kindOf(task);
  $("why").textContent = task.why;
  $("opinions").hidden = task.kind !== "adjudicate";
  if (same) return;
  watch.clear();
  $("title").textContent = $("title").title = task.card.name;
  $("facts").hidden = task.card.kind !== "picture" || !task.card.cells?.length;
  $("facts").replaceChildren(...definitions($("facts").hidden ? [] : task.card.cells));
  $("opinions").replaceChildren(...(task.opinions ?? []).map(opinion));
  CARDS[task.card.kind](task.card);
  announce(spoken(task));
}

function kindOf(task) {
  const kinds = { second: "Another opinion", adjudicate: "Opinions differ: which is right?" };
  const asks = task.card.kind === "word" ? "For which class does this word speak, if for any?" : asksOf(task);
  const kind = task.kind === "review" ? `Labelled ${task.label}` : (kinds[task.kind] ?? asks);
  return [kind, task.card.made && "Made by the computer"].filter(Boolean).join(" · ");
}

/** The question if some classes are offered. */
function asksOf({ choices = [] }) {
  if (!choices.length) return undefined;
  return choices.length === 1 ? `Is it “${choices[0]}”?` : "Is it one of these?";
}

/** The possible answers to a task: all classes, or those offered, each with its key, or none. */
function answersTo({ choices = [] }) {
  if (!choices.length) return state.classes;
  const [yes, none] = choices.length === 1 ? ["Yes, ", "No"] : ["", "None of these"];
  const offered = choices.map((name, at) => ({ name, key: String(at + 1), words: yes + name }));
  return [...offered, { name: NONE, key: "0", words: none }];
}

function opinion({ by, label }) {
  return make("li", {}, make("b", { textContent: label }), make("span", { textContent: by }));
}

function spoken(task) {
  const guess = guessOf(task);
  const { examples = [], texts: own = [] } = task.card;
  const texts = [...own.map(([, text]) => text), ...examples.map((pieces) => pieces.join(""))].map((text) =>
    beginning(text, SPOKEN),
  );
  const words = [kindOf(task), task.card.name, ...texts];
  if (guess) words.push(`The model's guess: ${guess[0].label}, ${percent(guess[0].p)}`);
  return words.filter(Boolean).join(". ");
}

const CARDS = {
  picture: showPicture,
  cells: (card) => showNow(scrolling("dl", "cells", "The row", definitions(card.cells))),
  text: (card) => showNow(scrolling("div", "texts", "The text", paragraphs(card.texts))),
  word: (card) => showNow(scrolling("div", "texts", "The word", [wordOf(card), ...card.examples.map(marked)])),
};

function wordOf(card) {
  return make("p", { className: "word", textContent: card.name, dir: "auto" });
}

/** A text in pieces; every other one is the word in question. */
function marked(pieces) {
  const parts = pieces.map((piece, at) => (at % 2 ? make("mark", { textContent: piece }) : piece));
  return make("p", { dir: "auto" }, ...parts);
}

/** Texts; several stand below the names of their columns. */
function paragraphs(texts) {
  return texts.flatMap(([column, text]) => [
    ...(texts.length > 1 ? [make("h2", { textContent: column })] : []),
    make("p", { textContent: text, dir: "auto" }),
  ]);
}

function scrolling(tag, className, name, children) {
  const box = make(tag, { className, tabIndex: 0 }, ...children);
  box.setAttribute("aria-label", name);
  if (tag === "div") box.setAttribute("role", "region");
  return box;
}

function showNow(element) {
  $("card").replaceChildren(element);
  onceSeen(onStage);
}

/** Starts the clock when the browser has drawn the task, if it is still the one on the stage. */
function onceSeen(task) {
  requestAnimationFrame(() => {
    if (onStage?.row !== task.row) return;
    watch.start();
    document.body.dataset.row = task.row;
  });
}

const pictures = new Map(); // address -> an image, decoded before it is needed

function addressOf(card) {
  return `${card.url}?token=${encodeURIComponent(token)}`;
}

/** The picture of a card, requested once. */
function pictureOf(card) {
  if (!pictures.has(card.url)) {
    const image = make("img", { alt: card.name, src: addressOf(card), decoding: "sync" });
    const entry = { image, ready: false, failed: false };
    entry.settled = image.decode().then(
      () => (entry.ready = true),
      () => (entry.failed = true),
    );
    pictures.set(card.url, entry);
  }
  return pictures.get(card.url);
}

/** Requests the pictures of the next tasks, and drops old ones. */
function fetchAhead() {
  const near = [
    ...past.slice(-3),
    ...queue,
    ...(mode === "item" ? rows.slice(Math.max(place - 1, 0), place + 2) : []),
  ];
  const cards = near.map((task) => task.card).filter((card) => card.kind === "picture");
  cards.forEach(pictureOf);
  const needed = new Set(cards.map((card) => card.url));
  for (const url of pictures.keys()) if (!needed.has(url)) pictures.delete(url);
}

async function showPicture(card) {
  const task = onStage;
  const picture = pictureOf(card);
  const frame = make("div", { className: "frame" });
  $("card").replaceChildren(frame);
  if (!picture.ready) await picture.settled;
  frame.append(
    picture.ready
      ? sized(picture.image)
      : make("p", { textContent: "This picture cannot be shown. Broken sets it aside." }),
  );
  onceSeen(task);
}

/** A picture with the size that suits it; the natural one respects the picture's orientation. */
function sized(image) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const factor = Math.min(LARGEST_FACTOR, Math.max(LEAST_FACTOR, SMALLEST / Math.max(width, height)));
  image.style.setProperty("--wide", String(width * factor));
  image.style.setProperty("--ratio", String(width / height));
  return image;
}

// The classes: a key each, or a search by letters.

/** A button with a key for each class. */
class KeyedClasses {
  constructor(classes) {
    this.words = new Map(classes.map(({ name, words = name }) => [name, words]));
    this.buttons = new Map(classes.map(({ name, key }) => [name, this.button(name, key)]));
    this.names = new Map(classes.map(({ name, key }) => [key, name]));
    const few = classes.length <= 6 ? " few" : "";
    this.element = make("div", { className: `keyed${few}` }, ...this.buttons.values());
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Classes");
  }

  button(name, key) {
    const hint = make("kbd", { textContent: key, ariaHidden: "true" });
    const button = make(
      "button",
      { type: "button", className: "class", title: this.wordsOf(name) },
      hint,
      make("span", { textContent: this.wordsOf(name) }),
      make("small"),
    );
    button.setAttribute("aria-keyshortcuts", key);
    button.addEventListener("click", () => choose(name));
    return button;
  }

  wordsOf(name) {
    return this.words.get(name);
  }

  /** Marks the model's prediction, or the current label. */
  mark(guess, label) {
    const shares = new Map((guess ?? []).map(({ label: name, p }) => [name, p]));
    for (const [name, button] of this.buttons) {
      button.lastChild.textContent = shares.has(name) ? percent(shares.get(name)) : "";
      button.style.setProperty("--share", String(shares.get(name) ?? 0));
      button.classList.toggle("best", name === (guess?.[0].label ?? label));
      if (label === undefined) button.removeAttribute("aria-pressed");
      else button.setAttribute("aria-pressed", String(name === label));
    }
  }

  flash(label) {
    const button = this.buttons.get(label);
    button?.classList.add("given");
    setTimeout(() => button?.classList.remove("given"), 150);
  }

  owns(key) {
    return this.names.has(key) || this.names.has(key.toLowerCase());
  }

  press(event) {
    const name = this.names.get(event.key) ?? this.names.get(event.key.toLowerCase());
    if (name === undefined) return false;
    event.preventDefault();
    if (!event.repeat) choose(name);
    return true;
  }
}

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** A field that narrows many classes down to those that begin with the typed text, or contain it. */
class TypedClasses {
  constructor(classes) {
    this.all = classes.map(({ name }) => name);
    this.guess = null;
    this.field = make("input", {
      type: "text",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: false,
    });
    this.field.placeholder = `Type one of ${this.all.length} classes`;
    const about = {
      role: "combobox",
      "aria-label": "Class",
      "aria-controls": "matches",
      "aria-expanded": "true",
      "aria-autocomplete": "list",
    };
    for (const [name, value] of Object.entries(about)) this.field.setAttribute(name, value);
    this.field.addEventListener("input", () => this.list());
    this.matches = make("ul", {
      id: "matches",
      role: "listbox",
      ariaLabel: "Matching classes",
      tabIndex: -1,
    });
    this.element = make("div", { className: "typed" }, this.field, this.matches);
  }

  mark(guess, label) {
    this.guess = guess;
    this.label = label;
    this.field.value = "";
    this.list();
  }

  found() {
    const typed = plain(this.field.value.trim());
    const guessed = (this.guess ?? []).map(({ label }) => label);
    if (!typed) return [...guessed, ...this.all.filter((name) => !guessed.includes(name))];
    const begins = this.all.filter((name) => plain(name).startsWith(typed));
    return [...begins, ...this.all.filter((name) => !begins.includes(name) && plain(name).includes(typed))];
  }

  list() {
    this.names = this.found();
    const shares = new Map((this.guess ?? []).map(({ label, p }) => [label, p]));
    this.matches.replaceChildren(...this.names.map((name, at) => this.option(name, at, shares.get(name))));
    if (!this.names.length)
      this.matches.append(make("li", { className: "none", textContent: "No class is called so." }));
    // Among all classes none is marked, or Enter would take one by accident.
    const marked = this.field.value.trim() || this.guess ? 0 : this.names.indexOf(this.label);
    this.select(this.names.length ? marked : -1);
    this.matches.scrollTop = Math.max(
      0,
      this.matches.children[marked]?.offsetTop - this.matches.offsetTop || 0,
    );
  }

  option(name, at, share) {
    const option = make(
      "li",
      { id: `match-${at}`, role: "option", className: "class" },
      make("span", { textContent: name }),
    );
    option.append(make("small", { textContent: share === undefined ? "" : percent(share) }));
    option.style.setProperty("--share", String(share ?? 0));
    option.addEventListener("click", () => choose(name));
    return option;
  }

  select(at) {
    this.at = at;
    [...this.matches.children].forEach((option, place) =>
      option.setAttribute("aria-selected", String(place === at)),
    );
    if (at < 0) return this.field.removeAttribute("aria-activedescendant");
    this.field.setAttribute("aria-activedescendant", `match-${at}`);
    this.matches.children[at].scrollIntoView({ block: "nearest" });
  }

  flash() {}

  owns(key) {
    return key.length === 1;
  }

  press(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves && this.names.length) {
      event.preventDefault();
      this.select(Math.min(Math.max(this.at + moves[event.key], 0), this.names.length - 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat && this.at >= 0) choose(this.names[this.at]);
    } else if (event.key === "Escape" && this.field.value) {
      this.field.value = "";
      this.list();
    } else if (event.key.length === 1 || (event.key === "Backspace" && this.field.value)) {
      this.field.focus(); // the letter goes where it belongs
    } else return false;
    return true;
  }
}

/** The classes with the marks of the current task. */
function renderChooser(task) {
  const answers = answersTo(task);
  const classes = JSON.stringify([answers, task.choices]);
  if ($("classes").dataset.classes !== classes) {
    chooser = answers.some(({ key }) => key === "") ? new TypedClasses(answers) : new KeyedClasses(answers);
    $("classes").dataset.classes = classes;
    $("classes").replaceChildren(chooser.element);
    for (const [id, command] of Object.entries(COMMANDS)) caption(id, command);
  }
  const guess = guessOf(task);
  const wanted = JSON.stringify([task.row, task.kind, guess, task.label]);
  if (chooser.marked !== wanted) chooser.mark(guess, task.kind === "review" ? task.label : undefined);
  chooser.marked = wanted;
  $("unsure").firstChild.textContent = unsureWords(task);
  $("take").disabled = guess === null;
  const words = guess
    ? `Take the guess: ${guess[0].label}`
    : guessing || !task.guess
      ? "No guess for this row"
      : "The guess is hidden";
  $("take").replaceChildren(make("span", { textContent: words }), keyHint(guess ? "Enter" : ""));
  $("hide").firstChild.textContent = guessing ? "Hide guess" : "Show guess";
  $("hide").setAttribute("aria-pressed", String(!guessing));
  $("said").textContent = past.at(-1)?.said ?? "";
  $("back").replaceChildren(make("span", { textContent: "Back to the list" }), keyHint("Esc"));
}

/** The answer without a class; for a word, that it speaks for none. */
function unsureWords(task) {
  return task.card.kind === "word" ? "No class" : COMMANDS.unsure.name;
}

function keyHint(text) {
  return make("kbd", { textContent: text, hidden: !text, ariaHidden: "true" });
}

// Progress.

function renderProgress() {
  const { advice, checked, curve, judged, labels, model, plan, seconds } = state;
  const last = curve.at(-1);
  $("labels").textContent = labels;
  $("plan").textContent = plan === null ? (labels === 1 ? "label" : "labels") : `of ${plan} labels`;
  $("pace").textContent = seconds === null ? "–" : `${seconds.toFixed(1)} s`;
  $("accuracy").textContent = last ? percent(last.accuracy) : "–";
  $("judged").textContent = last ? judgedWords(last, judged, checked) : "";
  $("model").textContent = model ? modelWords(model) : "The curve begins with the first model.";
  drawCurve();
  $("advice").hidden = !advice;
  $("advice").firstChild.textContent = advice
    ? `More labels may not be worth it: ${advice.reason}`
    : "";
}

function judgedWords({ low, high }, judged, checked) {
  const by = {
    check: `${checked} check rows`,
    "cross-validation": "cross-validation: biased",
    test: "the test set",
  }[judged];
  const interval = low == null ? "" : `; between ${Math.round(100 * low)} and ${percent(high)}`;
  return `Judged by ${by}${interval}`;
}

function modelWords({ at, labels, round }) {
  const made = new Date(at);
  const today = made.toDateString() === new Date().toDateString();
  const when = made.toLocaleString([], today ? { timeStyle: "short" } : { day: "numeric", month: "short" });
  const training = state.training
    ? `; the next one trains: ${state.training.step} of ${state.training.steps}`
    : "";
  return `Model of round ${round}: ${counted(labels, "label")}, ${when}${training}`;
}

/** Accuracy over labels, with the band of its interval if there is one, in the available room. */
function drawCurve() {
  const { curve, plan } = state;
  const svg = $("curve");
  const { clientWidth: width, clientHeight: height } = svg;
  const most = Math.max(plan ?? 0, curve.at(-1)?.labels ?? 1);
  const floor =
    Math.floor(
      10 * Math.min(...curve.map(({ accuracy, low }) => low ?? accuracy), 0.9 * Boolean(curve.length)),
    ) / 10;
  const x = (labels) => 42 + ((width - 46) * labels) / most;
  const y = (share) => 8 + ((height - 30) * (1 - share)) / (1 - floor);
  const points = (get) => curve.map((point) => `${x(point.labels)},${y(get(point))}`);
  const parts = [floor, (1 + floor) / 2, 1].flatMap((share) => [
    drawn("line", { class: "grid", x1: x(0), x2: x(most), y1: y(share), y2: y(share) }),
    drawn("text", { x: x(0) - 6, y: y(share) + 4, "text-anchor": "end" }, percent(share)),
  ]);
  parts.push(drawn("text", { x: x(0), y: height - 4 }, "0"));
  parts.push(drawn("text", { x: x(most), y: height - 4, "text-anchor": "end" }, counted(most, "label")));
  if (curve.length && curve.every(({ low }) => low != null)) {
    const band = [...points(({ high }) => high), ...points(({ low }) => low).reverse()];
    parts.push(drawn("polygon", { class: "band", points: band.join(" ") }));
  }
  parts.push(drawn("polyline", { class: "line", points: points(({ accuracy }) => accuracy).join(" ") }));
  for (const { accuracy, labels } of curve)
    parts.push(drawn("circle", { class: "dot", cx: x(labels), cy: y(accuracy), r: 3 }));
  svg.replaceChildren(...parts);
  const words = curve.map(({ accuracy, labels }) => `${percent(accuracy)} with ${labels}`).join(", ");
  svg.setAttribute("aria-label", `Accuracy by labels: ${words || "no model yet"}`);
}

function drawn(tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

// Nothing to label.

const MESSAGES = {
  label: () => ({ headline: "One moment", words: "The next row is on its way." }),
  train: () => ({
    headline: "The model is learning",
    words: `It learns from ${counted(state.labels, "label")}. The next rows appear here by themselves.`,
  }),
  wait: () => ({
    headline: "The others have the rest",
    words: `${counted(state.batch.of - state.batch.done, "row")} of this round are with ${others()}. What comes next appears here by itself.`,
  }),
  done: () => ({
    headline: "All rounds are done",
    words: `${counted(state.labels, "label")}, ${state.declined} set aside. Thank you.`,
  }),
  stopped: () => ({
    headline: "Stopped for today",
    words: `${counted(state.labels, "label")} so far; every answer is kept. The same command goes on from here.`,
  }),
};

function others() {
  return state.people.filter((name) => name !== state.person).join(", ") || "somebody else";
}

function renderMessage() {
  const { phase, training } = state;
  const { headline, words } = MESSAGES[phase]();
  onStage = null;
  delete document.body.dataset.row;
  view("message");
  $("sign").dataset.phase = phase;
  $("headline").textContent = headline;
  $("words").textContent = words;
  $("training").hidden = phase !== "train";
  if (training) Object.assign($("training"), { max: training.steps, value: training.step });
  else $("training").removeAttribute("value");
  $("again").hidden = phase === "done" || phase === "stopped" || !state.labels;
  $("places").hidden = phase !== "done";
  $("places").replaceChildren(...places());
  announce(`${headline}. ${words}`);
}

/** The places of everything at the end. */
function places() {
  const pairs = [
    ["Every answer, by whom and when", `${state.folder}/labels.jsonl`],
    ["The labels in another form", `python -m autoal.labels ${state.folder} --format csv`],
    ["The trained model", `${state.folder}/model`],
    ["Its predictions of new rows", `python -m autoal.predict ${state.folder} NEW --out predictions.csv`],
  ];
  return pairs.map(([term, code]) =>
    make("div", {}, make("dt", { textContent: term }), make("dd", {}, make("code", { textContent: code }))),
  );
}

// The labelled rows.

function renderList() {
  onStage = null;
  view("list");
  const suspects = rows.filter(({ suspicion }) => suspicion != null).length;
  $("list-words").textContent = rows.length
    ? `${counted(rows.length, "row")}${suspects ? `, ${suspects} of them another class to the model` : ""}. Choose one to correct it.`
    : "Nothing is labelled yet.";
  $("rows").replaceChildren(...rows.map((task, index) => make("li", {}, rowButton(task, index))));
}

function rowButton(task, index) {
  const suspect = task.suspicion != null;
  const small = suspect ? `${task.suspected}? ${percent(task.suspicion)}` : task.card.name;
  const said = make(
    "span",
    { className: "said" },
    make("b", { textContent: task.label }),
    make("small", { textContent: small }),
  );
  const button = make(
    "button",
    { type: "button", className: suspect ? "suspect" : "" },
    make("span", { className: "small" }, glimpse(task.card)),
    said,
  );
  button.addEventListener("click", () => openItem(index));
  return button;
}

function glimpse(card) {
  if (card.kind === "picture") return make("img", { loading: "lazy", alt: card.name, src: addressOf(card) });
  const words = {
    word: () => card.name,
    text: () => card.texts.map(([, text]) => text).join(" / "),
    cells: () => card.cells.map((pair) => pair.join(" ")).join(", "),
  };
  const text = words[card.kind]();
  return make("p", { textContent: beginning(text, LISTED), dir: "auto" });
}

// ---- Keys and buttons ----

// A letter that belongs to a class, or is typed, is not a command: then the command needs Alt.
const COMMANDS = {
  unsure: { name: "Unsure", key: "u", run: () => answer("unsure"), help: "you cannot tell" },
  broken: { name: "Broken", key: "x", run: () => answer("broken"), help: "it cannot be judged at all" },
  undo: { name: "Undo", key: "Backspace", shown: "⌫", run: undo, help: "take the last answer back" },
  hide: { name: "Hide guess", key: "g", run: hideGuess, help: "hide the model's guess, or show it" },
};

function keyOf({ key, shown }) {
  const letter = shown ?? key.toUpperCase();
  return key.length === 1 && chooser?.owns(key) ? `Alt ${letter}` : letter;
}

function caption(id, command) {
  const hint = keyHint(keyOf(command));
  $(id).replaceChildren(
    make("span", { textContent: command.name }),
    ...(id === "undo" ? [make("span", { id: "said" })] : []),
    hint,
  );
  $(id).setAttribute("aria-keyshortcuts", keyOf(command).replace(" ", "+").replace("⌫", "Backspace"));
}

/** The command of a key, if any; with Alt the key's place counts, since some keyboards give another letter then. */
function commandOf(event) {
  const key = event.altKey
    ? event.code.replace("Key", "").toLowerCase()
    : event.key.length === 1
      ? event.key.toLowerCase()
      : event.key;
  return Object.values(COMMANDS).find(
    (command) => command.key === key && event.altKey === keyOf(command).startsWith("Alt"),
  );
}

function help() {
  const typed = state?.classes.some(({ key }) => key === "");
  const offered = queue[0]?.choices;
  const classes = offered
    ? [`${offered.map((_, at) => at + 1).join(" ")} 0`, "the class with this key, or none of these"]
    : typed
      ? ["letters", "narrow the classes; ↑ ↓ move, Enter takes the marked one"]
      : [state?.classes.map(({ key }) => key).join(" ") ?? "", "the class with this key"];
  const commands = Object.values(COMMANDS).map((command) => [keyOf(command), command.help]);
  const all = [
    classes,
    ["Enter", "take the model's guess"],
    ...commands,
    [typed ? "Page↓ Page↑" : "Space ↑ ↓", "read on in a long text, and back"],
    ["?", "this help"],
    ["Esc", "close, go back"],
  ];
  $("keys").replaceChildren(
    ...all.flatMap(([key, words]) => [
      make("dt", {}, ...key.split(" ").map((textContent) => make("kbd", { textContent }))),
      make("dd", { textContent: words }),
    ]),
  );
  $("help").showModal();
}

const GOING = {
  Escape: () => (mode === "item" ? backToList() : work()),
  ArrowLeft: () => openItem(place - 1),
  ArrowRight: () => openItem(place + 1),
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.isComposing || document.querySelector("dialog[open]")) return;
  const onButton = event.target.closest("button, a");
  if (onButton && (event.key === "Enter" || event.key === " ")) {
    if (event.repeat) event.preventDefault(); // a key held down is one answer
    return;
  }
  const choosing = document.body.dataset.view === "label" || mode === "item";
  if (!event.altKey && choosing && event.key !== "?" && chooser.press(event)) return;
  if (choosing && event.key in PAGES && scrollCard(PAGES[event.key])) return event.preventDefault();
  const run = mode === "work" ? workKey(event) : GOING[event.key];
  const shared = event.key === "?" ? help : run;
  if (!shared) return;
  event.preventDefault();
  if (!event.repeat) shared();
}

/** Scrolls content that is too long for the card by a part of its height; returns whether there is any. */
function scrollCard(pages) {
  const box = $("card").firstChild;
  box.scrollBy({ top: pages * box.clientHeight });
  return box.scrollHeight > box.clientHeight;
}

function workKey(event) {
  return event.key === "Enter" ? takeGuess : commandOf(event)?.run;
}

function wire() {
  for (const [id, command] of Object.entries(COMMANDS)) {
    caption(id, command);
    $(id).addEventListener("click", command.run);
  }
  const clicks = {
    take: takeGuess,
    again: undo,
    back: backToList,
    previous: GOING.ArrowLeft,
    following: GOING.ArrowRight,
    suspected: turnSuspected,
    "from-list": work,
    "to-help": help,
    "to-stop": () => $("stop").showModal(),
    "to-list": () => (mode === "work" ? openList() : work()),
    "stop-now": () => {
      $("stop").close();
      outbox.add("/api/stop", null);
    },
  };
  for (const [id, run] of Object.entries(clicks)) $(id).addEventListener("click", run);
  for (const button of document.querySelectorAll("[data-close]"))
    button.addEventListener("click", () => button.closest("dialog").close());
  document.addEventListener("keydown", pressed);
  // A button pressed by the mouse keeps no focus, or Enter would press it again for the next row.
  document.addEventListener("click", (event) => event.detail && event.target.closest("button")?.blur());
  new ResizeObserver(() => state && drawCurve()).observe($("curve"));
  addEventListener("beforeunload", (event) => outbox.entries.length && event.preventDefault());
}

wire();
outbox.send();
follow();
