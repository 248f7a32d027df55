'use strict'

const { isOwn } = require('./own-headers.cjs')

/** The answer to one request, as the public API shows it. */
class Decision {
  #answer

  /** @param {import('./answer.cjs').Answer} answer */
  constructor(answer) {
    this.kind = answer.kind
    this.reason = answer.reason
    this.action = answer.action
    this.allowed = answer.allowed
    this.status = answer.status
    this.headers = Object.freeze(pairsOf(answer.headers).map(Object.freeze))
    this.remove = answer.remove
    this.#answer = answer
    Object.freeze(this)
  }

  apply(headers, report = () => {}) {
    if (!Array.isArray(headers) || !headers.every(Array.isArray))
      throw new TypeError('apply takes an array of [name, value] pairs')
    const lines = []
    const rest = []
    for (const [name, value] of headers) {
      if (isOwn(name)) for (const line of [value].flat()) lines.push(String(name), String(line))
      else rest.push([name, value])
    }
    const [says, overwritten] = this.#answer.apply(lines)
    for (const [name, value] of pairsOf(overwritten)) report(name.toLowerCase(), value)
    return [...rest, ...pairsOf(says)]
  }
}

function pairsOf(flat) {
  const pairs = []
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i], flat[i + 1]])
  return pairs
}

module.exports = { Decision }
