// A browser's window with Amazon's script in it, as much of both as the page's
// own script touches. The standard input is a JSON array of plays: glue (the
// script), data (of the page), parts (ids of the elements that the page has),
// before (JavaScript of the page's own, ahead of the script) and scenario
// (JavaScript). The output is a JSON array of what happened in each,
// line by line.
"use strict";
const vm = require("node:vm");

async function play({ glue, data, parts, before, scenario }) {
  const lines = [];
  const log = (...words) => lines.push(words.join(" "));
  const show = (value) => JSON.stringify(value);

  // A clock that goes by hand.
  let now = 1000000;
  let timers = [];
  const clock = {
    setTimeout: (f, ms) => { const timer = { f, at: now + ms }; timers.push(timer); return timer; },
    clearTimeout: (timer) => { timers = timers.filter((t) => t !== timer); },
  };
  const settle = async () => { for (let i = 0; i < 20; i++) await new Promise((r) => setImmediate(r)); };
  async function pass(ms) {
    now += ms;
    for (const t of timers.filter((t) => t.at <= now).sort((a, b) => a.at - b.at)) {
      clock.clearTimeout(t);
      t.f();
    }
    await settle();
  }
  const sleep = (ms) => { now += ms; }; // the computer's: timers stand still

  // The document.
  class Place extends EventTarget {
    constructor(id) {
      super();
      this.id = id;
      this.hidden = id === "amazonpay-signin";
      this.disabled = id === "amazonpay-confirm";
      this.textContent = "";
    }
    scrollIntoView() { // nothing is said that the buyer does not see
      if (this.id === "amazonpay-messages") log("says", this.textContent);
    }
  }
  const places = { "amazonpay-data": { textContent: JSON.stringify(data) } };
  for (const id of parts) places[id] = new Place(id);
  const document = Object.assign(new EventTarget(), {
    readyState: "complete",
    getElementById: (id) => places[id] || null,
  });
  Object.defineProperty(document, "cookie", { set: (text) => log("cookie", text) });
  document.addEventListener("amazonpay", (e) => log("answered", e.detail.event.kind, show(e.detail.answer)));

  // The shop's server. answers hold what comes next; default is 204.
  const answers = [];
  function fetch(url, request) {
    const { kind, ...rest } = JSON.parse(request.body);
    const fields = Object.entries(rest).filter(([, v]) => v !== "").map(([k, v]) => k + "=" + v);
    log("post", kind, ...fields);
    const want = { method: "POST", mode: "same-origin", credentials: "same-origin", redirect: "error", cache: "no-store" };
    for (const name in want) if (request[name] !== want[name]) log("WRONG", name, request[name]);
    if (url !== data.events || request.headers["X-CSRF-Token"] !== data.csrfToken ||
        request.headers["Content-Type"] !== "application/json") log("WRONG request", url, show(request.headers));
    const answer = answers.length ? answers.shift() : { status: 204, text: "" };
    return new Promise((resolve, reject) => {
      request.signal.addEventListener("abort", () => reject(new Error("aborted")));
      if (answer === "never") return;
      if (answer === "down") return reject(new TypeError("no connection"));
      const response = { ok: answer.status < 300, status: answer.status, text: async () => answer.text || "" };
      if (answer.wait) answer.wait.then(() => resolve(response)); else resolve(response);
    });
  }

  // Amazon's script, from the documentation. The widgets that are bound, by name:
  // a scenario calls their callbacks.
  const widget = {};
  const buttons = {};
  let flow; // the confirmation flow's callback
  let authorized; // the sign-in's
  const error = (code) => ({ getErrorCode: () => code, getErrorMessage: () => "text of Amazon's" });
  const created = (id) => ({ getAmazonBillingAgreementId: () => id, getAmazonOrderReferenceId: () => id });
  const consent = (status) => ({ getConsentStatus: () => status });
  const plainOf = (options) => show(Object.fromEntries(Object.entries(options).filter(([, v]) => typeof v !== "function")));
  function kind(name) {
    return class {
      constructor(options) { this.options = options; }
      setPresentmentCurrency(code) { log("currency", code); return this; }
      bind(id) {
        log("bind", name, id, plainOf(this.options));
        widget[name] = this.options;
        return this;
      }
    };
  }
  const amazon = {
    Login: {
      setClientId: (id) => log("setClientId", id),
      setUseCookie: (yes) => log("setUseCookie", yes),
      logout: () => log("logout"),
      authorize(options, next) {
        log("authorize", show(options), typeof next === "function" ? "" : next);
        authorized = next;
        return { onComplete: (url) => log("onComplete", url) };
      },
    },
  };
  const OffAmazonPayments = {
    Button(id, seller, options) {
      log("button", id, seller, plainOf(options));
      buttons[id] = options;
    },
    Widgets: { AddressBook: kind("AddressBook"), Wallet: kind("Wallet"), Consent: kind("Consent") },
    initConfirmationFlow(seller, id, callback) {
      log("initConfirmationFlow", seller, id);
      flow = callback;
    },
  };
  const confirmationFlow = { success: () => log("flow.success"), error: () => log("flow.error") };

  class Clock extends Date { static now() { return now; } }
  const location = { assign: (url) => log("goes to", url), reload: () => log("reloads") };
  const window = Object.assign(new EventTarget(), {
    document, fetch, location, AbortController, CustomEvent, JSON, Promise, Date: Clock, ...clock,
    console: { error: () => log("console error") },
  });
  window.window = window;
  vm.createContext(window);
  new Function("window", "amazon", "OffAmazonPayments", "log", before)(window, amazon, OffAmazonPayments, log);
  vm.runInContext(glue, window);

  // load is the arrival of Amazon's script: first the login, then the payments.
  async function load() {
    window.amazon = amazon;
    window.onAmazonLoginReady();
    window.OffAmazonPayments = OffAmazonPayments;
    window.onAmazonPaymentsReady();
    await settle();
  }
  const at = (id) => places["amazonpay-" + id];
  async function click(id) {
    if (at(id).disabled) return log("disabled", id);
    at(id).dispatchEvent(new Event("click"));
    await settle();
  }
  const state = () => log(at("confirm").disabled ? "Confirm disabled" : "Confirm enabled");

  const run = new (Object.getPrototypeOf(async () => {}).constructor)(
    "load", "click", "at", "state", "settle", "pass", "sleep", "widget", "buttons", "error", "created", "consent",
    "answers", "authorized", "flow", "confirmationFlow", "window", "document", "amazon", "OffAmazonPayments", "log", scenario);
  await run(load, click, at, state, settle, pass, sleep, widget, buttons, error, created, consent,
    answers, (response) => authorized(response), (given) => flow(given || confirmationFlow), confirmationFlow, window, document, amazon, OffAmazonPayments, log,
  ).catch((e) => log("FAILED", e.stack));
  return lines;
}

(async () => {
  const happened = [];
  for (const one of JSON.parse(require("node:fs").readFileSync(0, "utf8"))) happened.push(await play(one));
  console.log(JSON.stringify(happened));
})();
