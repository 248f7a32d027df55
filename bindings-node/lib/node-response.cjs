'use strict'
// Writes answers to the responses of node:http and of node:http2's compatible API.
//
// Headers are set before the handler runs, so that it sees them, and settled when the head is written: whatever the
// handler, a framework or an error page did in between with setHeader or writeHead, the response says what the policy
// says. Settling looks at every header, so responses note whether anybody touched one that an answer may write.

const { answerFor } = require('./answer.cjs')
const { merge } = require('./operations.cjs')

const CORS = 'access-control-'
const ALLOW_ORIGIN = 'access-control-allow-origin'
const EXPOSE = 'access-control-expose-headers'
const NO_CONTENT = 204

// On responses: the answer, whether somebody else may have set or removed a header of its kind, and the methods that
// were there before ours.
const ANSWER = Symbol('crossgate.answer')
const IS_TOUCHED = Symbol('crossgate.isTouched')
const WRITE_HEAD = Symbol('crossgate.writeHead')
const SET_HEADER = Symbol('crossgate.setHeader')
const APPEND_HEADER = Symbol('crossgate.appendHeader')
const REMOVE_HEADER = Symbol('crossgate.removeHeader')

/** `vary`, or as long as an `access-control-…` of an answer: true for these and for few others. */
const mayBeOwn = name => typeof name !== 'string' || name.length === 4 || name.length > 21

/** Gives the response to a forwarded request its headers, whatever the handler will do. */
function applyToResponse(res, answer) {
  if (res.headersSent) return
  if (res[ANSWER] === undefined) {
    // Before the methods are replaced, so that this is no touch.
    let isTouched = answer.keepsUpstream
    const names = res.getHeaderNames()
    for (let i = 0; i < names.length; i += 1) if (mayBeOwn(names[i])) isTouched = true
    if (!isTouched) setAll(res, answer)
    else if (!answer.keepsUpstream) setEarly(res, answer)
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
    // A policy for a part of the site, after one for all of it: the last one says it all.
    if (res[ANSWER] !== answer) for (const name of answer.remove) res.removeHeader(name)
    res[ANSWER] = answer
    res[IS_TOUCHED] = true
    if (!answer.keepsUpstream) setEarly(res, answer)
  }
}

/** On a response that says nothing of CORS. */
function setAll(res, { set, vary, expose }) {
  for (let i = 0; i < set.length; i += 2) res.setHeader(set[i], set[i + 1])
  if (expose !== null) res.setHeader(EXPOSE, expose)
  if (vary !== null) res.setHeader('vary', vary)
}

/** On a response that may say something already. With `upstream: 'keep'` nothing is set early: it could not be told from what an application says. */
function setEarly(res, { set, vary, expose }) {
  for (let i = 0; i < set.length; i += 2) res.setHeader(set[i], set[i + 1])
  if (expose !== null) res.setHeader(EXPOSE, mergedWith(res, EXPOSE, expose))
  if (vary !== null) res.setHeader('vary', mergedWith(res, 'vary', vary))
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

function mergedWith(res, name, value) {
  const before = res.getHeader(name)
  return before === undefined || before === value ? value : merge(name, before, value)
}

/** In place of a response's writeHead, which it calls in the end. */
function writeHead(status, reason, headers) {
  const answer = this[ANSWER]
  if (reason === undefined && headers === undefined) {
    if (!this.headersSent) settle(this, answer, status)
    return this[WRITE_HEAD](status)
  }
  const hasReason = typeof reason === 'string'
  let given = hasReason ? headers : reason ?? headers
  if (!this.headersSent) {
    if (typeof given === 'object' && given !== null) given = takeOwn(this, given)
    settle(this, answer, status)
  }
  if (given === undefined || given === null) return hasReason ? this[WRITE_HEAD](status, reason) : this[WRITE_HEAD](status)
  return hasReason ? this[WRITE_HEAD](status, reason, given) : this[WRITE_HEAD](status, given)
}

const isOwn = name => /^(?:vary|access-control-(?:allow-(?:origin|credentials|methods|headers|private-network)|expose-headers|max-age))$/i.test(name)

/** Moves what writeHead was given of an answer's headers into the response's own, and gives back the rest. */
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
      if (isOwn(String(given[i]))) take(String(given[i]), given[i + 1])
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

/** Makes the response say what the answer says, and nothing else about CORS. */
function settle(res, answer, status) {
  if (!res[IS_TOUCHED] && status >= 200) return
  const { set, vary, expose, remove } = answer
  if (status < 200) {
    // 101: no response that a script reads.
    for (let i = 0; i < set.length; i += 2) res.removeHeader(set[i])
    if (expose !== null) res.removeHeader(EXPOSE)
    if (vary !== null) res.removeHeader('vary')
    return
  }
  if (!answer.keepsUpstream || !res.hasHeader(ALLOW_ORIGIN)) {
    // Looking for each name that must not be there costs more than looking at what is there.
    const names = res.getHeaderNames()
    for (let i = 0; i < names.length; i += 1) if (names[i].startsWith(CORS) && remove.includes(names[i])) res.removeHeader(names[i])
    for (let i = 0; i < set.length; i += 2) if (res.getHeader(set[i]) !== set[i + 1]) res.setHeader(set[i], set[i + 1])
    if (expose !== null && res.getHeader(EXPOSE) !== expose) res.setHeader(EXPOSE, mergedWith(res, EXPOSE, expose))
  }
  if (vary !== null && res.getHeader('vary') !== vary) res.setHeader('vary', mergedWith(res, 'vary', vary))
}

/** Answers a preflight. */
function endPreflight(res, answer) {
  endEmpty(res, answer)
}

/** Answers a request that the policy rejects before the handler. */
function rejectActual(res, answer) {
  endEmpty(res, answer)
}

function endEmpty(res, answer) {
  if (res.headersSent) return
  const { status, emptyHead } = answer
  if (res[ANSWER] !== undefined || res.stream !== undefined || res.getHeaderNames().length > 0) {
    // Somebody has set headers already, or it is HTTP/2, whose writeHead takes no list in every release.
    if (res[ANSWER] === undefined) applyToResponse(res, answer)
    else res[ANSWER] = answer
    if (status !== NO_CONTENT) res.setHeader('content-length', '0')
    res.writeHead(status)
  } else {
    res.writeHead(status, emptyHead)
  }
  res.end()
}

/** Answers a request, or prepares the response of its handler. Returns whether it answered. */
function handle(policy, req, res, verdict) {
  const answer = answerFor(policy, req.method, req.headers, verdict)
  if (answer.action === 'forward') applyToResponse(res, answer)
  else endEmpty(res, answer)
  return answer.action !== 'forward'
}

module.exports = { applyToResponse, endPreflight, rejectActual, handle }
