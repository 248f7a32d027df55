'use strict'

const { Answer, ANSWERS, answerFor } = require('./answer.cjs')
const { Counters } = require('./counters.cjs')
const { Decision } = require('./decision.cjs')
const { handle } = require('./node-response.cjs')
const { Policy } = require('./policy.cjs')

const asPolicy = given => (given instanceof Policy ? given : new Policy(given))

function callable(value, what) {
  if (value !== undefined && value !== null && typeof value !== 'function')
    throw new TypeError(`${what} is a function`)
  return value ?? null
}

/** A policy that is replaced while serving, with counters and a shadow beside it. */
class SharedPolicy {
  #live
  #counters
  #shadow = null
  #report = null
  /** What adapters ask: the policy itself, or this object if somebody watches. */
  #answers

  constructor(policy, { counters } = {}) {
    if (counters !== undefined && !(counters instanceof Counters))
      throw new TypeError('counters are a Counters')
    this.#counters = counters ?? null
    this.#set(asPolicy(policy))
  }

  get policy() {
    return this.#live
  }

  replace(policy) {
    this.#set(asPolicy(policy))
  }

  replaceFromFile(path) {
    this.#set(Policy.fromFile(path))
  }

  setShadow(policy, report) {
    const shadow = policy === null || policy === undefined ? null : asPolicy(policy)
    this.#report = callable(report, 'the report')
    this.#shadow = shadow
    this.#set(this.#live)
  }

  #set(live) {
    this.#live = live
    const isWatched = this.#counters !== null || this.#shadow !== null
    this.#answers = isWatched
      ? {
          readsNames: true,
          readsSite: true,
          answer: (method, headers, verdict) => this.#watched(method, headers, verdict)
        }
      : live[ANSWERS]
  }

  get [ANSWERS]() {
    return this.#answers
  }

  #watched(method, headers, verdict) {
    const answer = answerFor(this.#live, method, headers, verdict)
    this.#watch(answer, method, headers, verdict)
    return answer
  }

  /** Counts a decision and compares it with the shadow's. `live`: an answer or a decision. */
  #watch(live, method, headers, verdict) {
    this.#counters?.record(live)
    if (this.#shadow === null || this.#report === null) return
    try {
      const shadow = this.#shadow.evaluate(
        method,
        headers,
        this.#shadow.hasHostOrigins ? verdict : undefined
      )
      const decision = live instanceof Answer ? new Decision(live) : live
      if (!isSame(decision, shadow)) this.#report({ live: decision, shadow, method, headers })
    } catch (error) {
      // Nobody's request fails because somebody watches.
      process.emitWarning(error instanceof Error ? error : String(error))
    }
  }

  get warnings() {
    return this.#live.warnings
  }

  document() {
    return this.#live.document()
  }

  evaluate(method, headers, verdict) {
    const decision = this.#live.evaluate(method, headers, verdict)
    this.#watch(decision, method, headers, verdict)
    return decision
  }

  handle(req, res, verdict) {
    return handle(this, req, res, verdict)
  }

  asksHost(method, headers) {
    return this.#live.asksHost(method, headers)
  }

  checkUpgrade(req, options) {
    return this.#live.checkUpgrade(req, options)
  }

  checkWebSocket(originLines, options) {
    return this.#live.checkWebSocket(originLines, options)
  }
}

function isSame(a, b) {
  return (
    a === b ||
    (['kind', 'reason', 'action', 'allowed', 'status'].every(name => a[name] === b[name]) &&
      JSON.stringify(a.headers) === JSON.stringify(b.headers))
  )
}

module.exports = { SharedPolicy }
