// A system to which nothing was ever sent: each screen says so, and what to do.
import assert from 'node:assert/strict';
import { KPAY_ADMIN_PASSWORD, api, base, go, logIn, newId, page, refused, shot, shows, test, text, until, violations } from './harness.mjs';

test('no data at all: the system answers, and has nothing', async () => {
  await page.goto(base);
  await logIn(page, 'admin', KPAY_ADMIN_PASSWORD);
  await shows('h1', /Business/);
  assert.deepEqual([(await api('/accounts')).accounts, (await api('/dead-letters')).total], [[], 0]);
  assert.deepEqual(Object.keys((await api('/pipeline')).totals.currencies), []);
});

test('no data at all: every screen says that there is nothing, why, and what to do', async () => {
  const screens = [
    ['', /Business/, [/No payment has ended in the last half hour/, /Nothing needs you/, /nothing lately/]],
    ['payments', /Payments/, [/There is no payment yet\. Send one, or start the load generator/, /Give an id to see how it ended/]],
    ['payments?status=failed', /Payments/, [/No payment fits the filters/]],
    ['accounts', /Accounts/, [/There is no account yet\. Open one above/, /Give an id, or choose one/]],
    ['pipeline', /Pipeline/, [/0 records behind/, /intake[^]*account[^]*settle/]],
    ['control', /Control/, [/running/, /Not drained: the pipeline is running/]],
    ['load', /Load generator/, [/stopped/, /does not generate/]],
    ['dead-letters', /Dead letters/, [/There is none: every event could be applied/]],
    ['system', /System/, [/No account is open yet/]],
    ['audit', /Audit/, [/postSession/]],
  ];
  for (const [hash, heading, says] of screens) {
    await go(hash, heading);
    for (const pattern of says) await shows('main', pattern);
    assert.deepEqual(await violations(page, `empty: ${hash || 'business'}`), [], `axe: ${hash}`);
    if (['', 'payments', 'dead-letters'].includes(hash)) await shot('empty-' + (hash || 'business'));
  }
});

test('no data at all: an id that nobody knows is said to be unknown, not an error', async () => {
  refused(1);
  await go('payments/' + newId(), /Payments/);
  await shows('#lookup-result', /not|unknown/i);
  await shows('#journey', /The journal knows nothing of this id yet/);
  await go('accounts/nobody', /Accounts/);
  await shows('#account', /not/i);
  await until('it is no blank page', async () => (await text('main')).length > 100);
  refused(0);
});
