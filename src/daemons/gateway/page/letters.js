'use strict';
// Dead letters: find and inspect them, say what a replay would do, and ask for a replay or a discard,
// which another person approves.

// ---- the bytes are shown for a reason, which is audited

const revealed = {}, revealForms = {};
function letterBytes(letter) {
  const shown = revealed[letter.id];
  if (shown && shown.ok) return h('pre', { id: 'letter-bytes', tabindex: '0' }, hexdump(shown.body.bytes_hex));
  if (!may('postDeadLettersIdReveal')) return withheld('postDeadLettersIdReveal', 'see its bytes');
  const form = revealForms[letter.id] ||= revealForm(letter);
  return [form, shown && problem(shown)];
}
function revealForm(letter) {
  const form = h('form', { 'data-keep': '', id: 'reveal-form', onsubmit: async (event) => {
    event.preventDefault();
    await busy(form.querySelector('button'), async () => {
      revealed[letter.id] = await send(`/dead-letters/${encodeURIComponent(letter.id)}/reveal`, { reason: formOf(form).reason || '' });
    });
    refresh();
  } }, h('div', { cls: 'inline' }, field('Its bytes may name accounts and amounts. Why do you look? (audited)', { name: 'reason', required: true, maxlength: 200 }), h('button', { id: 'reveal' }, 'Show bytes')),
    h('p', { cls: 'actions' }, copyAs({ kpayctl: 'kpayctl dlq show ' + letter.id, curl: () => curl(`/dead-letters/${encodeURIComponent(letter.id)}/reveal`, { reason: formOf(form).reason || 'why' }) }, 'this')));
  return form;
}
function hexdump(hex) {
  const lines = [];
  for (let i = 0; i < Math.min(hex.length, 2048); i += 32) {
    const bytes = hex.slice(i, i + 32).match(/../g) || [];
    lines.push((i / 2).toString(16).padStart(6, '0') + '  ' + bytes.join(' ').padEnd(48) + ' ' + bytes.map((b) => { const c = parseInt(b, 16); return c >= 32 && c < 127 ? String.fromCharCode(c) : '·'; }).join(''));
  }
  return lines.join('\n') + (hex.length > 2048 ? '\n…' : '');
}

// ---- what can be done about those that are chosen

const ticked = new Set();  // ids; outlives a look at another screen
const countOf = (n, word) => `${count(n)} ${word}${n === 1 ? '' : 's'}`;
const letterPlace = (l) => `${l.topic}/${l.partition}@${l.offset}.${l.index}`;

// "2 replayed, 1 failed again", and of each that was not closed why.
function closingView(answer) {
  if (!answer.ok) return problem(answer);
  const { result, ended, author } = answer.body;
  const by = result.letters.reduce((m, l) => m.set(l.became, (m.get(l.became) || 0) + 1), new Map());
  const said = [...by].map(([became, n]) => `${count(n)} ${became.replaceAll('_', ' ')}`);
  if (result.closed_before) said.push(`${count(result.closed_before)} closed before`);
  return h('div', { cls: 'box ' + (ended && !result.letters.some((l) => l.why) ? 'good' : 'warn'), role: 'status' },
    h('p', {}, h('b', {}, said.join(', ') || 'Nothing was left to do'), '. In the log as by ', author, '.'),
    !ended && h('p', {}, 'Not every task has answered yet. Approve it again: each has one effect.'),
    result.letters.filter((l) => l.why).map((l) => h('p', {}, h('code', {}, l.id), ': ', l.became.replaceAll('_', ' '), ', ', l.why)));
}
function forecastView(answer) {
  if (!answer) return null;
  if (!answer.ok) return problem(answer);
  const f = answer.body, moves = f.letters.filter((l) => l.verdict === 'moves').length;
  return h('div', { cls: 'box ' + (f.would_fail ? 'warn' : 'good'), role: 'status' },
    h('p', {}, h('b', {}, `${count(f.would_pass)} would pass, ${count(f.would_fail)} would fail`), moves > 0 && `; ${count(moves)} would go to the partition of ${moves === 1 ? 'its account' : 'their accounts'}`, f.closed_before > 0 && `; ${count(f.closed_before)} are closed already`, '.'),
    Object.entries(f.why).map(([why, n]) => h('p', {}, `${count(n)}: ${why}`)),
    h('p', { cls: 'dim' }, f.cannot_know, '.'));
}

// ---- what waits for a second person

function whyNot(r) {
  if (!me.login) return 'Nobody logs in at this gateway, so there is no second person: use kpayctl.';
  if (r.expired) return 'It has expired: nobody approved it in time.';
  if (!may('postRequestsIdApprove')) return 'It takes an approver or an admin.';
  if (r.yours) return 'You have asked for it: it takes another person.';
  return '';
}
function requestRow(r, decide, working) {
  const no = whyNot(r), mayDecline = may('postRequestsIdDecline') && !r.approver && (r.yours || may('postRequestsIdApprove'));
  return h('tr', { 'data-key': r.id }, h('td', {}, time(r.at_ms, true)), h('td', {}, h('b', {}, r.what), ' ', countOf(r.ids.length, 'letter')),
    h('td', {}, h('details', {}, h('summary', {}, r.ids[0], r.ids.length > 1 ? ' …' : ''), r.ids.map((id) => h('div', { cls: 'mono' }, id)))),
    h('td', {}, r.maker), h('td', {}, r.reason), h('td', {}, r.approver ? chip('info', 'approved by ' + r.approver) : r.expired ? chip('bad', 'expired') : time(r.expires_ms, true)),
    h('td', {}, h('div', { cls: 'actions' },
      h('button', { cls: 'small approve', disabled: working || no !== '', onclick: (e) => decide(r, 'approve', e.currentTarget) }, 'Approve'),
      h('button', { cls: 'small decline', disabled: working || !mayDecline, onclick: (e) => decide(r, 'decline', e.currentTarget) }, r.yours ? 'Withdraw' : 'Decline'),
      ['approve', 'decline'].map((verb) => copyAs({ curl: () => curl(`/requests/${r.id}/${verb}`, { reason: 'why' }) }, verb))),
      no && h('div', { cls: 'dim why-not' }, no)));
}

screens['dead-letters'] = { title: 'Dead letters', open(at) {
  let list = null, requests = null, forecast = null, asked = null, decided = null, working = false;
  async function load() {
    [list, requests] = await Promise.all([ask('/dead-letters?limit=200'), ask('/requests')]);
    const open = new Set(list.ok ? list.body.letters.filter((l) => l.state === 'open').map((l) => l.id) : ticked);
    [...ticked].filter((id) => !open.has(id)).forEach((id) => ticked.delete(id));
    refresh();
  }
  load();
  const timer = setInterval(load, 5000);
  // One thing at a time: the page is drawn anew meanwhile, so a button alone can't remember it.
  async function work(button, what) {
    if (working) return;
    working = true;
    try { await busy(button, what); } finally { working = false; refresh(); }
  }
  function choose(ids, on) {
    ids.forEach((id) => (on ? ticked.add(id) : ticked.delete(id)));
    forecast = asked = null;
    refresh();
  }
  const askForm = h('form', { 'data-keep': '', id: 'ask-form', oninput: () => refresh(), onsubmit: (event) => event.preventDefault() },
    h('div', { cls: 'row' }, field('Reason (everybody can read it)', { name: 'reason', id: 'ask-reason', required: true, maxlength: 200 }), field('To discard them, the words “discard” and how many', { name: 'words', id: 'discard-words', maxlength: 40 })));
  const words = () => 'discard ' + ticked.size;
  async function request(what, button) {
    if (!askForm.reportValidity()) return;
    await work(button, async () => {
      asked = await send('/requests', { what, ids: [...ticked], reason: formOf(askForm).reason });
      if (asked.ok) { ticked.clear(); askForm.reset(); forecast = null; }
      await load();
    });
  }
  const decideForm = h('form', { 'data-keep': '', id: 'decide-form', onsubmit: (event) => event.preventDefault() },
    field('Why do you approve or decline? (audited)', { name: 'reason', id: 'decide-reason', required: true, maxlength: 200 }));
  async function decide(r, verb, button) {
    if (!decideForm.reportValidity()) return;
    await work(button, async () => {
      decided = await send(`/requests/${r.id}/${verb}`, { reason: formOf(decideForm).reason });
      await load();
    });
  }
  const ids = () => [...ticked];
  function todo() {
    const none = ticked.size === 0 || working, mayAsk = may('postRequests');
    return card(12, ['Replay or discard', h('span', { cls: 'sub' }, ticked.size === 0 ? 'choose letters above' : countOf(ticked.size, 'letter') + ' chosen')], withheld('postRequests', 'ask for a replay or a discard'),
      h('p', { cls: 'dim' }, 'A replay applies the letter’s own bytes once more, once at most. A discard closes it for good: nothing will come of it. Either is done when another person has approved it.'),
      ticked.size > 0 && h('p', {}, 'To ask for a discard, type the words ', h('code', { id: 'words' }, words()), '.'), askForm,
      h('div', { cls: 'actions' }, h('button', { id: 'letters-check', disabled: none, onclick: (e) => work(e.currentTarget, async () => { forecast = await send('/dead-letters:check', { ids: ids() }); }) }, 'Check'),
        h('button', { cls: 'primary', id: 'ask-replay', disabled: none || !mayAsk, onclick: (e) => request('replay', e.currentTarget) }, 'Ask to replay'),
        h('button', { cls: 'danger', id: 'ask-discard', disabled: none || !mayAsk || formOf(askForm).words !== words(), onclick: (e) => request('discard', e.currentTarget) }, 'Ask to discard'),
        h('button', { id: 'choose-none', disabled: none, onclick: () => choose(ids(), false) }, 'Choose none'), h('span', { cls: 'grow' }),
        copyAs({ kpayctl: () => `kpayctl dlq replay ${ids().join(' ')} --dry-run --reason ${quote(formOf(askForm).reason || 'why')}`, curl: () => curl('/dead-letters:check', { ids: ids() }) }),
        ['replay', 'discard'].map((what) => copyAs({ curl: () => curl('/requests', { what, ids: ids(), reason: formOf(askForm).reason || 'why' }) }, 'the ' + what))),
      h('div', { id: 'ask-result', 'aria-live': 'polite' }, forecastView(forecast), asked && (asked.ok ? h('div', { cls: 'box good', role: 'status' }, 'Asked. It waits below for another person, until ', time(asked.body.expires_ms, true), '.') : problem(asked))));
  }
  function waiting() {
    const rows = requests && requests.ok ? requests.body.requests : [];
    return card(12, ['Waiting for a second person', h('span', { cls: 'sub' }, rows.length ? countOf(rows.length, 'request') : '')],
      rows.length > 0 && (may('postRequestsIdDecline') ? decideForm : withheld('postRequestsIdDecline', 'approve or decline')),
      h('div', { id: 'requests' }, !requests ? h('p', { cls: 'loading' }, 'Loading…') : !requests.ok ? problem(requests) : table(['Asked', 'What', 'Which', 'By', 'Reason', 'Until', 'Decide'], rows.map((r) => requestRow(r, decide, working)), 'Nothing waits.')),
      h('div', { id: 'decide-result', 'aria-live': 'polite' }, decided && (decided.ok && decided.body.declined ? h('div', { cls: 'box good', role: 'status' }, 'Declined: nothing was done.') : closingView(decided))));
  }
  return { close: () => clearInterval(timer), view() {
    const letters = list && list.ok ? list.body.letters : [];
    const groups = letters.reduce((m, l) => m.set(l.reason, [...(m.get(l.reason) || []), l]), new Map());
    const more = list && list.ok && list.body.total > letters.length;
    const shown = letters.filter((l) => !at.query.reason || l.reason === at.query.reason);
    const chosen = letters.find((l) => letterPlace(l) === at.item);
    const opened = (reason) => letters.filter((l) => l.reason === reason && l.state === 'open').map((l) => l.id);
    const group = ([reason, all]) => { const ids = opened(reason); return h('tr', { 'data-key': reason }, h('td', {}, h('a', { href: link('dead-letters', at.item, { reason }) }, reason)), num(count(all.length)), num(count(ids.length)), h('td', {}, time(all[0].at_ms)),
      h('td', {}, h('button', { cls: 'small choose-all', disabled: ids.length === 0, 'aria-label': `choose ${ids.length} open of ${reason}`, onclick: () => choose(ids, true) }, `choose ${ids.length} open`))); };
    const row = (l) => h('tr', { 'data-key': l.id, 'aria-current': chosen === l ? 'true' : undefined },
      h('td', {}, h('input', { type: 'checkbox', 'aria-label': 'Choose ' + l.id, checked: ticked.has(l.id), disabled: l.state !== 'open', onchange: (e) => choose([l.id], e.currentTarget.checked) })),
      h('td', {}, time(l.at_ms, true)), h('td', {}, l.reason), h('td', {}, l.state), h('td', {}, h('a', { cls: 'mono', href: link('dead-letters', letterPlace(l), at.query) }, letterPlace(l))), num(count(l.bytes_total)), h('td', {}, l.sender));
    return [h('h1', {}, 'Dead letters', h('small', {}, list && list.ok ? [`${count(list.body.total)} in all, as of `, time(list.body.as_of_ms)] : '')),
      !list ? h('p', { cls: 'loading' }, 'Loading…') : !list.ok ? problem(list) : list.body.total === 0 ? h('div', { cls: 'card' }, h('p', { cls: 'empty' }, 'There is none: every event could be applied.')) :
      h('div', { cls: 'grid' }, card(12, 'By reason', table(['Reason', '#Newest', '#Open', 'Last', 'Choose'], [...groups].map(group), ''), more && h('p', { cls: 'dim', id: 'more-letters' }, `Of ${count(list.body.total)} letters the newest ${count(letters.length)} can be chosen here; kpayctl dlq has all of them.`), at.query.reason && h('p', {}, h('a', { href: link('dead-letters', at.item) }, 'show all reasons'))),
        card(12, more ? `The newest ${count(letters.length)}` : 'All of them, newest first', h('div', { id: 'letters' }, table(['Choose', 'Came', 'Reason', 'State', 'Where it stands', '#Bytes', 'Written by'], shown.map(row), 'None has that reason.'))),
        chosen ? h('section', { cls: 'card c12', id: 'inspect' }, h('h2', {}, 'Inspect'), kv([['Id', h('code', {}, chosen.id)], ['State', chosen.state], ['Origin', h('code', {}, letterPlace(chosen))], ['Reason', chosen.reason], ['Written by', chosen.sender], ['Came', time(chosen.at_ms, true)], ['Bytes', count(chosen.bytes_total)], ['Hash', h('code', {}, chosen.bytes_hash)]]), letterBytes(chosen), h('p', { cls: 'actions' }, copyAs({ kpayctl: `kpayctl dlq replay ${chosen.id} --dry-run --reason '…'`, curl: curlGet('/dead-letters?limit=200') })))
          : at.item ? h('div', { cls: 'card c12' }, h('p', { cls: 'empty' }, 'That letter is not among the newest ' + letters.length + '.')) : null,
        todo(), waiting())];
  } };
} };
