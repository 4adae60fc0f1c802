// After all others: what they have used, of what was there.
import assert from 'node:assert/strict';
import { allHandlers, calls, context, go, handled, origin, page, refused, seen, shows, test, used } from './harness.mjs';

test('log out: the page shows nothing, and the session is over', async () => {
  await go('', /Business/);
  refused(1);
  const cookies = await context.cookies();
  await page.click('#logout');
  await shows('h1', /Log in/);
  const old = cookies.map((c) => `${c.name}=${c.value}`).join('; ');
  assert.equal((await fetch(origin + '/api/v1/pipeline', { headers: { Cookie: old } })).status, 401);
  await page.reload();
  await shows('h1', /Log in/);
  refused(0);
});

test('every button, link and field with a handler that was seen on a screen was used by a test', () => {
  const unused = [...seen].filter(([name]) => !used.has(name)).map(([name, when]) => `${name} (seen in "${when}")`);
  assert.deepEqual(unused, []);
  assert.ok(used.size > 60, `${used.size} are used`);
  if (allHandlers.size) assert.deepEqual([...allHandlers].filter((id) => !handled.has(id)), [], 'each handler of the page’s files ran');
});

test('every call that the page made is in the API’s description', async () => {
  const { paths } = await (await fetch(origin + '/api/v1/openapi.json')).json();
  const described = Object.entries(paths).flatMap(([path, verbs]) => Object.keys(verbs).map((verb) => [verb.toUpperCase(), new RegExp('^' + path.replace(/\{[^}]*\}/g, '[^/]+') + '$'), path]));
  const found = [...calls].map((call) => [call, described.find(([verb, pattern]) => call.startsWith(verb + ' ') && pattern.test(call.slice(verb.length + 1)))]);
  assert.deepEqual(found.filter(([, each]) => !each).map(([call]) => call), []);
  const operations = new Set(found.map(([, [verb, , path]]) => verb + ' ' + path));
  assert.ok(operations.size >= 25, `${operations.size} operations: ${[...operations].join(', ')}`);
});
