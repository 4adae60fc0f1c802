// What a person does by hand: keys alone, back and forth, and an answer that is lost on its way.
import assert from 'node:assert/strict';
import { api, copies, go, newId, page, refused, shot, shows, test, text, until } from './harness.mjs';

const balance = async (account) => Number((await api('/accounts/' + account)).balance_minor);
async function draftOf(from, to, amount) {
  await go('payments', /Payments/);
  await page.click('#new-payment');
  for (const [name, value] of Object.entries({ from, to, amount, reference: '' })) await page.fill(`#send-form [name=${name}]`, value);
  return text('#draft-id code');
}

test('payments: the answer is lost after the money has moved, and the page says that it has', async () => {
  const before = await balance('acc-12');
  const id = await draftOf('acc-11', 'acc-12', '3.21');
  refused(1);
  await page.route(/\/payments\?wait=10$/, async (route) => { await route.fetch(); await route.abort('connectionreset'); }, { times: 1 });
  await page.click('#send');
  await shows('#send-result', /The answer was lost[^]*completed[^]*The money has moved, once/);
  await shot('lost-answer');
  await page.click('#send');
  await until('the answer to the same id', async () => !/was lost/.test(await text('#send-result')));
  await shows('#send-result', /The money has moved, once/);
  refused(0);
  assert.equal(await balance('acc-12'), before + 321, 'once');
  assert.equal((await api('/payments/' + id)).status, 'completed');
});

test('payments: the request is lost before it arrives, and the page says that no money was taken', async () => {
  const before = await balance('acc-12');
  await draftOf('acc-11', 'acc-12', '4.56');
  refused(1);
  await page.route(/\/payments\?wait=10$/, (route) => route.abort('connectionreset'), { times: 1 });
  await page.click('#send');
  await shows('#send-result', /as far as is known, no money was taken[^]*Send it again/);
  assert.equal(await balance('acc-12'), before);
  await page.click('#send');
  await shows('#send-result', /The money has moved, once/);
  refused(0);
  assert.equal(await balance('acc-12'), before + 456);
});

test('keys alone: from the top of the page to a payment that has moved, the focus always seen', async () => {
  await go('', /Business/);
  await page.reload();
  await shows('h1', /Business/);
  const focused = () => page.evaluate(() => {
    const el = document.activeElement, style = getComputedStyle(el);
    return { id: el.id, name: el.name || '', words: el.textContent.slice(0, 40), seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 && el.getBoundingClientRect().width > 0 };
  });
  const tabTo = (what, wanted) => until('Tab comes to ' + what, async () => {
    await page.keyboard.press('Tab');
    const at = await focused();
    assert.ok(at.seen || at.id === '' && at.words === '', 'the focus is seen: ' + JSON.stringify(at));
    return wanted(at);
  });
  await tabTo('the link over the navigation', (at) => /Skip to content/.test(at.words));
  await page.keyboard.press('Enter');
  assert.equal((await focused()).id, 'main');
  assert.doesNotMatch(page.url(), /#main/, 'the screen stays');
  await page.keyboard.press('2');
  await shows('h1', /Payments/);
  await tabTo('the button for a new one', (at) => at.id === 'new-payment');
  await page.keyboard.press('Enter');
  const id = await text('#draft-id code');
  const before = await balance('acc-14');
  await page.evaluate(() => document.getElementById('main').focus());
  for (const [name, value] of [['from', 'acc-13'], ['to', 'acc-14'], ['amount', '1.11'], ['currency', 'EUR']]) {
    await tabTo(name, (at) => at.name === name);
    await page.keyboard.press('Control+A');
    await page.keyboard.type(value);
  }
  await tabTo('Send payment', (at) => at.id === 'send');
  await page.keyboard.press('Enter');
  await shows('#send-result', /The money has moved, once/);
  assert.equal(await balance('acc-14'), before + 111);
  assert.equal((await api('/payments/' + id)).status, 'completed');
});

test('back and forward: every screen by its link, and back to where one was', async () => {
  await go('', /Business/);
  const links = await page.locator('#nav a').all();
  const headings = [];
  for (const link of links) {
    await link.click();
    const heading = (await link.innerText()).replace(/\s*\d$/, '').trim();
    await shows('h1', new RegExp(heading));
    headings.push(heading);
  }
  for (const heading of headings.slice(0, -1).reverse()) { await page.goBack(); await shows('h1', new RegExp(heading)); }
  await page.goForward();
  await shows('h1', new RegExp(headings[1]));
  await page.click('#top .brand');
  await shows('h1', /Business/);
  await page.click('#pipeline-chip');
  await shows('h1', /Control/);
  await page.click('#books-chip');
  await shows('h1', /System/);
  await shows('#proven', /accounted for up to these offsets[^]*payments\.inflight[^]*\d+ · \d+/, 30);
  const cut = Object.values((await api('/audit')).cut)[0];
  assert.ok(cut.length > 1);
});

test('payments and accounts lead to each other, with their filters, and back', async () => {
  await api('/payments?wait=10', { from: 'acc-15', to: 'acc-16', amount: '0.10', currency: 'EUR' }, newId());
  await go('payments?account=acc-15', /Payments/);
  await shows('#payment-list', /acc-16/);
  await page.click('#payment-list >> text=acc-16');
  await shows('h1', /Accounts/);
  await shows('#postings', /acc-15/);
  await copies('main', /^kpayctl accounts (get|open|postings|statement) /);
  await page.click('#postings td a >> text=acc-15');
  await shows('#account', /acc-15/);
  await page.click('text=its payments');
  await shows('h1', /Payments/);
  await until('its payments', () => /account=acc-15/.test(page.url()));
  await page.goBack();
  await shows('#account', /acc-15/);
  await page.goBack();
  await shows('#account', /acc-16/);
  await page.goBack();
  await shows('h1', /Payments/);
  assert.match(page.url(), /account=acc-15/, 'the filter has come back');
  await page.click('#account-list a, #payment-list td:last-child a');
  await shows('#journey', /Told to the world/);
  await copies('main', /^kpayctl payments (send|get|journey) /);
  await page.click('#lookup-result a');
  await page.click('#journey td a');
  await shows('h1', /Accounts/);
  await page.click('#account-list a');
  await until('that account', async () => (await text('#account b')) === decodeURIComponent(page.url().split('/').pop().split('?')[0]));
  await page.fill('#filter-until', '2199-01-01');
  await page.press('#filter-until', 'Enter');
  await shows('#closing', /EUR/);
  await copies('section:has(#postings)', /^kpayctl accounts statement /);
});

test('system: what it points to is there', async () => {
  await go('system', /System/);
  await copies('main', /^kpayctl books verify/);
  refused(1);  // the browser asks for /favicon.ico beside a text of ours
  for (const [href, says] of [['/api/v1/openapi.json', /"openapi"/], ['/api/v1/problems', /login_required/], ['/metrics', /^# HELP/m], ['/readyz', /ready/]]) {
    await page.click(`main a[href="${href}"]`);
    await until(href, async () => says.test(await page.evaluate(() => document.documentElement.textContent)));
    await page.goBack();
    await shows('h1', /System/);
  }
  await page.click('#docs');
  await shows('#who', /as admin/);
  await page.goBack();
  await shows('h1', /System/);
  refused(0);
});
