'use strict'

const { fileURLToPath } = require('node:url')
const native = require('./native.cjs')
const { Decision, isPolicyOwned } = require('./decision.cjs')
const { collect, lines, text } = require('./headers.cjs')

// The first argument of a policy's native function; see `function` in src/evaluate.rs.
const EVALUATE = 0
const APPLY = 1
const ASK = 2

const VERDICTS = { allow: 1, deny: 2 }

function verdictNumber(verdict) {
  if (verdict === undefined || verdict === null) return 0
  if (typeof verdict !== 'string' || !Object.hasOwn(VERDICTS, verdict)) throw new TypeError("a verdict is 'allow', 'deny' or undefined")
  return VERDICTS[verdict]
}

// Decisions kept for reuse, and the longest request that one keeps alive. Keys are of the policy's own text, so
// nobody outside can fill this up.
const KEPT = 256
const KEPT_LENGTH = 1024

/** A policy was not made; `problems` says why. */
class PolicyError extends Error {
  constructor(message, problems) {
    super(message)
    this.problems = plainProblems(problems)
  }
}
// On the prototype as with Error itself, so that it is not shown as a property.
Object.defineProperty(PolicyError.prototype, 'name', { value: 'PolicyError', configurable: true, writable: true })

function plainProblems(problems) {
  return Object.freeze(problems.map(problem => Object.freeze({ ...problem, hint: problem.hint ?? null })))
}

/** The native policy, or an exception. */
function made(result, path) {
  if (result instanceof native.Handle) return result
  const { message, problems, code, errno } = result
  if (!code) throw new PolicyError(message, problems)
  const error = Object.assign(new Error(message), { code, path })
  throw errno === undefined ? error : Object.assign(error, { errno })
}

function typeName(value) {
  if (typeof value !== 'object') return typeof value
  const tag = Object.prototype.toString.call(value).slice(8, -1)
  return tag === 'Object' ? 'object' : tag
}

/** An option's value for the engine: what no option takes is replaced by the name of its type. */
function option(value, depth = 0) {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') return value
  // Lists in lists are wrong already; a list that holds itself would have no end.
  if (Array.isArray(value) && depth < 3) return Array.from(value, item => option(item, depth + 1))
  return { type: typeName(value) }
}

function fromOptions(options) {
  if (options === undefined) options = {}
  if (typeName(options) !== 'object') {
    const type = options === null ? 'null' : typeName(options)
    const { message, problems } = native.noOptions(type)
    throw new PolicyError(message, problems)
  }
  const entries = []
  for (const name of Object.keys(options)) {
    if (options[name] !== undefined) entries.push(name, option(options[name]))
  }
  return made(native.fromOptions(entries))
}

function string(value, what) {
  if (typeof value !== 'string') throw new TypeError(`${what} is a string`)
  return value
}

/** A compiled, immutable policy. */
class Policy {
  #handle
  #ask
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
    return new this(made(native.fromVariables(string(prefix, 'a prefix'), variables.flat().map(String))))
  }

  get warnings() {
    this.#warnings ??= plainProblems(this.#handle.warnings())
    return this.#warnings
  }

  document() {
    return JSON.parse(this.#handle.document())
  }

  equals(other) {
    return other === this || (typeof other === 'object' && other !== null && #handle in other && this.#handle.equals(other.#handle))
  }

  evaluate(method, headers, verdict) {
    const name = text(method, 'a method')
    const fields = collect(headers)
    const number = verdictNumber(verdict)
    const spelled = this.#ask(EVALUATE, number, name, fields[0], fields[1], fields[2], fields[3], fields[4])
    const kept = this.#kept.get(spelled)
    if (kept !== undefined) return kept
    const ask = this.#ask
    const decision = new Decision(spelled, response => ask(APPLY, number, name, ...fields, response))
    if (isPolicyOwned(spelled) && this.#kept.size < KEPT && isShort(name, fields)) this.#kept.set(spelled, decision)
    return decision
  }

  asksHost(method, headers) {
    return this.#ask(ASK, 0, text(method, 'a method'), ...collect(headers))
  }

  checkWebSocket(originLines, { public: isPublic = false, verdict } = {}) {
    return this.#handle.checkWebSocket(lines(originLines), Boolean(isPublic), verdictNumber(verdict))
  }
}

function isShort(name, fields) {
  return name.length + fields.reduce((sum, field) => sum + (field === undefined ? 0 : field.length), 0) <= KEPT_LENGTH && !fields.some(Array.isArray)
}

module.exports = { Policy, PolicyError }
