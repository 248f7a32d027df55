'use strict'

const { isRegExp } = require('node:util').types
const { isPolicy } = require('../answers/begin.cjs')
const { Counters } = require('../engine/counters.cjs')

// So many different options are held in each of two generations. Those that are used again before
// as many others come stay. An application that puts something of the request into its options lets
// strangers fill the younger generation, and no more.
const MOST = 256

let ids = 0

/**
 * What was compiled from options that an application hands out per request: as few times as options
 * differ.
 */
class OptionCache {
  #compile
  #byObject = new WeakMap()
  #young = new Map()
  #old = new Map()
  #ids = new WeakMap()

  constructor(compile) {
    this.#compile = compile
  }

  /** Throws what compiling throws. */
  get(options) {
    let compiled = this.#byObject.get(options)
    if (compiled !== undefined) return compiled
    const encode = value => this.#encode(value)
    // Counters have a `toJSON`, and the second argument is what that gives.
    const text = JSON.stringify(options, function (name) {
      return encode(this[name])
    })
    compiled = this.#young.get(text)
    if (compiled === undefined) {
      compiled = this.#old.get(text) ?? this.#compile(options)
      if (this.#young.size === MOST) [this.#old, this.#young] = [this.#young, new Map()]
      this.#young.set(text, compiled)
    }
    // Only what cannot change is known again by itself.
    if (typeof options === 'object' && options !== null && Object.isFrozen(options))
      this.#byObject.set(options, compiled)
    return compiled
  }

  /**
   * Functions, policies and counters are told apart by identity, everything else by what it says.
   */
  #encode(value) {
    if (isRegExp(value)) return { regex: String(value) }
    if (typeof value === 'function' || isPolicy(value) || value instanceof Counters) {
      if (!this.#ids.has(value)) this.#ids.set(value, (ids += 1))
      return { id: this.#ids.get(value) }
    }
    return value === undefined ? { absent: true } : value
  }
}

module.exports = { OptionCache }
