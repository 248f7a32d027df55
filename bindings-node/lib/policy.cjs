'use strict'

const { fileURLToPath } = require('node:url')
const native = require('./native.cjs')
const { answerOf, ANSWERS } = require('./answer.cjs')
const { Decision } = require('./decision.cjs')
const { Answers } = require('./fast-path.cjs')
const { handle } = require('./node-response.cjs')
const { collect, lines, text } = require('./headers.cjs')
const { PolicyError, plainProblems, typeName } = require('./policy-error.cjs')
const { isPolicyOwned } = require('./spelled.cjs')
const { verdictNumber } = require('./verdict.cjs')

// What is asked of a policy's native function.
const { spell: SPELL, ask: ASK, apply: APPLY } = native.alphabet().questions

// Decisions of the policy's own text, kept for reuse: nobody outside can fill this up.
const KEPT = 256

/** The native policy, or an exception. */
function made(result, path) {
  if (result instanceof native.Handle) return result
  const { message, problems, code, errno } = result
  if (!code) throw new PolicyError(message, problems)
  const error = Object.assign(new Error(message), { code, path })
  throw errno === undefined ? error : Object.assign(error, { errno })
}

/** An option's value for the engine: what no option takes is replaced by the name of its type. */
function option(value, depth = 0) {
  if (
    value === null ||
    typeof value === 'boolean' ||
    typeof value === 'number' ||
    typeof value === 'string'
  )
    return value
  // Lists in lists are wrong already; a list that holds itself would have no end.
  if (Array.isArray(value) && depth < 3) return Array.from(value, item => option(item, depth + 1))
  return { type: typeName(value) }
}

function fromOptions(options, comma = false) {
  if (options === undefined) options = {}
  if (typeName(options) !== 'object') {
    const { message, problems } = native.noOptions(typeName(options))
    throw new PolicyError(message, problems)
  }
  const entries = []
  for (const name of Object.keys(options)) {
    if (options[name] !== undefined) entries.push(name, option(options[name]))
  }
  return made(native.fromOptions(entries, comma))
}

function string(value, what) {
  if (typeof value !== 'string') throw new TypeError(`${what} is a string`)
  return value
}

/** A compiled, immutable policy. */
class Policy {
  #handle
  #ask
  #answers
  #warnings
  #kept = new Map()

  constructor(options) {
    this.#handle = options instanceof native.Handle ? options : fromOptions(options)
    this.#ask = this.#handle.function()
  }

  static fromJson(text) {
    return new this(made(native.fromJson(string(text, 'a JSON document'))))
  }

  static fromToml(text) {
    return new this(made(native.fromToml(string(text, 'a TOML document'))))
  }

  static fromFile(path) {
    const name = path instanceof URL ? fileURLToPath(path) : string(path, 'a path')
    return new this(made(native.fromFile(name), name))
  }

  static fromEnv(prefix, env = process.env) {
    const variables = Object.entries(env).filter(([, value]) => value !== undefined)
    return new this(
      made(native.fromVariables(string(prefix, 'a prefix'), variables.flat().map(String)))
    )
  }

  get warnings() {
    this.#warnings ??= plainProblems(this.#handle.warnings())
    return this.#warnings
  }

  get hasHostOrigins() {
    return this.#handle.hasHostOrigins()
  }

  document() {
    return JSON.parse(this.#handle.document())
  }

  equals(other) {
    return (
      other === this ||
      (typeof other === 'object' &&
        other !== null &&
        #handle in other &&
        this.#handle.equals(other.#handle))
    )
  }

  evaluate(method, headers, verdict) {
    const question = [verdictNumber(verdict), text(method, 'a method'), ...collect(headers)]
    const spelled = this.#ask(SPELL, ...question)
    const kept = this.#kept.get(spelled)
    if (kept !== undefined) return kept
    const decision = new Decision(answerOf(spelled, lines => this.#ask(APPLY, ...question, lines)))
    if (isPolicyOwned(spelled) && this.#kept.size < KEPT) this.#kept.set(spelled, decision)
    return decision
  }

  /** For adapters: see answer.cjs. */
  get [ANSWERS]() {
    this.#answers ??= new Answers(
      this.#ask,
      this.#handle.requestHeadersLimit(),
      this.#handle.echoesRequestHeaders(),
      this.#handle.rejects()
    )
    return this.#answers
  }

  handle(req, res, verdict) {
    return handle(this, req, res, verdict)
  }

  asksHost(method, headers) {
    return this.#ask(ASK, 0, text(method, 'a method'), ...collect(headers))
  }

  checkUpgrade(req, options) {
    return this.checkWebSocket(collect(req.rawHeaders)[0], options)
  }

  checkWebSocket(originLines, { public: isPublic = false, verdict } = {}) {
    return this.#handle.checkWebSocket(
      lines(originLines),
      Boolean(isPublic),
      verdictNumber(verdict)
    )
  }
}

/**
 * A policy of options whose answers join lists as `comma` says: the middleware that a drop-in
 * replaces decides that.
 */
const policyOf = (options, comma) => new Policy(fromOptions(options, comma))

module.exports = { Policy, policyOf }
