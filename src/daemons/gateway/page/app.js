'use strict';
// The page of kpay-gateway. No library, no build step: elements are made by h() and s(), a screen is
// a function from what is known to elements, and morph() changes only what differs, so that focus,
// selection and scroll stay where they are. Nothing is ever written as HTML text.

// ---- elements

const SVG = 'http://www.w3.org/2000/svg';
const HANDLERS = ['onclick', 'oninput', 'onchange', 'onsubmit', 'onmousemove', 'onmouseleave', 'onkeydown'];

function make(element, props, kids) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (HANDLERS.includes(name)) element[name] = value;
    else if (name === 'value') element.value = value;
    else element.setAttribute(name === 'cls' ? 'class' : name, value === true ? '' : value);
  }
  for (const kid of kids.flat(9)) {
    if (kid === undefined || kid === null || kid === false) continue;
    element.append(kid instanceof Node ? standIn(kid) : document.createTextNode(String(kid)));
  }
  return element;
}
// What has data-keep (a form) is made once and never changed by morph(): while it stands in the page,
// a new tree gets a stand-in for it.
function standIn(node) {
  if (!node.dataset || node.dataset.keep === undefined || !node.isConnected) return node;
  const place = node.cloneNode(false);
  place.kept = node;
  return place;
}
function settle(node) {
  if (node.kept) return node.kept;
  if (node.querySelectorAll) node.querySelectorAll('[data-keep]').forEach((place) => { if (place.kept) place.replaceWith(place.kept); });
  return node;
}
const h = (tag, props, ...kids) => make(document.createElement(tag), props, kids);
const s = (tag, props, ...kids) => make(document.createElementNS(SVG, tag), props, kids);

function morph(old, fresh) {
  if (fresh.kept === old) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || fresh.kept ||
      (old.dataset && (old.dataset.keep !== undefined || fresh.dataset.keep !== undefined || old.dataset.key !== fresh.dataset.key))) {
    old.replaceWith(settle(fresh));
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === 'open' && old.nodeName === 'DETAILS')) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const name of HANDLERS) if (old[name] !== fresh[name]) old[name] = fresh[name];
  if (old.type === 'checkbox' && old.checked !== fresh.checked) old.checked = fresh.checked;
  const olds = [...old.childNodes], news = [...fresh.childNodes];
  news.forEach((node, i) => (i < olds.length ? morph(olds[i], node) : old.append(settle(node))));
  olds.slice(news.length).forEach((node) => node.remove());
}
function show(place, ...kids) {
  const fresh = place.cloneNode(false);
  make(fresh, {}, kids);
  morph(place, fresh);
}

// ---- numbers, times, money

const count = (n) => (n === undefined || n === null ? '–' : Number(n).toLocaleString('en-US'));
const rate = (n) => (n === undefined ? '–' : n >= 100 ? count(Math.round(n)) : Number(n).toFixed(1));
// Two of them in the unit of the larger one: they have to fit into a tile.
const pair = (a, b) => (b < 1000 ? `${a} · ${b}` : `${(a / 1000).toFixed(1)} · ${(b / 1000).toFixed(1)}`);
const ms = (n) => (n === undefined ? '–' : n >= 10000 ? (n / 1000).toFixed(1) + ' s' : count(n) + ' ms');
function amount(text) {
  const [whole, part] = String(text).split('.');
  return whole.replace(/\B(?=(\d{3})+$)/g, ',') + (part === undefined ? '' : '.' + part);
}
const money = (text, currency) => amount(text) + ' ' + currency;
let local = localStorage.getItem('kpay.local') === '1';
function clock(at, date) {
  const d = new Date(typeof at === 'string' ? at : Number(at));
  if (!at || isNaN(d)) return '–';
  const text = local ? new Date(d - d.getTimezoneOffset() * 60000).toISOString() : d.toISOString();
  return (date ? text.slice(0, 10) + ' ' : '') + text.slice(11, 19) + (local ? '' : ' UTC');
}
const time = (at, date) => h('time', { datetime: at ? new Date(typeof at === 'string' ? at : Number(at)).toISOString() : '' }, clock(at, date));
function ago(at) {
  const seconds = Math.max(0, Math.round((Date.now() - at) / 1000));
  return seconds < 90 ? seconds + ' s' : seconds < 5400 ? Math.round(seconds / 60) + ' min' : Math.round(seconds / 3600) + ' h';
}
function newId() {  // UUID version 7: its time, then random bits
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let at = Date.now();
  for (let i = 5; i >= 0; --i) { bytes[i] = at % 256; at = Math.floor(at / 256); }
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

// ---- the API

// {ok, status, body}; never throws. Without an answer, status is 0.
async function ask(path, options) {
  try {
    const headers = { ...(options || {}).headers, ...sessionHeaders(options) };
    const answer = await fetch('/api/v1' + path, { ...options, headers });
    const body = await answer.json();
    if (answer.status === 401 && body.code === 'login_required') sessionIsOver();
    return { ok: answer.ok, status: answer.status, body };
  } catch (error) {
    return { ok: false, status: 0, body: { title: 'No answer', detail: 'The gateway did not answer; what was asked may have happened or not.' } };
  }
}
const send = (path, body, headers) =>
  ask(path, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) });

function problem(answer) {
  const p = answer.body || {};
  return h('div', { cls: 'box bad', role: 'alert' },
    h('p', {}, h('b', {}, p.title || 'It did not work')), p.detail && h('p', {}, p.detail),
    p.expected && h('p', {}, 'Right would be: ' + p.expected),
    p.code && h('p', { cls: 'dim mono' }, p.code + (p.field ? ' · ' + p.field : '')));
}

// ---- what is known

const now = { snap: null, series: [], live: false, at: 0 };
let source = null;

function listen() {
  if (source) source.close();
  if (needsLogin()) return;
  source = new EventSource('/api/v1/events');
  source.addEventListener('snapshot', (event) => {
    now.snap = JSON.parse(event.data);
    now.live = true;
    now.at = Date.now();
    const last = now.series[now.series.length - 1];
    if (!last || last.at_ms < now.snap.rates.at_ms) now.series.push(now.snap.rates);
    now.series.splice(0, Math.max(0, now.series.length - 300));
    refresh();
  });
  source.onerror = () => {
    now.live = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(() => learn().then(listen), 2000);
    refresh();
  };
}
const isStale = () => !now.snap || Date.now() - now.at > 4000;
const currencies = () => Object.entries(now.snap ? now.snap.totals.currencies : {}).filter(([name]) => name !== 'XXX');

// The currency that the tiles show: the busiest, unless the URL names one.
function chosenCurrency() {
  const all = currencies();
  const named = all.find(([name]) => name === route().query.currency);
  const best = named || all.sort((a, b) => b[1].accepted.count - a[1].accepted.count)[0];
  return best ? best[0] : 'EUR';
}

// ---- where we are: "#/payments/ID?status=failed"

function route() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const parts = path.split('/').map(decodeURIComponent);
  return { screen: parts[0] || 'business', item: parts[1] || '', query: Object.fromEntries(new URLSearchParams(query || '')) };
}
const link = (screen, item, query) => {
  const text = new URLSearchParams(Object.entries(query || {}).filter(([, v]) => v)).toString();
  return '#/' + screen + (item ? '/' + encodeURIComponent(item) : '') + (text ? '?' + text : '');
};
function setQuery(changes) {
  const at = route();
  history.replaceState(null, '', link(at.screen, at.item, { ...at.query, ...changes }));
  start();
}

// ---- pieces

const chip = (kind, ...text) => h('span', { cls: 'chip ' + kind }, ...text);
const statusKind = (status) => ({ completed: 'good', done: 'good', accepted: 'info', in_flight: 'info', failed: 'bad', refused: 'bad', rejected: 'bad', open: 'good', closed: '' }[status] ?? '');
const tile = (id, label, value, more, kind, hint) =>
  h('div', { cls: 'tile ' + (kind || ''), id: 'tile-' + id, title: hint || '' }, h('div', { cls: 'label' }, label), h('div', { cls: 'value' }, value), h('div', { cls: 'more' }, more ?? ''));
const field = (label, props) => h('label', {}, label, h('input', { autocomplete: 'off', spellcheck: 'false', ...props }));
const kv = (pairs) => h('dl', { cls: 'kv' }, pairs.filter((p) => p[1] !== undefined && p[1] !== null && p[1] !== '').map(([k, v]) => [h('dt', {}, k), h('dd', {}, v)]));
const card = (size, title, ...kids) => h('section', { cls: 'card c' + size }, title && h('h2', {}, title), ...kids);
const table = (heads, rows, empty) => rows.length === 0 ? h('p', { cls: 'empty' }, empty) :
  h('div', { cls: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table: ' + heads.join(', ').replaceAll('#', '') }, h('table', {}, h('thead', {}, h('tr', {}, heads.map((x) => h('th', { cls: x[0] === '#' ? 'num' : '' }, x.replace('#', ''))))), h('tbody', {}, rows)));
const num = (value) => h('td', { cls: 'num' }, value);

function copyAs(ways, what) {  // a button for each way to do the same elsewhere
  const label = (name) => `copy ${what ? what + ' ' : ''}as ${name}`;
  return Object.entries(ways).map(([name, text]) => h('button', {
    type: 'button', cls: 'small', title: (typeof text === 'function' ? '' : text + '\n') + (name === 'curl' && me.login ? TOKEN_HINT : '') || undefined,
    onclick: async (event) => {
      const button = event.currentTarget;
      const value = typeof text === 'function' ? text() : text;
      try { await navigator.clipboard.writeText(value); button.textContent = 'copied'; } catch (error) { button.textContent = 'not allowed'; }
      setTimeout(() => { button.textContent = label(name); }, 1200);
    } }, label(name)));
}
const quote = (text) => "'" + String(text).replaceAll("'", "'\\''") + "'";
// What a person's session does for the page, a token does for curl.
const TOKEN_HINT = 'Put a token into KPAY_TOKEN before: kpay-gateway tokens add NAME --role ROLE';
const asWhom = () => (me.login ? '-H "Authorization: Bearer $KPAY_TOKEN" ' : '');
const curlGet = (path) => 'curl -sS ' + asWhom() + quote(location.origin + '/api/v1' + path);
const curl = (path, body, key) => 'curl -sS ' + asWhom() + (key ? '-H ' + quote('Idempotency-Key: ' + key) + ' ' : '') + "-H 'Content-Type: application/json' -d " + quote(JSON.stringify(body)) + ' ' + quote(location.origin + '/api/v1' + path);
const formOf = (form) => Object.fromEntries([...new FormData(form)].map(([k, v]) => [k, String(v).trim()]).filter(([, v]) => v !== ''));

// Sends once at a time; the button says so.
async function busy(button, work) {
  if (button.disabled) return;
  button.disabled = true;
  button.setAttribute('aria-busy', 'true');
  try { await work(); } finally { button.disabled = false; button.removeAttribute('aria-busy'); }
}

const hovered = {}, asTable = new Set();
// The same points as rows, newest first, at most 30 of them.
function chartTable(lines, options) {
  const times = lines[0].points.map((p) => p[0]), step = Math.ceil(times.length / 30);
  const rows = times.map((t, i) => [t, i]).filter(([, i]) => (times.length - 1 - i) % step === 0).reverse();
  return table(['Time', ...lines.map((l) => '#' + l.name)], rows.map(([t, i]) => h('tr', {}, h('td', {}, time(t)), lines.map((l) => num(options.text(l.points[i][1]))))), '');
}
function chart(id, lines, options) {  // lines: {name, color, points: [[t, v]], area}
  const W = 720, H = options.height || 190, L = 46, R = 8, T = 8, B = 22;
  const points = lines.flatMap((l) => l.points);
  if (points.length < 2) return h('p', { cls: 'empty' }, 'The chart begins in a moment.');
  const t0 = Math.min(...points.map((p) => p[0])), t1 = Math.max(...points.map((p) => p[0]));
  const top = Math.max(...points.map((p) => p[1]), options.least || 1);
  const power = Math.pow(10, Math.floor(Math.log10(top)));
  const step = [0.25, 0.5, 1, 2.5].map((f) => f * power).find((x) => top / x <= 4.2) || power * 5;
  const high = Math.ceil(top / step) * step;
  const x = (t) => L + (t - t0) / Math.max(1, t1 - t0) * (W - L - R);
  const y = (v) => H - B - v / high * (H - T - B);
  const grid = [];
  for (let v = 0; v <= high + step / 9; v += step) {
    grid.push(s('line', { cls: 'gridline', x1: L, x2: W - R, y1: y(v), y2: y(v) }),
      s('text', { x: L - 6, y: y(v) + 4, 'text-anchor': 'end' }, v >= 1000 ? v / 1000 + 'k' : +v.toFixed(2)));
  }
  for (let i = 0; i <= 4; ++i) {
    const t = t0 + (t1 - t0) * i / 4;
    grid.push(s('text', { x: x(t), y: H - 5, 'text-anchor': i === 0 ? 'start' : i === 4 ? 'end' : 'middle' }, clock(t).slice(0, 8)));
  }
  const drawn = lines.map((l) => {
    const d = l.points.map(([t, v], i) => (i ? 'L' : 'M') + x(t).toFixed(1) + ' ' + y(v).toFixed(1)).join('');
    return [l.area && s('path', { cls: 'area s-' + l.color, d: d + `L${x(l.points[l.points.length - 1][0])} ${y(0)}L${x(l.points[0][0])} ${y(0)}Z` }), s('path', { cls: 'line s-' + l.color, d, fill: 'none' })];
  });
  const at = hovered[id];
  const nearest = (l) => l.points.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a));
  const inside = at !== undefined && at >= t0 && at <= t1;
  const svg = s('svg', { cls: 'chart', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': options.label,
    onmousemove: (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      hovered[id] = t0 + ((event.clientX - box.left) / box.width * W - L) / (W - L - R) * (t1 - t0);
      refresh();
    }, onmouseleave: () => { delete hovered[id]; refresh(); } },
    grid, drawn, inside && s('line', { cls: 'cross', x1: x(at), x2: x(at), y1: T, y2: H - B }));
  const legend = h('div', { cls: 'legend' }, lines.map((l) => {
    const p = inside ? nearest(l) : l.points[l.points.length - 1];
    return h('span', { cls: 'l-' + l.color }, h('i'), l.name + ' ' + options.text(p[1]));
  }), inside && h('span', {}, 'at ' + clock(at)), h('span', { cls: 'grow' }),
    h('button', { cls: 'small', id: 'table-' + id, 'aria-pressed': asTable.has(id) ? 'true' : 'false', 'aria-label': options.label + ', as a table', onclick: () => { if (!asTable.delete(id)) asTable.add(id); refresh(); } }, asTable.has(id) ? 'as a chart' : 'as a table'));
  return [legend, asTable.has(id) ? h('div', { cls: 'chart-table' }, chartTable(lines, options)) : svg];
}

// ---- screens: each makes {view} once it is opened; view() is called each second

const screens = {};

screens.business = { title: 'Business', open: () => ({ view() {
  const snap = now.snap;
  const currency = chosenCurrency();
  const t = snap.totals.currencies[currency];
  const zero = { count: 0, value: '0', value_minor: '0' };
  const get = (name) => (t && t[name]) || zero;
  const books = { balanced: ['Balanced', 'good'], moving: ['Moving', ''], unbalanced: ['NOT balanced', 'bad'], partial: ['Partial', 'warn'], unknown: ['Unknown', 'warn'] }[snap.books.state];
  const latency = snap.rates.latency_ms;
  const line = (f) => now.series.map((p) => [p.at_ms, f(p)]).filter((p) => p[0] > 0);
  const names = currencies().map(([name]) => name);
  return [
    h('h1', {}, 'Business', h('small', {}, 'as of ', time(snap.totals.at_ms), snap.totals.missing_partitions.length ? ' · without ' + snap.totals.missing_partitions.join(', ') : ''),
      h('span', { cls: 'grow' }),
      names.length > 1 && h('select', { 'aria-label': 'Currency', onchange: (e) => setQuery({ currency: e.target.value }) }, names.sort().map((n) => h('option', { value: n, selected: n === currency }, n)))),
    h('div', { cls: 'tiles' },
      tile('confirmed', 'Confirmed today', count(get('confirmed_today').count), money(get('confirmed_today').value, currency), '', 'Payments that completed today (UTC), from the stage confirmed'),
      tile('in-flight', 'In flight', count(get('in_flight').count), money(get('in_flight').value, currency), '', 'Debited, and not ended yet: intake opened − settle closed'),
      tile('failed', 'Failed today', count(get('failed_today').count), money(get('failed_today').value, currency), get('failed_today').count > 0 ? '' : '', 'Refused; the payer has the money'),
      tile('rate', 'Completed a second', rate(snap.rates.completed_per_s), rate(snap.rates.accepted_per_s) + ' in · ' + rate(snap.rates.failed_per_s) + ' failed', '', 'Accepted and failed per second below'),
      tile('latency', 'Latency p50 · p99', latency.count ? pair(latency.p50, latency.p99) : '–', latency.count ? `${latency.p99 < 1000 ? 'ms' : 's'} · max ${ms(latency.max)}` : 'nothing lately', '', 'Of the last two minutes, from the log’s time of the command to that of its outcome'),
      tile('held', 'Held tasks', count(snap.held_tasks), countOf(snap.dead_letters, 'dead letter'), snap.held_tasks > 0 ? 'bad' : '', 'A task that waits for an operator'),
      tile('books', 'Books', books[0], snap.books.state === 'balanced' ? ['at ', time(snap.books.balanced_at_ms)] : snap.books.balanced_at_ms ? ['last ', time(snap.books.balanced_at_ms)] : 'not proven yet', books[1], 'When they were proven: balances + in transit = opening balances + deposits, per currency')),
    h('div', { cls: 'grid' },
      card(6, 'Payments per second', chart('rates', [
        { name: 'accepted', color: 'violet', points: line((p) => p.accepted_per_s) },
        { name: 'completed', color: 'accent', points: line((p) => p.completed_per_s), area: true },
        { name: 'failed', color: 'bad', points: line((p) => p.failed_per_s) }], { text: rate, label: 'Payments per second over the last five minutes', least: 4 })),
      card(6, 'Latency, of the last two minutes', chart('latency', [
        { name: 'p50', color: 'good', points: line((p) => p.latency_ms.p50), area: true },
        { name: 'p99', color: 'accent', points: line((p) => p.latency_ms.p99) }], { text: ms, label: 'Latency percentiles in milliseconds', least: 10 })),
      card(4, 'Needs attention', attention(snap)),
      card(8, 'By minute', table(['Minute', '#Completed', '#Value', '#Failed', '#p50', '#p90', '#p99', '#Max'],
        [...snap.windows].reverse().slice(0, 10).map((w) => h('tr', {}, h('td', {}, time(w.minute)),
          num(count(w.latency_ms.count)), num(w.completed[currency] ? money(w.completed[currency].value, currency) : '–'), num(count(w.failed)), num(ms(w.latency_ms.p50)), num(ms(w.latency_ms.p90)), num(ms(w.latency_ms.p99)), num(ms(w.latency_ms.max)))),
        'No payment has ended in the last half hour.')))];
} }) };

function attention(snap) {
  const items = [];
  const add = (kind, word, text, to) => items.push(h('li', {}, chip(kind, word), to ? h('a', { href: to }, text) : h('span', {}, text)));
  if (snap.control.desired === 'paused') add('warn', 'paused', `since ${clock(snap.control.at_ms)} by ${snap.control.owner}: ${snap.control.reason}`, link('control'));
  if (snap.missing_partitions.length) add('bad', 'not served', snap.missing_partitions.slice(0, 8).join(', ') + (snap.missing_partitions.length > 8 ? ` and ${snap.missing_partitions.length - 8} more` : ''), link('pipeline'));
  if (snap.held_tasks) add('bad', 'held', snap.held_tasks + ' tasks wait for an operator', link('pipeline'));
  if (snap.books.state === 'unbalanced') add('bad', 'books', 'do not balance', link('system'));
  const slow = snap.stages.filter((x) => x.lag_seconds > 5);
  slow.forEach((x) => add('warn', 'behind', `${x.stage}: ${count(x.lag)} records, ${x.lag_seconds} s`, link('pipeline')));
  snap.instances.filter((i) => i.stale).forEach((i) => add('warn', 'silent', `${i.instance}, for ${ago(i.at_ms)}`, link('pipeline')));
  if (snap.dead_letters) add('info', 'dead letters', countOf(snap.dead_letters, 'letter') + ' written', link('dead-letters'));
  return items.length ? h('ul', { cls: 'attention' }, items) : h('p', { cls: 'empty' }, 'Nothing needs you.');
}

screens.accounts = { title: 'Accounts', open(at) {
  let page = null, one = null, lines = null, opened = null, commandId = newId();
  const back = [];
  async function load() {
    page = await ask('/accounts?' + new URLSearchParams({ limit: '50', ...(at.query.cursor ? { cursor: at.query.cursor } : {}) }));
    if (at.item) [one, lines] = await Promise.all(['', linesPath(at)].map((what) => ask('/accounts/' + encodeURIComponent(at.item) + what)));
    refresh();
  }
  const form = h('form', { 'data-keep': '', id: 'open-form', onsubmit: (event) => { event.preventDefault(); busy(form.querySelector('button.primary'), async () => {
    opened = await send('/accounts?wait=10', formOf(form), { 'Idempotency-Key': commandId });
    if (opened.ok) commandId = newId();
    await load();
  }); } },
    h('div', { cls: 'row' }, field('Account id', { name: 'account', required: true, maxlength: 34 }), field('Currency', { name: 'currency', required: true, value: 'EUR', maxlength: 3 }), field('Opening balance', { name: 'opening', placeholder: '0.00', inputmode: 'decimal' })),
    h('div', { cls: 'actions' }, h('button', { cls: 'primary', id: 'open-account', disabled: !may('postAccounts') }, 'Open account'), h('span', { cls: 'grow' }), copyAs({ kpayctl: () => { const f = formOf(form); return `kpayctl accounts open ${f.account || ''} --currency ${f.currency || ''} --opening ${f.opening || '0'} --wait`; }, curl: () => curl('/accounts?wait=10', formOf(form), commandId) })));
  const find = h('form', { 'data-keep': '', onsubmit: (event) => { event.preventDefault(); location.hash = link('accounts', formOf(event.currentTarget).id, at.query); } },
    h('div', { cls: 'inline' }, field('Account id', { name: 'id', id: 'find-id', required: true, value: at.item, maxlength: 34 }), h('button', { id: 'find' }, 'Show')));
  const period = periodFilters(at);
  load();
  const timer = setInterval(load, 3000);
  // A page is of some instances only: what the others don't answer, the snapshot knows.
  const unasked = () => [...new Set([...(page && page.ok ? page.body.missing_partitions : []), ...now.snap.missing_partitions.filter((name) => name.startsWith('account/'))])];
  const row = (a) => h('tr', { 'data-key': a.account }, h('td', {}, h('a', { href: link('accounts', a.account, at.query) }, a.account)), h('td', {}, a.currency), num(money(a.balance, a.currency)), num(money(a.opening, a.currency)), num(count(a.postings)), h('td', {}, chip(statusKind(a.state), a.state)));
  return { close: () => clearInterval(timer), view: () => [
    h('h1', {}, 'Accounts', h('small', {}, page && page.ok ? ['as of ', time(page.body.as_of_ms)] : '')),
    unasked().length > 0 && h('div', { cls: 'box warn banner', role: 'status' }, 'Not all accounts are here: ' + unasked().join(', ') + ' can’t be asked now.'),
    h('div', { cls: 'grid' },
      card(6, 'One account', find, h('div', { id: 'account' }, !at.item ? h('p', { cls: 'empty' }, 'Give an id, or choose one from the list.') : !one ? h('p', { cls: 'loading' }, 'Looking…') : !one.ok ? problem(one) : h('div', { cls: 'box' }, kv([['Account', h('b', {}, one.body.account)], ['Balance', h('b', { id: 'balance' }, money(one.body.balance, one.body.currency))], ['Opening', money(one.body.opening, one.body.currency)], ['Deposits', money(one.body.deposits, one.body.currency)], ['Postings', count(one.body.postings)], ['State', one.body.state], ['As of', time(one.body.as_of_ms)]]), h('p', { cls: 'actions' }, h('a', { href: link('payments', '', { account: one.body.account }) }, 'its payments'), copyAs({ kpayctl: 'kpayctl accounts get ' + at.item, curl: curlGet('/accounts/' + encodeURIComponent(at.item)) }))))),
      card(6, 'Open an account', withheld('postAccounts', 'open accounts'), form, h('div', { id: 'open-result', 'aria-live': 'polite' }, !opened ? null : !opened.ok ? problem(opened) : h('div', { cls: 'box ' + (statusKind(opened.body.status) || 'info'), role: 'status' }, chip(statusKind(opened.body.status), opened.body.status), ' ', opened.body.account, opened.body.refusal ? ': ' + opened.body.refusal : ''))),
      at.item && card(12, 'What changed its balance', period, h('div', { id: 'postings' }, statementView(at.item, lines))),
      card(12, 'All accounts', h('div', { id: 'account-list' }, !page ? h('p', { cls: 'loading' }, 'Loading…') : !page.ok ? problem(page) : table(['Account', 'Currency', '#Balance', '#Opening', '#Postings', 'State'], page.body.accounts.map(row), 'There is no account yet. Open one above.')),
        h('p', { cls: 'actions' }, h('button', { id: 'previous', disabled: !at.query.cursor && back.length === 0, onclick: () => history.back() }, 'Previous'), h('button', { id: 'next', disabled: !(page && page.ok && page.body.next), onclick: () => { location.hash = link('accounts', at.item, { ...at.query, cursor: page.body.next }); } }, 'Next page'), h('span', { cls: 'dim' }, '50 a page, instance by instance'))))] };
} };

// Up to where in the log the auditor has proven the books: the next offset of each partition.
function provenView(audit) {
  if (!audit || !audit.ok) return h('p', { cls: 'dim', id: 'proven' }, audit ? audit.body.detail : 'Without an auditor (kpay-journal) no offsets are proven.');
  const { state, as_of_ms: asOf, cut, instance, reason } = audit.body;
  const says = state === 'conserved' ? 'All money in the log is accounted for up to these offsets' : `It says “${state}”${reason ? ': ' + reason : ''}; it has read up to these offsets`;
  return h('div', { id: 'proven' }, h('p', { cls: 'dim' }, `By the auditor ${instance}, as of `, time(asOf), `. ${says}, partition 0 first:`),
    table(['Topic', 'Next offset of each partition'], Object.entries(cut).map(([topic, offsets]) => h('tr', {}, h('td', { cls: 'mono' }, topic), h('td', { cls: 'mono' }, offsets.join(' · ')))), 'It has read nothing yet.'));
}
screens.system = { title: 'System', open() {
  let system = null, books = null, doc = null, audit = null;
  async function load() {
    const auditor = now.snap && now.snap.books.auditor;  // without one, there is no statement to ask for
    [system, books, audit] = await Promise.all([ask('/system'), ask('/books'), auditor ? ask('/audit') : null]);
    refresh();
  }
  ask('/openapi.json').then((answer) => { doc = answer; refresh(); });
  load();
  const timer = setInterval(load, 3000);
  return { close: () => clearInterval(timer), view() {
    const y = system && system.ok ? system.body : null, b = books && books.ok ? books.body : null;
    const operations = doc && doc.ok ? Object.entries(doc.body.paths).flatMap(([path, ops]) => Object.entries(ops).map(([verb, op]) => [verb.toUpperCase(), '/api/v1' + path, op.summary])) : [];
    return [h('h1', {}, 'System'),
      h('div', { cls: 'grid' },
        card(5, 'Gateway', !system ? h('p', { cls: 'loading' }, 'Loading…') : !y ? problem(system) : kv([['Instance', y.instance], ['Version', `${y.version} (${y.commit})`], ['Configuration', h('code', {}, y.config_hash)], ['Brokers', h('code', {}, y.brokers)], ['Protocol', y.security_protocol], ['Topics', `${y.topic_prefix}*, ${y.partitions} partitions`], ['Started', time(y.started_at_ms, true)], ['Open streams', y.streams], ...Object.entries(y.limits).map(([k, v]) => [k.replaceAll('_', ' '), count(v)])])),
        card(7, ['Books', b && h('span', { cls: 'sub' }, ['as of ', time(b.as_of_ms), b.balanced_at_ms ? [', last proven ', time(b.balanced_at_ms)] : ''])], !books ? h('p', { cls: 'loading' }, 'Loading…') : !b ? problem(books) : [
          h('p', {}, chip({ balanced: 'good', unbalanced: 'bad', partial: 'warn' }[b.state] || '', b.state), ' ', { balanced: 'Two looks agree, and every currency adds up.', moving: 'Payments went on between two looks; it is proven when they rest.', unbalanced: 'The sums differ.', partial: 'Partitions are missing: ' + b.missing_partitions.join(', '), unknown: b.reason }[b.state]),
          table(['Currency', '#Accounts', '#Balances', '#In transit', '#Opening', '#Deposits', '#Difference'], Object.entries(b.currencies).filter(([c]) => c !== 'XXX').map(([c, x]) => h('tr', {}, h('td', {}, h('b', {}, c)), num(count(x.accounts)), ['balances', 'in_transit', 'opening', 'deposits', 'difference'].map((each) => num(amount(x[each].value))))), 'No account is open yet.'),
          h('p', { cls: 'actions' }, copyAs({ kpayctl: 'kpayctl books verify', curl: curlGet('/books') })), provenView(audit)]),
        card(12, ['API', h('span', { cls: 'sub' }, h('a', { href: '/docs', id: 'docs' }, 'try it (Swagger UI)'), ' · ', h('a', { href: '/api/v1/openapi.json' }, 'OpenAPI 3.1'), ' · ', h('a', { href: '/api/v1/problems' }, 'problem codes'), ' · ', h('a', { href: '/metrics' }, 'metrics'), ' · ', h('a', { href: '/readyz' }, 'readiness'))], me.login && h('p', { cls: 'dim' }, '“copy as curl” takes who asks from a token: ', h('code', {}, 'export KPAY_TOKEN=…'), ', made by ', h('code', {}, 'kpay-gateway tokens add NAME --role ROLE'), '.'), h('div', { id: 'operations' }, !doc ? h('p', { cls: 'loading' }, 'Loading…') : !doc.ok ? problem(doc) : table(['Method', 'Path', 'What it does'], operations.map(([verb, path, about]) => h('tr', {}, h('td', { cls: 'mono' }, verb), h('td', { cls: 'mono' }, path), h('td', {}, about))), '')))
      )];
  } };
} };

// ---- the frame

const order = ['business', 'payments', 'accounts', 'pipeline', 'control', 'load', 'dead-letters', 'system'];
let open = null, openKey = '', openName = '';

function theme(name) {
  document.documentElement.dataset.theme = name;
  localStorage.setItem('kpay.theme', name);
}
function frame() {
  const snap = now.snap, stale = isStale();
  const logo = s('svg', { viewBox: '0 0 32 32', 'aria-hidden': 'true' }, s('rect', { width: 32, height: 32, rx: 7, fill: '#2458d3' }), s('path', { d: 'M9 7v18M9 17l9-10M12 14l10 11', fill: 'none', stroke: '#fff', 'stroke-width': 3.4, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }));
  const dark = document.documentElement.dataset.theme === 'dark';
  const books = snap && { balanced: ['good', 'books balance'], unbalanced: ['bad', 'books do NOT balance'], moving: ['', 'books moving'], partial: ['warn', 'books partial'], unknown: ['warn', 'books unknown'] }[snap.books.state];
  show(document.getElementById('top'), h('a', { cls: 'brand', href: '#/' }, logo, 'kpay'),
    snap && h('a', { cls: 'chip ' + (snap.control.desired === 'paused' ? 'warn' : 'good'), href: link('control'), id: 'pipeline-chip' }, 'pipeline ' + snap.control.desired),
    books && h('a', { cls: 'chip ' + books[0], href: link('system'), id: 'books-chip', title: snap.books.balanced_at_ms ? `proven as of ${clock(snap.books.balanced_at_ms)}; the offsets stand on System` : 'not proven yet' }, books[1]),
    snap && snap.missing_partitions.length > 0 && h('a', { cls: 'chip bad', href: link('pipeline') }, snap.missing_partitions.length + ' not served'),
    h('span', { cls: 'grow' }), whoIsIn(), !needsLogin() && h('span', { cls: 'chip ' + (stale ? 'bad' : 'good'), id: 'live', role: 'status' }, stale ? (snap ? 'stale since ' + clock(now.at) : 'connecting') : 'live ' + clock(now.at)),
    h('button', { cls: 'ghost', id: 'zone', title: 'Times in UTC or in this machine’s zone', onclick: () => { local = !local; localStorage.setItem('kpay.local', local ? '1' : '0'); refresh(); } }, local ? 'local time' : 'UTC'),
    h('button', { cls: 'ghost', id: 'theme', onclick: () => { theme(dark ? 'light' : 'dark'); refresh(); } }, dark ? 'light' : 'dark'));
  const here = openName;  // what is drawn: the address is ahead of it for a moment
  show(document.getElementById('nav'), needsLogin() ? null : order.map((name, i) => h('a', { href: link(name), 'aria-current': name === here ? 'page' : undefined }, screens[name].title, h('kbd', { 'aria-hidden': 'true' }, i + 1))));
}
function refresh() {
  frame();
  const main = document.getElementById('main');
  main.classList.toggle('stale', now.snap !== null && isStale() && !needsLogin());
  if (needsLogin()) { show(main, loginView()); return; }
  if (!now.snap) { show(main, h('p', { cls: 'loading', role: 'status' }, waitingFor)); return; }
  if (open) show(main, now.snap && isStale() ? h('div', { cls: 'box warn banner', role: 'alert', 'data-key': 'stale' }, 'These numbers are from ' + clock(now.at) + '. The gateway is not heard now; the page goes on by itself.') : h('div', { 'data-key': 'fresh' }), h('div', { 'data-key': openKey }, open.view()));
}
function start() {
  if (needsLogin()) { document.title = 'Log in · kpay'; refresh(); return; }
  const at = route();
  const screen = screens[at.screen] || screens.business;
  if (open && open.close) open.close();
  openKey = location.hash || '#/';
  openName = screen === screens[at.screen] ? at.screen : 'business';
  document.title = screen.title + ' · kpay';
  open = screen.open(at);
  refresh();
}
let waitingFor = 'Waiting for the gateway…';
async function first() {
  if (needsLogin()) return;
  const answer = await ask('/pipeline');
  if (answer.ok) {
    const { series, ...snap } = answer.body;
    now.series = series;
    if (!now.snap) { now.snap = snap; now.at = Date.now(); }
  } else {
    waitingFor = answer.body.detail || waitingFor;
    setTimeout(first, 1000);
  }
  refresh();
}

// Over the navigation, and not to another screen: the address stays.
document.querySelector('.skip').onclick = (event) => { event.preventDefault(); document.getElementById('main').focus(); };
theme(localStorage.getItem('kpay.theme') || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
window.addEventListener('hashchange', () => { start(); document.getElementById('main').focus({ preventScroll: true }); });
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.nodeName)) return;
  if (needsLogin()) return;
  const number = Number(event.key);
  if (number >= 1 && number <= order.length) location.hash = link(order[number - 1]);
  if (event.key === '/') {
    event.preventDefault();
    location.hash = link('payments');
    setTimeout(() => document.getElementById('lookup-id').focus(), 50);
  }
});
// Once every script is there, each with its screens.
async function begin() {
  await learn();
  start();
  first().then(listen);
}
document.addEventListener('DOMContentLoaded', () => { begin(); setInterval(refresh, 1000); });
