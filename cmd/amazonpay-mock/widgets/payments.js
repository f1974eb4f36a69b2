// The imitation of OffAmazonPayments, behind login.js in the same function.

const place = (() => {
  if (source.pathname.startsWith('/images/G/09/')) return { country: 'jp', lpa: true };
  const m = /^\/OffAmazonPayments\/([a-z]+)\/(?:sandbox\/)?(lpa\/)?js\/Widgets\.js$/.exec(source.pathname);
  return { country: m ? m[1] : 'us', lpa: !!(m && m[2]) };
})();
const region = { us: 'NA', uk: 'UK', gbp: 'UK', de: 'EU', eur: 'EU', jp: 'JP' }[place.country];
const environment = sandbox ? 'sandbox' : 'production';
if (place.lpa === (region === 'NA')) {
  complain('Amazon has no such script for', place.country, '- outside the US the path has lpa/ in it, in the US it has not');
}

const messages = {
  AddressNotModifiable: 'The address cannot be changed in the present state.',
  BuyerNotAssociated: 'The buyer is not associated with the object. Sign in before the widget is rendered.',
  BuyerSessionExpired: "The buyer's session has expired. Sign in again.",
  InvalidAccountStatus: "The seller's account is not active.",
  InvalidBillingAgreementStatus: 'The BillingAgreementId is in an invalid state',
  InvalidOrderReferenceId: 'The order reference id is invalid.',
  InvalidParameterValue: 'A parameter has an invalid value.',
  InvalidSellerId: 'The sellerId is invalid.',
  MissingParameter: 'A parameter is missing.',
  PaymentMethodNotModifiable: 'The payment method cannot be changed in the present state.',
  ReleaseEnvironmentMismatch: 'A sandbox widget with a live object, or the other way round.',
  StaleOrderReference: 'The object was not confirmed in time and has been canceled.',
  UnknownError: 'There was an unknown error in the service.',
  ITP: 'The browser prevents tracking.',
};

// forced are errors that a test wants: by widget, or of all by an empty name.
const forced = {};

function force(widget, code) {
  if (code && !messages[code]) complain('there is no error', code, '- there are', Object.keys(messages).join(', '));
  else if (code) forced[widget || ''] = code;
  else delete forced[widget || ''];
}

for (const pair of (source.searchParams.get('mockError') || '').split(',').filter(Boolean)) {
  const [widget, code] = pair.includes(':') ? pair.split(':') : ['', pair];
  force(widget, code);
}

const refusal = (code, message) => ({ code, message: message || messages[code] });

function forcedFor(kind) {
  const code = forced[kind] || forced[''];
  return code ? refusal(code) : null;
}

function tell(onError, problem) {
  complain(problem.code, problem.message);
  guardedCall(onError, {
    getErrorCode: () => problem.code,
    getErrorMessage: () => problem.message,
  });
}

const objectOf = (ids) => ({
  getAmazonBillingAgreementId: () => ids.agreement || undefined,
  getAmazonOrderReferenceId: () => ids.order || undefined,
});

// A status has strings, as shops have found them. Where the buyer consented at
// login it has no function.
const consentOf = (data) => (data.byLogin ? {} : { getConsentStatus: () => String(Boolean(data.consent)) });

const bound = []; // all widgets that have been shown

const titles = { AddressBook: 'address book', Wallet: 'payment methods', Consent: 'consent to future payments' };
const sizes = { AddressBook: ['400px', '228px'], Wallet: ['400px', '228px'], Consent: ['400px', '140px'] };

class Widget {
  constructor(kind, options) {
    this.kind = kind;
    this.options = options || {};
    this.ids = {};
    this.currency = this.options.presentmentCurrency || '';
    this.init = null;
    this.opened = null;
  }

  // problem is what is wrong with the options, as far as it can be told here.
  problem(element) {
    const o = this.options;
    const wrong = (name) => refusal('InvalidParameterValue', 'The parameter ' + name + ' has an invalid value.');
    if (!element) return wrong('bind: there is no such element');
    if (o.agreementType !== undefined && o.agreementType !== 'BillingAgreement' && o.agreementType !== 'OrderReference') return wrong('agreementType');
    if (o.displayMode !== undefined && !/^(edit|read)$/i.test(o.displayMode)) return wrong('displayMode');
    const design = o.design || {};
    if (design.designMode !== undefined && !['responsive', 'smartphoneCollapsible'].includes(design.designMode)) return wrong('design');
    if (this.kind === 'Consent' && !o.amazonBillingAgreementId) return refusal('MissingParameter', 'The parameter amazonBillingAgreementId is missing.');
    return forcedFor(this.kind);
  }

  bind(id) {
    const element = document.getElementById(String(id).trim());
    const problem = this.problem(element);
    if (!element) {
      tell(this.options.onError, problem);
      return this;
    }
    for (const other of bound.filter((w) => w.element === element)) other.close();
    element.textContent = '';
    this.element = element;
    bound.push(this);
    const o = this.options;
    this.init = {
      title: 'Amazon Pay mock: ' + titles[this.kind],
      widget: this.kind,
      region,
      environment,
      token: currentToken(),
      seller: String(o.sellerId || ''),
      agreement: String(o.amazonBillingAgreementId || ''),
      order: String(o.amazonOrderReferenceId || ''),
      recurring: o.agreementType === 'BillingAgreement',
      readOnly: /^read$/i.test(o.displayMode || ''),
      currency: this.currency,
      collapsible: (o.design || {}).designMode === 'smartphoneCollapsible',
      problem,
    };
    this.opened = openFrame(element, this.init, (name, data) => this.happened(name, data));
    this.dress();
    return this;
  }

  // dress gives the frame its size. Styles are set one by one: a page may
  // forbid style attributes.
  dress() {
    const design = this.options.design || {};
    const style = this.opened.frame.style;
    const [width, height] = sizes[this.kind];
    style.border = '0';
    style.display = 'block';
    style.maxWidth = '100%';
    if (design.size) {
      style.width = design.size.width || width;
      style.height = design.size.height || height;
    } else if (design.designMode) {
      style.width = '100%';
      style.height = design.designMode === 'responsive' ? '100%' : '120px';
      style.minHeight = this.kind === 'Consent' ? '140px' : design.designMode === 'responsive' ? height : '';
    } else {
      style.width = width;
      style.height = height;
    }
  }

  close() {
    this.opened.close();
    bound.splice(bound.indexOf(this), 1);
  }

  happened(name, data) {
    const o = this.options;
    if (name === 'error') {
      tell(o.onError, data);
    } else if (name === 'ready') {
      this.ids = { agreement: data.agreement, order: data.order };
      // A frame that the page moves begins anew, but not with another object.
      Object.assign(this.init, { agreement: data.agreement || '', order: data.order || '' });
      const object = this.kind === 'Consent' ? consentOf(data) : objectOf(this.ids);
      if (data.created) guardedCall(data.agreement ? o.onBillingAgreementCreate : o.onOrderReferenceCreate, object);
      if (this.kind === 'Consent') guardedCall(o.onRender, object);
      guardedCall(o.onReady, object);
    } else if (name === 'select') {
      guardedCall(this.kind === 'Wallet' ? o.onPaymentSelect : o.onAddressSelect, objectOf(this.ids));
      if (this.kind === 'AddressBook' && data.again) this.refreshWallets();
    } else if (name === 'consent') {
      guardedCall(o.onConsent, consentOf(data));
    } else if (name === 'height' && (o.design || {}).designMode === 'smartphoneCollapsible') {
      this.opened.frame.style.height = Math.max(60, Math.min(Number(data) || 0, 2000)) + 'px';
    }
  }

  // refreshWallets shows the wallets anew after a change of the address.
  refreshWallets() {
    for (const w of bound) {
      if (w.kind === 'Wallet' && (w.ids.agreement || w.ids.order) === (this.ids.agreement || this.ids.order)) {
        w.opened.send({ amazonPayMock: 'refresh' });
      }
    }
  }
}

class AddressBook extends Widget {
  constructor(options) { super('AddressBook', options); }
}

class Wallet extends Widget {
  constructor(options) { super('Wallet', options); }

  setPresentmentCurrency(currency) {
    this.currency = String(currency);
    return this;
  }
}

class Consent extends Widget {
  constructor(options) { super('Consent', options); }
}

const buttonTexts = { PwA: 'Amazon Pay', Pay: 'Pay', A: 'a', LwA: 'Login with Amazon', Login: 'Login' };
const buttonColors = { Gold: ['#f7ca00', '#111'], LightGray: ['#e0e0e0', '#111'], DarkGray: ['#484848', '#fff'] };
const buttonSizes = { small: [32, 13], medium: [40, 15], large: [48, 17], 'x-large': [56, 20] };

function buttonProblem(options) {
  for (const [name, known] of [['type', buttonTexts], ['color', buttonColors], ['size', buttonSizes]]) {
    if (options[name] !== undefined && !known[options[name]]) {
      return refusal('InvalidParameterValue', 'The parameter ' + name + ' has an invalid value.');
    }
  }
  if (region === 'JP' && !['LwA', 'PwA', undefined].includes(options.type)) {
    return refusal('InvalidParameterValue', 'The types of a button in Japan are LwA and PwA.');
  }
  if (typeof options.authorization !== 'function') return refusal('MissingParameter', 'The parameter authorization is missing.');
  return forcedFor('Button');
}

function drawButton(options) {
  const type = options.type || 'PwA';
  const [background, color] = buttonColors[options.color || 'Gold'];
  const [height, size] = buttonSizes[options.size || 'medium'];
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'amazonpay-button-inner-image';
  button.textContent = buttonTexts[type];
  button.title = 'Amazon Pay mock, no real payment';
  if (options.language) button.lang = options.language;
  if (type === 'A') button.setAttribute('aria-label', 'Amazon Pay');
  Object.assign(button.style, {
    background, color, height: height + 'px', fontSize: size + 'px', minWidth: type === 'A' ? height + 'px' : height * 4 + 'px',
    maxWidth: '100%', padding: '0 16px', border: '1px solid #a88734', borderRadius: '4px', cursor: 'pointer',
    fontFamily: 'Arial, sans-serif', fontWeight: 'bold', boxSizing: 'border-box',
  });
  return button;
}

function Button(elementId, sellerId, options) {
  options = options || {};
  const element = document.getElementById(String(elementId).trim());
  const problem = element ? buttonProblem(options) : refusal('InvalidParameterValue', 'There is no element of the id of the button.');
  if (problem) {
    setTimeout(() => tell(options.onError, problem), 0);
    if (!element || problem.code !== 'ITP') return;
  }
  const about = { widget: 'Button', region, environment, seller: String(sellerId || '') };
  const button = drawButton(options);
  element.textContent = '';
  element.appendChild(button);
  ask(Object.assign({ token: '' }, about), (name, data) => {
    if (name !== 'error') return;
    if (data.code !== 'ITP') button.remove();
    tell(options.onError, data);
  });
  button.addEventListener('click', () => {
    authorizing = null;
    guardedCall(options.authorization);
    if (authorizing && typeof options.onSignIn === 'function') {
      authorizing.onComplete((response) => signedIn(response, about, options));
    }
  });
}

// signedIn makes the object of a button with onSignIn.
function signedIn(response, about, options) {
  if (!response.access_token) return;
  ask(Object.assign({
    token: response.access_token,
    recurring: options.agreementType === 'BillingAgreement',
    digital: options.useAmazonAddressBook === false,
  }, about), (name, data) => {
    if (name === 'error') tell(options.onError, data);
    else guardedCall(options.onSignIn, objectOf(data));
  });
}

// initConfirmationFlow leads to the bank's page, once the shop has confirmed.
function initConfirmationFlow(sellerId, id, callback) {
  let over = false;
  const once = (f) => () => {
    if (!over) f();
    over = true;
  };
  const agreement = /^[BC]/.test(String(id || ''));
  const flow = {
    success: once(() => ask({
      widget: 'Confirmation', region, environment, token: currentToken(), seller: String(sellerId || ''),
      agreement: agreement ? String(id) : '', order: agreement ? '' : String(id || ''),
    }, (name, data) => {
      if (name === 'error') complain('the confirmation flow:', data.code, data.message);
      else location.assign(base + data.confirm);
    })),
    error: once(() => {}),
  };
  setTimeout(() => guardedCall(callback, flow), 0);
}

window.OffAmazonPayments = {
  Button,
  Widgets: { AddressBook, Wallet, Consent },
  initConfirmationFlow,
  mock: { force }, // not Amazon's
};

// A page may render in onAmazonPaymentsReady: its elements must be there.
const paymentsReady = () => guardedCall(window.onAmazonPaymentsReady);
if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', paymentsReady, { once: true });
else setTimeout(paymentsReady, 0);
