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
    /** The same for `writeHead` of an answer without a body. */
    this.block = this.status === null || this.status === NO_CONTENT ? this.headers : Object.freeze([...headers, 'content-length', '0'])
    Object.freeze(this)
  }
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

module.exports = { answerFor, Answer, ANSWERS }
