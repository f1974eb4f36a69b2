// Puts the widgets on the page in Amazon's order and reports what the buyer
// chooses. All it knows stands in #amazonpay-data; it is the same on all pages.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("amazonpay-data").textContent);
  const timeout = 30000; // of a post, and of what Amazon's script is to do
  const ids = { billingAgreementId: data.billingAgreementId, orderReferenceId: data.orderReferenceId };
  const mine = data.oneTime ? "orderReferenceId" : "billingAgreementId";
  const option = data.oneTime ? "amazonOrderReferenceId" : "amazonBillingAgreementId";
  const needs = new Set(data.confirm ? data.confirm.needs : []);
  const bound = { wallet: false, consent: false };
  let chosen = false; // an address
  let ended = false; // the session with Amazon
  let confirming = false;
  let started = false;
  const deadline = Date.now() + data.sessionLeft;
  let queue = Promise.resolve();

  const element = (id) => document.getElementById("amazonpay-" + id);
  const ask = (object, name) => (object && typeof object[name] === "function" ? object[name]() : undefined);

  // Events arrive in the order in which they happened, each once.
  function post(kind, fields) {
    const body = JSON.stringify(Object.assign({ kind: kind }, ids, fields));
    const sent = queue.then(() => send(body)).then((answer) => {
      document.dispatchEvent(new CustomEvent("amazonpay", { detail: { event: JSON.parse(body), answer: answer } }));
    });
    queue = sent.catch(() => undefined);
    return sent;
  }

  function send(body) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeout);
    return fetch(data.events, {
      method: "POST", body: body, signal: abort.signal,
      mode: "same-origin", credentials: "same-origin", redirect: "error", cache: "no-store", keepalive: true,
      headers: { "Content-Type": "application/json", "X-CSRF-Token": data.csrfToken },
    }).then((response) => {
      if (!response.ok) throw Object.assign(new Error("refused"), { status: response.status });
      return response.text();
    }).then(read).finally(() => clearTimeout(timer));
  }

  // A shop may answer an event with JSON, for its own scripts.
  function read(text) {
    try { return JSON.parse(text); } catch (e) { return null; }
  }

  function tell(text) {
    const place = element("messages");
    if (!place) return;
    place.textContent = text;
    if (text) place.scrollIntoView({ block: "nearest" });
  }

  function say(code) {
    const own = Object.prototype.hasOwnProperty.call(data.messages, code);
    tell(own ? data.messages[code] : data.messages.UnknownError);
  }

  // What Amazon's script throws is not the buyer's to read.
  function attempt(step) {
    try { step(); } catch (e) {
      console.error(e);
      say("UnknownError");
    }
  }

  const report = (kind, fields) => post(kind, fields).catch(() => say("notSaved"));

  function showSignIn() {
    const link = element("signin");
    if (!link) return;
    link.hidden = false;
    link.scrollIntoView({ block: "nearest" });
  }

  function enable() {
    const button = element("confirm");
    if (button) button.disabled = ended || confirming || !ids[mine] || needs.size > 0;
  }

  function settle(need, done) {
    if (done) needs.delete(need); else needs.add(need);
    enable();
  }

  // Amazon tells of the object in onReady, and in older pages in other callbacks
  // too: the first one counts.
  function created(reference) {
    const id = ask(reference, data.oneTime ? "getAmazonOrderReferenceId" : "getAmazonBillingAgreementId");
    if (!id || ids[mine]) return;
    ids[mine] = String(id);
    enable();
    return post("created");
  }

  function failed(widget) {
    return function (error) {
      let code = String(ask(error, "getErrorCode") || "");
      if (!/^[A-Za-z0-9_.-]{1,64}$/.test(code)) code = "UnknownError";
      if (code === "ITP") return; // Safari; the widgets go on working
      if (code === "BuyerSessionExpired") return end();
      say(code);
      if (code === "BuyerNotAssociated") showSignIn();
      if (data.events) post("error", { errorCode: code, widget: widget }).catch(() => undefined);
    };
  }

  function forget() {
    if (window.amazon && amazon.Login) ask(amazon.Login, "logout");
    for (const name of ["amazon_Login_accessToken", "amazon_Login_state_cache", "aws-session-id"]) {
      document.cookie = name + "=;expires=Thu, 01 Jan 1970 00:00:00 GMT";
      document.cookie = name + "=;path=/;expires=Thu, 01 Jan 1970 00:00:00 GMT";
    }
  }

  function end() {
    if (ended) return;
    ended = true;
    enable();
    say("BuyerSessionExpired");
    showSignIn();
    forget();
    if (data.events) post("sessionEnded").catch(() => undefined);
  }

  function logout() {
    forget();
    post("logout").then(() => location.assign(data.signIn), () => say("notSaved"));
  }

  // again gives the button back: the buyer is still on this page.
  function again(code) {
    confirming = false;
    enable();
    say(code);
  }

  function confirmed(flow) {
    return post("confirm").then(
      () => {
        // Amazon has no callback for a page of the bank's that it cannot show.
        setTimeout(() => again("confirmUnknown"), timeout);
        if (flow) flow.success(); else location.assign(data.confirm.next);
      },
      (error) => {
        if (flow) flow.error();
        const refused = error.status >= 400 && error.status < 500 && error.status !== 408 && error.status !== 429;
        again(refused ? "notConfirmed" : "confirmUnknown");
      });
  }

  function confirm() {
    if (data.sessionLeft && Date.now() >= deadline) end(); // timers stand still in a computer that sleeps
    if (ended || confirming || !ids[mine] || needs.size > 0) return;
    confirming = true;
    let over = false; // each click confirms once, however often and late Amazon calls
    const once = (then) => (value) => { if (!over) { over = true; then(value); } };
    if (data.confirm.flow) {
      try { // Amazon wants this to be the first call of the click
        OffAmazonPayments.initConfirmationFlow(data.sellerId, ids[mine], once(confirmed));
      } catch (e) {
        console.error(e);
        return once(again)("UnknownError");
      }
      setTimeout(() => once(again)("UnknownError"), timeout);
    } else {
      confirmed(null);
    }
    enable();
    tell(""); // a text that comes again is read aloud again
  }

  function showButton(button) {
    let request;
    const options = Object.assign({}, button.options, { onError: failed("Button") });
    // The return page tells why a sign-in failed.
    const failedSignIn = (response) => { if (response.error) request.onComplete(button.next); };
    options.authorization = function () {
      request = amazon.Login.authorize(button.login, button.creates ? failedSignIn : button.next);
    };
    if (button.creates) {
      if (!data.oneTime) options.agreementType = "BillingAgreement";
      options.useAmazonAddressBook = button.shipping;
      options.onSignIn = function (reference) {
        const sent = created(reference);
        if (sent) sent.then(() => request.onComplete(button.next), () => { ids[mine] = ""; say("notSaved"); });
      };
    }
    OffAmazonPayments.Button(button.id, data.sellerId, options);
  }

  function reportCreated(reference) {
    const sent = created(reference);
    if (sent) sent.catch(() => say("notSaved"));
    advance();
  }

  function optionsOf(widget, name) {
    const options = Object.assign({ sellerId: data.sellerId, onError: failed(name) }, widget.options);
    if (ids[mine]) options[option] = ids[mine];
    else if (!data.oneTime) options.agreementType = "BillingAgreement";
    return options;
  }

  function creating(options) {
    options.onReady = reportCreated;
    options[data.oneTime ? "onOrderReferenceCreate" : "onBillingAgreementCreate"] = reportCreated;
    return options;
  }

  function bindAddressBook() {
    const options = creating(optionsOf(data.addressBook, "AddressBook"));
    options.onAddressSelect = function (reference) {
      reportCreated(reference);
      chosen = true;
      settle("address", true);
      report("address");
      advance();
    };
    new OffAmazonPayments.Widgets.AddressBook(options).bind("amazonpay-addressbook");
  }

  function bindWallet() {
    bound.wallet = true;
    const options = creating(optionsOf(data.wallet, "Wallet"));
    options.onPaymentSelect = function (reference) {
      reportCreated(reference);
      settle("payment", true);
      report("payment");
    };
    const wallet = new OffAmazonPayments.Widgets.Wallet(options);
    if (data.wallet.currency) wallet.setPresentmentCurrency(data.wallet.currency);
    wallet.bind("amazonpay-wallet");
  }

  function bindConsent() {
    bound.consent = true;
    const options = optionsOf(data.consent, "Consent");
    options.onReady = options.onConsent = function (status) {
      // A string in practice, a boolean in the documentation. Where there is
      // nothing to consent to, "undefined", or no such function.
      const said = String(ask(status, "getConsentStatus"));
      const consent = said === "true" || said === "undefined" ? said : "false";
      if (consent === "undefined" && status && typeof status.getConsentStatus === "function") element("consent").hidden = true;
      settle("consent", consent === "true" || consent === "undefined");
      report("consent", { consent: consent });
    };
    new OffAmazonPayments.Widgets.Consent(options).bind("amazonpay-consent");
  }

  // Binds what can be bound now: the Wallet after the first address, the Consent
  // once there is an agreement.
  function advance() {
    const ready = !data.addressBook || (ids[mine] && (chosen || data.addressBook.read));
    if (data.wallet && !bound.wallet && ready) attempt(bindWallet);
    if (data.consent && !bound.consent && ids[mine]) attempt(bindConsent);
  }

  function start() {
    if (started) return;
    started = true;
    if (!ended) tell(""); // it is late, but there
    data.buttons.forEach((button) => attempt(() => showButton(button)));
    if (data.addressBook) attempt(bindAddressBook);
    advance();
    enable();
  }

  // Amazon's script may be faster than the rest of the page.
  function parsed(next) {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", next, { once: true });
    else next();
  }

  parsed(function () {
    const button = element("confirm");
    if (button) button.addEventListener("click", confirm);
    const out = element("logout");
    if (out) out.addEventListener("click", logout);
    if (data.sessionLeft) setTimeout(end, data.sessionLeft);
    setTimeout(() => { if (!started) say("notLoaded"); }, timeout);
  });
  document.addEventListener("error", function (e) {
    if (e.target && e.target.id === "amazonpay-script") parsed(() => say("notLoaded"));
  }, true);

  // A page out of the browser's memory is an old one: its token may be gone, its
  // agreement confirmed.
  window.addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });

  // A page may have functions of its own of these names, and Amazon's script already.
  function when(name, there, next) {
    const own = window[name];
    window[name] = () => {
      next();
      if (typeof own === "function") own();
    };
    if (there) next();
  }

  when("onAmazonLoginReady", window.amazon && amazon.Login, function () {
    amazon.Login.setClientId(data.clientId);
    amazon.Login.setUseCookie(true); // the widgets may be on another page than the button
  });
  when("onAmazonPaymentsReady", window.OffAmazonPayments, () => parsed(start));
})();
