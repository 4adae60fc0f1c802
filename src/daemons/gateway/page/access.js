'use strict';
// Who is logged in and what that allows; the screen to log in; the audit of what people did.

const me = { login: true, user: null, roles: '', csrf: '', operations: [], asked: false, over: false };
let lastInput = Date.now();
for (const kind of ['pointerdown', 'keydown']) document.addEventListener(kind, () => { lastInput = Date.now(); }, true);

const needsLogin = () => me.asked && me.user === null;
const may = (operation) => me.operations.includes(operation);
// Each read says whether a person was here in the last minute: timers alone don't keep a session alive.
function sessionHeaders(options) {
  const headers = Date.now() - lastInput < 60000 ? { 'X-Kpay-Active': '1' } : {};
  if (options && options.method === 'POST' && me.csrf) headers['X-Kpay-Csrf'] = me.csrf;
  return headers;
}
function take(answer) {
  if (!answer.ok) return;
  const { user = null, roles = '', csrf = '', operations = [], login = true } = answer.body;
  Object.assign(me, { user, roles, csrf, operations, login, asked: true });
}
async function learn() {
  const answer = await ask('/session');
  if (answer.ok && answer.body.login && answer.body.user === null) sessionIsOver();  // of a gateway that was started anew
  take(answer);
  if (!answer.ok) { waitingFor = answer.body.detail || waitingFor; await new Promise((done) => setTimeout(done, 1000)); return learn(); }
}
function sessionIsOver() {
  if (me.user === null) return;
  Object.assign(me, { user: null, csrf: '', operations: [], over: true });
  if (source) source.close();
  if (open && open.close) open.close();
  open = null;
  refresh();
}
const withheld = (operation, what) => may(operation) ? null :
  h('div', { cls: 'box warn', role: 'note' }, `Your roles (${me.roles}) don’t allow you to ${what}. Ask an admin of this system.`);

// ---- log in, log out

let loginAnswer = null;
const loginForm = h('form', { 'data-keep': '', id: 'login-form', onsubmit: (event) => { event.preventDefault(); busy(loginForm.querySelector('button'), logIn); } },
  field('User', { name: 'user', id: 'login-user', required: true, autocomplete: 'username', autocapitalize: 'none', maxlength: 48 }),
  field('Password', { name: 'password', id: 'login-password', type: 'password', required: true, autocomplete: 'current-password', maxlength: 256 }),
  h('div', { cls: 'actions' }, h('button', { cls: 'primary', id: 'login' }, 'Log in')));
async function logIn() {
  const form = new FormData(loginForm);
  loginAnswer = await send('/session', { user: String(form.get('user')).trim(), password: String(form.get('password')) });
  loginForm.querySelector('#login-password').value = '';
  if (!loginAnswer.ok) { refresh(); document.getElementById('login-password').focus(); return; }
  take(loginAnswer);
  Object.assign(me, { over: false });
  loginAnswer = null;
  start();
  first().then(listen);
}
async function logOut() {
  await send('/session:end', {});
  sessionIsOver();
  me.over = false;
  location.hash = '#/';
}
const loginView = () => [h('h1', { cls: 'login-title' }, 'Log in'),
  h('section', { cls: 'card login' }, me.over && h('div', { cls: 'box info', role: 'status' }, 'Your session is over. What you had sent is not lost; log in to see it.'),
    loginForm, h('div', { id: 'login-result', 'aria-live': 'polite' }, loginAnswer && !loginAnswer.ok && problem(loginAnswer)),
    h('p', { cls: 'dim' }, 'Whoever runs this gateway makes users: ', h('code', {}, 'kpay-gateway users add'), '.'))];
function whoIsIn() {
  if (needsLogin() || !me.asked) return null;
  if (!me.login) return h('span', { cls: 'chip warn', id: 'who', title: 'access.mode is none: whoever reaches this gateway may do everything' }, 'no login');
  return [h('span', { cls: 'chip', id: 'who', title: me.roles }, me.user), h('button', { cls: 'ghost', id: 'logout', onclick: (event) => busy(event.currentTarget, logOut) }, 'log out')];
}

// ---- the audit

// A target is a path, with what stands in it escaped.
function readable(path) {
  try { return decodeURIComponent(path); } catch (error) { return path; }
}

screens.audit = { title: 'Audit', open(at) {
  let list = null, statement = null;
  async function load() {
    if (!may('getAuditActions')) return;
    const query = new URLSearchParams(Object.entries({ who: at.query.who, action: at.query.action, limit: '200' }).filter(([, v]) => v));
    const auditor = now.snap && now.snap.books.auditor;  // without one, there is no statement to ask for
    [list, statement] = await Promise.all([ask('/audit/actions?' + query), auditor ? ask('/audit') : { ok: false, body: { detail: 'No auditor (kpay-journal) has made a statement yet.' } }]);
    refresh();
  }
  load();
  const timer = setInterval(load, 3000);
  const filters = h('div', { cls: 'row', 'data-keep': '' },
    h('label', {}, 'Who', h('input', { id: 'audit-who', value: at.query.who || '', onchange: (e) => setQuery({ who: e.target.value.trim() }) })),
    h('label', {}, 'Action', h('select', { id: 'audit-action', onchange: (e) => setQuery({ action: e.target.value }) }, ['', 'postSession', 'postSessionEnd', 'postPipelinePause', 'postPipelineDrain', 'postPipelineResume', 'postLoadStart', 'postLoadStop', 'postAccounts', 'postPaymentsBatch', 'postDeadLettersIdReveal', 'postRequests', 'postRequestsIdApprove', 'postRequestsIdDecline', 'access.changed'].map((v) => h('option', { value: v, selected: v === (at.query.action || '') }, v || 'all')))));
  const kinds = { done: 'good', denied: 'bad', refused: 'warn', failed: 'bad' };
  const row = (a) => h('tr', { 'data-key': a.at_ms + a.who + a.action }, h('td', {}, time(a.at_ms, true)), h('td', {}, h('b', {}, a.who), h('div', { cls: 'dim' }, [a.roles, a.from].filter(Boolean).join(', '))), h('td', {}, a.action), h('td', {}, chip(kinds[a.result] || '', a.result)), h('td', { cls: 'wrap' }, a.reason), h('td', { cls: 'mono wrap' }, readable(a.target)));
  return { close: () => clearInterval(timer), view: () => [
    h('h1', {}, 'Audit', h('small', {}, list && list.ok ? ['who did what, as of ', time(list.body.as_of_ms)] : '')),
    !may('getAuditActions') ? h('div', { cls: 'card' }, withheld('getAuditActions', 'read the audit')) :
    h('div', { cls: 'grid' },
      card(12, ['The books, by the auditor'], !statement ? h('p', { cls: 'loading' }, 'Loading…') : !statement.ok ? h('p', { cls: 'empty' }, statement.body.detail) : kv([['State', chip({ conserved: 'good', broken: 'bad' }[statement.body.state] || 'warn', statement.body.state)], ['As of', time(statement.body.as_of_ms, true)], ['Findings', count(statement.body.findings ? statement.body.findings.total : 0)], ['Open dead letters', count(statement.body.open_dead_letters)]])),
      card(12, ['Actions', h('span', { cls: 'sub' }, list && list.ok ? `the newest; all of them stand on ops.audit` : '')], filters,
        h('div', { id: 'actions' }, !list ? h('p', { cls: 'loading' }, 'Loading…') : !list.ok ? problem(list) : table(['When', 'Who', 'Action', 'Result', 'Reason', 'Target'], list.body.actions.map(row), 'Nothing of that kind was done lately.'))))] };
} };
order.push('audit');
