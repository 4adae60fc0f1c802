// Every screen of the page in a real browser, against a live system; test_page.py starts both.
// Usage: node suite.mjs PHASE PAGE-URL CHROMIUM PLAYWRIGHT-FOLDER REPORT-FOLDER [SCREENSHOT-FOLDER]
// PHASE "empty": a system that nothing was ever sent to. "main": everything else. "demo": what test_demo.py does.
import { run } from './harness.mjs';

const phase = process.argv[2];
for (const part of { empty: ['./empty.mjs'], demo: ['./newcomer.mjs'], main: ['./screens.mjs', './letters.mjs', './forms.mjs', './looks.mjs', './faults.mjs', './whole.mjs'] }[phase]) await import(part);
await run(phase);
