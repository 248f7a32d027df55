'use strict'
// Requests and Responses of the Fetch API.

const { alphabet } = require('./native.cjs')
const { merge } = require('./operations.cjs')

const { requestHeaders } = alphabet()
const ALLOW_ORIGIN = 'access-control-allow-origin'
const EXPOSE = 'access-control-expose-headers'
const NONE = Object.freeze({})

/** The fields that the engine reads, as `req.headers` of Node has them. */
function fieldsOf(headers) {
  // Without an Origin no other field counts.
  const origin = headers.get('origin')
  if (origin === null) return NONE
  const fields = { origin }
  for (const name of requestHeaders) fields[name] = headers.get(name) ?? undefined
  return fields
}

function mergeInto(headers, name, added) {
  const existing = headers.get(name)
  if (existing !== added) headers.set(name, existing === null ? added : merge(name, existing, added))
}

function applyToHeaders(headers, answer) {
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
  const status = answer.status ?? 403
  const headers = []
  for (let i = 0; i < answer.set.length; i += 2) headers.push([answer.set[i], answer.set[i + 1]])
  if (answer.vary !== null) headers.push(['vary', answer.vary])
  if (status !== 204) headers.push(['content-length', '0'])
  return new Response(null, { status, headers })
}

module.exports = { applyToResponse, emptyResponse, fieldsOf }
