// What the comparison asks: options in the words of `cors`, and requests.

export const A = 'https://a.example.com'
export const B = 'https://b.example.com'
export const EVIL = 'https://evil.example'
export const HOSTILE = `${A}.evil.example`

/** Named options, made anew for each side: a RegExp has state. */
export const OPTIONS = {
  none: () => undefined,
  empty: () => ({}),
  'origin *': () => ({ origin: '*' }),
  'origin false': () => ({ origin: false }),
  'origin true': () => ({ origin: true }),
  'one origin': () => ({ origin: A }),
  'one origin, credentials': () => ({
    origin: A,
    credentials: true,
    exposedHeaders: ['X-A', 'X-B']
  }),
  list: () => ({ origin: [A, B] }),
  'list, everything set': () => ({
    origin: [A, B],
    credentials: true,
    methods: ['GET', 'PUT'],
    allowedHeaders: ['X-A', 'Content-Type'],
    exposedHeaders: 'X-C,X-D',
    maxAge: 600
  }),
  'list, text lists': () => ({
    origin: [A],
    methods: 'GET,PUT',
    allowedHeaders: 'X-A,Content-Type',
    exposedHeaders: 'X-C'
  }),
  'list, headers': () => ({ origin: [A], headers: ['X-A'] }),
  'list, no headers': () => ({ origin: [A], allowedHeaders: [], exposedHeaders: [] }),
  'list, mirrored headers with credentials': () => ({ origin: [A], credentials: true }),
  'list, max age 0': () => ({ origin: [A], maxAge: 0, allowedHeaders: ['X-A'] }),
  'list, max age as text': () => ({ origin: [A], maxAge: '60', allowedHeaders: ['X-A'] }),
  'list, status 200': () => ({ origin: [A], optionsSuccessStatus: 200, allowedHeaders: ['X-A'] }),
  'list, status 202': () => ({ origin: [A], optionsSuccessStatus: 202, allowedHeaders: ['X-A'] }),
  'list, preflight continues': () => ({
    origin: [A],
    preflightContinue: true,
    allowedHeaders: ['X-A']
  }),
  'list, lower-case methods': () => ({
    origin: [A],
    methods: ['get', 'put'],
    allowedHeaders: ['X-A']
  }),
  'empty list': () => ({ origin: [], allowedHeaders: ['X-A'] }),
  'nested list': () => ({ origin: [[A], [[B]]], allowedHeaders: ['X-A'] }),
  'list with true': () => ({ origin: [A, true], allowedHeaders: ['X-A'] }),
  'RegExp, anchored': () => ({
    origin: /^https:\/\/[a-z]\.example\.com$/,
    allowedHeaders: ['X-A']
  }),
  'RegExp, not anchored': () => ({ origin: /https:\/\/a\.example\.com/, allowedHeaders: ['X-A'] }),
  'RegExp, global': () => ({ origin: /^https:\/\/a\.example\.com$/g, allowedHeaders: ['X-A'] }),
  'RegExp with look-ahead': () => ({
    origin: [B, /^https:\/\/(?=a)[a-z]\.example\.com$/],
    allowedHeaders: ['X-A']
  }),
  'function, callback': () => ({
    origin: (origin, callback) => callback(null, origin === A),
    allowedHeaders: ['X-A']
  }),
  'function that refuses with an error': () => ({
    origin: (origin, callback) =>
      origin === A ? callback(null, true) : callback(new Error('Not allowed by CORS')),
    allowedHeaders: ['X-A']
  }),
  'function that allows everybody': () => ({
    origin: (origin, callback) => callback(null, true),
    credentials: true,
    allowedHeaders: ['X-A']
  }),
  'function that echoes': () => ({
    origin: (origin, callback) => callback(null, origin),
    allowedHeaders: ['X-A']
  }),
  'function that answers one origin': () => ({
    origin: (origin, callback) => callback(null, A),
    allowedHeaders: ['X-A']
  }),
  'function that answers a list': () => ({
    origin: (origin, callback) => callback(null, [A, /^https:\/\/b\.example\.com$/]),
    allowedHeaders: ['X-A']
  }),
  'function that answers later': () => ({
    origin: (origin, callback) => setImmediate(callback, null, origin === A),
    allowedHeaders: ['X-A']
  }),
  delegate: () => (req, callback) =>
    callback(null, { origin: req.url === '/vary' ? false : [A], allowedHeaders: ['X-A'] }),
  'delegate that fails': () => (req, callback) => callback(new Error('no options'))
}

/** Options that one of the two refuses when they are given. */
export const REFUSED = {
  '* with credentials': () => ({ origin: '*', credentials: true }),
  'every origin with credentials': () => ({ origin: true, credentials: true }),
  'no origin with credentials': () => ({ credentials: true }),
  'an origin with a path': () => ({ origin: `${A}/` }),
  'an origin without a scheme': () => ({ origin: ['a.example.com'] }),
  'several origins in one text': () => ({ origin: `${A}, ${B}` }),
  'an empty origin': () => ({ origin: '' }),
  'an origin that is not set': () => ({ origin: undefined, methods: ['GET', 'PUT'] }),
  '* in a list': () => ({ origin: [A, '*'] }),
  'null in a list': () => ({ origin: ['null'] }),
  'plain http with credentials': () => ({ origin: ['http://a.example.com'], credentials: true }),
  'a RegExp of a suffix': () => ({ origin: /example\.com$/ }),
  'a RegExp without a dot, with credentials': () => ({
    origin: /^https:\/\/.*example\.com$/,
    credentials: true
  }),
  'a RegExp with look-ahead, with credentials': () => ({
    origin: /^https:\/\/(?=a)[a-z]\.example\.com$/,
    credentials: true
  }),
  'credentials as text': () => ({ origin: A, credentials: 'true' }),
  'origin as a number': () => ({ origin: 5 }),
  'methods as a number': () => ({ methods: 5 }),
  'a misspelled option': () => ({ origins: [A] }),
  'a negative max age': () => ({ origin: A, maxAge: -1 }),
  'a max age of a year': () => ({ origin: A, maxAge: 31_536_000 }),
  'a status that is no success': () => ({ origin: A, optionsSuccessStatus: 404 })
}

const preflight = (origin, method = 'PUT', names = 'x-a') => ({
  method: 'OPTIONS',
  headers: {
    ...(origin && { origin }),
    'access-control-request-method': method,
    ...(names !== undefined && { 'access-control-request-headers': names })
  }
})

export const REQUESTS = {
  'no origin': { method: 'GET', headers: {} },
  a: { method: 'GET', headers: { origin: A } },
  'a again': { method: 'POST', headers: { origin: A } },
  b: { method: 'GET', headers: { origin: B } },
  evil: { method: 'GET', headers: { origin: EVIL } },
  'hostile suffix': { method: 'GET', headers: { origin: HOSTILE } },
  'plain http': { method: 'GET', headers: { origin: 'http://a.example.com' } },
  null: { method: 'GET', headers: { origin: 'null' } },
  'two origins': { method: 'GET', headers: { origin: [A, EVIL] } },
  'no origin at all': { method: 'GET', headers: { origin: 'x y' } },
  HEAD: { method: 'HEAD', headers: { origin: A } },
  'not found': { method: 'GET', path: '/missing', headers: { origin: A } },
  'handler throws': { method: 'GET', path: '/throws', headers: { origin: A } },
  'handler sets Vary': { method: 'GET', path: '/vary', headers: { origin: A } },
  'handler sets Vary in writeHead': { method: 'GET', path: '/head', headers: { origin: A } },
  'handler says *': { method: 'GET', path: '/own', headers: { origin: EVIL } },
  'preflight a': preflight(A),
  'preflight of names': preflight(A, 'PUT', 'authorization,content-type,x-a'),
  'preflight of odd names': preflight(A, 'PUT', 'X-A, x-a,,"'),
  'preflight without names': {
    method: 'OPTIONS',
    headers: { origin: A, 'access-control-request-method': 'PUT' }
  },
  'preflight of another method': preflight(A, 'PURGE'),
  'preflight b': preflight(B),
  'preflight evil': preflight(EVIL),
  'preflight null': preflight('null'),
  OPTIONS: { method: 'OPTIONS', headers: {} },
  'OPTIONS with an origin': { method: 'OPTIONS', headers: { origin: A } },
  'OPTIONS without an origin': preflight(undefined)
}
