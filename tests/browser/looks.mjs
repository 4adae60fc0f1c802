// What is looked at: who may see what, WCAG 2.2 AA, keys, narrow and dark.
import assert from 'node:assert/strict';
import { KPAY_VIEWER_PASSWORD, api, base, go, logIn, newContext, newId, origin, page, refused, shot, shots, shows, test, text, until, violations, watched } from './harness.mjs';

test('system: version, books, the API', async () => {
  await go('system', /System/);
  const system = await api('/system');
  await shows('main', new RegExp(system.config_hash));
  await shows('#operations', /\/api\/v1\/payments:batch/);
  await shot('system');
});

test('the API tried in Swagger UI: every operation is there, and asks as who is logged in', async () => {
  await page.goto(origin + '/docs');
  await shows('#who', /as admin/);
  const { paths } = await api('/openapi.json');
  const operations = Object.values(paths).flatMap((path) => Object.keys(path)).length;
  await until(`all ${operations} operations`, async () => (await page.locator('.opblock').count()) === operations);
  const tryOut = async (method, path, fill) => {
    const block = page.locator(`.opblock-${method}`, { has: page.locator(`[data-path="${path}"]`) });
    await block.locator('.opblock-summary-control').click();
    await block.getByRole('button', { name: 'Try it out' }).click();
    if (fill) await fill(block);
    await block.getByRole('button', { name: 'Execute', exact: true }).click();
    return until(`${method} ${path} is answered`, async () => (await block.locator('.live-responses-table .response-col_status').last().innerText()).trim());
  };
  assert.match(await tryOut('get', '/system'), /^200/);
  const balance = async () => Number((await api('/accounts/acc-8')).balance_minor);
  const before = await balance();
  const status = await tryOut('post', '/payments', async (block) => {
    await block.locator('tr[data-param-name="Idempotency-Key"] input').fill(newId());
    await block.locator('textarea.body-param__text').fill(JSON.stringify({ from: 'acc-7', to: 'acc-8', amount: '0.77', currency: 'EUR' }));
  });
  assert.match(status, /^20[02]/, 'a session’s write has its token');
  await until('it was paid', async () => (await balance()) === before + 77);
  await shot('api');
  // Of Swagger UI’s own making, with their date; what is new here has to be looked at. The report has how many.
  const known = { 'color-contrast': '2026-11-27', 'target-size': '2026-11-27', 'nested-interactive': '2026-11-27', 'select-name': '2026-11-27', 'scrollable-region-focusable': '2026-11-27', label: '2026-11-27' };
  assert.deepEqual((await violations(page, 'docs')).filter((each) => !(each.split(':')[0] in known)), [], 'axe: docs');
  await page.click('header a');
  await shows('h1', /Business/);
});

test('audit: who drained and who looked into a letter, with their reasons', async () => {
  await go('audit', /Audit/);
  await shows('#actions', /postPipelineDrain/);
  await shows('#actions', /the payer asks/);
  await shows('#actions', /ben[^]*postRequestsIdApprove[^]*done[^]*looked at it/);
  await shot('audit');
  await page.selectOption('#audit-action', 'postSession');
  await shows('#actions', /denied/);
  assert.doesNotMatch(await text('#actions'), /postPipelineDrain/);
  assert.match(page.url(), /action=postSession/);
  await page.fill('#audit-who', 'vera');
  await page.press('#audit-who', 'Enter');
  await until('who is in the URL', () => /who=vera/.test(page.url()));
});

test('a viewer looks, and is told why the rest is off', async () => {
  const other = await newContext();
  const viewer = await watched(other);
  await viewer.goto(base);
  await logIn(viewer, 'vera', KPAY_VIEWER_PASSWORD);
  const has = (selector, pattern) => until(`${selector} shows ${pattern}`, async () => pattern.test(await viewer.locator(selector).first().innerText()));
  await has('#who', /vera/);
  for (const [screen, button] of [['control', '#pause'], ['control', '#drain'], ['control', '#resume'], ['payments', '#send'], ['accounts', '#open-account'], ['load', '#load-start'], ['load', '#load-stop']]) {
    await viewer.goto(base + '#/' + screen);
    await has('main [role=note]', /viewer.*don’t allow/);
    assert.ok(await viewer.isDisabled(button), button);
  }
  if (shots) { await viewer.goto(base + '#/control'); await viewer.waitForTimeout(300); await viewer.screenshot({ path: `${shots}/no-permission.png` }); }
  await viewer.goto(base + '#/audit');
  await has('main [role=note]', /don’t allow you to read the audit/);
  await viewer.goto(base + '#/dead-letters');
  await viewer.click('#letters a');
  await has('#inspect [role=note]', /see its bytes/);
  await has('section:has(#ask-form) [role=note]', /don’t allow you to ask/);
  for (const button of ['#ask-replay', '#ask-discard']) assert.ok(await viewer.isDisabled(button), button);
  refused(1);
  const answer = await viewer.evaluate(() => send('/pipeline:drain', { reason: 'by hand' }).then((a) => a.status));
  assert.equal(answer, 403, 'the gateway refuses what the page does not offer');
  refused(0);
  await other.close();
});

test('WCAG 2.2 AA: axe finds nothing on any screen, light, dark and at 320 pixels', async () => {
  const found = [];
  for (const [theme, width] of [['light', 1360], ['dark', 1360], ['light', 320]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate((name) => { document.documentElement.dataset.theme = name; }, theme);
    const newest = (await api('/payments?limit=1')).payments[0].payment_id;
    for (const name of ['business', 'payments', 'payments/' + newest, 'accounts', 'accounts/acc-8?since=2026-01-01', 'pipeline', 'control', 'load', 'dead-letters', 'system', 'audit']) {
      await page.goto(base + '#/' + name);
      await page.waitForTimeout(400);
      found.push(...(await violations(page, `${name}, ${theme}, ${width}`)).map((v) => `${theme} ${width} ${name}: ${v}`));
    }
  }
  await page.setViewportSize({ width: 1360, height: 900 });
  await page.evaluate(() => { document.documentElement.dataset.theme = 'light'; });
  assert.deepEqual(found, []);
});

test('dark, keyboard, narrow', async () => {
  await go('', /Business/);
  await page.click('#theme');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await shot('business-dark');
  const shown = async () => { const at = page.locator('h1 time').first(); return [new Date(await at.getAttribute('datetime')), await at.innerText(), (await text('#zone')).trim()]; };
  const [utc, utcText, zone] = await shown();
  assert.deepEqual([utcText, zone], [utc.toISOString().slice(11, 19) + ' UTC', 'UTC']);
  await page.click('#zone');
  const [here, hereText, there] = await shown();
  assert.deepEqual([hereText, there], [new Date(here.getTime() + 9 * 3600e3).toISOString().slice(11, 19), 'local time'], 'this browser is nine hours ahead');
  await page.click('#zone');
  assert.match((await shown())[1], / UTC$/);
  for (const [key, heading] of [['2', /Payments/], ['3', /Accounts/], ['4', /Pipeline/], ['5', /Control/], ['6', /Load/], ['7', /Dead/], ['8', /System/], ['9', /Audit/], ['1', /Business/]]) {
    await page.keyboard.press(key);
    await shows('h1', heading);
  }
  await page.keyboard.press('/');
  await until('the lookup has the focus', () => page.evaluate(() => document.activeElement.id === 'lookup-id'));
  await page.setViewportSize({ width: 320, height: 800 });
  const newest = (await api('/payments?limit=1')).payments[0].payment_id;
  for (const name of ['', 'payments', 'payments/' + newest, 'accounts', 'accounts/acc-8?since=2026-01-01', 'pipeline', 'control', 'load', 'dead-letters', 'system', 'audit']) {
    await page.goto(base + '#/' + name);
    await page.waitForTimeout(name.includes('/') ? 600 : 150);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `"${name}" fits 320 pixels`);
  }
  await page.setViewportSize({ width: 1360, height: 900 });
  await page.click('#theme');
});

test('a form keeps what is being typed while the page updates', async () => {
  await go('payments', /Payments/);
  await page.click('#new-payment');
  await page.fill('#send-form [name=reference]', '');
  await page.locator('#send-form [name=reference]').pressSequentially('slowly typed text', { delay: 180 });
  assert.equal(await page.inputValue('#send-form [name=reference]'), 'slowly typed text');
  assert.equal(await page.evaluate(() => document.activeElement.name), 'reference');
});
