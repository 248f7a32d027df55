'use strict'

const { tables } = require('./native.cjs')

const { reasons } = tables()

/** Adds one to `overwroteUpstream`; for adapters alone. */
const ADD_OVERWROTE_UPSTREAM = Symbol('crossgate.addOverwroteUpstream')

/** Decisions counted by reason. */
class Counters {
  #counts = new Map(reasons.map(reason => [reason, 0]))
  #overwroteUpstream = 0

  record({ reason }) {
    const before = this.#counts.get(reason)
    if (before === undefined) throw new TypeError('record takes a decision')
    this.#counts.set(reason, before + 1)
  }

  get(reason) {
    const count = this.#counts.get(reason)
    if (count === undefined)
      throw new TypeError(
        `there is no reason ${String(reason)}; the reasons are ${reasons.join(', ')}`
      )
    return count
  }

  get overwroteUpstream() {
    return this.#overwroteUpstream
  }

  [ADD_OVERWROTE_UPSTREAM]() {
    this.#overwroteUpstream += 1
  }

  toJSON() {
    return Object.fromEntries(this.#counts)
  }

  toPrometheus() {
    const lines = Array.from(
      this.#counts,
      ([reason, count]) => `crossgate_decisions_total{reason="${reason}"} ${count}`
    )
    return [
      '# HELP crossgate_decisions_total CORS decisions by reason.',
      '# TYPE crossgate_decisions_total counter',
      ...lines,
      ''
    ].join('\n')
  }
}

module.exports = { ADD_OVERWROTE_UPSTREAM, Counters }
