'use strict'

const { tables } = require('./native.cjs')

const { reasons } = tables()

/** Adds one to `overwroteUpstream`; for adapters alone. */
const ADD_OVERWROTE_UPSTREAM = Symbol('crossgate.addOverwroteUpstream')

/** Adds one to `predicateFailed`; for adapters alone. */
const ADD_PREDICATE_FAILED = Symbol('crossgate.addPredicateFailed')

/** Decisions counted by reason. */
class Counters {
  #counts = new Map(reasons.map(reason => [reason, 0]))
  #overwroteUpstream = 0
  #predicateFailed = 0
  #regexStepLimit = 0

  record({ reason, hitRegexStepLimit }) {
    const before = this.#counts.get(reason)
    if (before === undefined) throw new TypeError('record takes a decision')
    this.#counts.set(reason, before + 1)
    if (hitRegexStepLimit) this.#regexStepLimit += 1
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

  get predicateFailed() {
    return this.#predicateFailed
  }

  [ADD_PREDICATE_FAILED]() {
    this.#predicateFailed += 1
  }

  get regexStepLimit() {
    return this.#regexStepLimit
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
      '# HELP crossgate_predicate_failed_total Origins that the application was asked about and ' +
        'did not answer for.',
      '# TYPE crossgate_predicate_failed_total counter',
      `crossgate_predicate_failed_total ${this.#predicateFailed}`,
      '# HELP crossgate_regex_step_limit_total Regexes that ran out of steps.',
      '# TYPE crossgate_regex_step_limit_total counter',
      `crossgate_regex_step_limit_total ${this.#regexStepLimit}`,
      ''
    ].join('\n')
  }
}

module.exports = { ADD_OVERWROTE_UPSTREAM, ADD_PREDICATE_FAILED, Counters }
