// In the page: which buttons, links and fields with a handler are seen, and which are used. Told to the
// test by noteControl('seen' | 'used' | 'handled', name). A name is the screen and what stands on it:
// its id, the pattern of where it leads, or its words without their numbers.
export function recordControls() {
  if (location.pathname !== '/') return;
  const CONTROLS = 'a[href], button, summary, select, input, textarea, svg[role=img]';
  // As it is drawn: the address is ahead of that for a moment.
  const screen = () => { const here = document.querySelector('#nav a[aria-current]'); return here ? here.getAttribute('href').slice(2) : 'login'; };
  const place = (el) => (el.closest('#top') ? 'top' : el.closest('#nav') ? 'nav' : el.closest('#main') ? screen() : 'frame');
  const target = (href) => href.replace(/\?.*$/, '').replace(/^(#\/[^/]*\/).+$/, '$1*');
  const plain = (words) => words.replace(/^\s+|\s+$/g, '').replace(/[a-z_]+\/\d+@\d+\.\d+|\d+/g, '#').slice(0, 60);
  function nameOf(el) {
    if (el.id) return place(el) + ': #' + el.id;
    if (el.matches('a')) return place(el) + ': link to ' + target(el.getAttribute('href'));
    const named = ['choose-all', 'approve', 'decline'].find((name) => el.classList.contains(name));
    if (named) return place(el) + ': .' + named;
    const part = el.closest('section'), heading = part && part.querySelector('h2');
    return `${place(el)}: ${heading ? `[${plain(heading.firstChild.textContent)}] ` : ''}${plain(el.getAttribute('aria-label') || el.name || el.textContent)}`;
  }
  // What does something by itself: a field only when it has a handler of its own.
  const matters = (el) => (el.matches('a, button, summary') ? !el.disabled && el.textContent !== 'copied' : el.matches('svg') ? el.onmousemove !== null : el.onchange !== null && !el.disabled);
  const told = new Set();
  const tell = (kind, name) => {
    if (told.has(kind + name) || !window.noteControl) return;
    told.add(kind + name);
    window.noteControl(kind, name);
  };
  function sweep() {
    document.querySelectorAll(CONTROLS).forEach((el) => { if (matters(el) && el.checkVisibility()) tell('seen', nameOf(el)); });
  }
  setInterval(sweep, 250);
  for (const kind of ['click', 'change', 'input', 'submit', 'mousemove', 'mouseleave']) {
    document.addEventListener(kind, (event) => {
      if (!(event.target instanceof Element)) return;
      for (let el = event.target; el; el = el.parentElement) {
        if (el.hasAttribute('data-on-' + kind)) tell('handled', el.getAttribute('data-on-' + kind));
      }
      const el = event.target.closest(CONTROLS);
      const own = el && (el.matches('svg') ? 'mousemove' : el.matches('a, button, summary') ? 'click' : 'change');
      if (el && kind === own && matters(el)) { sweep(); tell('used', nameOf(el)); }
    }, true);
  }
}
