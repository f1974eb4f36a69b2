// Small comforts for the pages with widgets. Everything works without them: what
// counts is decided on the server.
(function () {
  "use strict";
  const names = ["address", "payment", "consent", "buyer"];

  // What the server says is no longer missing leaves the list.
  document.addEventListener("amazonpay", function (e) {
    const kind = e.detail.event.kind;
    const list = document.getElementById("missing");
    const missing = e.detail.answer && e.detail.answer.missing;
    if (!list || !Array.isArray(missing) || kind === "created") return;
    for (const name of names) {
      const item = document.getElementById("missing-" + name);
      if (item && !missing.includes(name)) item.remove();
    }
    if (!list.querySelector("li")) list.remove();
  });

  const confirm = document.getElementById("amazonpay-confirm");
  const working = document.getElementById("working");
  const messages = document.getElementById("amazonpay-messages");
  if (confirm && working) {
    confirm.addEventListener("click", function () { working.textContent = "One moment: we are confirming this with Amazon."; });
    if (messages) new MutationObserver(function () { working.textContent = ""; }).observe(messages, { childList: true });
  }

  // A second click does nothing on the server; here it does not even look as if.
  for (const form of document.querySelectorAll("form")) {
    form.addEventListener("submit", function () {
      for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
    });
  }
  window.addEventListener("pageshow", function () {
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });
})();
