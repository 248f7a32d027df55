'use strict'
// Writes answers to Responses of the Fetch API.

const { ADD_OVERWROTE_UPSTREAM } = require('../engine/counters.cjs')
const { isOwn } = require('../engine/own-headers.cjs')

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

function applyToHeaders(headers, answer, counters) {
  const lines = ownLines(headers)
  let says = answer.headers
  let overwrote = false
  if (lines.length > 0) ({ says, overwrote } = answer.settle(lines))
  for (let i = 0; i < lines.length; i += 2)
    if (!says.some((name, at) => at % 2 === 0 && name === lines[i])) headers.delete(lines[i])
  for (let i = 0; i < says.length; i += 2) headers.set(says[i], says[i + 1])
  if (overwrote) counters?.[ADD_OVERWROTE_UPSTREAM]()
}

/** The response with the answer: the same one, or a copy where its headers cannot be changed. */
function applyToResponse(response, answer, counters) {
  // The head of a switched protocol is the runtime's, and such a response cannot be copied.
  if (response.status === 101) return response
  try {
    applyToHeaders(response.headers, answer, counters)
    return response
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
  // `Response.error()`, which no server can send.
  if (response.status === 0) return response
  const { status, statusText } = response
  const headers = new Headers(response.headers)
  applyToHeaders(headers, answer, counters)
  return new Response(response.body, { status, statusText, headers })
}

/**
 * A response without a body, for a preflight or a request that is rejected; a new one each time.
 */
function emptyResponse(answer) {
  return new Response(null, { status: answer.status, headers: answer.emptyHead })
}

module.exports = { applyToResponse, emptyResponse }
