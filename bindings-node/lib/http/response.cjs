'use strict'
// Writes answers to the responses of node:http and of node:http2's compatible API.
//
// Headers are set before the handler runs, so that it sees them, and settled when the head is
// written: whatever the handler, a framework or an error page did in between with setHeader or
// writeHead, the response says what the policy says. Settling looks at every header, so responses
// note whether anybody touched one that an answer may write.

const { ServerResponse } = require('node:http')
const { ADD_OVERWROTE_UPSTREAM } = require('../engine/counters.cjs')
const { isOwn, mayBeOwn } = require('../engine/own-headers.cjs')
const { applyToPartial, endPartial, isPartial } = require('./partial-response.cjs')

const NO_CONTENT = 204

// On responses: the answer, whether somebody else may have set or removed a header that an answer
// may write, and the methods that were there before ours. (One object for all of them would cost
// more than the properties do.)
const ANSWER = Symbol('crossgate.answer')
const IS_TOUCHED = Symbol('crossgate.isTouched')
const WRITE_HEAD = Symbol('crossgate.writeHead')
const SET_HEADER = Symbol('crossgate.setHeader')
const APPEND_HEADER = Symbol('crossgate.appendHeader')
const REMOVE_HEADER = Symbol('crossgate.removeHeader')
/** On responses, where there are any: the counters that have not yet heard of an overwriting. */
const COUNTERS = Symbol('crossgate.counters')

/**
 * On functions that stand for a response's writeHead and write an answer of their own; see
 * late-head.cjs.
 */
const LATE = Symbol('crossgate.late')

/** Whether an answer is to be written at the head. */
const isLate = ({ writeHead }) =>
  writeHead !== ServerResponse.prototype.writeHead && writeHead[LATE] === true

/**
 * Gives the response to a forwarded request its headers, whatever the handler will do.
 * @param {import('../..').Counters | null} [counters] count a response whose own headers of CORS
 *   are overwritten
 */
function applyToResponse(res, answer, counters) {
  if (res.headersSent) return
  if (res[ANSWER] === undefined) {
    if (isPartial(res)) return applyToPartial(res, answer, counters)
    if (counters) res[COUNTERS] ??= counters
    if (isLate(res)) res.writeHead = ServerResponse.prototype.writeHead
    // Before the methods are replaced, so that this is no touch.
    const isTouched = answer.keepsUpstream || hasOwn(res.getHeaderNames())
    if (isTouched) setEarly(res, answer)
    else setAll(res, answer)
    res[ANSWER] = answer
    res[IS_TOUCHED] = isTouched
    res[WRITE_HEAD] = res.writeHead
    res[SET_HEADER] = res.setHeader
    res[APPEND_HEADER] = res.appendHeader
    res[REMOVE_HEADER] = res.removeHeader
    res.writeHead = writeHead
    res.setHeader = setHeader
    res.appendHeader = appendHeader
    res.removeHeader = removeHeader
  } else {
    // A policy for a part of the site, after one for all of it: the last one says it all, but Vary.
    if (counters) res[COUNTERS] ??= counters
    const before = res[ANSWER]
    if (before !== answer)
      for (const [name, value] of Object.entries(before.head))
        if (name !== 'vary' && res.getHeader(name) === value) res.removeHeader(name)
    res[ANSWER] = answer
    res[IS_TOUCHED] = true
    setEarly(res, answer)
  }
}

function hasOwn(names) {
  for (let i = 0; i < names.length; i += 1) if (mayBeOwn(names[i])) return true
  return false
}

/** On a response that says nothing of CORS. */
function setAll(res, { allowOrigin, allowCredentials, exposeHeaders, vary, others }) {
  // Names that the compiler knows are set faster.
  if (allowOrigin !== undefined) res.setHeader('access-control-allow-origin', allowOrigin)
  if (allowCredentials !== undefined)
    res.setHeader('access-control-allow-credentials', allowCredentials)
  if (exposeHeaders !== undefined) res.setHeader('access-control-expose-headers', exposeHeaders)
  if (vary !== undefined) res.setHeader('vary', vary)
  for (let i = 0; i < others.length; i += 2) res.setHeader(others[i], others[i + 1])
}

/**
 * On one that may. With `upstream: 'keep'` nothing is set early: it could not be told from what an
 * application says.
 */
function setEarly(res, answer) {
  if (!answer.keepsUpstream) carryOut(res, answer)
}

/** Makes the response say what the answer says of CORS, and nothing else. */
function carryOut(res, answer) {
  const before = ownLines(res, answer)
  const settled = answer.settle(before)
  if (settled.overwrote && res[COUNTERS]) {
    res[COUNTERS][ADD_OVERWROTE_UPSTREAM]()
    res[COUNTERS] = null
  }
  const says = linesByName(settled.says)
  for (let i = 0; i < before.length; i += 2) if (!says.has(before[i])) res.removeHeader(before[i])
  for (const [name, lines] of says) {
    const value = lines.length === 1 ? lines[0] : lines
    if (res.getHeader(name) !== value) res.setHeader(name, value)
  }
}

/**
 * What the response says of CORS and Vary, name, value, name, value, …; without what was set early
 * for the answer.
 */
function ownLines(res, { head, keepsUpstream }) {
  const lines = []
  for (const name of res.getHeaderNames()) {
    if (!isOwn(name)) continue
    const value = res.getHeader(name)
    if (!keepsUpstream && value === head[name]) continue
    if (typeof value === 'string') lines.push(name, value)
    else for (const line of [value].flat()) lines.push(name, String(line))
  }
  return lines
}

function linesByName(lines) {
  const byName = new Map()
  for (let i = 0; i < lines.length; i += 2) {
    const others = byName.get(lines[i])
    if (others === undefined) byName.set(lines[i], [lines[i + 1]])
    else others.push(lines[i + 1])
  }
  return byName
}

function setHeader(name, value) {
  if (mayBeOwn(name)) this[IS_TOUCHED] = true
  return this[SET_HEADER](name, value)
}

function appendHeader(name, value) {
  if (mayBeOwn(name)) this[IS_TOUCHED] = true
  return this[APPEND_HEADER](name, value)
}

function removeHeader(name) {
  if (mayBeOwn(name)) this[IS_TOUCHED] = true
  return this[REMOVE_HEADER](name)
}

/** In place of a response's writeHead, which it calls in the end. */
function writeHead(status, reason, headers) {
  if (reason === undefined && headers === undefined) {
    if (!this.headersSent) settle(this, status)
    return this[WRITE_HEAD](status)
  }
  const hasReason = typeof reason === 'string'
  let given = hasReason ? headers : (reason ?? headers)
  if (!this.headersSent) {
    if (typeof given === 'object' && given !== null) given = takeOwn(this, given)
    settle(this, status)
  }
  if (given === undefined || given === null)
    return hasReason ? this[WRITE_HEAD](status, reason) : this[WRITE_HEAD](status)
  return hasReason ? this[WRITE_HEAD](status, reason, given) : this[WRITE_HEAD](status, given)
}

/**
 * Moves what writeHead was given of an answer's headers into the response's own, and gives back the
 * rest.
 */
function takeOwn(res, given) {
  // Pairs, which Node does not take once a header is set.
  if (Array.isArray(given) && Array.isArray(given[0])) given = given.flat()
  const own = new Map()
  const take = (name, value) => {
    const lower = name.toLowerCase()
    own.set(lower, [...(own.get(lower) ?? []), ...(Array.isArray(value) ? value : [value])])
  }
  let rest
  if (Array.isArray(given)) {
    rest = []
    for (let i = 0; i < given.length; i += 2) {
      if (isOwn(given[i])) take(given[i], given[i + 1])
      else rest.push(...given.slice(i, i + 2))
    }
  } else {
    rest = { __proto__: null }
    for (const name of Object.keys(given)) {
      if (isOwn(name)) take(name, given[name])
      else rest[name] = given[name]
    }
  }
  if (own.size === 0) return given
  for (const [name, values] of own) res.setHeader(name, values.length === 1 ? values[0] : values)
  return rest
}

/** Before the head is written. */
function settle(res, status) {
  // 101: no response that a script reads.
  if (status < 200) for (const name of Object.keys(res[ANSWER].head)) res.removeHeader(name)
  else if (res[IS_TOUCHED]) carryOut(res, res[ANSWER])
}

/** Answers a preflight, or a request that the policy rejects before the handler. */
function endEmpty(res, answer, counters) {
  if (res.headersSent) return
  if (isPartial(res)) return endPartial(res, answer, counters)
  const { status, emptyHead } = answer
  // Somebody has set headers already, or replaced writeHead, or it is HTTP/2, whose writeHead takes
  // no list in every release.
  if (
    res[ANSWER] !== undefined ||
    res.stream !== undefined ||
    isLate(res) ||
    res.getHeaderNames().length > 0
  ) {
    applyToResponse(res, answer, counters)
    if (status !== NO_CONTENT) res.setHeader('content-length', '0')
    res.writeHead(status)
  } else {
    res.writeHead(status, emptyHead)
  }
  res.end()
}

module.exports = { ANSWER, LATE, applyToResponse, endEmpty, hasOwn, setAll }
