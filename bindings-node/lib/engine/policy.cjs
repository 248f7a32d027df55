'use strict'

const { fileURLToPath } = require('node:url')
const { isRegExp } = require('node:util').types
const native = require('./native.cjs')
const { FLAGS, decode, flagsOf } = require('./decode.cjs')
const { Decision } = require('./decision.cjs')
const { PolicyError, plainProblems, typeName } = require('./errors.cjs')
const { collect, lines, text } = require('./headers.cjs')
const { verdictNumber } = require('./verdict.cjs')

// What is asked of a policy's native function.
const {
  encode: ENCODE,
  needsVerdict: NEEDS_VERDICT,
  apply: APPLY,
  differs: DIFFERS,
  shown: SHOWN
} = native.tables().questions
const REASONS = native.tables().reasons

/**
 * The property under which policies show adapters their {@link Source}.
 */
const SOURCE = Symbol('crossgate.source')

/** The method that {@link Policy#deniedName} has a half of. */
const SHOW = Symbol('crossgate.show')

// So many decisions of the policy's own text are remembered. Requests only choose among them.
const REMEMBERED = 256

/** The native policy, or an exception. */
function made(result, path) {
  if (result instanceof native.Handle) return result
  const { message, problems, omitted, code, errno } = result
  if (!code) throw new PolicyError(message, problems, omitted)
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
  if (isRegExp(value)) return { source: SOURCE_OF.call(value), flags: FLAGS_OF.call(value) }
  return { type: typeName(value) }
}

// Own properties of a RegExp do not say what it matches.
const getter = name => Object.getOwnPropertyDescriptor(RegExp.prototype, name).get
const SOURCE_OF = getter('source')
const FLAGS_OF = getter('flags')

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

/** What adapters ask: the engine's function of a policy, and what they remember of its answers. */
class Source {
  /** What remembers the answers of this policy. The layer above puts it here. */
  answers = null
  /** Hears of every decision, with the verdict it was made under; null if nothing is to hear. */
  observe = null

  /**
   * @param {Function} ask the native function
   * @param {Function} judge says what an application's answer means: see `judge.cjs`
   * @param {number | null} requestHeadersLimit longer lists of requested names get one decision
   * @param {boolean} takesVerdicts
   * @param {boolean} echoesRequestHeaders whether what is sent may depend on the requested names
   */
  constructor(ask, judge, requestHeadersLimit, takesVerdicts, echoesRequestHeaders) {
    this.ask = ask
    this.judge = judge
    this.requestHeadersLimit = requestHeadersLimit
    this.takesVerdicts = takesVerdicts
    this.echoesRequestHeaders = echoesRequestHeaders
  }
}

/** A compiled, immutable policy. */
class Policy {
  #handle
  #ask
  #source
  #warnings
  #notes
  #remembered = new Map()

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

  get notes() {
    this.#notes ??= plainProblems(this.#handle.notes())
    return this.#notes
  }

  get omittedProblems() {
    return this.#handle.omittedProblems()
  }

  get digest() {
    return this.#handle.digest()
  }

  get hasOriginPredicate() {
    return this.#handle.hasOriginPredicate()
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
    const encoded = this.#ask(ENCODE, ...question)
    const remembered = this.#remembered.get(encoded)
    if (remembered !== undefined) return remembered
    const decision = new Decision(decode(encoded), lines => this.#ask(APPLY, ...question, lines))
    if (flagsOf(encoded) & FLAGS.isPolicyText && this.#remembered.size < REMEMBERED)
      this.#remembered.set(encoded, decision)
    return decision
  }

  get [SOURCE]() {
    this.#source ??= new Source(
      this.#ask,
      (origin, isList, kinds, texts) => this.#handle.judge(origin, isList, kinds, texts),
      this.#handle.requestHeadersLimit(),
      this.#handle.hasOriginPredicate(),
      this.#handle.echoesRequestHeaders()
    )
    return this.#source
  }

  needsVerdict(method, headers) {
    return this.#ask(NEEDS_VERDICT, 0, text(method, 'a method'), ...collect(headers))
  }

  deniedName(method, headers, reason) {
    return this[SHOW](method, headers, reason)[0]
  }

  /** What a log shows of a request, escaped: the name at fault and the origin, or nulls. */
  [SHOW](method, headers, reason) {
    const number = REASONS.indexOf(reason)
    if (number < 0) throw new TypeError(`there is no reason ${String(reason)}`)
    return this.#ask(SHOWN, number, text(method, 'a method'), ...collect(headers))
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

  /**
   * A function that compares the decisions of two policies about a request. It gives both if they
   * differ, and null otherwise.
   */
  static compare(live, shadow) {
    const ask = live.#handle.functionWithShadow(shadow.#handle)
    return (method, headers, verdict) => {
      const given = live.hasOriginPredicate ? verdict : undefined
      const question = [verdictNumber(given), text(method, 'a method'), ...collect(headers)]
      if (!ask(DIFFERS, ...question)) return null
      return {
        live: live.evaluate(method, headers, given),
        shadow: shadow.evaluate(method, headers, shadow.hasOriginPredicate ? given : undefined)
      }
    }
  }
}

// It is no part of the public class.
const { compare } = Policy
delete Policy.compare

/**
 * A policy of options whose answers join lists as `comma` says: the middleware that a drop-in
 * replaces decides that.
 */
const policyOf = (options, comma) => new Policy(fromOptions(options, comma))

module.exports = { Policy, SHOW, SOURCE, Source, compare, policyOf }
