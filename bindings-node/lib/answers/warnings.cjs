'use strict'

const MINUTE = 60_000

/** Warnings of one kind, one a minute: requests of strangers cause them. */
class Warnings {
  #what
  #now
  #last = -Infinity
  #suppressed = 0

  /**
   * @param {string} what happened
   * @param {() => number} now milliseconds
   */
  constructor(what, now = Date.now) {
    this.#what = what
    this.#now = now
  }

  /** Tells of one more, or counts it for the next. */
  add(error) {
    const now = this.#now()
    if (now - this.#last < MINUTE) {
      this.#suppressed += 1
      return
    }
    const more = this.#suppressed === 0 ? '' : ` (and ${this.#suppressed} times since the last)`
    this.#last = now
    this.#suppressed = 0
    process.emitWarning(`${this.#what}${more}: ${error?.message ?? error}`, {
      type: 'CrossgateWarning',
      detail: typeof error?.stack === 'string' ? error.stack : undefined
    })
  }
}

module.exports = { Warnings }
