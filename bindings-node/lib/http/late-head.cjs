'use strict'
// For frameworks that write a response's head themselves, in one place: the answer is added there
// and then, to what the framework writes. Setting headers ahead, for handlers to see, would cost
// several times as much.

const { ServerResponse } = require('node:http')
const { mayBeOwn } = require('../engine/own-headers.cjs')
const { ANSWER, LATE, applyToResponse, hasOwn, setAll } = require('./response.cjs')

// In a loop over an object's own names it costs next to nothing, unlike Object.hasOwn.
const { hasOwnProperty } = Object.prototype

/** On responses: the answer for the head, and the counters beside it. */
const AT_HEAD = Symbol('crossgate.atHead')
const COUNTERS = Symbol('crossgate.countersAtHead')

/**
 * Gives the answer to a response whose head is still to be written; the last one that is given
 * counts.
 */
function applyAtHead(res, answer, counters) {
  if (counters) res[COUNTERS] = counters
  // What others put in its place, and HTTP/2, take the way that suits all.
  if (res.writeHead === ServerResponse.prototype.writeHead) {
    res.writeHead = writeHead
    res[AT_HEAD] = answer
  } else if (res.writeHead === writeHead) res[AT_HEAD] = answer
  else applyToResponse(res, answer, counters)
}

/** In place of a response's writeHead, which it calls in the end. */
function writeHead(status, reason, more) {
  const answer = this[AT_HEAD]
  if (more === undefined && status >= 200) {
    // Written out here, since this is what every response goes through.
    const names = this.getHeaderNames()
    if (reason === undefined) {
      if (!hasOwn(names) && !this.headersSent) {
        setAll(this, answer)
        return ServerResponse.prototype.writeHead.call(this, status)
      }
    } else if (
      names.length === 0 &&
      typeof reason === 'object' &&
      reason !== null &&
      !Array.isArray(reason)
    ) {
      const list = []
      let isOther = true
      for (const name in reason) {
        if (mayBeOwn(name)) isOther = false
        else if (hasOwnProperty.call(reason, name)) list.push(name, reason[name])
      }
      const { headers } = answer
      for (let i = 0; i < headers.length; i += 1) list.push(headers[i])
      if (isOther) return ServerResponse.prototype.writeHead.call(this, status, list)
    }
  }
  return reconciled(this, answer, status, reason, more)
}

writeHead[LATE] = true

/** What the application says of CORS or Vary itself, and the forms that frameworks do not use. */
function reconciled(res, answer, status, reason, more) {
  res.writeHead = ServerResponse.prototype.writeHead
  // Unless another answer came later, through somebody's own writeHead that has called ours.
  if (res[ANSWER] === undefined) applyToResponse(res, answer, res[COUNTERS])
  return more === undefined
    ? reason === undefined
      ? res.writeHead(status)
      : res.writeHead(status, reason)
    : res.writeHead(status, reason, more)
}

module.exports = { applyAtHead }
