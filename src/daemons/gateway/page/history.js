'use strict';
// What the journal knows: a payment's journey, and an account's statement. Made of app.js's pieces.

const HOPS = { command: 'Asked for', debit: 'Debit leg', credit: 'Credit leg', refund: 'Refund leg', forwarded: 'Forwarded', outcome: 'Outcome', result: 'Told to the world', dead_letter: 'Put aside' };

// When the journal's answer is of, and what is not in it.
function answerAge(body) {
  if (!body.journal) return 'no kpay-journal answers: the newest that this gateway has seen end';
  if (!body.as_of_ms) return `${body.journal} is reading the log for the first time: not all is here yet`;
  const late = Date.now() - body.as_of_ms > 10000 ? `, ${ago(body.as_of_ms)} behind` : '';
  return `as of ${clock(body.as_of_ms)}${late}, by ${body.journal}`;
}

// A bar for each hop, from its cause's append to its own, on one line of time.
function journeyBars(hops) {
  const begin = hops[0].appended_at_ms, whole = Math.max(1, hops[hops.length - 1].appended_at_ms - begin);
  const y = (i) => 10 + i * 22;
  return s('svg', { cls: 'journey', viewBox: `0 0 600 ${y(hops.length)}`, role: 'img', 'aria-label': `${hops.length} hops in ${whole} milliseconds` },
    hops.map((hop, i) => {
      const end = 110 + 400 * (hop.appended_at_ms - begin) / whole, from = end - 400 * (hop.passed_ms || 0) / whole;
      return [s('text', { x: 0, y: y(i) + 12 }, HOPS[hop.what] || hop.what), s('rect', { x: from, y: y(i) + 3, width: Math.max(3, end - from), height: 12, rx: 2, cls: hop.what === 'dead_letter' || hop.says === 'failed' ? 'bad' : 'passed' }),
        s('text', { x: Math.min(end + 6, 540), y: y(i) + 12 }, hop.passed_ms === null ? '' : `+${hop.passed_ms} ms`)];
    }));
}

const placeText = (place) => `${place.topic}/${place.partition} @ ${place.offset}.${place.index}`;
function hopRow(hop, currency) {
  const by = hop.sender ? `${hop.sender.stage}/${hop.sender.partition}` : hop.what === 'result' ? 'confirmed' : 'client';
  return h('tr', {}, h('td', {}, time(hop.appended_at_ms, true)), num(hop.passed_ms === null ? '' : hop.passed_ms),
    h('td', {}, HOPS[hop.what] || hop.what, ' ', hop.says && chip(statusKind(hop.says), hop.says), hop.refusal && ` ${hop.refusal}`, hop.reason_number && ` reason ${hop.reason_number}`),
    h('td', { cls: 'mono place' }, placeText(hop.place)),
    h('td', { title: hop.sender && hop.sender.build ? `build ${hop.sender.build}, rules ${hop.sender.rules_hash}` : undefined }, by, hop.sender && hop.sender.instance && ` on ${hop.sender.instance}, logic ${hop.sender.logic_version}`),
    h('td', {}, hop.posting && [h('a', { href: link('accounts', hop.posting.account) }, hop.posting.account), `: ${amount(hop.posting.before)} → ${money(hop.posting.after, currency)}`]));
}

function journeyView(answer) {
  if (!answer) return h('p', { cls: 'loading' }, 'Looking…');
  if (!answer.ok) return answer.status === 404 ? h('p', { cls: 'empty' }, 'The journal knows nothing of this id yet.') : problem(answer);
  const { payment, hops, more_hops: more } = answer.body;
  return [h('p', { cls: 'dim' }, answerAge(answer.body), payment.reference && [', reference ', h('b', {}, payment.reference)]),
    hops.length > 0 && h('div', { cls: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Hops on one line of time' }, journeyBars(hops)),
    table(['Appended', '#After ms', 'What', 'Where in the log', 'By', 'Balance'], hops.map((hop) => hopRow(hop, payment.currency)), 'No hop is known.'),
    more > 0 && h('p', { cls: 'dim' }, `and ${more} repeats`),
    h('p', { cls: 'dim' }, 'After: since the append of what it follows from; waiting in the topic, work and sending together.'),
    h('p', { cls: 'actions' }, copyAs({ kpayctl: 'kpayctl payments journey ' + payment.payment_id, curl: curlGet(`/payments/${payment.payment_id}/journey`) }))];
}

// Without a time, the newest postings; with one, the statement from its opening to its closing balance.
function linesPath(at) {
  const { since: from, until: to, more: cursor } = at.query;
  const query = new URLSearchParams(Object.entries({ from, to, cursor, limit: '20' }).filter(([, v]) => v));
  return (from || to ? '/statement?' : '/postings?') + query;
}
const periodFilters = (at) => h('div', { cls: 'row', 'data-keep': '' }, [['since', 'Statement from (UTC)'], ['until', 'Before (UTC)']].map(([name, label]) =>
  h('label', {}, label, h('input', { name, id: 'filter-' + name, placeholder: '2026-11-22', value: at.query[name] || '', onchange: (e) => setQuery({ [name]: e.target.value.trim(), more: '' }) }))));

function statementView(account, answer) {
  if (!answer) return h('p', { cls: 'loading' }, 'Looking…');
  if (!answer.ok) return answer.status === 404 ? h('p', { cls: 'empty' }, 'The journal knows no posting of this account yet.') : problem(answer);
  const { postings, lines, next, opening, closing, currency } = answer.body;
  const { since, until, more } = route().query;
  const asked = Object.entries({ from: since, to: until }).filter(([, v]) => v);
  return [h('p', { cls: 'dim' }, answerAge(answer.body)),
    lines && kv([['Opening balance', h('b', { id: 'opening' }, money(opening, currency))], ['Closing balance', h('b', { id: 'closing' }, money(closing, currency))]]),
    table(['Posted', 'Kind', 'Counterparty', 'Reference', '#Amount', '#Balance', 'Id'], (lines || postings).map((p) => h('tr', { 'data-key': p.offset + '.' + p.index + p.id },
      h('td', {}, time(p.posted_at_ms, true)), h('td', {}, p.kind), h('td', {}, p.counterparty && h('a', { href: link('accounts', p.counterparty) }, p.counterparty)), h('td', {}, p.reference || ''),
      num(money(p.amount, p.currency)), num(money(p.balance, p.currency)), h('td', {}, p.id && h('a', { cls: 'mono', href: link('payments', p.id) }, p.id)))), 'Nothing was posted in this time.'),
    h('p', { cls: 'actions' }, more && h('a', { id: 'first-postings', href: link('accounts', account, { ...route().query, more: '' }) }, 'First page'),
      next && h('a', { id: 'more-postings', href: link('accounts', account, { ...route().query, more: next }) }, lines ? 'Later' : 'Older'),
      copyAs({ kpayctl: `kpayctl accounts ${lines ? 'statement' : 'postings'} ${account}` + asked.map(([k, v]) => ` --${k} ${quote(v)}`).join(''), curl: curlGet(`/accounts/${encodeURIComponent(account)}/` + (lines ? 'statement' : 'postings') + (asked.length ? '?' + new URLSearchParams(asked) : '')) }))];
}
