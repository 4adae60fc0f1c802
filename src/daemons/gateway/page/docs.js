'use strict';
// Swagger UI over the gateway's own description. It asks as whoever is logged in on the page; with a
// machine's token instead, by its Authorize button.

async function session() {
  const answer = await fetch('/api/v1/session');
  return answer.ok ? answer.json() : {};
}

session().then(({ login = true, user = null, roles = '' }) => {
  document.getElementById('who').textContent = !login ? 'Try it out asks this system: payments are real.'
    : user === null ? 'Nobody is logged in: log in on the page first, or Authorize with a token.'
      : `Try it out asks as ${user} (${roles}): payments are real.`;
});

document.addEventListener('DOMContentLoaded', () => {
  SwaggerUIBundle({
    url: '/api/v1/openapi.json',
    dom_id: '#ui',
    presets: [SwaggerUIBundle.presets.apis],
    layout: 'BaseLayout',
    deepLinking: true,
    displayRequestDuration: true,
    validatorUrl: null,
    requestInterceptor: async (request) => {
      if (request.loadSpec || (request.method || 'GET').toUpperCase() === 'GET') return request;
      const { csrf } = await session();
      if (csrf) request.headers['X-Kpay-Csrf'] = csrf;
      return request;
    },
  });
});
