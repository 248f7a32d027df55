'use strict'
// Requests and Responses of the Fetch API.

const { merge } = require('./operations.cjs')

const CORS = 'access-control-'
const ALLOW_ORIGIN = 'access-control-allow-origin'
const EXPOSE = 'access-control-expose-headers'
const NONE = Object.freeze({ origin: undefined })

/** The fields that tell what kind of request it is, as `req.headers` of Node has them. */
function fieldsOf(method, headers) {
  const origin = headers.get('origin')
  // Without an Origin no other field counts, and the others are those of preflights.
  if (origin === null) return NONE
  if (method !== 'OPTIONS') return { origin }
  const requested = headers.get('access-control-request-method')
  if (requested === null) return { origin }
  return {
    origin,
    'access-control-request-method': requested,
    'access-control-request-headers': headers.get('access-control-request-headers') ?? undefined,
    'access-control-request-private-network': headers.get('access-control-request-private-network') ?? undefined
  }
}

/** With the field that may exempt a request from being rejected. */
const withSite = (fields, headers) => ({ ...fields, 'sec-fetch-site': headers.get('sec-fetch-site') ?? undefined })

function mergeInto(headers, name, added) {
  const existing = headers.get(name)
  if (existing !== added) headers.set(name, existing === null ? added : merge(name, existing, added))
}

/** Whether a response says something of CORS or caches: asking for each name costs several times as much. */
function hasOwn(headers) {
  let found = false
  headers.forEach((value, name) => {
    if (name === 'vary' || name.startsWith(CORS)) found = true
  })
  return found
}

function applyToHeaders(headers, answer) {
  if (!hasOwn(headers)) {
    const all = answer.headers
    for (let i = 0; i < all.length; i += 2) headers.set(all[i], all[i + 1])
    return
  }
  const { set, remove, expose, vary } = answer
  if (!answer.keepsUpstream || !headers.has(ALLOW_ORIGIN)) {
    for (const name of remove) headers.delete(name)
    for (let i = 0; i < set.length; i += 2) headers.set(set[i], set[i + 1])
    if (expose !== null) mergeInto(headers, EXPOSE, expose)
  }
  if (vary !== null) mergeInto(headers, 'vary', vary)
}

/** The response with the answer: the same one, or a copy where its headers cannot be changed. */
function applyToResponse(response, answer) {
  // The head of a switched protocol is the runtime's, and such a response cannot be copied.
  if (response.status === 101) return response
  try {
    applyToHeaders(response.headers, answer)
    return response
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
  // `Response.error()`, which no server can send.
  if (response.status === 0) return response
  const { status, statusText } = response
  const headers = new Headers(response.headers)
  applyToHeaders(headers, answer)
  return new Response(response.body, { status, statusText, headers })
}

/** A response without a body, for a preflight or a request that is rejected; a new one each time. */
function emptyResponse(answer) {
  return new Response(null, { status: answer.status, headers: answer.emptyHead })
}

module.exports = { applyToResponse, emptyResponse, fieldsOf, withSite }
