'use strict'
// What adapters work with: the decision of one request in the form in which a response takes it.

const { readSpelled } = require('./spelled.cjs')

const NO_CONTENT = 204
const OF_ACTUAL = new Set([
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
  'vary'
])

/**
 * The headers of a response that an answer leaves it, and those that it overwrote; both name,
 * value, name, value, …
 */
/** @typedef {(lines: readonly string[]) => [says: string[], overwritten: string[]]} Apply */

/**
 * A decision as headers of a response. Shared by all requests that get the same one, so nobody
 * changes it.
 */
class Answer {
  #apply
  #lines = null
  #says = null

  /**
   * @param head what was decided, apart from the headers
   * @param {string[]} headers name, value, name, value, … in lower case and in order
   * @param {Apply} apply carries the decision out on a response that says something of CORS or Vary already; the engine does it
   */
  constructor(head, headers, apply) {
    this.kind = head.kind
    this.reason = head.reason
    this.allowed = head.allowed
    this.action = head.action
    this.status = head.status
    /** Removed from a response, in lower case. */
    this.remove = head.remove
    /** A response may speak for itself, so nothing can be set before it has. */
    this.keepsUpstream = head.keepsUpstream
    /** All that is set or merged: what to send where a response says nothing yet. */
    this.headers = Object.freeze(headers)
    /** The same as an object. */
    this.head = headOf(headers)
    // Those of actual requests one by one, undefined if there is none, and the others like
    // `headers`.
    this.allowOrigin = this.head['access-control-allow-origin']
    this.allowCredentials = this.head['access-control-allow-credentials']
    this.exposeHeaders = this.head['access-control-expose-headers']
    this.vary = this.head.vary
    this.others = Object.freeze(headers.filter((_, i) => !OF_ACTUAL.has(headers[i - (i % 2)])))
    /** The head of a response without a body. */
    this.emptyHead =
      this.status === null || this.status === NO_CONTENT
        ? this.head
        : Object.freeze({ ...this.head, 'content-length': '0' })
    this.#apply = apply
    Object.freeze(this)
  }

  /** @see Apply */
  apply(lines) {
    return this.#apply(lines)
  }

  /**
   * What a response says after this answer that said `lines` before; the array is not the caller's
   * to change.
   */
  settle(lines) {
    // What an application says of Vary is mostly the same, response after response. No line holds a
    // line break.
    const key = lines.join('\n')
    if (key !== this.#lines) {
      this.#says = this.#apply(lines)[0]
      this.#lines = key
    }
    return this.#says
  }
}

function headOf(headers) {
  const head = {}
  for (let i = 0; i < headers.length; i += 2) head[headers[i]] = headers[i + 1]
  return Object.freeze(head)
}

/** The answer that the engine spelled. */
function answerOf(spelled, apply) {
  const { head, headers } = readSpelled(spelled)
  return new Answer(head, headers, apply)
}

/**
 * Derives further answers from the engine's, each once, since those are few and live long.
 * `change(answer)` gives the headers, and what becomes of those that the answer leaves a response.
 * @param {(answer: Answer) => { headers: string[], settled: (says: readonly string[]) => string[] }} change
 */
function derive(change) {
  const derived = new WeakMap()
  return answer => {
    let other = derived.get(answer)
    if (other === undefined) {
      const { headers, settled } = change(answer)
      other = new Answer(answer, headers, lines => [settled(answer.settle(lines)), []])
      derived.set(answer, other)
    }
    return other
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

module.exports = { answerFor, answerOf, Answer, ANSWERS, derive }
