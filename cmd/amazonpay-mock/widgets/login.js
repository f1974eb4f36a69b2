// The imitation of amazon.Login. This file and payments.js are sent as one
// script within one function; Login with Amazon's own script is this part alone.

const script = document.currentScript ||
  Array.from(document.scripts).find((s) => /\/(Widgets|login1)\.js([?#]|$)/.test(s.src));
const source = new URL(script ? script.src : '', location.href);
const base = source.origin; // of everything that the buyer sees

function complain(...words) {
  console.error('amazonpay-mock:', ...words);
}

// sandbox is what the script's path says of the environment; nothing in a script
// of sign-in alone. Amazon's consent page has another way to know it.
const sandbox = source.pathname.endsWith('/Widgets.js') ? source.pathname.includes('/sandbox/') : undefined;

// guardedCall runs a function of the page: what it throws is the page's, and
// ends nothing here.
function guardedCall(f, ...values) {
  if (typeof f !== 'function') return;
  try {
    f(...values);
  } catch (e) {
    setTimeout(() => { throw e; }, 0);
  }
}

// openFrame shows a page of the mock's. What the buyer sees and does there is
// out of the reach of this page; the two talk by messages.
function openFrame(parent, init, onMessage) {
  const frame = document.createElement('iframe');
  frame.src = base + '/widgets/frame';
  frame.title = init.title || 'Amazon Pay mock';
  const listener = (event) => {
    if (event.source !== frame.contentWindow || event.origin !== base || !event.data) return;
    if (!frame.isConnected) return;
    if (event.data.amazonPayMock === 'hello') {
      send({ amazonPayMock: 'init', init });
    } else if (event.data.amazonPayMock === 'event') {
      onMessage(event.data.name, event.data.data);
    }
  };
  const send = (message) => { if (frame.contentWindow) frame.contentWindow.postMessage(message, base); };
  const close = () => {
    window.removeEventListener('message', listener);
    frame.remove();
  };
  window.addEventListener('message', listener);
  parent.appendChild(frame);
  return { frame, send, close };
}

// ask lets an unseen frame ask the mock something.
function ask(init, done) {
  const hidden = document.createElement('div');
  hidden.hidden = true;
  (document.body || document.documentElement).appendChild(hidden);
  const opened = openFrame(hidden, init, (name, data) => {
    opened.close();
    hidden.remove();
    done(name, data);
  });
}

const tokenCookie = 'amazon_Login_accessToken';
const stateCookie = 'amazon_Login_state_cache';
const cookieLife = 3300; // seconds: the token itself lives 3600

function readCookie(name) {
  const found = document.cookie.split('; ').find((c) => c.startsWith(name + '='));
  return found ? found.slice(name.length + 1) : '';
}

function writeCookie(name, value, life) {
  const secure = location.protocol === 'https:' ? ';secure' : '';
  document.cookie = name + '=' + value + ';path=/;max-age=' + life + secure;
}

let clientID = '';
let useCookie = false;
let session = null; // the answer to the last authorize of this page
let endsAt = 0;
let loggedOut = false;
let authorizing = null; // the last AuthorizeRequest, for the button

// currentToken is the buyer's: of this page's sign-in, of the cookie that
// setUseCookie or the landing page wrote, or of the query that a pop-up's
// sign-in has sent the page to. A token in the fragment is the landing page's to
// store, as documented.
function currentToken() {
  if (session) return session.access_token; // the widgets say whether it is too old
  const cookie = readCookie(tokenCookie);
  if (cookie) return /^Atza%7C/i.test(cookie) ? decodeURIComponent(cookie) : cookie;
  return loggedOut ? '' : new URLSearchParams(location.search).get('access_token') || '';
}

function keepSession(answer) {
  session = answer;
  loggedOut = false;
  endsAt = Date.now() + Number(answer.expires_in || 3600) * 1000;
  if (!useCookie) return;
  writeCookie(tokenCookie, encodeURIComponent(answer.access_token), cookieLife);
  writeCookie(stateCookie, encodeURIComponent(JSON.stringify({
    access_token: answer.access_token,
    max_age: cookieLife,
    expiration_date: Date.now() + cookieLife * 1000,
    client_id: clientID,
    scope: answer.scope,
  })), cookieLife);
}

// AuthorizeRequest is what authorize returns; it becomes the response.
class AuthorizeRequest {
  constructor() {
    this.status = 'queued';
    this.followers = [];
    Object.defineProperty(this, 'followers', { enumerable: false });
  }

  onComplete(next) {
    if (this.status === 'complete') this.deliver(next);
    else this.followers.push(next);
    return this;
  }

  // deliver gives the answer to a function, or sends the page to an address
  // with the answer in its query.
  deliver(next) {
    if (typeof next === 'function') {
      guardedCall(next, this);
    } else if (typeof next === 'string' && next !== '') {
      const target = new URL(next, location.href);
      for (const name of ['access_token', 'token_type', 'expires_in', 'scope', 'code', 'state', 'error', 'error_description', 'error_uri']) {
        if (this[name] !== undefined) target.searchParams.append(name, this[name]);
      }
      location.assign(target.href);
    }
  }

  complete(answer) {
    if (this.status === 'complete') return;
    Object.assign(this, answer, { status: 'complete' });
    if (this.access_token) keepSession(answer);
    for (const next of this.followers.splice(0)) this.deliver(next);
  }
}

function consentAddress(options, redirect) {
  const scope = Array.isArray(options.scope) ? options.scope.join(' ') : String(options.scope || 'profile');
  const query = {
    client_id: clientID,
    scope,
    response_type: options.response_type || 'token',
    redirect_uri: redirect,
    state: options.state,
    sandbox,
    scope_data: options.scope_data && JSON.stringify(options.scope_data),
  };
  const parts = Object.keys(query).filter((name) => query[name] !== undefined)
    .map((name) => name + '=' + encodeURIComponent(query[name]));
  return base + '/ap/oa?' + parts.join('&');
}

// openPopup signs the buyer in in a window of the mock's. It answers this
// origin only: that is the origin of the redirect_uri.
function openPopup(request, options) {
  const address = consentAddress(options, location.origin + location.pathname) + '&popup=true';
  const popup = window.open(address, 'amazonloginpopup', 'location=1,scrollbars=1,width=800,height=680');
  const denied = { error: 'access_denied', error_description: 'Access not permitted.', state: options.state };
  if (!popup) {
    complain('the browser has blocked the sign-in window: call authorize in a click');
    setTimeout(() => request.complete(denied), 0);
    return;
  }
  const finish = (answer) => {
    clearInterval(watch);
    window.removeEventListener('message', listener);
    popup.close();
    request.complete(answer);
  };
  const listener = (event) => {
    if (event.source === popup && event.origin === base && event.data && event.data.amazonPayMock === 'login') {
      finish(event.data.answer);
    }
  };
  window.addEventListener('message', listener);
  const watch = setInterval(() => { if (popup.closed) finish(denied); }, 300);
}

class Login {
  setClientId(id) { clientID = String(id); }
  getClientId() { return clientID; }
  setUseCookie(use) { useCookie = Boolean(use); }
  setSandboxMode(sandbox) { this.sandbox = Boolean(sandbox); }
  setRegion(region) { this.region = region; }
  setLanguage(language) { this.language = language; }
  setSiteDomain(domain) { this.domain = domain; }

  authorize(options, next) {
    options = options || {};
    const request = new AuthorizeRequest();
    authorizing = request;
    if (next) request.onComplete(next);
    request.status = 'in_progress';
    const fail = (error, text) => setTimeout(() => request.complete({ error, error_description: text, state: options.state }), 0);
    const popup = options.popup === undefined || Boolean(options.popup);
    if (!clientID) {
      complain('amazon.Login.setClientId has not been called');
      fail('invalid_request', 'The request is missing a required parameter : client_id');
    } else if (options.pkce) {
      complain('pkce is not imitated: the widgets need an access token');
      fail('invalid_request', 'Malformed request');
    } else if (options.interactive === 'never') {
      const token = session && Date.now() >= endsAt ? '' : currentToken();
      if (token) setTimeout(() => request.complete(Object.assign({ access_token: token, token_type: 'bearer', expires_in: 3600 }, session)), 0);
      else fail('access_denied', 'Access not permitted.');
    } else if (popup) {
      openPopup(request, options);
    } else if (typeof next !== 'string' || next === '') {
      complain('authorize with popup: false needs the address of the landing page');
      fail('invalid_request', 'The request is missing a required parameter : redirect_uri');
    } else {
      location.assign(consentAddress(options, new URL(next, location.href).href));
    }
    return request;
  }

  logout() {
    session = null;
    loggedOut = true;
    for (const name of [tokenCookie, stateCookie]) writeCookie(name, '', 0);
  }

  retrieveProfile(token, callback) {
    if (typeof token === 'function') [token, callback] = [currentToken(), token];
    ask({ profile: true, token: token || '' }, (name, data) => {
      guardedCall(callback, name === 'profile' ? { success: true, profile: data } : { success: false, error: data.code });
    });
  }

  retrieveToken(code, callback) {
    complain('retrieveToken is not imitated: let a server exchange the code');
    setTimeout(() => guardedCall(callback, { success: false, error: 'invalid_request' }), 0);
  }
}

window.amazon = window.amazon || {};
window.amazon.Login = new Login();
guardedCall(window.onAmazonLoginReady);
