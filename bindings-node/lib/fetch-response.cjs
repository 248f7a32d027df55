'use strict'
// Requests and Responses of the Fetch API.

const { ANSWERS } = require('./answer.cjs')
const { isOwn } = require('./own-headers.cjs')

const NONE = Object.freeze({ origin: undefined })
const METHOD = 'access-control-request-method'
const NAMES = 'access-control-request-headers'
const SITE = 'sec-fetch-site'

/** The fields that tell what kind of request it is, as `req.headers` of Node has them. */
function fieldsOf(policy, method, headers) {
  const origin = headers.get('origin')
  // Without an Origin no other field counts, and the others are those of preflights.
  if (origin === null) return NONE
  const { readsNames, readsSite } = policy[ANSWERS]
  const site = readsSite ? (headers.get(SITE) ?? undefined) : undefined
  const requested = method === 'OPTIONS' ? headers.get(METHOD) : null
  if (requested === null) return { origin, [SITE]: site }
  return {
    origin,
    [METHOD]: requested,
    // To read a list of 10 kB costs more than all the rest, and mostly no response depends on it.
    [NAMES]: readsNames ? (headers.get(NAMES) ?? undefined) : undefined,
    'access-control-request-private-network':
      headers.get('access-control-request-private-network') ?? undefined,
    [SITE]: site
  }
}

/** Adds to such fields what was left out because the policy does not look at it. */
function readRest(fields, headers) {
  if (fields === NONE) return
  fields[SITE] ??= headers.get(SITE) ?? undefined
  if (fields[METHOD] !== undefined) fields[NAMES] ??= headers.get(NAMES) ?? undefined
}

/**
 * What a response says of CORS and Vary, name, value, name, value, … Asking for each name costs
 * several times as much.
 */
function ownLines(headers) {
  const lines = []
  headers.forEach((value, name) => {
    if (isOwn(name)) lines.push(name, value)
  })
  return lines
}

function applyToHeaders(headers, answer) {
  const lines = ownLines(headers)
  const says = lines.length === 0 ? answer.headers : answer.settle(lines)
  for (let i = 0; i < lines.length; i += 2)
    if (!says.some((name, at) => at % 2 === 0 && name === lines[i])) headers.delete(lines[i])
  for (let i = 0; i < says.length; i += 2) headers.set(says[i], says[i + 1])
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

/**
 * A response without a body, for a preflight or a request that is rejected; a new one each time.
 */
function emptyResponse(answer) {
  return new Response(null, { status: answer.status, headers: answer.emptyHead })
}

module.exports = { applyToResponse, emptyResponse, fieldsOf, readRest }
