'use strict'

const { isOwn } = require('./own-headers.cjs')

/** The answer to one request, as the public API shows it. */
class Decision {
  #apply

  /**
   * @param {{ head: object, headers: string[] }} decoded
   * @param {(lines: string[]) => [says: string[], overwritten: string[]]} apply the engine's way to
   *   carry the decision out on a response that has these lines
   */
  constructor({ head, headers }, apply) {
    this.kind = head.kind
    this.reason = head.reason
    this.action = head.action
    this.allowed = head.allowed
    this.status = head.status
    this.headers = Object.freeze(pairsOf(headers).map(Object.freeze))
    this.remove = head.remove
    this.hitRegexStepLimit = head.hitRegexStepLimit
    this.#apply = apply
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
    const [says, overwritten] = this.#apply(lines)
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
