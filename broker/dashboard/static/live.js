// Looks at the page again when the broker says that something has changed, and puts new parts in
// place of old ones. Without this file every page works the same; one reloads it by hand.
const EVERY = 1000; // at most once a second
const ANNOUNCE = 30000; // a screen reader hears the sentence at most so often
const button = document.getElementById("pause");
const state = document.getElementById("live-state");
const parts = () => document.querySelectorAll("[data-live]");
let paused = false;
let source = null;
let looking = false;
let again = false;
let lookedAt = 0;
let announcedAt = 0;
let announced = "";

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const box = document.getElementById("q");
  if (box) {
    event.preventDefault();
    box.focus();
  }
});

if (parts().length && "EventSource" in window) {
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => (paused ? resume() : pause()));
  }
  resume();
}

function pause() {
  paused = true;
  source?.close();
  tell("Updates are paused.");
  button.setAttribute("aria-pressed", "true");
}

function resume() {
  paused = false;
  button?.setAttribute("aria-pressed", "false");
  source = new EventSource("/ops/live");
  source.addEventListener("open", () => tell("● Live"));
  source.addEventListener("look", look);
  source.addEventListener("error", () => tell("○ Not connected: trying again."));
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
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected || answer.status === 401) {
      source.close();
      tell("Your session has ended: reload the page to sign in.");
    } else if (answer.ok && !paused) {
      put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
  } catch {
    tell("○ Not connected: trying again.");
  } finally {
    looking = false;
    if (again) {
      again = false;
      look();
    }
  }
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
  const footer = fresh.querySelector(".ops-footer");
  if (footer) document.querySelector(".ops-footer").replaceChildren(...footer.childNodes);
  announce();
}

function keyOf(element, part) {
  if (!element || !part.contains(element)) return null;
  return [element.tagName, element.getAttribute("href"), element.getAttribute("aria-label"), element.textContent.slice(0, 60)].join("|");
}

function announce() {
  const sentence = document.getElementById("sentence")?.textContent ?? "";
  if (!sentence || sentence.split(" Longest")[0] === announced) return;
  if (Date.now() - announcedAt < ANNOUNCE) return;
  announcedAt = Date.now();
  announced = sentence.split(" Longest")[0];
  document.getElementById("announce").textContent = sentence;
}

function tell(words) {
  if (state) state.textContent = words;
}
