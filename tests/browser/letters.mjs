// Dead letters, by two people in two browsers.
import assert from 'node:assert/strict';
import { KPAY_CHECKER_PASSWORD, KPAY_MAKER_PASSWORD, api, base, copies, go, isOff, logIn, newContext, page, picture, refused, shot, shows, test, text, until, violations, watched } from './harness.mjs';

// Another person in a browser of his own, at the dead letters.
async function at(name, password) {
  const other = await newContext({ viewport: { width: 1360, height: 1100 } });
  const on = await watched(other);
  await on.goto(base);
  await logIn(on, name, password);
  await shows('#who', new RegExp(name), 20, on);
  await on.goto(base + '#/dead-letters');
  await shows('#letters', /wrong_partition/, 20, on);
  return on;
}
const stateOf = async (id) => (await api('/dead-letters?limit=200')).letters.find((letter) => letter.id === id).state;

test('dead letters: list, filter by reason, inspect', async () => {
  await go('dead-letters', /Dead letters/);
  const letters = (await api('/dead-letters')).letters;
  const raw = letters.find((letter) => letter.bytes_total === 3 && letter.state === 'open');  // the runner has put it there
  await page.click(`#letters tr[data-key="${raw.id}"] a`);
  assert.equal(await page.locator('#letter-bytes').count(), 0, 'masked');
  await copies('#inspect', /^kpayctl dlq (show|replay) /);
  await page.fill('#reveal-form [name=reason]', 'the payer asks');
  await page.click('#reveal');
  await shows('#letter-bytes', /00 ff 47/);
  await shot('dead-letters');
  await page.click(`section >> text="${raw.reason}"`);
  assert.match(page.url(), /reason=/);
  await page.click('text=show all reasons');
  await until('all are shown', () => !/reason=/.test(page.url()));
});

test('dead letters: one asks for a replay, another approves, and the money is there once', async () => {
  const letters = (await api('/dead-letters?limit=200')).letters;
  const [raw, misplaced] = [letters.find((l) => l.bytes_total === 3 && l.state === 'open'), letters.find((l) => l.reason === 'wrong_partition' && l.state === 'open')];
  const balance = async () => Number((await api('/accounts/acc-9')).balance_minor);
  const before = await balance();
  const maker = await at('ann', KPAY_MAKER_PASSWORD);
  for (const button of ['#letters-check', '#ask-replay', '#ask-discard', '#choose-none']) assert.ok(await isOff(maker, button), button + ' without a choice');
  await maker.focus(`[aria-label="Choose ${raw.id}"]`);
  await maker.keyboard.press('Space');
  await maker.click('.choose-all[aria-label*="wrong_partition"]');
  await maker.click('#letters-check');
  await shows('#ask-result', /1 would pass, 1 would fail[^]*1 would go to the partition[^]*1: /, 20, maker);
  await picture(maker, 'dead-letters-check');
  await maker.click('#choose-none');
  assert.equal(await maker.locator('#letters input:checked').count(), 0);
  assert.ok(await isOff(maker, '#ask-replay'));
  await maker.click('.choose-all[aria-label*="wrong_partition"]');
  await maker.click('#ask-replay');
  assert.equal((await api('/requests')).requests.length, 0, 'without a reason nothing is asked');
  await maker.fill('#ask-reason', 'the partitioner is mended');
  await maker.click('#ask-replay');
  await shows('#ask-result', /Asked\. It waits/, 20, maker);
  await shows('#requests', /ann[^]*the partitioner is mended[^]*It takes an approver or an admin/, 20, maker);
  assert.ok(await isOff(maker, '#requests .approve'));
  assert.equal(await stateOf(misplaced.id), 'open');
  const [request] = (await api('/requests')).requests;
  refused(1);
  assert.equal(await maker.evaluate((id) => send(`/requests/${id}/approve`, { reason: 'by hand' }).then((a) => a.body.code), request.id), 'not_allowed');
  refused(0);
  for (const theme of ['light', 'dark']) {
    await maker.evaluate((name) => { document.documentElement.dataset.theme = name; }, theme);
    assert.deepEqual(await violations(maker, `a request that waits, ${theme}`), [], `axe: a request that waits, ${theme}`);
  }
  const checker = await at('ben', KPAY_CHECKER_PASSWORD);
  await shows('#requests', /the partitioner is mended/, 20, checker);
  await checker.click('#requests summary');
  assert.match(await text('#requests details', checker), new RegExp(misplaced.id), 'which letters');
  await copies('#requests', /^$/, checker);
  await shows('main [role=note]', /approver.*don’t allow you to ask/, 20, checker);
  await checker.click('#requests .approve');
  assert.equal(await balance(), before, 'without a reason nothing is approved');
  await checker.fill('#decide-reason', 'looked at it');
  await picture(checker, 'dead-letters-approve');
  await checker.click('#requests .approve');
  await shows('#decide-result', /1 moved[^]*ann, approved by ben/, 30, checker);
  await until('the deposit', async () => (await balance()) === before + 500);
  await shows('#requests', /Nothing waits/, 20, checker);
  await shows('#requests', /Nothing waits/, 20, maker);
  assert.equal(await stateOf(misplaced.id), 'moved');
  await Promise.all([maker.context().close(), checker.context().close()]);
});

test('dead letters: a discard is typed, declined, withdrawn, and done by two people only', async () => {
  const raw = (await api('/dead-letters?limit=200')).letters.find((l) => l.bytes_total === 3 && l.state === 'open');
  const askFor = async (on, reason) => {
    await on.check(`[aria-label="Choose ${raw.id}"]`);
    await on.fill('#ask-reason', reason);
    await on.fill('#discard-words', 'discard 2');
    assert.ok(await isOff(on, '#ask-discard'), 'other words');
    await on.fill('#discard-words', await text('#words', on));
    await on.click('#ask-discard');
    await shows('#ask-result', /Asked/, 20, on);
    await shows('#requests', new RegExp(reason), 20, on);
  };
  const [maker, checker] = [await at('ann', KPAY_MAKER_PASSWORD), await at('ben', KPAY_CHECKER_PASSWORD)];
  await askFor(maker, 'noise of a scanner');
  await shows('#requests', /noise of a scanner/, 20, checker);
  await checker.fill('#decide-reason', 'not yet');
  await checker.click('#requests .decline');
  await shows('#decide-result', /Declined/, 20, checker);
  await askFor(maker, 'noise after all');
  await maker.fill('#decide-reason', 'a mistake');
  await maker.click('#requests .decline');
  await shows('#decide-result', /Declined/, 20, maker);
  assert.deepEqual((await api('/requests')).requests, []);
  await go('dead-letters', /Dead letters/);  // the admin may ask and approve, but not both
  await shows('#letters', /wrong_partition/);
  await page.check(`[aria-label="Choose ${raw.id}"]`);
  await copies('section:has(#ask-form)', new RegExp('^kpayctl dlq replay ' + raw.id.replace('.', '\\.')));
  await page.uncheck(`[aria-label="Choose ${raw.id}"]`);
  await askFor(page, 'the admin’s own');
  await shows('#requests .why-not', /takes another person/);
  assert.ok(await isOff(page, '#requests .approve'));
  const [request] = (await api('/requests')).requests;
  refused(1);
  assert.equal(await page.evaluate((id) => send(`/requests/${id}/approve`, { reason: 'by hand' }).then((a) => a.body.code), request.id), 'same_person');
  refused(0);
  assert.equal(await stateOf(raw.id), 'open');
  await shows('#requests', /the admin’s own/, 20, checker);
  await checker.fill('#decide-reason', 'is noise');
  await checker.click('#requests .approve');
  await shows('#decide-result', /1 discarded/, 30, checker);
  assert.equal(await stateOf(raw.id), 'discarded');
  await shows('#requests', /Nothing waits/);
  assert.ok(await isOff(page, `[aria-label="Choose ${raw.id}"]`), 'what is closed can’t be chosen');
  await Promise.all([maker.context().close(), checker.context().close()]);
});
