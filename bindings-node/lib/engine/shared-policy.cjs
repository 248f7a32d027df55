'use strict'

const { Policy, SHOW, SOURCE, Source, compare } = require('./policy.cjs')

const asPolicy = given => (given instanceof Policy ? given : new Policy(given))

function callable(value, what) {
  if (value !== undefined && value !== null && typeof value !== 'function')
    throw new TypeError(`${what} is a function`)
  return value ?? null
}

/** A policy that is replaced while serving, with a shadow beside it. */
class SharedPolicy {
  #live
  #shadow = null
  #onDifference = null
  /** What adapters ask: the policy's own, or another that observes. */
  #source
  /** Compares a decision with the shadow's, or null. */
  #observe

  constructor(policy) {
    this.#set(asPolicy(policy))
  }

  get policy() {
    return this.#live
  }

  replace(policy) {
    this.#set(asPolicy(policy))
  }

  replaceDocument(options) {
    this.#set(new Policy(options))
  }

  replaceJson(text) {
    this.#set(Policy.fromJson(text))
  }

  replaceToml(text) {
    this.#set(Policy.fromToml(text))
  }

  replaceFile(path) {
    this.#set(Policy.fromFile(path))
  }

  setShadow(policy, onShadowDifference) {
    const shadow = policy === null || policy === undefined ? null : asPolicy(policy)
    this.#onDifference = callable(onShadowDifference, 'onShadowDifference')
    this.#shadow = shadow
    this.#set(this.#live)
  }

  #set(live) {
    this.#live = live
    this.#source = live[SOURCE]
    this.#observe = null
    if (this.#shadow === null || this.#onDifference === null) return
    this.#observe = observer(live, this.#shadow, this.#onDifference)
    const { ask, judge, requestHeadersLimit, takesVerdicts, echoesRequestHeaders } = this.#source
    this.#source = new Source(ask, judge, requestHeadersLimit, takesVerdicts, echoesRequestHeaders)
    this.#source.observe = this.#observe
  }

  get [SOURCE]() {
    return this.#source
  }

  get warnings() {
    return this.#live.warnings
  }

  get notes() {
    return this.#live.notes
  }

  get omittedProblems() {
    return this.#live.omittedProblems
  }

  get digest() {
    return this.#live.digest
  }

  get hasOriginPredicate() {
    return this.#live.hasOriginPredicate
  }

  document() {
    return this.#live.document()
  }

  evaluate(method, headers, verdict) {
    const observe = this.#observe
    const decision = this.#live.evaluate(method, headers, verdict)
    observe?.(method, headers, verdict)
    return decision
  }

  needsVerdict(method, headers) {
    return this.#live.needsVerdict(method, headers)
  }

  deniedName(method, headers, reason) {
    return this.#live.deniedName(method, headers, reason)
  }

  [SHOW](method, headers, reason) {
    return this.#live[SHOW](method, headers, reason)
  }

  checkUpgrade(req, options) {
    return this.#live.checkUpgrade(req, options)
  }

  checkWebSocket(originLines, options) {
    return this.#live.checkWebSocket(originLines, options)
  }
}

/** Reports each decision in which the shadow differs. */
function observer(live, shadow, onDifference) {
  const differenceOf = compare(live, shadow)
  return (method, headers, verdict) => {
    try {
      const difference = differenceOf(method, headers, verdict)
      if (difference !== null) onDifference(difference, { method, headers })
    } catch (error) {
      // No request fails because of its observer.
      process.emitWarning(error instanceof Error ? error : String(error))
    }
  }
}

module.exports = { SharedPolicy }
