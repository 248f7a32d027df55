'use strict'

const { alphabet } = require('./native.cjs')

const { kinds, reasons, actions, responseHeaders } = alphabet()
const ALLOWED = { t: true, f: false, n: null }
const index = (spelled, at) => (spelled.charCodeAt(at) & 31) - 1 // a and A are 0

/** Whether the answer holds nothing of the request, so that as many of its like exist as the policy has entries. */
const isPolicyOwned = spelled => spelled.charCodeAt(0) === 112 // 'p'

// What the head says, without the request's own. There are few heads: policies make them, requests only choose.
const heads = new Map()

function readHead(head) {
  let read = heads.get(head)
  if (read === undefined) {
    read = {
      kind: kinds[index(head, 1)],
      reason: reasons[index(head, 2)],
      action: actions[index(head, 3)],
      allowed: ALLOWED[head[4]],
      status: Number(head.slice(5, 8)) || null,
      remove: Object.freeze(Array.from(head.slice(8), letter => responseHeaders[index(letter, 0)]))
    }
    heads.set(head, read)
  }
  return read
}

// Header pairs of policies' own text: freezing them anew costs more than the rest of a decision.
const pairs = new Map()
const PAIRS = 4096

function readPair(line) {
  let pair = pairs.get(line)
  if (pair === undefined) {
    pair = Object.freeze([responseHeaders[index(line, 0)], line.slice(1)])
    const isOwn = line.charCodeAt(0) >= 97
    if (isOwn && pairs.size < PAIRS) pairs.set(line, pair)
  }
  return pair
}

/** The answer to one request. */
class Decision {
  #apply

  /** `spelled`: what the engine answered (its grammar stands at `spell` in src/evaluate.rs). */
  constructor(spelled, apply) {
    const lines = spelled.split('\n')
    const head = readHead(lines[0])
    const headers = []
    for (let i = 1; i < lines.length; i += 1) headers.push(readPair(lines[i]))
    this.kind = head.kind
    this.reason = head.reason
    this.action = head.action
    this.allowed = head.allowed
    this.status = head.status
    this.headers = Object.freeze(headers)
    this.remove = head.remove
    this.#apply = apply
    Object.freeze(this)
  }

  /** The response headers `[[name, value], ...]` with this decision set, merged and removed. A new array. */
  apply(headers) {
    if (!Array.isArray(headers)) throw new TypeError('apply takes an array of [name, value] pairs')
    const flat = []
    for (const pair of headers) {
      if (!Array.isArray(pair)) throw new TypeError('apply takes an array of [name, value] pairs')
      const [name, value] = pair
      flat.push(String(name), Array.isArray(value) ? value.join(', ') : String(value))
    }
    // A number is the place of a line that stays as it is.
    return this.#apply(flat).map(line => (typeof line === 'number' ? [...headers[line]] : line))
  }
}

module.exports = { Decision, isPolicyOwned }
