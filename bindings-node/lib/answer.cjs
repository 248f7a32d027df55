'use strict'
// What adapters work with: the decision of one request in the form in which a response takes it.

const { readSpelled } = require('./spelled.cjs')

const NO_CONTENT = 204

/** A decision as operations on a response's headers. Frozen, and shared by all requests that get the same one. */
class Answer {
  /** @param {string} spelled what the engine answered */
  constructor(spelled) {
    const { head, headers } = readSpelled(spelled)
    const set = []
    let vary = null
    let expose = null
    for (let i = 0; i < headers.length; i += 2) {
      if (headers[i] === 'vary') vary = headers[i + 1]
      else if (headers[i] === 'access-control-expose-headers') expose = headers[i + 1]
      else set.push(headers[i], headers[i + 1])
    }
    this.kind = head.kind
    this.reason = head.reason
    this.allowed = head.allowed
    this.action = head.action
    this.status = head.status
    /** Replaced: name, value, name, value, … in lower case. */
    this.set = Object.freeze(set)
    /** Merged into what the response says, or null. */
    this.vary = vary
    this.expose = expose
    /** Removed, in lower case. */
    this.remove = head.remove
    /** A response that already has Access-Control-Allow-Origin is left whole, Vary aside. */
    this.keepsUpstream = head.keepsUpstream
    /** Every header, in order: the response to send if there is no other. */
    this.headers = Object.freeze(headers)
    /** The same for `writeHead`, as an object, which Node takes faster than a list. */
    this.head = headOf(headers)
    /** The head of a response without a body. */
    this.emptyHead = this.status === null || this.status === NO_CONTENT ? this.head : Object.freeze({ ...this.head, 'content-length': '0' })
    Object.freeze(this)
  }
}

/** An answer that says something else in its headers. */
function withHeaders(answer, { set, vary, expose, headers }) {
  const head = headOf(headers)
  const length = answer.emptyHead === answer.head ? {} : { 'content-length': '0' }
  return Object.freeze({ ...answer, set: Object.freeze(set), vary, expose, headers: Object.freeze(headers), head, emptyHead: Object.freeze({ ...head, ...length }) })
}

function headOf(headers) {
  const head = {}
  for (let i = 0; i < headers.length; i += 2) head[headers[i]] = headers[i + 1]
  return Object.freeze(head)
}

/** The property under which policies keep what answers for them. */
const ANSWERS = Symbol('crossgate.answers')

/**
 * The answer of a Policy or SharedPolicy to a request.
 * @param headers Node's `req.headers` (HTTP/1 or HTTP/2)
 * @param verdict 'allow', 'deny' or nothing: the host's word, for policies with `hostOrigins`
 * @returns {Answer}
 */
function answerFor(policy, method, headers, verdict) {
  return policy[ANSWERS].answer(method, headers, verdict)
}

module.exports = { answerFor, Answer, ANSWERS, withHeaders }
