// A widget, in its frame at the mock's origin. It acts for the buyer of the
// token that the page around it brings, and tells that page the ids and the
// consent only: no address, no payment method.
'use strict';

(() => {
  const main = document.getElementById('main');
  let init = null;
  let parentOrigin = '';
  let view = null;
  let open = false; // a collapsible list
  let turn = 0; // choices so far

  const tell = (name, data) => window.parent.postMessage({ amazonPayMock: 'event', name, data }, parentOrigin);

  function el(name, attributes, ...children) {
    const e = document.createElement(name);
    Object.assign(e, attributes);
    e.append(...children);
    return e;
  }

  // call asks the mock. The result is a view, or has an error.
  async function call(choice) {
    // The page says which widget, and nothing else: a choice is the buyer's.
    const { token, profile, widget, region, environment, seller, agreement, order, recurring, digital, readOnly, currency } = init;
    const body = { widget, region, environment, seller, agreement, order, recurring, digital, readOnly, currency };
    if (view) Object.assign(body, { agreement: view.agreement, order: view.order });
    try {
      const response = await fetch(profile ? '/user/profile' : '/widgets/act', profile
        ? { headers: { 'x-amz-access-token': token }, cache: 'no-store' }
        : {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + token },
          body: JSON.stringify(Object.assign(body, { choice })),
        });
      return await response.json();
    } catch (e) {
      return { error: { code: 'UnknownError', message: 'The mock cannot be reached, or gave no answer.' } };
    }
  }

  function fail(problem) {
    if (problem.code !== 'ITP') {
      main.replaceChildren(el('div', { className: 'problem', role: 'alert' },
        el('strong', { textContent: problem.code }), el('p', { textContent: problem.message })));
      measure();
    }
    tell('error', problem);
  }

  function measure() {
    if (init.collapsible) tell('height', main.scrollHeight + document.querySelector('footer').offsetHeight + 2);
  }

  // choose is the buyer's click. What was picked meanwhile cannot be picked at
  // the same time: the list waits for the answer.
  async function choose(choice, event) {
    turn++;
    main.querySelectorAll('input').forEach((i) => { i.disabled = true; });
    const answer = await call(choice);
    if (answer.error) {
      fail(answer.error);
      return;
    }
    view = answer;
    open = false;
    draw();
    const picked = main.querySelector('input:checked') || main.querySelector('input, button');
    if (picked) picked.focus();
    tell(event, { consent: view.consent, byLogin: view.byLogin, again: true });
  }

  function addressText(a) {
    const lines = [a.Name, a.AddressLine1, a.AddressLine2, a.AddressLine3,
      [a.City, a.County, a.StateOrRegion, a.PostalCode].filter(Boolean).join(', '), a.CountryCode].filter(Boolean);
    return el('span', { className: 'text' }, el('b', { textContent: lines[0] }), el('br', {}), lines.slice(1).join(', '));
  }

  // drawList is a list of which one thing is picked.
  function drawList(heading, name, items, picked, choice) {
    const list = el('fieldset', {}, el('legend', { textContent: heading }));
    const shown = init.readOnly || init.collapsible && !open && picked >= 0 ? items.slice(picked, picked + 1) : items;
    if (picked < 0 && init.readOnly) list.append(el('p', { className: 'quiet', textContent: 'Nothing has been picked.' }));
    for (const item of picked < 0 && init.readOnly ? [] : shown) {
      const i = items.indexOf(item);
      if (init.readOnly) {
        list.append(el('p', { className: 'item' }, item.content));
        continue;
      }
      const input = el('input', { type: 'radio', name, value: item.value, checked: i === picked });
      input.addEventListener('change', () => choose(choice(item.value), 'select'));
      list.append(el('label', { className: 'item' }, input, item.content));
    }
    if (shown.length < items.length && !init.readOnly) {
      const more = el('button', { type: 'button', className: 'more', textContent: 'Change' });
      more.addEventListener('click', () => {
        open = true;
        draw();
        main.querySelector('input:checked').focus();
      });
      list.append(more);
    }
    return list;
  }

  function drawConsent() {
    if (view.byLogin) return el('p', { className: 'quiet', textContent: 'You have agreed to future payments at sign-in.' });
    const box = el('input', { type: 'checkbox', id: 'consent', checked: view.consent });
    box.addEventListener('change', () => choose({ consent: box.checked }, 'consent'));
    return el('fieldset', {}, el('legend', { textContent: 'Future payments' }),
      el('label', { className: 'item' }, box, el('span', { className: 'text',
        textContent: 'I agree that this merchant may charge future payments to the payment method I have picked.' })));
  }

  function draw() {
    if (init.widget === 'AddressBook') {
      main.replaceChildren(drawList('Ship to', 'address',
        view.addresses.map((a, value) => ({ value, content: addressText(a) })), view.address, (address) => ({ address: Number(address) })));
    } else if (init.widget === 'Wallet') {
      main.replaceChildren(drawList('Pay with', 'payment',
        view.payments.map((p) => ({ value: p.id, content: el('span', { className: 'text', textContent: p.label }) })),
        view.payments.findIndex((p) => p.id === view.payment), (payment) => ({ payment })));
    } else if (init.widget === 'Consent') {
      main.replaceChildren(drawConsent());
    }
    measure();
  }

  function ids() {
    return { agreement: view.agreement, order: view.order, created: view.created, consent: view.consent, byLogin: view.byLogin, confirm: view.confirm };
  }

  const selected = () => !init.readOnly &&
    (init.widget === 'AddressBook' && view.address >= 0 || init.widget === 'Wallet' && view.payment !== '');

  async function begin() {
    if (init.problem) fail(init.problem);
    if (init.problem && init.problem.code !== 'ITP') return;
    const answer = await call();
    if (init.profile) {
      if (answer.error) tell('error', { code: answer.error });
      else tell('profile', { CustomerId: answer.user_id, Name: answer.name, PostalCode: answer.postal_code, PrimaryEmail: answer.email });
      return;
    }
    if (answer.error) {
      fail(answer.error);
      return;
    }
    view = answer;
    if (view.warning) tell('error', view.warning);
    draw();
    tell('ready', ids());
    if (selected()) tell('select', {});
  }

  // refresh shows what is new elsewhere, unless the buyer is at work here.
  async function refresh() {
    if (!view) return;
    const before = turn;
    const answer = await call();
    if (turn !== before) return;
    if (answer.error) {
      fail(answer.error);
      return;
    }
    view = answer;
    const focused = main.contains(document.activeElement) ? document.activeElement.value : undefined;
    draw();
    const again = Array.from(main.querySelectorAll('input')).find((i) => i.value === focused);
    if (again) again.focus();
    if (selected()) tell('select', {});
  }

  window.addEventListener('message', (event) => {
    if (event.source !== window.parent || !event.data) return;
    if (event.data.amazonPayMock === 'init' && !init && window.parent !== window) {
      init = event.data.init;
      parentOrigin = event.origin;
      document.title = init.title || 'Amazon Pay mock';
      document.body.classList.toggle('fills', !init.collapsible);
      begin();
    } else if (event.data.amazonPayMock === 'refresh' && init && event.origin === parentOrigin) {
      refresh();
    }
  });
  window.parent.postMessage({ amazonPayMock: 'hello' }, '*'); // says nothing to anybody
})();
