// Keeps the page up to date: it asks for the same page again and changes what is
// different, in place, so that focus, selection, scroll and what has been typed
// stay. The page works without it.
"use strict";
(() => {
  const live = document.getElementById("live");
  const news = document.getElementById("news");
  const told = new URL(location.href);
  if (told.searchParams.has("told")) { // said once
    told.searchParams.delete("told");
    history.replaceState(null, "", told);
  }
  live.hidden = false;

  // The key by which a child is found again.
  const keyOf = (node) => (node.nodeType === 1 && node.id) || "";
  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

  function attributes(old, fresh) {
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !(name === "open" || name === "class" && old.classList.contains("fresh"))) old.removeAttribute(name);
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (name === "open" && polling || old.getAttribute(name) === value) continue;
      if (name === "data-state") changed.push([old, value]);
      old.setAttribute(name, value);
    }
  }

  let polling = false;
  let changed = []; // elements whose object has another state, or is new

  // What the user has put into a form stays, and so does what is wrong with it.
  const kept = (old) => polling && old.nodeType === 1 && (old.hasAttribute("data-failed") || old.id === "notes");

  function morph(old, fresh) {
    if (old.nodeType !== 1) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    if (kept(old)) return;
    attributes(old, fresh);
    const byKey = new Map();
    for (const child of old.children) if (child.id) byKey.set(child.id, child);
    let at = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const known = keyOf(next) && byKey.get(next.id);
      if (known && known.nodeName === next.nodeName) {
        // Where rows have moved, what stood between goes or comes later.
        while (at && at !== known && !(keyOf(at) && fresh.querySelector("#" + CSS.escape(at.id)))) at = drop(at);
        if (at === known) at = at.nextSibling; else old.insertBefore(known, at);
        morph(known, next);
      } else if (at && !keyOf(at) && !keyOf(next) && alike(at, next)) {
        morph(at, next);
        at = at.nextSibling;
      } else {
        const added = document.importNode(next, true);
        old.insertBefore(added, at);
        if (added.nodeType === 1) for (const e of [added, ...added.querySelectorAll("[data-state]")]) {
          if (e.dataset.state) changed.push([e, e.dataset.state]);
        }
      }
    }
    while (at) at = drop(at);
  }

  function drop(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  function show(page) {
    const fresh = page.getElementById("main");
    if (!fresh) return;
    changed = [];
    const focused = document.activeElement && document.activeElement.id;
    const within = document.activeElement && document.activeElement.closest("section[id]");
    morph(document.getElementById("main"), fresh);
    morph(document.getElementById("now"), page.getElementById("now"));
    document.title = page.title;
    if (focused && document.activeElement === document.body) { // what had the focus is gone
      const to = document.getElementById(focused) || (within && within.isConnected && (within.querySelector("button, summary, a[href]"))) || document.getElementById("main");
      to.focus({ preventScroll: true });
    }
    for (const [e] of changed) {
      e.classList.remove("fresh");
      void e.offsetWidth;
      e.classList.add("fresh");
    }
    const texts = [...new Set(changed.map(([, text]) => text))];
    if (texts.length) news.textContent = texts.slice(0, 3).join(". ") + (texts.length > 3 ? ` and ${texts.length - 3} more.` : ".");
  }

  const parse = (text) => new DOMParser().parseFromString(text, "text/html");
  let busy = 0; // forms on their way
  let turn = 0; // a form has been sent since

  async function poll() {
    const began = performance.now();
    if (live.getAttribute("aria-pressed") === "true" && document.visibilityState === "visible" && !busy) {
      const mine = turn;
      try {
        const answer = await fetch(document.body.dataset.here, { headers: { "X-Inspector": "poll" }, cache: "no-store" });
        const text = await answer.text();
        if (answer.ok && mine === turn && !busy) {
          polling = true;
          show(parse(text));
          polling = false;
        }
        live.textContent = "Live";
        live.classList.remove("lost");
      } catch {
        live.textContent = "Not reached";
        live.classList.add("lost");
      }
    }
    // A page that takes long is asked for less often.
    setTimeout(poll, Math.max(1000, 10 * (performance.now() - began)));
  }

  live.addEventListener("click", () => {
    const on = live.getAttribute("aria-pressed") !== "true";
    live.setAttribute("aria-pressed", String(on));
    live.textContent = on ? "Live" : "Paused";
  });

  // A form is sent without leaving the page, if that leads back to it.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.getAttribute("method") !== "post") return; // a field may be called method, or action
    event.preventDefault();
    if (busy) return; // once is enough
    busy++;
    turn++;
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(form, event.submitter)) });
      const to = new URL(answer.url);
      if (answer.redirected && (to.pathname !== location.pathname || to.searchParams.get("region") !== new URL(location.href).searchParams.get("region"))) {
        location.assign(answer.url);
        return;
      }
      const page = parse(await answer.text());
      if (answer.ok) {
        form.reset();
        const more = form.closest("details");
        if (more) more.open = false;
      }
      show(page);
      const wrong = document.querySelector("[aria-invalid]");
      if (!answer.ok && wrong) wrong.focus();
    } catch {
      live.textContent = "Not reached";
      live.classList.add("lost");
    } finally {
      busy--;
    }
  });

  setTimeout(poll, 1000);
})();
