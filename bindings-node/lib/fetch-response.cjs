'use strict'
// Requests and Responses of the Fetch API.

const { ANSWERS } = require('./answer.cjs')
const { isOwn } = require('./own-headers.cjs')

const NONE = Object.freeze({ origin: undefined })

/** The fields that tell what kind of request it is, as `req.headers` of Node has them. */
function fieldsOf(policy, method, headers) {
  const origin = headers.get('origin')
  // Without an Origin no other field counts, and the others are those of preflights.
  if (origin === null) return NONE
  if (method !== 'OPTIONS') return { origin }
  const requested = headers.get('access-control-request-method')
  if (requested === null) return { origin }
  return {
    origin,
    'access-control-request-method': requested,
    // To read a list of 10 kB costs more than all the rest, and mostly no response depends on it.
    'access-control-request-headers': policy[ANSWERS].readsNames ? headers.get('access-control-request-headers') ?? undefined : undefined,
    'access-control-request-private-network': headers.get('access-control-request-private-network') ?? undefined
  }
}

/** With the field that may exempt a request from being rejected. */
const withSite = (fields, headers) => ({ ...fields, 'sec-fetch-site': headers.get('sec-fetch-site') ?? undefined })

/** What a response says of CORS and Vary, name, value, name, value, … Asking for each name costs several times as much. */
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
  for (let i = 0; i < lines.length; i += 2) if (!says.some((name, at) => at % 2 === 0 && name === lines[i])) headers.delete(lines[i])
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

/** A response without a body, for a preflight or a request that is rejected; a new one each time. */
function emptyResponse(answer) {
  return new Response(null, { status: answer.status, headers: answer.emptyHead })
}

module.exports = { applyToResponse, emptyResponse, fieldsOf, withSite }
