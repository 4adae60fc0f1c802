'use strict';
// What runs the payments: the pipeline as it is, its control, and the load generator.

function topology(snap) {
  const stage = Object.fromEntries(snap.stages.map((x) => [x.stage, x]));
  const at = { intake: [220, 130], account: [490, 130], settle: [830, 40], confirmed: [830, 130], throughput: [830, 220] };
  const about = { intake: 'shape, age, identity', account: 'debit, credit, refund', settle: 'what became of it', confirmed: 'public results', throughput: 'windows by minute' };
  const on = (name) => (stage[name] && stage[name].events_per_s > 0 ? ' on' : '');
  const pipe = (d, name) => [s('path', { cls: 'pipe', d }), s('path', { cls: 'flow' + on(name), d })];
  const node = (name) => {
    const [x, y] = at[name], g = stage[name];
    const dead = g.partitions.filter((p) => !serves(snap, name, p)).length;
    return s('g', {}, s('rect', { cls: 'node' + (dead ? ' bad' : g.lag_seconds > 5 ? ' warn' : ''), x: x - 74, y: y - 34, width: 148, height: 68, rx: 8 }),
      s('text', { cls: 't-name', x: x - 62, y: y - 14 }, name), s('text', { cls: 't-dim', x: x - 62, y: y + 3 }, dead ? `${dead} of ${g.partitions.length} not running` : about[name]),
      s('text', { x: x - 62, y: y + 22 }, rate(g.events_per_s) + ' ev/s · lag ' + count(g.lag)));
  };
  return h('div', { cls: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Topology' }, s('svg', { cls: 'chart topo', viewBox: '0 0 1060 262', role: 'img', 'aria-label': 'Topology with live rates' },
    pipe('M20 130H146', 'intake'), pipe('M294 130H416', 'account'), pipe('M445 96C445 40 535 40 535 96', 'account'),
    pipe('M564 130C616 130 618 40 680 40H756', 'settle'), pipe('M564 130H756', 'confirmed'), pipe('M564 130C616 130 618 220 680 220H756', 'throughput'), pipe('M904 130H1040', 'confirmed'),
    s('text', { cls: 't-topic', x: 24, y: 116 }, 'payments.incoming'), s('text', { cls: 't-topic', x: 296, y: 116 }, 'payments.inflight'), s('text', { cls: 't-topic', x: 634, y: 116 }, 'payments.complete'), s('text', { cls: 't-topic', x: 910, y: 116 }, '.confirmed .failed'),
    s('text', { cls: 't-dim', x: 24, y: 152 }, rate(snap.rates.accepted_per_s) + ' accepted/s'), Object.keys(at).map(node)));
}
// One that runs, as its instance said last, and that answers.
const serves = (snap, stage, p) => p.phase === 'running' && !snap.missing_partitions.includes(`${stage}/${p.partition}`);
function cell(snap, stage, p) {
  const here = serves(snap, stage, p);
  const kind = !here ? 'bad' : p.lag_seconds > 5 ? 'warn' : p.events_per_s > 0 ? '' : 'idle';
  return h('div', { cls: 'cell ' + kind, title: `partition ${p.partition}: ${p.phase}${p.reason ? ' (' + p.reason + ')' : ''}\n${p.instance || 'nobody'}\nposition ${p.position} of ${p.end}, lag ${p.lag} records, ${p.lag_seconds} s\n${p.events_per_s} events/s` },
    h('b', {}, p.partition), here ? (p.lag > 0 ? '−' + count(p.lag) : rate(p.events_per_s || 0)) : p.phase === 'running' ? 'silent' : p.phase);
}
// Money that waits before a stage. Intake has not read what waits before it, so nobody knows its sum.
const WAITING = { account: ['in_transit', 'debited, and on no account yet'], settle: ['in_flight', 'taken by intake, and not ended yet: what waits before account, too'] };
function moneyBehind(stage) {
  const [name, about] = WAITING[stage] || [];
  if (!name) return h('td', { cls: 'num dim' }, '–');
  const sums = currencies().map(([currency, t]) => money(t[name].value, currency));
  return h('td', { cls: 'num', title: about, id: 'money-' + stage }, sums.length ? sums.map((text, i) => [i > 0 && h('br'), text]) : '0');
}
screens.pipeline = { title: 'Pipeline', open: () => ({ view() {
  const snap = now.snap;
  return [h('h1', {}, 'Pipeline', h('small', {}, `${count(snap.lag)} records behind in all, as of `, time(snap.as_of_ms))),
    snap.missing_partitions.length > 0 && h('div', { cls: 'box bad banner', role: 'status' }, 'Not served now: ' + snap.missing_partitions.join(', ') + '. The rest is shown.'),
    h('div', { cls: 'grid' }, card(12, 'Topology', topology(snap)),
      card(12, ['Partitions', h('span', { cls: 'sub' }, 'events per second each, or −records behind; red is not served. Money as of the last checkpoints')], h('div', { cls: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Partitions' }, h('table', { id: 'stages' }, h('thead', {}, h('tr', {}, ['Stage', '#Events/s', '#Lag', '#Behind', '#Money behind', 'Partitions'].map((x) => h('th', { cls: x[0] === '#' ? 'num' : '' }, x.replace('#', ''))))),
        h('tbody', {}, snap.stages.map((x) => h('tr', {}, h('td', {}, h('b', {}, x.stage)), num(rate(x.events_per_s)), num(count(x.lag)), num(x.lag_seconds + ' s'), moneyBehind(x.stage), h('td', {}, h('div', { cls: 'strip' }, x.partitions.map((p) => cell(snap, x.stage, p)))))))))),
      card(12, 'Instances', table(['Instance', 'Daemon', 'Phase', '#Tasks', 'Address', 'Build', 'Config', 'Last word'], snap.instances.map((i) => h('tr', { 'data-key': i.instance }, h('td', {}, h('b', {}, i.instance)), h('td', {}, i.daemon), h('td', {}, i.stale ? chip('bad', 'silent') : chip(i.phase === 'running' ? 'good' : 'warn', i.phase + (i.paused ? ', paused' : '')), i.state ? ' ' + i.state : ''), num(i.tasks), h('td', { cls: 'mono' }, i.address), h('td', { cls: 'mono' }, i.build), h('td', { cls: 'mono' }, i.config_hash.slice(0, 8)), h('td', {}, ago(i.at_ms) + ' ago'))), 'No instance has spoken yet.')))];
} }) };

screens.control = { title: 'Control', open() {
  let result = null, proof = null, waiting = '';
  const form = h('form', { id: 'control-form', onsubmit: (event) => event.preventDefault() }, field('Reason (everybody can read it)', { name: 'reason', id: 'reason', required: true, maxlength: 200 }));
  const box = h('div', { cls: 'box', 'data-keep': '' }, withheld('postPipelineDrain', 'pause, drain or resume'), form, h('p', { cls: 'dim' }, 'A pause stops intake; what is in flight ends. A drain does that, and waits until nothing is in flight. New payments stay in the log, and go on at the resume.'),
    h('div', { cls: 'actions' }, h('button', { cls: 'danger', id: 'pause', disabled: !may('postPipelinePause'), onclick: (e) => change('pause', e.currentTarget) }, 'Pause'), h('button', { cls: 'danger', id: 'drain', disabled: !may('postPipelineDrain'), onclick: (e) => change('drain', e.currentTarget) }, 'Drain'), h('button', { cls: 'primary', id: 'resume', disabled: !may('postPipelineResume'), onclick: (e) => change('resume', e.currentTarget) }, 'Resume')),
    ['pause', 'drain', 'resume'].map((verb) => h('p', { cls: 'actions' }, copyAs({ kpayctl: () => `kpayctl pipeline ${verb} ${verb === 'drain' ? '--yes ' : ''}--reason ` + quote(formOf(form).reason || 'why'), curl: () => curl(`/pipeline:${verb}?wait=10`, { reason: formOf(form).reason || 'why' }) }, verb))));
  async function change(verb, button) {
    if (!form.reportValidity()) return;
    await busy(button, async () => {
      waiting = { pause: 'Pausing: intake stops…', drain: 'Draining: intake pauses, what is in flight ends…', resume: 'Resuming…' }[verb];
      refresh();
      result = await send(`/pipeline:${verb}?wait=10`, formOf(form));
      waiting = '';
      await look();
    });
  }
  async function look() { proof = await ask('/pipeline/drain'); refresh(); }
  look();
  const timer = setInterval(look, 2000);
  return { close: () => clearInterval(timer), view() {
    const c = now.snap.control, d = proof && proof.ok ? proof.body : null;
    const paused = c.desired === 'paused';
    const positions = (name) => (d[name] || []).map((p) => h('tr', {}, h('td', {}, name), num(p.partition), num(count(p.position)), h('td', { cls: 'mono' }, p.hash)));
    return [h('h1', {}, 'Control'),
      h('div', { cls: 'grid' },
        card(5, 'Pipeline', kv([['Wanted', chip(paused ? 'warn' : 'good', c.desired)], ['Observed', c.reached ? chip('good', 'so it is') : chip('warn', 'not yet')], ['', ''], ['Missing', c.missing], ['Since', c.at_ms ? time(c.at_ms, true) : 'the beginning'], ['By', c.owner], ['Reason', c.reason]]),
          box,
          h('div', { id: 'control-result', 'aria-live': 'polite' }, waiting ? h('div', { cls: 'box info' }, waiting) : result && !result.ok ? problem(result) : result && h('div', { cls: 'box good', role: 'status' }, result.body.drained ? 'Drained.' : result.body.reached ? { running: 'Running.', paused: 'Paused: intake takes nothing, and what is in flight ends.' }[result.body.desired] : 'Wanted; not so yet: ' + result.body.missing, result.body.changed === false ? ' It was wanted already.' : ''))),
        card(7, ['Proof', h('span', { cls: 'sub' }, d && d.drained ? ['nothing is in flight at these positions, as of ', time(d.as_of_ms)] : '')], h('div', { id: 'proof' }, !proof ? h('p', { cls: 'loading' }, 'Looking…') : !proof.ok ? problem(proof) : !d.drained ? h('p', { cls: 'empty' }, 'Not drained: ' + d.missing + '.') : [
          h('p', { cls: 'actions' }, Object.entries(d.in_flight).filter(([cur]) => cur !== 'XXX').map(([cur, t]) => chip('good', `${count(t.count)} in flight, ${money(t.value, cur)}`))),
          table(['Stage', '#Partition', '#Position', 'State hash'], [...positions('intake'), ...positions('settle')], '')])))];
  } };
} };

screens.load = { title: 'Load generator', open() {
  let result = null;
  const form = h('form', { 'data-keep': '', id: 'load-form', onsubmit: (event) => { event.preventDefault(); busy(form.querySelector('#load-start'), begin); } },
    h('div', { cls: 'row' }, field('Payments a second', { name: 'rate', required: true, value: '500', inputmode: 'decimal' }), field('Among accounts', { name: 'accounts', required: true, value: '100', inputmode: 'numeric' })),
    h('div', { cls: 'row' }, field('Largest amount', { name: 'amount_max', value: '50.00' }), field('Share of bad ones', { name: 'bad_share', value: '0.01', inputmode: 'decimal' })),
    h('div', { cls: 'row' }, h('label', {}, 'Payers', h('select', { name: 'distribution' }, h('option', { value: 'uniform' }, 'all alike'), h('option', { value: 'zipf' }, 'a few pay most (zipf)'))), field('Seconds (empty: until stopped)', { name: 'duration_s', inputmode: 'numeric' })),
    field('Reason', { name: 'reason', required: true, value: 'a look at the charts', maxlength: 200 }),
    h('div', { cls: 'actions' }, h('button', { cls: 'primary', id: 'load-start', disabled: !may('postLoadStart') }, 'Start'), h('button', { cls: 'danger', type: 'button', id: 'load-stop', disabled: !may('postLoadStop'), onclick: (e) => busy(e.currentTarget, end) }, 'Stop'), h('span', { cls: 'grow' }), copyAs({ kpayctl: () => { const f = formOf(form); return `kpayctl load start --yes --rate ${f.rate} --accounts ${f.accounts} --reason ${quote(f.reason)}`; }, curl: () => curl('/load:start', asked()) }), copyAs({ kpayctl: () => 'kpayctl load stop --reason ' + quote(formOf(form).reason || 'why'), curl: () => curl('/load:stop', { reason: formOf(form).reason || 'why' }) }, 'stop')));
  function asked() {
    const f = formOf(form), number = (t) => (t !== undefined && t !== '' && isFinite(t) ? Number(t) : t);
    return { ...f, rate: number(f.rate), accounts: number(f.accounts), ...(f.bad_share ? { bad_share: number(f.bad_share) } : {}), ...(f.duration_s ? { duration_s: number(f.duration_s) } : {}) };
  }
  async function begin() { result = await send('/load:start', asked()); refresh(); }
  async function end() { result = await send('/load:stop', { reason: formOf(form).reason || 'stopped from the page' }); refresh(); }
  return { view() {
    const load = now.snap.load;
    return [h('h1', {}, 'Load generator'),
      !load.present && h('div', { cls: 'box warn banner', role: 'status' }, 'No generator is running: kpay-load serve --allow-load.'),
      load.present && !load.allowed && h('div', { cls: 'box warn banner', role: 'status' }, 'Load is not allowed on this system: the generator runs without --allow-load.'),
      h('div', { cls: 'grid' }, card(5, 'Generate payments', withheld('postLoadStart', 'start or stop the generator'), form, h('div', { id: 'load-result', 'aria-live': 'polite' }, result && !result.ok ? problem(result) : result && h('div', { cls: 'box good', role: 'status' }, result.body.text))),
        card(7, 'What it does', h('p', { id: 'load-text' }, chip(load.wanted.desired === 'running' ? 'info' : '', load.wanted.desired), ' ', load.text), !load.reached && h('p', { cls: 'dim' }, 'Not so yet: ' + load.missing),
          load.instances.map((i) => { const l = i.load, t = l.latency_ms || {}; return h('div', { cls: 'box' }, kv([['Instance', [h('b', {}, i.instance), ' ', i.stale ? chip('bad', 'silent') : chip(i.phase === 'running' ? 'good' : '', i.phase)]], ['Rate', l.generating ? rate(l.rate) + ' wanted, ' + rate(l.sent_per_s) + ' sent, ' + rate(l.answered_per_s) + ' answered a second' : 'does not generate'], ['Sent', count(l.sent)], ['Confirmed', count(l.confirmed)], ['Failed', count(l.failed_count)], ['Unanswered', count(l.unanswered)], ['Skipped', count(l.skipped)], ['Latency', t.p50 !== undefined ? `p50 ${t.p50} ms · p99 ${t.p99} ms, from the intended time` : undefined], ['Says', i.state]])); }),
          load.instances.length === 0 && h('p', { cls: 'empty' }, 'No generator has spoken yet.')))];
  } };
} };
