// What happens when a part of the system is gone, and with very many dead letters.
import assert from 'node:assert/strict';
import { KPAY_ADMIN_PASSWORD, api, base, command, go, logIn, newId, page, refused, shot, shows, test, text, until, violations } from './harness.mjs';

const missing = async () => (await api('/pipeline')).missing_partitions;
const partitionsOf = async (instance) => (await api('/pipeline')).stages.find((x) => x.stage === 'account').partitions.filter((p) => p.instance === instance).map((p) => 'account/' + p.partition);

// What a test has killed comes back, also when the test fails.
const killing = (name, body) => async () => {
  try { await body(() => command('kill ' + name)); } finally { await command('start ' + name); }
};

test('one of two account processors is killed: the page names what is missing, shows the rest, and heals', killing('account-2', async (kill) => {
  const gone = await partitionsOf('account-2'), left = await partitionsOf('account-1');
  assert.ok(gone.length > 0 && left.length > 0, `account-1 has ${left}, account-2 has ${gone}`);
  await go('pipeline', /Pipeline/);
  assert.equal(await page.locator('#stages .cell.bad').count(), 0);
  refused(1);
  await kill();
  for (const each of gone) await shows('.banner', new RegExp(`Not served now: [^.]*${each}\\b`), 8);
  const banner = await text('.banner');
  for (const each of left) assert.doesNotMatch(banner, new RegExp(each + '\\b'));
  assert.match(banner, /The rest is shown/);
  assert.equal(await page.locator('#stages .cell.bad').count(), gone.length, 'those only');
  await until('the topology says so', async () => (await page.locator('.topo').textContent()).includes(`${gone.length} of ${gone.length + left.length} not running`), 5);
  await shot('missing');
  await page.click('#top a.chip.bad:has-text("not served")');
  await go('accounts', /Accounts/);
  await shows('.banner', new RegExp(`Not all accounts are here: [^]*${gone[0]}`), 5);
  assert.ok((await page.locator('#account-list tbody tr').count()) > 0, 'those of the others are listed');
  await go('', /Business/);
  await shows('main', new RegExp(`without [^]*${gone[0]}`), 5);
  await page.click('.attention a >> text=' + gone[0]);
  await shows('h1', /Pipeline/);
  // Nobody does anything: the other one takes its partitions over.
  await until('nothing is missing', async () => (await missing()).length === 0, 60);
  await until('the page says so', async () => (await page.locator('.banner').count()) === 0 && (await page.locator('#stages .cell.bad').count()) === 0);
  refused(0);
  for (let i = 1; i <= 8; ++i) {
    const done = await api('/payments?wait=10', { from: 'acc-' + i, to: 'acc-' + (i + 20), amount: '0.02', currency: 'EUR' }, newId());
    assert.equal(done.status, 'completed', JSON.stringify(done));
  }
}));

test('the journal is killed: its part says so, the rest goes on, and it heals', killing('journal-1', async (kill) => {
  await go('payments?from=2026-01-01', /Payments/);
  await shows('#payment-list', /completed/);
  refused(1);
  await kill();
  await shows('#payment-list', /journal_unavailable/, 15);
  assert.equal(await page.evaluate(() => ask('/payments?from=2026-01-01').then((a) => a.status)), 503);
  assert.deepEqual(await violations(page, 'a part answers 503'), []);
  await shot('part-gone');
  await page.click('#new-payment');
  for (const [name, value] of Object.entries({ from: 'acc-1', to: 'acc-2', amount: '0.03' })) await page.fill(`#send-form [name=${name}]`, value);
  await page.click('#send');
  await shows('#send-result', /The money has moved, once/);
  await shows('#live', /^live/);
  await command('start journal-1');
  await shows('#payment-list', /completed/, 40);
  refused(0);
}));

test('the gateway hangs: the page says since when its numbers are old, greys them, and goes on', async () => {
  await go('', /Business/);
  await shows('#live', /^live/);
  await command('freeze gateway-1');
  await shows('#live', /stale since \d\d:\d\d:\d\d UTC/, 15);
  await shows('.banner', /These numbers are from \d\d:\d\d:\d\d UTC[^]*goes on by itself/);
  assert.ok(await page.evaluate(() => document.getElementById('main').classList.contains('stale')));
  await shot('stale');
  refused(1);
  await command('thaw gateway-1');
  await shows('#live', /^live/, 20);
  assert.equal(await page.evaluate(() => document.getElementById('main').classList.contains('stale')), false);
  refused(0);
});

test('the gateway is killed and started again: the page says it, asks for a login, and nothing typed is lost', killing('gateway-1', async (kill) => {
  await go('payments', /Payments/);
  await page.click('#new-payment');
  await page.fill('#send-form [name=reference]', 'typed before');
  const id = await text('#draft-id code');
  refused(1);
  await kill();
  await shows('#live', /stale since/, 15);
  await command('start gateway-1');
  await shows('main', /Your session is over/, 30);
  await logIn(page, 'admin', KPAY_ADMIN_PASSWORD);
  await shows('h1', /Payments/);
  refused(0);
  await shows('#live', /^live/, 20);
  assert.equal(await text('#draft-id code'), id);
  assert.equal(await page.inputValue('#send-form [name=reference]'), 'typed before');
  assert.ok(page.url().startsWith(base));
}));

test('ten thousand dead letters: how many there are and of what cause, and the newest to look at', async () => {
  const before = (await api('/dead-letters')).total;
  await command('letters 10000');
  const { total } = await until('all are counted', async () => { const said = await api('/dead-letters'); return said.total >= before + 10000 && said; }, 90);
  const began = Date.now();
  await go('dead-letters', /Dead letters/);
  await shows('h1', new RegExp(total.toLocaleString('en-US') + ' in all'));
  const took = Date.now() - began;
  assert.ok(took < 5000, `shown after ${took} ms`);
  await shows('#more-letters', new RegExp(`Of ${total.toLocaleString('en-US')} letters the newest 200`));
  assert.equal(await page.locator('#letters tbody tr').count(), 200);
  assert.match(await text('main table'), /undecodable\s+200\s+200/);
  await page.click('main table a >> text=undecodable');
  await until('the reason is in the URL', () => /reason=undecodable/.test(page.url()));
  await page.click('text=show all reasons');
  await page.click('.choose-all');
  await shows('main', /\d+ letters chosen/);
  await page.click('#choose-none');
  await page.check('#letters tbody input >> nth=0');
  await shows('main', /1 letter chosen/);
  await page.uncheck('#letters tbody input >> nth=0');
  assert.deepEqual(await violations(page, 'ten thousand dead letters'), []);
  await shot('dead-letters-10000');
  await go('', /Business/);
  await shows('.attention', /10,\d\d\d letters written/);
  await page.click('.attention a >> text=letters written');
  await shows('h1', /Dead letters/);
});
