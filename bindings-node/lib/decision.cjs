'use strict'

const { applyToPairs } = require('./operations.cjs')

/** The answer to one request, as the public API shows it. */
class Decision {
  #answer

  /** @param {import('./answer.cjs').Answer} answer */
  constructor(answer) {
    const pairs = []
    for (let i = 0; i < answer.headers.length; i += 2) pairs.push(Object.freeze([answer.headers[i], answer.headers[i + 1]]))
    this.kind = answer.kind
    this.reason = answer.reason
    this.action = answer.action
    this.allowed = answer.allowed
    this.status = answer.status
    this.headers = Object.freeze(pairs)
    this.remove = answer.remove
    this.#answer = answer
    Object.freeze(this)
  }

  apply(headers, report) {
    if (!Array.isArray(headers) || !headers.every(Array.isArray)) throw new TypeError('apply takes an array of [name, value] pairs')
    return applyToPairs(this.#answer, headers, report)
  }
}

module.exports = { Decision }
