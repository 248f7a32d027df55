// How the entries of ../../differences/cors.json show: for each id what explains an observed pair.
// An explanation takes out of both sides exactly what it explains, and leaves everything else to be
// compared.
import { A, HOSTILE } from './cases.mjs'
import { HANDLER } from './server.mjs'

const ACAO = 'access-control-allow-origin'
const CORS = name => name.startsWith('access-control-')
const tokens = vary =>
  (vary ?? '')
    .split(',')
    .map(name => name.trim().toLowerCase())
    .filter(Boolean)
const drop = (side, test) =>
  Object.keys(side.headers)
    .filter(test)
    .forEach(name => delete side.headers[name])
const isPreflight = ({ method, headers }) =>
  method === 'OPTIONS' &&
  headers.origin !== undefined &&
  headers['access-control-request-method'] !== undefined
const isDenied = side => side.headers[ACAO] === undefined
const usesFunction = of => typeof of.options?.origin === 'function'
/** Everything of both sides is explained: what remains is the same. */
const whole = (peer, ours) => Object.assign(peer, structuredClone(ours))

/** id -> whether it explained something; `of`: { name, options, request }. In this order. */
export const EXPLAINS = {
  'plain-options-reaches-the-application'(peer, ours, { request, options }) {
    if (request.method !== 'OPTIONS' || isPreflight(request) || options?.origin === false)
      return false
    // The application's own answer, and no header of a preflight.
    if (
      ours.body !== HANDLER ||
      ours.headers['access-control-allow-methods'] !== undefined ||
      peer.headers['access-control-allow-methods'] === undefined
    )
      return false
    return whole(peer, ours)
  },
  'functions-hear-of-origins-only'(peer, ours, { request, ...of }) {
    if (!usesFunction(of) || request.headers.origin !== undefined) return false
    if (ours.status === 500 || !tokens(ours.headers.vary).includes('origin') || !isDenied(ours))
      return false
    return whole(peer, ours)
  },
  'odd-origins-are-never-echoed'(peer, ours, { request, ...of }) {
    const { origin } = request.headers
    if (!usesFunction(of) || !(origin === 'null' || Array.isArray(origin) || origin === 'x y'))
      return false
    if (!isDenied(ours) || ours.headers.vary === undefined) return false
    return !isDenied(peer) || peer.status === 500 ? whole(peer, ours) : false
  },
  'no-plain-http-with-credentials'(peer, ours, { request, options }) {
    if (
      options?.credentials !== true ||
      request.headers.origin !== 'http://a.example.com' ||
      !isDenied(ours) ||
      peer.headers[ACAO] !== 'http://a.example.com'
    )
      return false
    return whole(peer, ours)
  },
  'a-function-answers-for-this-origin'(peer, ours, { name, request }) {
    if (
      name !== 'function that answers one origin' ||
      request.headers.origin === A ||
      !isDenied(ours) ||
      peer.headers[ACAO] !== A
    )
      return false
    return whole(peer, ours)
  },
  'failed-functions-deny'(peer, ours, { request, ...of }) {
    if (
      !(usesFunction(of) || of.name === 'delegate that fails') ||
      peer.status !== 500 ||
      !isDenied(ours) ||
      // Where the handler itself fails, the headers tell the two apart.
      (request.headers.origin !== undefined && !tokens(ours.headers.vary).includes('origin'))
    )
      return false
    return whole(peer, ours)
  },
  'denied-preflights-are-answered'(peer, ours, { request, ...of }) {
    if (
      !usesFunction(of) ||
      !isPreflight(request) ||
      peer.body !== HANDLER ||
      !isDenied(ours) ||
      ours.status !== 204
    )
      return false
    return whole(peer, ours)
  },
  'regexps-match-the-whole-origin'(peer, ours, { name, request }) {
    if (name !== 'RegExp, not anchored' || !isDenied(ours) || isDenied(peer)) return false
    if (request.headers.origin !== HOSTILE && !Array.isArray(request.headers.origin)) return false
    return whole(peer, ours)
  },
  'regexps-have-no-memory'(peer, ours, { name }) {
    if (name !== 'RegExp, global' || !isDenied(peer) || ours.headers[ACAO] !== A) return false
    delete ours.headers[ACAO]
    return true
  },
  'true-is-star'(peer, ours, { options, request }) {
    const all =
      options?.origin === true || (Array.isArray(options?.origin) && options.origin.includes(true))
    if (
      !all ||
      ours.headers[ACAO] !== '*' ||
      (request.headers.origin !== undefined && isDenied(peer))
    )
      return false
    drop(peer, name => name === ACAO || (name === 'vary' && !isPreflight(request)))
    drop(ours, name => name === ACAO)
    // A handler's Vary is its own on both sides, but for the Origin that a star does not need.
    if (request.path === '/vary' || request.path === '/head') peer.headers.vary = ours.headers.vary
    return true
  },
  'denied-origins-get-nothing'(peer, ours, { request }) {
    if (!isDenied(peer) || !isDenied(ours) || request.headers.origin === undefined) return false
    const extra = Object.keys(peer.headers).filter(
      name => CORS(name) && ours.headers[name] === undefined
    )
    extra.forEach(name => delete peer.headers[name])
    return extra.length > 0
  },
  'nothing-without-an-origin'(peer, ours, { request }) {
    if (!isDenied(peer) || !isDenied(ours) || request.headers.origin !== undefined) return false
    const extra = Object.keys(peer.headers).filter(
      name => CORS(name) && ours.headers[name] === undefined
    )
    extra.forEach(name => delete peer.headers[name])
    return extra.length > 0
  },
  'denied-status'(peer, ours, { request, options }) {
    if (
      !isPreflight(request) ||
      !isDenied(ours) ||
      options?.optionsSuccessStatus !== 202 ||
      peer.status !== 202 ||
      ours.status !== 204
    )
      return false
    peer.status = 204
    return true
  },
  'no-content-length-on-204'(peer, ours) {
    if (
      ours.status !== 204 ||
      peer.headers['content-length'] !== '0' ||
      ours.headers['content-length'] !== undefined
    )
      return false
    delete peer.headers['content-length']
    return true
  },
  'no-exposed-headers-on-preflights'(peer, ours, { request }) {
    const name = 'access-control-expose-headers'
    if (
      !isPreflight(request) ||
      peer.headers[name] === undefined ||
      ours.headers[name] !== undefined
    )
      return false
    delete peer.headers[name]
    return true
  },
  'star-stands-for-mirrored-names'(peer, ours, { request, options }) {
    const name = 'access-control-allow-headers'
    if (
      !isPreflight(request) ||
      options?.credentials === true ||
      ours.headers[name] !== '*,Authorization'
    )
      return false
    if (peer.headers[name] !== request.headers['access-control-request-headers']) return false
    drop(peer, header => header === name)
    drop(ours, header => header === name)
    return true
  },
  'mirrored-names-are-cleaned'(peer, ours, { request, options }) {
    const name = 'access-control-allow-headers'
    const asked = request.headers['access-control-request-headers']
    if (
      !isPreflight(request) ||
      options?.credentials !== true ||
      peer.headers[name] !== asked ||
      ours.headers[name] === asked
    )
      return false
    drop(peer, header => header === name)
    drop(ours, header => header === name)
    return true
  },
  'methods-in-their-case'(peer, ours, { name }) {
    const header = 'access-control-allow-methods'
    if (
      name !== 'list, lower-case methods' ||
      peer.headers[header] !== 'get,put' ||
      ours.headers[header] !== 'GET,PUT'
    )
      return false
    peer.headers[header] = 'GET,PUT'
    return true
  },
  'vary-survives-handlers'(peer, ours, { request }) {
    if (
      peer.headers.vary !== 'Accept-Encoding' ||
      ours.headers.vary !== 'Accept-Encoding, Origin' ||
      !['/vary', '/head'].includes(request.path)
    )
      return false
    return delete peer.headers.vary && delete ours.headers.vary
  },
  'the-policy-has-the-last-word'(peer, ours, { request }) {
    if (request.path !== '/own' || peer.headers[ACAO] !== '*' || ours.headers[ACAO] === '*')
      return false
    drop(peer, name => CORS(name))
    drop(ours, name => CORS(name))
    // A function that refused has said nothing of Vary in the peer.
    if (peer.headers.vary === undefined) delete ours.headers.vary
    return true
  },
  'preflights-vary-alike'(peer, ours, { request }) {
    if (request.method !== 'OPTIONS' || ours.headers.vary === peer.headers.vary) return false
    const said = tokens(ours.headers.vary)
    if (
      !said.includes('access-control-request-method') ||
      !tokens(peer.headers.vary).every(
        name => said.includes(name) || name === 'access-control-request-headers'
      )
    )
      return false
    drop(peer, name => name === 'vary')
    drop(ours, name => name === 'vary')
    return true
  },
  'one-origin-needs-no-vary'(peer, ours, { options }) {
    if (typeof options?.origin !== 'string' || options.origin === '*') return false
    const rest = tokens(peer.headers.vary).filter(name => name !== 'origin')
    if (
      rest.length === tokens(peer.headers.vary).length ||
      rest.join() !== tokens(ours.headers.vary).join()
    )
      return false
    drop(peer, name => name === 'vary')
    drop(ours, name => name === 'vary')
    return true
  },
  'refusals-vary-too'(peer, ours, { request, ...of }) {
    if (
      !usesFunction(of) ||
      peer.headers.vary !== undefined ||
      ours.headers.vary !== 'Origin' ||
      !isDenied(ours) ||
      request.headers.origin === undefined
    )
      return false
    delete ours.headers.vary
    return true
  }
}

/** Options that ours refuses and the peer takes: name in cases.mjs -> id. */
export const REFUSALS = {
  '* with credentials': 'no-star-with-credentials',
  'every origin with credentials': 'no-star-with-credentials',
  'no origin with credentials': 'no-star-with-credentials',
  'an origin with a path': 'origins-are-checked',
  'an origin without a scheme': 'origins-are-checked',
  'several origins in one text': 'origins-are-checked',
  'an empty origin': 'an-unset-origin-is-refused',
  'an origin that is not set': 'an-unset-origin-is-refused',
  '* in a list': 'origins-are-checked',
  'null in a list': 'origins-are-checked',
  'plain http with credentials': 'no-plain-http-with-credentials',
  'a RegExp of a suffix': 'regexps-match-the-whole-origin',
  'a RegExp without a dot, with credentials': 'regexps-are-checked',
  'a RegExp with look-ahead, with credentials': 'regexps-are-checked',
  'credentials as text': 'options-are-checked',
  'origin as a number': 'options-are-checked',
  'methods as a number': 'options-are-checked',
  'a misspelled option': 'options-are-checked',
  'a negative max age': 'options-are-checked',
  'a max age of a year': 'options-are-checked',
  'a status that is no success': 'options-are-checked'
}
