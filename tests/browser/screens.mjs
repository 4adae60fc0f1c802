// Each screen does what it says, against a live system.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copies, KPAY_ADMIN_PASSWORD, api, base, clipboard, context, go, logIn, newId, page, refused, shot, shots, shows, test, text, until, violations } from './harness.mjs';

test('log in: nothing is shown before, a wrong password is said, a reload stays in', async () => {
  await page.goto(base);
  await shows('h1', /Log in/);
  assert.equal(await page.locator('#nav a').count(), 0);
  await shot('login');
  assert.deepEqual(await violations(page, 'login'), [], 'axe: login');
  refused(1);
  await logIn(page, 'admin', 'not the password');
  await shows('#login-result', /password/);
  refused(0);
  assert.equal(await page.inputValue('#login-password'), '', 'it is not kept');
  await logIn(page, 'admin', KPAY_ADMIN_PASSWORD);
  await shows('h1', /Business/);
  await shows('#who', /admin/);
  await page.reload();
  await shows('h1', /Business/);
  const [cookie] = await context.cookies();
  assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict', JSON.stringify(cookie));
  assert.equal(await page.evaluate(() => document.cookie), '', 'no script sees it');
});

test('business: the confirmed count follows a payment that somebody else made', async () => {
  await go('', /Business/);
  const shown = async () => Number((await text('#tile-confirmed .value')).replace(/,/g, ''));
  await until('the tile has a number', async () => (await shown()) >= 0);
  const before = (await api('/pipeline')).totals.currencies.EUR?.confirmed_today.count ?? 0;
  const done = await api('/payments?wait=10', { from: 'acc-1', to: 'acc-2', amount: '1.23', currency: 'EUR' }, newId());
  assert.equal(done.status, 'completed', JSON.stringify(done));
  await until('the tile counts it', async () => (await shown()) === before + 1);
  assert.equal((await api('/pipeline')).totals.currencies.EUR.confirmed_today.count, before + 1);
  assert.match(await text('#live'), /^live/);
  await until('the books are proven', async () => /balance/.test(await text('#books-chip')) && !/NOT/.test(await text('#books-chip')), 40);
});

test('payments: one form is one payment, over double clicks and reloads', async () => {
  await go('payments', /Payments/);
  const balance = async () => Number((await api('/accounts/acc-4')).balance_minor);
  const before = await balance();
  await page.fill('#send-form [name=from]', 'acc-3');
  await page.fill('#send-form [name=to]', 'acc-4');
  await page.fill('#send-form [name=amount]', '7.89');
  const id = await text('#draft-id code');
  await page.dblclick('#send');
  await shows('#send-result', /completed/);
  await page.reload();
  assert.equal(await text('#draft-id code'), id, 'the id outlives a reload');
  assert.equal(await page.inputValue('#send-form [name=amount]'), '7.89');
  await page.click('#send');
  await shows('#send-result', /The money has moved, once/);
  assert.equal(await balance(), before + 789);
  await shows('#payment-list', new RegExp(id));
  await shot('payments');
  await page.click('#new-payment');
  assert.notEqual(await text('#draft-id code'), id);
  await page.click('#send-form >> text=copy as curl');
  assert.match(await clipboard(), /Idempotency-Key: .*payments\?wait=10/s);
});

test('payments: what is wrong is said beside the form, and a lookup tells how one ended', async () => {
  await go('payments', /Payments/);
  await page.fill('#send-form [name=amount]', '1.2345');
  refused(1);
  await page.click('#send');
  await shows('#send-result', /Right would be/);
  const done = await api('/payments?wait=10', { from: 'acc-5', to: 'nobody-here', amount: '2.00', currency: 'EUR' }, newId());
  await page.fill('#lookup-id', done.payment_id);
  await page.click('#lookup');
  await shows('#lookup-result', /account_not_found/);
  assert.match(page.url(), new RegExp(done.payment_id), 'the lookup is in the URL');
  await page.selectOption('#filter-status', 'failed');
  await shows('#payment-list', new RegExp(done.payment_id));
  assert.match(page.url(), /status=failed/);
  assert.doesNotMatch(await text('#payment-list'), /completed/);
  await page.fill('#filter-account', 'nobody-here');
  await page.press('#filter-account', 'Enter');
  await until('the filter by account is in the URL', () => /account=nobody-here/.test(page.url()));
  refused(0);
});

test('payments: a journey is told hop by hop, and the list pages back through all', async () => {
  const ids = [];
  for (let i = 0; i < 60; i++) ids.push((await api('/payments?wait=10', { from: 'acc-7', to: 'acc-8', amount: '0.01', currency: 'EUR', reference: 'hop by hop' }, newId())).payment_id);
  await until('the journal has them', async () => (await api('/payments/' + ids[59] + '/journey')).hops?.filter((hop) => hop.posting).length === 2, 30);
  await go('payments?account=acc-8', /Payments/);
  await shows('#payment-list', new RegExp(ids[59]));
  await page.click(`#payment-list >> text=${ids[59]}`);
  await until('the payment is in the URL', () => page.url().includes(ids[59]));
  await shows('#journey', /Debit leg[^]*Credit leg[^]*Outcome[^]*Told to the world/);
  await shows('#journey', /payments\.inflight\/\d @ \d+\.\d/);
  await shows('#journey', /hop by hop/);
  const told = await api('/payments/' + ids[59] + '/journey');
  assert.ok((await text('#journey')).includes(told.hops[1].posting.after), 'the balance after the debit');
  await page.locator('#journey').scrollIntoViewIfNeeded();
  if (shots) await page.locator('.card', { has: page.locator('#journey') }).screenshot({ path: `${shots}/journey.png` });
  await go('payments?account=acc-8', /Payments/);
  await until('a full page', async () => (await page.locator('#payment-list tbody tr').count()) === 50);
  const newest = await text('#payment-list tbody tr td:last-child');
  await page.click('#older-payments');
  await until('older ones', async () => (await text('#payment-list tbody tr td:last-child')) !== newest && (await page.locator('#payment-list').innerText()).includes(ids[0]));
  assert.match(page.url(), /cursor=/, 'the page is in the URL');
  await page.click('#newest-payments');
  await until('and back', async () => (await text('#payment-list tbody tr td:last-child')) === newest);
  await page.fill('#filter-to', '2199-01-01');
  await page.press('#filter-to', 'Enter');
  await until('the end is in the URL', () => /to=2199-01-01/.test(page.url()));
  await page.fill('#filter-from', '2199-01-01');
  await page.press('#filter-from', 'Enter');
  await shows('#payment-list', /No payment fits/);
  assert.match(page.url(), /from=2199-01-01/);
});

test('accounts: what changed a balance, line by line', async () => {
  const account = await api('/accounts/acc-8');
  const statement = await api('/accounts/acc-8/statement?limit=500');
  assert.equal(statement.closing, account.balance, 'the statement ends with the balance');
  await go('accounts/acc-8', /Accounts/);
  await shows('#postings', /credit[^]*acc-7[^]*hop by hop/);
  const plain = async (selector) => (await text(selector)).replace(/,/g, '');
  assert.ok((await plain('#postings tbody tr')).includes(account.balance), 'the newest line has the balance');
  const newest = await text('#postings tbody tr');
  await page.click('#more-postings');
  await until('older lines', async () => (await text('#postings tbody tr')) !== newest);
  await page.click('#first-postings');
  await until('and back', async () => (await text('#postings tbody tr')) === newest);
  await page.fill('#filter-since', '2026-01-01');
  await page.press('#filter-since', 'Enter');
  await until('opening and closing', async () => (await plain('#opening')) === '0.00 EUR' && (await plain('#closing')) === account.balance + ' EUR');
  assert.match(page.url(), /since=2026-01-01/, 'the filter is in the URL');
  assert.match(await text('#postings tbody tr'), /opening/, 'oldest first');
  await page.locator('#postings').scrollIntoViewIfNeeded();
  if (shots) await page.locator('.card', { has: page.locator('#postings') }).screenshot({ path: `${shots}/statement.png` });
  await page.reload();
  await shows('#closing', /EUR/);
  await page.click('#postings tbody td:last-child a');
  await shows('h1', /Payments/);
  await shows('#journey', /Forwarded/);
});

test('accounts: open, find, page on', async () => {
  await go('accounts', /Accounts/);
  const name = 'browser-' + randomBytes(4).toString('hex');
  await page.fill('#open-form [name=account]', name);
  await page.fill('#open-form [name=opening]', '250.00');
  await page.click('#open-account');
  await shows('#open-result', /done/);
  await page.fill('#find-id', name);
  await page.click('#find');
  await shows('#balance', /250\.00 EUR/);
  await api('/payments?wait=10', { from: name, to: 'acc-1', amount: '50.00', currency: 'EUR' }, newId());
  await shows('#balance', /200\.00 EUR/);
  const first = await text('#account-list tbody tr');
  await shot('accounts');
  await until('there is a next page', () => page.isEnabled('#next'));
  await page.click('#next');
  await until('the list has moved on', async () => (await text('#account-list tbody tr')) !== first);
  await page.click('#previous');
  await until('and back', async () => (await text('#account-list tbody tr')) === first);
});

test('load generator: starts at a rate, is seen everywhere, stops', async () => {
  await go('load', /Load generator/);
  await page.fill('#load-form [name=rate]', 'many');
  refused(1);
  await page.click('#load-start');
  await shows('#load-result', /Right would be/);
  refused(0);
  await page.fill('#load-form [name=rate]', '300');
  await page.fill('#load-form [name=accounts]', '60');
  await page.click('#load-start');
  await shows('#load-text', /running/);
  await shows('main', /300\.0? ?wanted|300 wanted/);
  await go('', /Business/);
  await until('there is another currency', async () => (await page.locator('h1 select').count()) === 1);
  await page.selectOption('h1 select', 'USD');
  await until('the currency is in the URL', () => /currency=USD/.test(page.url()));
  await page.selectOption('h1 select', 'EUR');
  await until('the rate is shown', async () => Number((await text('#tile-rate .value')).replace(/,/g, '')) > 100, 30);
  assert.ok((await page.locator('svg.chart path.line').count()) >= 5);
  await new Promise((done) => setTimeout(done, shots ? 15000 : 3000));  // for charts that have something to show
  await shot('business');
  for (const chart of await page.locator('svg.chart').all()) await chart.hover({ position: { x: 300, y: 60 } });
  await shows('.legend >> nth=1', /at \d\d:/);
  await go('pipeline', /Pipeline/);
  await shows('#stages', /intake/);
  await shot('pipeline');
  await go('load', /Load generator/);
  await shot('load');
  await copies('main', /^kpayctl load start /);
  await page.click('#load-stop');
  await shows('#load-text', /stopped/);
});

test('pipeline: every stage with each of its partitions, and every instance', async () => {
  await go('pipeline', /Pipeline/);
  const snapshot = await api('/pipeline');
  for (const stage of snapshot.stages) await shows('#stages', new RegExp(stage.stage));
  assert.equal(await page.locator('#stages .cell').count(), snapshot.stages.reduce((n, x) => n + x.partitions.length, 0));
  for (const instance of snapshot.instances) await shows('main', new RegExp(instance.instance));
});

test('control: a drain with its proof, then resume', async () => {
  await go('control', /Control/);
  await page.fill('#reason', 'browser test');
  await copies('main', /^kpayctl pipeline drain /);
  await page.click('#drain');
  await shows('#control-result', /Drained/, 30);
  await shows('#proof', /in flight/);
  const proof = await api('/pipeline/drain');
  assert.equal(proof.drained, true);
  for (const each of proof.intake) await shows('#proof', new RegExp(each.hash));
  await shows('#pipeline-chip', /paused/);
  await shot('control');
  await page.click('#resume');
  await shows('#pipeline-chip', /running/);
  assert.equal((await api('/pipeline')).control.desired, 'running');
});
