// What the page's tests share: the browser, who watches it, a live system to ask, and waits.
// Run by suite.mjs, which test_page.py starts: it has the rig, and does what command() asks of it.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { randomBytes } from 'node:crypto';
import { recordControls } from './controls.mjs';

export const [, base, executablePath, modules, reports, shots] = process.argv.slice(2);
const { chromium } = createRequire(modules + '/')('playwright-core');
const axe = readFileSync(modules + '/node_modules/axe-core/axe.min.js', 'utf8');
export const { KPAY_ADMIN_PASSWORD, KPAY_VIEWER_PASSWORD, KPAY_MAKER_PASSWORD, KPAY_CHECKER_PASSWORD, KPAY_TOKEN } = process.env;
export const origin = new URL(base).origin;
// BLANK: one handler of the page (FILE:NUMBER) is taken away. ONLY: a pattern of the tests' names, beside
// the first. TAGGED: each element names its handlers, so that it is known which test used them.
const { BLANK, ONLY, TAGGED } = process.env;

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
const complaints = [];
let refusals = 0;  // answers with an error status that a test asks for; the browser reports each on the console
export const refused = (n) => { refusals = n; };
const expected = (text) => text.startsWith('Failed to load resource') && refusals > 0;

// ---- what the page does, by test

export const seen = new Map(), used = new Map(), handled = new Map(), calls = new Set();
let running = '';
const note = (map, key) => { if (!map.has(key)) map.set(key, running); };
const HANDLER = /\bon(click|change|input|submit|mousemove|mouseleave): /g;
export const allHandlers = new Set();
// Each handler by its number in its file: named in an attribute beside it, or taken away.
function marked(file, text) {
  let number = 0;
  return text.replace(HANDLER, (whole, kind) => {
    const id = `${file}:${++number}`;
    allHandlers.add(id);
    return id === BLANK ? `'data-blank': ` : TAGGED ? `'data-on-${kind}': '${id}', ${whole}` : whole;
  });
}
export async function newContext(options) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, reducedMotion: 'reduce', ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
  context.setDefaultTimeout(30000);
  await context.exposeBinding('noteControl', (_, kind, key) => note({ seen, used, handled }[kind], key));
  await context.addInitScript(recordControls);
  if (BLANK || TAGGED) {
    await context.route(/\/(app|access|payments|pipeline|letters|history)\.js$/, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: marked(new URL(route.request().url()).pathname.slice(1), await answer.text()) });
    });
  }
  return context;
}
export async function watched(context) {
  const page = await context.newPage();
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type()) && !expected(message.text())) complaints.push('console: ' + message.text()); });
  page.on('pageerror', (error) => complaints.push('error: ' + error.message));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin) complaints.push('off origin: ' + request.url());
    else if (url.pathname.startsWith('/api/v1/')) calls.add(request.method() + ' ' + url.pathname.slice('/api/v1'.length));
  });
  await page.addInitScript(() => document.addEventListener('securitypolicyviolation', (e) => console.error('CSP: ' + e.violatedDirective + ' ' + e.blockedURI)));
  return page;
}
export const context = await newContext({ colorScheme: 'light', timezoneId: 'Asia/Tokyo' });
export const page = await watched(context);

// ---- the system

export function newId() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
}
export async function api(path, body, key) {
  const who = { Authorization: 'Bearer ' + KPAY_TOKEN };
  const answer = await fetch(origin + '/api/v1' + path, body === undefined ? { headers: who } : { method: 'POST', headers: { ...who, 'Content-Type': 'application/json', ...(key ? { 'Idempotency-Key': key } : {}) }, body: JSON.stringify(body) });
  return answer.json();
}
// Asks test_page.py: "kill account-2", "start account-2", "freeze …", "thaw …", "letters 10000".
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
export async function command(text) {
  console.log('@' + text);
  const { value } = await answers.next();
  assert.equal(value, 'done', text);
}

// ---- waits and looks

export async function until(what, condition, seconds = 20) {
  const deadline = Date.now() + (BLANK ? Math.min(seconds, 8) : seconds) * 1000;
  let last;
  while (Date.now() < deadline) {
    try { last = await condition(); if (last) return last; } catch (error) { last = error.message; }
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(`not within ${seconds} s: ${what} (last: ${last})`);
}
export const text = (selector, on = page) => on.locator(selector).first().innerText();
export const shows = (selector, pattern, seconds, on = page) => until(`${selector} shows ${pattern}`, async () => pattern.test(await text(selector, on)), seconds);
export const go = async (hash, heading, on = page) => { await on.goto(base + '#/' + hash); await shows('h1', heading, 20, on); };
export const shot = async (name, on = page) => { if (shots) { await on.evaluate(() => scrollTo(0, 0)); await on.screenshot({ path: `${shots}/${name}.png` }); } };
export const picture = async (on, name) => { if (shots) { await on.evaluate(() => scrollTo(0, 0)); await on.screenshot({ path: `${shots}/${name}.png`, fullPage: true }); } };
// One card of the page, without the bar at the top, which stands over what is taller than the window.
export async function cardShot(inside, name) {
  if (!shots) return;
  const bar = (position) => page.evaluate((value) => { document.getElementById('top').style.position = value; }, position);
  await bar('static');
  await page.locator('.card', { has: page.locator(inside) }).screenshot({ path: `${shots}/${name}.png` });
  await bar('');
}
export const isOff = (on, selector) => on.locator(selector).first().isDisabled();
export const clipboard = (on = page) => on.evaluate(() => navigator.clipboard.readText());

export async function logIn(on, user, password) {
  await on.fill('#login-user', user);
  await on.fill('#login-password', password);
  await on.click('#login');
}
// Presses every "copy as" below `within`: a command for kpayctl fits `kpayctl`; one for curl asks as its
// token, and one that only reads is run.
export async function copies(within, kpayctl, on = page) {
  const found = on.locator(`${within} button:has-text("copy ")`);
  await until('something can be copied in ' + within, async () => (await found.count()) > 0);
  const buttons = await found.elementHandles(), labels = await found.allInnerTexts();
  for (let i = 0; i < labels.length; ++i) {
    await on.evaluate(() => navigator.clipboard.writeText('nothing yet'));
    await buttons[i].click();
    const copied = await until('it is copied', async () => { const now = await clipboard(on); return now !== 'nothing yet' && now; }, 5);
    if (/ as kpayctl$/.test(labels[i])) { assert.match(copied, kpayctl); continue; }
    assert.match(copied, /^curl -sS -H "Authorization: Bearer \$KPAY_TOKEN" .*\/api\/v1\//, labels[i]);
    if (!/ -d /.test(copied)) assert.doesNotMatch(execFileSync('bash', ['-c', copied], { encoding: 'utf8' }), /"code":/, copied);
  }
}
// WCAG 2.2 AA, by axe: what it finds on the page as it is now. Everything it says is kept in a report.
const findings = [];
export async function axeFinds(on, name) {
  await on.evaluate(axe);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const found = await on.evaluate((values) => window.axe.run(document, { runOnly: { type: 'tag', values } }), tags);
  const nodes = (list) => list.map((v) => ({ id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map((n) => n.target.join(' ')) }));
  findings.push({ page: name, axe: found.testEngine.version, violations: nodes(found.violations), incomplete: nodes(found.incomplete), passes: found.passes.map((p) => p.id) });
  return found.violations;
}
export const violations = async (on, name) =>
  (await axeFinds(on, name)).map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(' | ')}`);

// ---- the tests, in the order in which they were named

const tests = [];
export const test = (name, body) => tests.push([name, body]);

export async function run(phase) {
  const wanted = ONLY ? tests.filter(([name], i) => i === 0 || new RegExp(ONLY).test(name)) : tests;
  let failed = 0;
  for (const [name, body] of wanted) {
    const began = Date.now();
    running = name;
    try {
      await body();
      assert.deepEqual(complaints, [], 'no console error, CSP violation or request off the origin');
      console.log(`ok      ${name} (${Date.now() - began} ms)`);
    } catch (error) {
      ++failed;
      complaints.length = 0;
      refusals = 0;
      console.log(`FAILED  ${name}\n        ${error.message.split('\n').join('\n        ')}`);
      if (shots) await page.screenshot({ path: `${shots}/failed-${failed}.png` });
      if (BLANK) break;
    }
  }
  await browser.close();
  if (!BLANK) {
    mkdirSync(reports, { recursive: true });
    const keep = (name, what) => writeFileSync(`${reports}/${phase}-${name}.json`, JSON.stringify(what, null, 1) + '\n');
    keep('axe', findings);
    keep('controls', { seen: Object.fromEntries(seen), used: Object.fromEntries(used) });
    keep('calls', [...calls].sort());
    if (TAGGED) keep('handlers', Object.fromEntries([...allHandlers].map((id) => [id, handled.get(id) ?? null])));
  }
  console.log(`${wanted.length - failed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
