'use strict'
// Responses that have less than node:http's class: those of engine.io for WebSocket handshakes, of
// test doubles, of frameworks of their own. What the peer needs is enough: `setHeader`, and `end`
// for answers. Headers are set at once, since nothing tells when the head is written.

const { ADD_OVERWROTE_UPSTREAM } = require('../engine/counters.cjs')
const { OWN } = require('../engine/own-headers.cjs')

const NO_CONTENT = 204
/** On responses: the last answer that they were given. */
const ANSWER = Symbol('crossgate.partialAnswer')

/** Whether a response lacks a method that settling its head needs. Every response is asked. */
const isPartial = res =>
  typeof res.writeHead !== 'function' ||
  typeof res.getHeaderNames !== 'function' ||
  typeof res.getHeader !== 'function' ||
  typeof res.removeHeader !== 'function'

/** Gives a partial response its headers. */
function applyToPartial(res, answer, counters) {
  if (res.headersSent) return
  // A policy for a part of the site, after one for all of it: the last one says it all, but Vary.
  const earlier = res[ANSWER]
  if (earlier !== undefined && earlier !== answer) takeBack(res, earlier)
  res[ANSWER] = answer
  const before = linesOf(res, earlier)
  const { says, overwrote } = answer.settle(before)
  if (overwrote) counters?.[ADD_OVERWROTE_UPSTREAM]()
  const values = new Map()
  for (let i = 0; i < says.length; i += 2) {
    const name = says[i]
    values.set(name, values.has(name) ? [values.get(name), says[i + 1]].flat() : says[i + 1])
  }
  for (let i = 0; i < before.length; i += 2) if (!values.has(before[i])) remove(res, before[i])
  for (const [name, value] of values) res.setHeader(name, value)
}

function takeBack(res, { head }) {
  const isAsSet = name => typeof res.getHeader !== 'function' || res.getHeader(name) === head[name]
  for (const name of Object.keys(head)) if (name !== 'vary' && isAsSet(name)) remove(res, name)
}

/** What the response says of CORS and Vary, as far as it can be asked: name, value, … */
function linesOf(res, earlier) {
  if (typeof res.getHeader !== 'function')
    return earlier?.vary === undefined ? [] : ['vary', earlier.vary]
  const lines = []
  for (const name of OWN) {
    const value = res.getHeader(name)
    if (value === undefined || value === null || value === '') continue
    for (const line of [value].flat()) lines.push(name, String(line))
  }
  return lines
}

/** An empty value grants as little as none. */
function remove(res, name) {
  if (typeof res.removeHeader === 'function') res.removeHeader(name)
  else res.setHeader(name, '')
}

/** Answers with a partial response. */
function endPartial(res, answer, counters) {
  applyToPartial(res, answer, counters)
  res.statusCode = answer.status
  if (answer.status !== NO_CONTENT) res.setHeader('content-length', '0')
  res.end()
}

module.exports = { applyToPartial, endPartial, isPartial }
