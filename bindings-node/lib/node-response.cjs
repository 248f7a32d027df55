'use strict'
// Writes answers to the responses of node:http and of node:http2's compatible API.
//
// Headers are set before the handler runs, so that it sees them, and settled when the head is written: whatever the
// handler, a framework or an error page did in between with setHeader or writeHead, the response says what the policy
// says.

const { answerFor } = require('./answer.cjs')
const { merge } = require('./operations.cjs')

const ALLOW_ORIGIN = 'access-control-allow-origin'
const EXPOSE = 'access-control-expose-headers'
const NO_CONTENT = 204

// On responses: the answer, and the writeHead that was there before.
const ANSWER = Symbol('crossgate.answer')
const WRITE_HEAD = Symbol('crossgate.writeHead')

/** Gives the response to a forwarded request its headers, whatever the handler will do. */
function applyToResponse(res, answer) {
  if (res.headersSent) return
  if (res[ANSWER] === undefined) {
    res[WRITE_HEAD] = res.writeHead
    res.writeHead = writeHead
  } else if (res[ANSWER] !== answer) {
    // A policy for a part of the site, after one for all of it: the last one says it all.
    for (const name of answer.remove) res.removeHeader(name)
  }
  res[ANSWER] = answer
  // What an application says may win, and cannot be told from what was set here.
  if (!answer.keepsUpstream) setEarly(res, answer)
}

function setEarly(res, answer) {
  const { set, vary, expose } = answer
  for (let i = 0; i < set.length; i += 2) res.setHeader(set[i], set[i + 1])
  if (expose !== null) res.setHeader(EXPOSE, mergedWith(res, EXPOSE, expose))
  if (vary !== null) res.setHeader('vary', mergedWith(res, 'vary', vary))
}

function mergedWith(res, name, value) {
  const before = res.getHeader(name)
  return before === undefined || before === value ? value : merge(name, before, value)
}

/** In place of a response's writeHead, which it calls in the end. */
function writeHead(status, reason, headers) {
  const answer = this[ANSWER]
  if (!this.headersSent) {
    let given = typeof reason === 'string' ? headers : reason ?? headers
    if (given !== undefined && given !== null && typeof given === 'object') {
      if (Array.isArray(given) && Array.isArray(given[0])) given = given.flat()
      given = takeOwn(this, given)
      if (typeof reason === 'string') headers = given
      else if (reason === undefined || reason === null) headers = given
      else reason = given
    }
    settle(this, answer, status)
  }
  if (headers !== undefined) return this[WRITE_HEAD](status, reason, headers)
  if (reason !== undefined) return this[WRITE_HEAD](status, reason)
  return this[WRITE_HEAD](status)
}

const isOwn = name => /^(?:vary|access-control-(?:allow-(?:origin|credentials|methods|headers|private-network)|expose-headers|max-age))$/i.test(name)

/** Moves what writeHead was given of an answer's headers into the response's own, and gives back the rest. */
function takeOwn(res, given) {
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
  const { set, vary, expose, remove } = answer
  if (status < 200) {
    // 101: no response that a script reads.
    for (let i = 0; i < set.length; i += 2) res.removeHeader(set[i])
    if (expose !== null) res.removeHeader(EXPOSE)
    if (vary !== null) res.removeHeader('vary')
    return
  }
  const kept = answer.keepsUpstream && res.hasHeader(ALLOW_ORIGIN)
  if (!kept) {
    for (let i = 0; i < remove.length; i += 1) if (res.hasHeader(remove[i])) res.removeHeader(remove[i])
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
  const { status, block } = answer
  if (res[ANSWER] !== undefined || res.stream !== undefined || res.getHeaderNames().length > 0) {
    // Somebody has set headers already, or it is HTTP/2, whose writeHead takes no list in every release.
    if (res[ANSWER] === undefined) applyToResponse(res, answer)
    else res[ANSWER] = answer
    if (status !== NO_CONTENT) res.setHeader('content-length', '0')
    res.writeHead(status)
  } else {
    res.writeHead(status, block)
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
