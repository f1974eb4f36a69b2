// Tells the page that opened the sign-in what came of it. Only the origin of the
// redirect_uri, which has been checked, may hear it.
'use strict';

(() => {
  const answer = document.querySelector('meta[name=answer]');
  if (window.opener && answer) {
    window.opener.postMessage({ amazonPayMock: 'login', answer: JSON.parse(answer.content) }, answer.dataset.origin);
  }
  window.close();
})();
