'use strict';
// Payments: send one, see what became of one, page through all. Made of app.js's pieces.

// The draft of a payment: its id is made before the first click and stays until it is answered, over
// reloads too; whatever is sent twice has one effect.
function draft() {
  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem('kpay.draft')); } catch (error) { kept = null; }
  return kept && kept.id ? kept : { id: newId(), fields: {} };
}
const keepDraft = (d) => sessionStorage.setItem('kpay.draft', JSON.stringify(d));

function paymentBox(p) {
  return h('div', { cls: 'box ' + (statusKind(p.status) || 'info'), role: 'status' },
    h('p', {}, chip(statusKind(p.status), p.status), ' ', p.amount ? h('b', {}, money(p.amount, p.currency)) : '', p.from ? ` from ${p.from} to ${p.to}` : ''),
    h('p', {}, { completed: 'The money has moved, once.', failed: 'Refused: ' + p.refusal + '. The payer has the money.', rejected: 'Rejected: ' + p.refusal + '. It never became a payment.', accepted: 'It is in the log and on its way.', in_flight: 'Debited, and on its way.' }[p.status]),
    p.finished_at && h('p', { cls: 'dim' }, 'accepted ', time(p.accepted_at, true), ', ended ', time(p.finished_at, true)),
    h('p', {}, h('a', { href: link('payments', p.payment_id), cls: 'mono' }, p.payment_id)));
}

screens.payments = { title: 'Payments', open(at) {
  let d = draft();
  keepDraft(d);
  let result = null, found = null, list = null, journey = null, sending = false;
  const form = h('form', { 'data-keep': '', id: 'send-form', oninput: () => { d.fields = formOf(form); keepDraft(d); },
    onsubmit: (event) => { event.preventDefault(); busy(form.querySelector('button.primary'), submit); } },
    h('div', { cls: 'row' }, field('From account', { name: 'from', required: true, value: d.fields.from, maxlength: 34 }), field('To account', { name: 'to', required: true, value: d.fields.to, maxlength: 34 })),
    h('div', { cls: 'row' }, field('Amount', { name: 'amount', required: true, inputmode: 'decimal', placeholder: '12.34', value: d.fields.amount }), field('Currency', { name: 'currency', required: true, value: d.fields.currency || 'EUR', maxlength: 3 })),
    field('Reference (optional, for the payee)', { name: 'reference', value: d.fields.reference, maxlength: 140 }),
    h('div', { cls: 'actions' }, h('button', { cls: 'primary', id: 'send', disabled: !may('postPayments') }, 'Send payment'), h('button', { type: 'button', id: 'new-payment', onclick: fresh }, 'New payment'), h('span', { cls: 'grow' }),
      copyAs({ kpayctl: () => `kpayctl payments send --id ${d.id} ` + Object.entries(formOf(form)).map(([k, v]) => `--${k} ${quote(v)}`).join(' ') + ' --wait', curl: () => curl('/payments?wait=10', formOf(form), d.id) })),
    h('p', { cls: 'dim', id: 'draft-id' }));
  const showId = () => { form.querySelector('#draft-id').replaceChildren('Its id is ', h('code', {}, d.id), ': sending it again has no second effect.'); };
  showId();
  function fresh() {
    d = { id: newId(), fields: formOf(form) };
    keepDraft(d);
    result = null;
    showId();
    refresh();
  }
  async function submit() {
    sending = true;
    refresh();
    const answer = await send('/payments?wait=10', formOf(form), { 'Idempotency-Key': d.id });
    sending = false;
    result = answer;
    refresh();
    if (answer.status === 0) learnOutcome(d.id);  // meanwhile it can be sent again
    await load();
  }
  // The answer was lost: what became of the payment is asked, until it has ended or a minute is over.
  async function learnOutcome(id) {
    const unsure = () => d.id === id && (result.status === 0 || (result.lost && ['accepted', 'in_flight'].includes(result.body.status)));
    for (let tries = 0; tries < 60 && unsure(); ++tries) {
      const answer = await ask('/payments/' + id);
      if (!unsure()) return;
      if (answer.ok) result = { ...answer, lost: true };
      else if (result.status === 0) result = { ...result, unknown: answer.status === 404 };
      refresh();
      if (unsure()) await new Promise((done) => setTimeout(done, 1000));
    }
  }
  const doubt = () => h('div', { cls: 'box warn' }, result.unknown ? 'The gateway has not seen it: as far as is known, no money was taken. ' : 'Nobody knows yet whether it was taken; the page goes on asking. ', 'Send it again: it has the same id, so money moves once at most.');
  async function load() {
    const { status, account, from, to, cursor } = at.query;
    const query = new URLSearchParams(Object.entries({ status, account, from, to, cursor, limit: '50' }).filter(([, v]) => v));
    list = await ask('/payments?' + query);
    refresh();
  }
  async function look() {
    if (!at.item) return;
    [found, journey] = await Promise.all(['', '/journey'].map((what) => ask('/payments/' + encodeURIComponent(at.item) + what)));
    refresh();
  }
  const lookup = h('form', { 'data-keep': '', id: 'lookup-form', onsubmit: (event) => { event.preventDefault(); const id = formOf(event.currentTarget).id || ''; const to = link('payments', id, at.query); if (location.hash === to) look(); else location.hash = to; } },
    h('div', { cls: 'inline' }, field('Payment id', { name: 'id', id: 'lookup-id', value: at.item, required: true, maxlength: 36 }), h('button', { id: 'lookup' }, 'Look up')));
  const filter = (name, label, kids) => h('label', {}, label, kids(name));
  const filters = h('div', { cls: 'row', 'data-keep': '' },
    filter('status', 'Status', (n) => h('select', { name: n, id: 'filter-status', onchange: (e) => setQuery({ status: e.target.value, cursor: '' }) }, ['', 'accepted', 'in_flight', 'completed', 'failed', 'rejected'].map((v) => h('option', { value: v, selected: v === (at.query.status || '') }, v || 'all')))),
    filter('account', 'Account', (n) => h('input', { name: n, id: 'filter-account', value: at.query.account || '', onchange: (e) => setQuery({ account: e.target.value.trim(), cursor: '' }) })),
    ['from', 'to'].map((name) => filter(name, name === 'from' ? 'From (UTC)' : 'Before (UTC)', (n) => h('input', { name: n, id: 'filter-' + n, placeholder: '2026-11-22', value: at.query[n] || '', onchange: (e) => setQuery({ [n]: e.target.value.trim(), cursor: '' }) }))));
  load();
  look();
  const timer = setInterval(() => { load(); if (journey && (!journey.ok || journey.body.payment.finished_at_ms === null || !journey.body.hops.some((hop) => hop.posting))) look(); }, 3000);
  return { close: () => clearInterval(timer), view: () => [
    h('h1', {}, 'Payments'),
    h('div', { cls: 'grid' },
      card(6, 'Send a payment', withheld('postPayments', 'send payments'), form, h('div', { id: 'send-result', 'aria-live': 'polite' }, sending ? h('div', { cls: 'box info' }, 'Sent; waiting for how it ends…') : !result ? null : result.ok ? [result.lost && h('div', { cls: 'box info' }, 'The answer was lost on its way. This is what became of the payment; it was asked for by its id.'), paymentBox(result.body)] : [problem(result), result.status === 0 && doubt()])),
      card(6, 'What became of a payment?', lookup, h('div', { id: 'lookup-result', 'aria-live': 'polite' }, !at.item ? h('p', { cls: 'empty' }, 'Give an id to see how it ended. Ids are remembered for 24 hours.') : !found ? h('p', { cls: 'loading' }, 'Looking…') : found.ok ? [paymentBox(found.body), h('p', { cls: 'actions' }, copyAs({ kpayctl: 'kpayctl payments get ' + at.item, curl: curlGet('/payments/' + at.item) }))] : problem(found))),
      at.item && card(12, 'Its journey', h('div', { id: 'journey' }, journeyView(journey))),
      card(12, ['All payments, newest first', h('span', { cls: 'sub' }, list && list.ok ? answerAge(list.body) : '')], filters,
        h('div', { id: 'payment-list' }, !list ? h('p', { cls: 'loading' }, 'Loading…') : !list.ok ? problem(list) : table(['Accepted', 'Status', 'From', 'To', '#Amount', 'Refusal', 'Id'], list.body.payments.map((p) => h('tr', { 'data-key': p.payment_id },
          h('td', {}, time(p.accepted_at_ms || p.accepted_at, true)), h('td', {}, chip(statusKind(p.status), p.status)), h('td', {}, h('a', { href: link('accounts', p.from) }, p.from)), h('td', {}, h('a', { href: link('accounts', p.to) }, p.to)), num(money(p.amount, p.currency)), h('td', {}, p.refusal || ''), h('td', {}, h('a', { cls: 'mono', href: link('payments', p.payment_id, at.query) }, p.payment_id)))),
          at.query.status || at.query.account || at.query.from || at.query.to ? 'No payment fits the filters.' : 'There is no payment yet. Send one, or start the load generator.')),
        h('p', { cls: 'actions' }, at.query.cursor && h('a', { id: 'newest-payments', href: link('payments', at.item, { ...at.query, cursor: '' }) }, 'Newest'), list && list.ok && list.body.next && h('a', { id: 'older-payments', href: link('payments', at.item, { ...at.query, cursor: list.body.next }) }, 'Older'))))] };
} };
