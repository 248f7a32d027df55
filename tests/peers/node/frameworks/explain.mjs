// What explains a difference: for each peer, in this order, the first entry of its list that fits.
// A difference is { name, options, request, peer, mine, field, theirs, own }.

const isCors = name => name.startsWith('access-control-')
const names = value =>
  (value ?? '')
    .split(',')
    .map(name => name.trim().toLowerCase())
    .filter(name => name !== '')
const holds = (all, some) => names(some).every(name => names(all).includes(name))

const OF_PREFLIGHTS = [
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-max-age',
  'access-control-allow-private-network',
  'cache-control'
]
const OF_ALLOWED = [
  ...OF_PREFLIGHTS,
  'access-control-allow-credentials',
  'access-control-expose-headers',
  'cross-origin-opener-policy',
  'cross-origin-embedder-policy'
]

const origin = ({ request }) => request.headers.origin
const asked = ({ request }) => request.headers['access-control-request-method']
const isOptions = ({ request }) => request?.method === 'OPTIONS'
const isPreflight = difference =>
  isOptions(difference) && origin(difference) !== undefined && asked(difference) !== undefined
const isDenied = ({ mine }) => mine.headers['access-control-allow-origin'] === undefined
const problem =
  code =>
  ({ field, own }) =>
    field === 'construction' && own.problems?.some(found => found.code === code)
const isFunction = ({ options }) => typeof options.origin === 'function'

/**
 * Vary where the peer's differs from ours in what it names of the request, nothing of the
 * application's being lost.
 */
const varyOfOptions = d =>
  d.field === 'vary' && isOptions(d) && holds(d.own, 'Origin, Access-Control-Request-Method')
const varyOfAny = d =>
  d.field === 'vary' &&
  !isOptions(d) &&
  d.mine.headers['access-control-allow-origin'] === '*' &&
  holds(d.theirs, `${d.own ?? ''},Origin`)
const varyOfStatic = d =>
  d.field === 'vary' &&
  !isOptions(d) &&
  typeof d.options.origin === 'string' &&
  holds(d.theirs, `${d.own ?? ''},Origin`)
const varyLost = d =>
  d.field === 'vary' &&
  d.request.path === '/vary' &&
  d.theirs === 'Accept-Encoding' &&
  holds(d.own, 'Accept-Encoding, Origin')
const lengthOf204 = d =>
  d.field === 'content-length' && d.mine.status === 204 && d.own === undefined
const whiteSpace = d =>
  isCors(d.field) &&
  d.theirs !== undefined &&
  d.theirs.replaceAll(' ', '') === d.own?.replaceAll(' ', '')
const ofDenied = d => OF_ALLOWED.includes(d.field) && d.own === undefined && isDenied(d)
const exposedOnPreflight = d =>
  d.field === 'access-control-expose-headers' && d.own === undefined && isPreflight(d)
const ownOrigin = d => d.request.path === '/own' && d.field === 'access-control-allow-origin'
const malformedEcho = d =>
  d.field === 'access-control-allow-headers' && d.own === undefined && /[ "]/.test(d.theirs)
const emptyHeader = d =>
  d.field === 'access-control-allow-headers' &&
  d.own === undefined &&
  (d.options.allowedHeaders ?? d.options.allowHeaders)?.length === 0
/**
 * A list of headers that the peer repeats after the request: the literal `*`, or the requested
 * names made canonical.
 */
const mirrored = d =>
  d.field === 'access-control-allow-headers' &&
  (d.own === '*,Authorization' ||
    d.own === '*, Authorization' ||
    (d.options.credentials !== undefined && holds(d.theirs, d.own)))

export const rules = {
  fastify: [
    ['any-with-credentials', problem('any_with_credentials')],
    ['origins-in-one-text', problem('origin_is_list')],
    [
      'unchecked-regex',
      d => d.name === 'look-around with credentials' && problem('regex_unsupported')(d)
    ],
    ['regex-of-no-origin', problem('regex_never_matches')],
    [
      'function-fails',
      d => d.name === 'function that fails' && (d.peer.status === 500 || !isPreflight(d))
    ],
    ['function-not-asked', d => isFunction(d) && isOptions(d) && !isPreflight(d)],
    ['function-denies-preflight', d => isFunction(d) && isPreflight(d) && d.peer.status === 404],
    ['empty-field', d => isPreflight(d) && d.peer.status === 400],
    [
      'open-regex',
      d =>
        d.name === 'open regex' &&
        isDenied(d) &&
        d.peer.headers['access-control-allow-origin'] !== undefined
    ],
    ['own-allow-origin', ownOrigin],
    [
      'reflects-any',
      d => d.options.origin === true && d.field === 'access-control-allow-origin' && d.own === '*'
    ],
    ['vary-any', d => d.options.origin === true && varyOfAny(d)],
    ['vary-of-options', varyOfOptions],
    ['vary-lost', varyLost],
    ['content-length-204', lengthOf204],
    ['white-space', whiteSpace],
    ['headers-of-denied', ofDenied],
    ['exposed-on-preflight', exposedOnPreflight],
    ['malformed-echo', malformedEcho],
    ['empty-header', emptyHeader],
    [
      'lenient-preflight',
      d => d.options.strictPreflight === false && isOptions(d) && !isPreflight(d)
    ],
    ['mirrored-headers', mirrored]
  ],
  koa: [
    ['any-with-credentials', problem('any_with_credentials')],
    ['origins-in-one-text', problem('origin_is_list')],
    ['list-of-origins', d => d.name === 'list of origins'],
    ['function-fails', d => d.name === 'function that fails'],
    ['function-denies-preflight', d => isFunction(d) && isPreflight(d) && d.peer.status === 404],
    ['function-of-another-origin', d => d.name === 'function of another origin' && isDenied(d)],
    ['empty-field', d => isPreflight(d) && asked(d) === ''],
    [
      'plain-options',
      d =>
        isOptions(d) && asked(d) === undefined && (isCors(d.field) || OF_ALLOWED.includes(d.field))
    ],
    ['without-origin', d => isOptions(d) && origin(d) === undefined && d.peer.status === 204],
    ['own-allow-origin', ownOrigin],
    ['vary-on-errors', d => isFunction(d) && d.request.path === '/error' && d.field === 'vary'],
    ['vary-any', varyOfAny],
    ['vary-static', varyOfStatic],
    ['vary-of-options', varyOfOptions],
    ['vary-lost', varyLost],
    ['content-length-204', lengthOf204],
    ['headers-of-denied', ofDenied],
    ['exposed-on-preflight', exposedOnPreflight],
    ['malformed-echo', malformedEcho],
    ['empty-header', emptyHeader],
    ['max-age-0', d => d.field === 'access-control-max-age' && d.own === '0'],
    ['mirrored-headers', mirrored]
  ],
  hono: [
    ['any-with-credentials', problem('any_with_credentials')],
    ['origins-in-one-text', problem('origin_is_list')],
    ['function-fails', d => d.name === 'function that fails'],
    ['fallback-origin', d => d.name === 'function with a fallback' && isDenied(d)],
    ['plain-options', d => isOptions(d) && !isPreflight(d)],
    ['own-allow-origin', ownOrigin],
    [
      'any-in-a-list',
      d =>
        d.name === 'any in a list' &&
        (d.field === 'vary' || (d.own === '*' && d.theirs === undefined))
    ],
    [
      'content-type-spelling',
      d => d.field === 'content-type' && d.own?.replace(';', '; ') === d.theirs
    ],
    ['vary-of-options', varyOfOptions],
    ['headers-of-denied', ofDenied],
    ['exposed-on-preflight', exposedOnPreflight],
    ['malformed-echo', malformedEcho],
    ['empty-header', emptyHeader],
    ['mirrored-headers', mirrored]
  ]
}
