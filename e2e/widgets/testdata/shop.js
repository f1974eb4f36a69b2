// A shop's page, by hand, in the order of Amazon's recurring sample.
'use strict';

const shop = document.currentScript.dataset;
window.events = [];

function note(name, detail) {
  window.events.push(detail === undefined ? name : name + ' ' + detail);
}

document.addEventListener('securitypolicyviolation', (e) => note('csp', e.violatedDirective));
window.addEventListener('error', (e) => note('exception', e.message));

function failed(widget) {
  return (error) => note(widget + '.onError', error.getErrorCode() + (error.getErrorMessage() ? '' : ' (no message)'));
}

function show(text) {
  document.getElementById('result').textContent = text;
}

async function post(path, values) {
  const response = await fetch(path, { method: 'POST', body: new URLSearchParams(values) });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

window.onAmazonLoginReady = () => {
  note('onAmazonLoginReady');
  amazon.Login.setClientId(shop.client);
  amazon.Login.setUseCookie(true);
};

function authorize() {
  const options = { scope: shop.scope, state: 'state-1' };
  if (shop.mode === 'redirect') {
    options.popup = false;
    amazon.Login.authorize(options, '/landing');
  } else if (shop.mode === 'url') {
    amazon.Login.authorize(options, '/checkout');
  } else if (shop.mode === 'onsignin') {
    amazon.Login.authorize(options);
  } else {
    amazon.Login.authorize(options, (response) => {
      note('authorized', [response.status, response.error || response.token_type, response.state].join(' '));
      if (!response.error) checkout();
    });
  }
}

function button() {
  OffAmazonPayments.Button('AmazonPayButton', shop.seller, {
    type: 'PwA', color: 'Gold', size: 'large', language: 'en-GB', useAmazonAddressBook: true,
    agreementType: 'BillingAgreement',
    authorization: authorize,
    onSignIn: shop.mode === 'onsignin' ? (object) => note('onSignIn', object.getAmazonBillingAgreementId() ? 'agreement' : 'none') : undefined,
    onError: failed('Button'),
  });
}

function design() {
  return shop.design ? { designMode: shop.design } : { size: { width: '400px', height: '228px' } };
}

function checkout() {
  const options = {
    sellerId: shop.seller, design: design(),
    onReady(object) {
      note('AddressBook.onReady');
      window.agreement = object.getAmazonBillingAgreementId();
    },
    onBillingAgreementCreate() { note('AddressBook.onBillingAgreementCreate'); },
    onAddressSelect(object) {
      note('AddressBook.onAddressSelect', object.getAmazonBillingAgreementId() === window.agreement);
      post('/details', { id: window.agreement }).then((text) => note('details', text));
      if (!window.walletBound) wallet();
    },
    onError: failed('AddressBook'),
  };
  if (shop.agreement) options.amazonBillingAgreementId = shop.agreement;
  else options.agreementType = 'BillingAgreement';
  if (shop.display) options.displayMode = shop.display;
  const widget = new OffAmazonPayments.Widgets.AddressBook(options);
  note('bind', widget.bind('addressBookWidgetDiv') === widget);
  if (shop.display) {
    window.agreement = shop.agreement;
    wallet();
  }
}

function wallet() {
  window.walletBound = true;
  const options = {
    sellerId: shop.seller, amazonBillingAgreementId: window.agreement, design: design(),
    onReady() { note('Wallet.onReady'); },
    onPaymentSelect() {
      note('Wallet.onPaymentSelect');
      if (!window.consentBound) consent();
    },
    onError: failed('Wallet'),
  };
  if (shop.display) options.displayMode = shop.display;
  new OffAmazonPayments.Widgets.Wallet(options).bind('walletWidgetDiv');
}

function consent() {
  window.consentBound = true;
  const enable = (status) => { document.getElementById('confirm').disabled = status !== 'true'; };
  new OffAmazonPayments.Widgets.Consent({
    sellerId: shop.seller, amazonBillingAgreementId: window.agreement,
    design: shop.design ? design() : { size: { width: '400px', height: '140px' } },
    onReady(status) {
      note('Consent.onReady', typeof status.getConsentStatus === 'function' ? typeof status.getConsentStatus() + ' ' + status.getConsentStatus() : 'none');
      if (!status.getConsentStatus) enable('true');
    },
    onConsent(status) {
      note('Consent.onConsent', status.getConsentStatus());
      enable(status.getConsentStatus());
    },
    onError: failed('Consent'),
  }).bind('consentWidgetDiv ');
}

function confirm() {
  if (shop.mode !== 'sca') {
    post('/confirm', { id: window.agreement }).then(show, (e) => show('refused: ' + e.message));
    return;
  }
  OffAmazonPayments.initConfirmationFlow(shop.seller, window.agreement, (flow) => {
    post('/confirm', { id: window.agreement, sca: 'true' }).then(() => flow.success(), (e) => {
      show('refused: ' + e.message);
      flow.error();
    });
  });
}

// landing is the script that Amazon's guide prescribes for the redirect.
function landing() {
  const hash = new URLSearchParams(location.hash.slice(1).replace(/\+/g, '%20'));
  const token = hash.get('access_token') || '';
  if (/^Atza/.test(token)) document.cookie = 'amazon_Login_accessToken=' + encodeURIComponent(token) + ';path=/';
  location.replace(token ? '/checkout' : '/' + location.search);
}

window.onAmazonPaymentsReady = () => {
  note('onAmazonPaymentsReady');
  document.getElementById('confirm').addEventListener('click', confirm);
  document.getElementById('logout').addEventListener('click', () => amazon.Login.logout());
  if (shop.page === 'button') button();
  else if (shop.page === 'landing') landing();
  else checkout();
};
