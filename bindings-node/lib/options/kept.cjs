'use strict'

const { isRegExp } = require('node:util').types

// Options that differ, kept at once. An application that makes more of them pays for compiling the rest each time;
// what is kept stays, whoever sends the requests.
const MOST = 256

let ids = 0

/** What was compiled from options that an application hands out per request: as few times as options differ. */
class Kept {
  #compile
  #byObject = new WeakMap()
  #byText = new Map()
  #ids = new WeakMap()

  constructor(compile) {
    this.#compile = compile
  }

  /** Throws what compiling throws. */
  get(options) {
    let compiled = this.#byObject.get(options)
    if (compiled !== undefined) return compiled
    const text = JSON.stringify(options, (_, value) => this.#spell(value))
    compiled = this.#byText.get(text)
    if (compiled === undefined) {
      compiled = this.#compile(options)
      if (this.#byText.size < MOST) this.#byText.set(text, compiled)
    }
    // Only what cannot change is known again by itself.
    if (typeof options === 'object' && options !== null && Object.isFrozen(options)) this.#byObject.set(options, compiled)
    return compiled
  }

  /** Functions, policies and regexes are told apart by what they are, everything else by what it says. */
  #spell(value) {
    if (isRegExp(value)) return { regex: String(value) }
    if (typeof value === 'function' || (typeof value === 'object' && value !== null && typeof value.evaluate === 'function')) {
      if (!this.#ids.has(value)) this.#ids.set(value, (ids += 1))
      return { id: this.#ids.get(value) }
    }
    return value === undefined ? { absent: true } : value
  }
}

module.exports = { Kept }
