'use strict'
// What adapters work with: the decision of one request in the form in which a response takes it.

const { decode } = require('../engine/decode.cjs')

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
 * What a response with some lines says after an answer, and whether the answer overwrote any.
 * @typedef {{ says: readonly string[], overwrote: boolean }} Settled
 */

/**
 * A decision as headers of a response. All requests that get the same decision share it, so it
 * never changes.
 */
class Answer {
  #apply
  #lines = null
  #settled = null

  /**
   * @param head what was decided, apart from the headers
   * @param {string[]} headers name, value, name, value, … in lower case and in order
   * @param {Apply} apply carries the decision out on a response that says something of CORS or Vary
   *   already; the engine does it
   */
  constructor(head, headers, apply) {
    /** Not {@link Question}. */
    this.isOpen = false
    this.kind = head.kind
    this.reason = head.reason
    this.allowed = head.allowed
    this.action = head.action
    this.status = head.status
    /** Removed from a response, in lower case. */
    this.remove = head.remove
    /** A response may speak for itself, so nothing can be set before it has. */
    this.keepsUpstream = head.keepsUpstream
    /** A regex with look-around ran out of steps, so that it let nobody in. */
    this.hitRegexStepLimit = head.hitRegexStepLimit
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

  /**
   * What a response says after this answer that said `lines` before. The result is not the caller's
   * to change.
   * @returns {Settled}
   */
  settle(lines) {
    // What an application says of Vary is mostly the same, response after response. No line holds a
    // line break.
    const key = lines.join('\n')
    if (key !== this.#lines) {
      const [says, overwritten] = this.#apply(lines)
      this.#settled = { says, overwrote: overwritten.length > 0 }
      this.#lines = key
    }
    return this.#settled
  }
}

function headOf(headers) {
  const head = {}
  for (let i = 0; i < headers.length; i += 2) head[headers[i]] = headers[i + 1]
  return Object.freeze(head)
}

/** The answer of an encoded decision. */
function answerOf(encoded, apply) {
  const { head, headers } = decode(encoded)
  return new Answer(head, headers, apply)
}

/**
 * Derives further answers from the engine's, each once, since those are few and live long.
 * `change(answer)` gives the headers, and what becomes of those that the answer leaves a response.
 * @typedef {{ headers: string[], settled: (says: readonly string[]) => string[] }} Change
 * @param {(answer: Answer) => Change} change
 */
function derive(change) {
  const derived = new WeakMap()
  return answer => {
    let other = derived.get(answer)
    if (other === undefined) {
      const { headers, settled } = change(answer)
      other = new Answer(answer, headers, lines => {
        const { says, overwrote } = answer.settle(lines)
        return [settled(says), overwrote ? lines : []]
      })
      derived.set(answer, other)
    }
    return other
  }
}

module.exports = { Answer, answerOf, derive }
