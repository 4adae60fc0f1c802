// Who has read the README and sees the page of `make demo`: payments move; the pipeline is paused, drained
// and resumed; the generator runs at 500 a second; one payment is followed; a dead letter is found and
// replayed, with a second person. test_demo.py starts the demo; each step has its picture.
import assert from 'node:assert/strict';
import { KPAY_ADMIN_PASSWORD, KPAY_CHECKER_PASSWORD, base, go, logIn, newContext, page, shot, shows, test, text, until, watched } from './harness.mjs';

const number = async (selector) => Number((await text(selector)).replace(/[^\d.]/g, ''));

test('the demo’s payments are seen', async () => {
  await page.goto(base);
  await logIn(page, 'admin', KPAY_ADMIN_PASSWORD);
  await shows('h1', /Business/);
  await until('payments were confirmed', async () => (await number('#tile-confirmed .value')) > 0);
  await shows('#books-chip', /books balance/, 60);
  await shot('first-1-business');
});

test('the pipeline is paused, drained and resumed', async () => {
  await page.click('#nav >> text=Control');
  await page.fill('#reason', 'a first look');
  await page.click('#pause');
  await shows('#control-result', /Paused/);
  await shot('first-2-paused');
  await page.click('#resume');
  await shows('#control-result', /Running/);
  await page.click('#drain');
  await shows('#control-result', /Drained/, 30);
  await shows('#proof', /in flight/);
  await shot('first-3-drained');
  await page.click('#resume');
  await shows('#control-result', /Running/);
  await shows('#pipeline-chip', /running/);
  await shot('first-4-resumed');
});

test('the generator runs at 500 a second, and payments are seen to move', async () => {
  await page.click('#nav >> text=Load generator');
  await page.fill('#load-form [name=rate]', '500');
  await page.click('#load-start');
  await shows('#load-text', /running/);
  await page.click('#nav >> text=Business');
  await until('about 500 a second', async () => { const rate = await number('#tile-rate .value'); return rate > 300 && rate < 800; }, 60);
  await page.waitForTimeout(15000);
  await shot('first-5-generator');
  await page.click('#nav >> text=Pipeline');
  await shows('#stages', /intake/);
  await shot('first-6-pipeline');
});

test('one payment is followed', async () => {
  await page.click('#nav >> text=Payments');
  await page.selectOption('#filter-status', 'completed');
  await until('completed ones', async () => (await page.locator('#payment-list .chip.good').count()) > 5);
  await page.click('#payment-list tbody tr:first-child td:last-child a');
  await shows('#journey', /Debit leg[^]*Credit leg[^]*Told to the world/, 30);
  await page.locator('#journey').scrollIntoViewIfNeeded();
  await shot('first-7-journey');
  await page.click('#nav >> text=Load generator');
  await page.click('#load-stop');
  await shows('#load-text', /stopped/);
  await shows('main', /does not generate/);
  await shows('main', /Unanswered\s+0\s/);
});

test('the dead letter is found, asked for and replayed by a second person, and the money is there', async () => {
  await go('accounts/acc-1', /Accounts/);
  await shows('#postings', /credit|debit|opening/);
  assert.doesNotMatch(await text('#postings'), /deposit/);
  await page.click('#nav >> text=Dead letters');
  await shows('#letters', /wrong_partition/);
  await page.click('#letters tbody a');
  await page.click('.choose-all');
  await page.click('#letters-check');
  await shows('#ask-result', /1 would pass, 0 would fail/);
  await page.fill('#ask-reason', 'it belongs to acc-1');
  await shot('first-8-dead-letter');
  await page.click('#ask-replay');
  await shows('#ask-result', /Asked/);
  const ben = await watched(await newContext());
  await ben.goto(base);
  await logIn(ben, 'ben', KPAY_CHECKER_PASSWORD);
  await shows('#who', /ben/, 20, ben);
  await ben.click('#nav >> text=Dead letters');
  await shows('#requests', /it belongs to acc-1/, 20, ben);
  await ben.fill('#decide-reason', 'so it does');
  await ben.click('#requests .approve');
  await shows('#decide-result', /1 moved/, 30, ben);
  await ben.locator('#decide-result').scrollIntoViewIfNeeded();
  if (process.argv[7]) await ben.screenshot({ path: `${process.argv[7]}/first-9-replayed.png` });
  await go('accounts/acc-1', /Accounts/);
  await until('the money is there', async () => /deposit[^]*\b250\.00 EUR/.test(await text('#postings tbody tr')), 30);
  assert.match(await text('#account'), /Deposits\s+250\.00 EUR/);
  assert.equal(await page.locator('#top a.chip.bad').count(), 0, 'all is well');
});
