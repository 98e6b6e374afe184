// Looks at the page again when the broker says that something has changed, and puts new parts in
// place of old ones. "Live" means that the last look succeeded; after one that did not, or when
// nothing is heard any more, the page says of when its figures are. Without this file every page
// works the same; one reloads it by hand.
const EVERY = 1000; // at most once a second
const LONGEST = 10000; // an answer that takes longer is none
const SILENCE = 20000; // the broker says something every 15 seconds at the latest
const RETRY = 5000; // after the stream was refused, which a browser takes for good
const ANNOUNCE = 30000; // a screen reader hears the sentence at most so often
const button = document.getElementById("pause");
const state = document.getElementById("live-state");
const session = document.getElementById("session-part");
const parts = () => document.querySelectorAll("[data-live]");
let paused = false;
let source = null;
let listening = null;
let looking = false;
let again = false;
let lookedAt = 0;
let announcedAt = 0;
let announced = "";

for (const part of parts()) part.dataset.as = part.innerHTML;

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const box = document.getElementById("q");
  if (box) {
    event.preventDefault();
    box.focus();
  }
});

// A session ends whether or not the page is live or paused, so its warning waits for nothing.
if (session) setTimeout(() => (session.firstElementChild.hidden = false), session.dataset.calm * 1000);

if (button && "EventSource" in window) {
  button.hidden = false;
  button.addEventListener("click", () => (paused ? resume() : pause()));
  resume();
}

function pause() {
  end(`Updates are paused: figures as of ${asOf()}`);
  button.setAttribute("aria-pressed", "true");
}

function resume() {
  paused = false;
  button.setAttribute("aria-pressed", "false");
  connect();
}

function end(words) {
  paused = true;
  source.close();
  clearTimeout(listening);
  tell(words);
}

function connect() {
  source?.close();
  source = new EventSource("/ops/live");
  source.addEventListener("look", () => {
    listen(SILENCE);
    look();
  });
  source.addEventListener("away", () => {
    listen(SILENCE);
    lose();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) listen(RETRY);
    look();
  });
  listen(SILENCE);
}

function listen(within) {
  clearTimeout(listening);
  listening = setTimeout(() => {
    connect();
    look();
  }, within);
}

async function look() {
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  await new Promise((done) => setTimeout(done, Math.max(0, lookedAt + EVERY - Date.now())));
  lookedAt = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(LONGEST) });
    const text = await answer.text();
    if (paused) return;
    if (answer.redirected || answer.status === 401) {
      end("Your session has ended: reload the page to sign in.");
    } else if (answer.ok) {
      put(new DOMParser().parseFromString(text, "text/html"));
      tell("● Live");
    } else {
      lose();
    }
  } catch {
    lose();
  } finally {
    looking = false;
    if (again) {
      again = false;
      look();
    }
  }
}

function lose() {
  if (!paused) tell(`○ Not answering: figures as of ${asOf()}`, true);
}

function asOf() {
  return document.getElementById("as-of").textContent.slice(-8);
}

function put(fresh) {
  for (const part of parts()) {
    const other = fresh.getElementById(part.id);
    if (!other || other.innerHTML === part.dataset.as) continue;
    part.dataset.as = other.innerHTML;
    const open = [...part.querySelectorAll("details[open]")].map((one) => one.id || one.textContent.slice(0, 40));
    const kept = keyOf(document.activeElement, part);
    part.className = other.className;
    part.replaceChildren(...other.childNodes);
    for (const one of part.querySelectorAll("details")) {
      one.open = open.includes(one.id || one.textContent.slice(0, 40));
    }
    if (kept) [...part.querySelectorAll("a, button, summary, [tabindex]")].find((one) => keyOf(one, part) === kept)?.focus({ preventScroll: true });
  }
  document.title = fresh.title;
  const icon = fresh.querySelector("link[rel=icon]");
  if (icon) document.querySelector("link[rel=icon]").href = icon.getAttribute("href");
  const footer = fresh.querySelector(".ops-footer");
  if (footer) document.querySelector(".ops-footer").replaceChildren(...footer.childNodes);
  announce();
}

function keyOf(element, part) {
  if (!element || !part.contains(element)) return null;
  return [element.tagName, element.getAttribute("href"), element.getAttribute("aria-label"), element.textContent.slice(0, 60)].join("|");
}

function announce() {
  const sentence = document.querySelector("#sentence h1")?.textContent.trim() ?? "";
  if (!sentence || sentence === announced) return;
  if (Date.now() - announcedAt < ANNOUNCE) return;
  announcedAt = Date.now();
  announced = sentence;
  document.getElementById("announce").textContent = sentence;
}

function tell(words, lost = false) {
  state.parentElement.classList.toggle("ops-live--lost", lost);
  if (state.textContent !== words) state.textContent = words; // said once, however often it is found
}
