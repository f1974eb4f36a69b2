// Brings what Amazon sent back, in the query or in the fragment that no server
// sees, to the server in the body of a POST, and out of the address.
(function () {
  "use strict";
  const hash = location.hash;
  const delivered = /[#&](access_token|code|error)=/.test(hash) ? hash : location.search;
  history.replaceState(null, "", location.pathname);
  const form = document.getElementById("amazonpay-return");
  form.action = location.pathname;
  form.elements.delivered.value = delivered;
  form.submit();
})();
