'use strict'
// What the options of every drop-in have in common: they become one policy and, where code decides,
// one function.

const { isRegExp } = require('node:util').types
const { isPolicy } = require('../answers/begin.cjs')
const { Counters } = require('../engine/counters.cjs')
const { PolicyError, optionProblem, policyErrorOf, typeName } = require('../engine/errors.cjs')
const { unsetOption } = require('../engine/native.cjs')
const { policyOf } = require('../engine/policy.cjs')

// What a drop-in answers for request headers if none are configured: all of them. Without
// credentials a literal `*` does not stand for Authorization.
const EVERY_HEADER = ['*', 'Authorization']

// For how many milliseconds an application's function may think.
const VERDICT_TIMEOUT = 5000
// Timers take no more.
const LONGEST_TIMEOUT = 2 ** 31 - 1

const ORIGIN =
  "'*', an origin like 'https://a.example', a RegExp, a list of them, true, false, or a function"

// What all drop-ins call the engine's options.
const NAMES = {
  allow_origins: 'origin',
  allow_origin_regexes: 'origin',
  allow_null_origin: 'origin',
  allow_credentials: 'credentials',
  max_age: 'maxAge',
  dangerously_allow: 'dangerouslyAllow'
}

/** `*` alone is the engine's `"*"`. */
const anyOr = names => (names.length === 1 && names[0] === '*' ? '*' : names)

/**
 * Reads options one by one, and collects whatever is wrong until {@link Reader#check} throws it.
 */
class Reader {
  #where
  #problems = []

  /**
   * @param {string} where the name of the module, for errors
   * @param {object} options as the user gave them
   * @param {readonly string[]} known other names are refused: a misspelled option would
   *   silently not hold
   */
  constructor(where, options, known) {
    this.#where = where
    // Own ones, each read once: what every object inherits was written by nobody.
    this.options = Object.assign(Object.create(null), options)
    if (typeName(options) !== 'object') {
      this.#problem(
        'document_invalid',
        '',
        options,
        "the options are one object, like { origin: ['https://a.example'] }"
      )
      this.check()
    }
    for (const name of Object.keys(this.options)) {
      if (this.options[name] !== undefined && !known.includes(name))
        this.#problem(
          'unknown_option',
          name,
          this.options[name],
          `there is no such option; the options are ${known.join(', ')}`
        )
    }
  }

  #problem(code, name, value, message, hint) {
    this.#problems.push(optionProblem(code, name, value, `${this.#where}: ${message}`, hint))
  }

  /** Says of an option what it takes. */
  wrong(name, value, takes, hint) {
    this.#problem(
      'option_type',
      name,
      value,
      `expected ${takes}, found ${value === '' ? 'empty text' : typeName(value)}`,
      hint
    )
  }

  /** @throws {PolicyError} if anything was wrong so far */
  check() {
    if (this.#problems.length > 0) throw policyErrorOf(this.#problems)
  }

  /** Whether an option is given. Null means the default, as some configurations say it. */
  has(name) {
    return this.options[name] !== undefined && this.options[name] !== null
  }

  boolean(name, otherwise = false) {
    const value = this.options[name] ?? otherwise
    if (typeof value === 'boolean') return value
    this.wrong(name, value, 'true or false')
    return otherwise
  }

  /**
   * A list of names: an array of strings, or one string with commas. Undefined where the option is
   * absent.
   */
  list(name, value = this.options[name]) {
    if (value === undefined || value === null) return undefined
    if (typeof value === 'string' && value.trim() !== '')
      return value
        .split(',')
        .map(item => item.trim())
        .filter(item => item !== '')
    if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value
    this.wrong(name, value, "a list of strings, or one string like 'A,B'", '[]')
    return []
  }

  /**
   * Seconds as the engine takes them; text of digits, as some have it from their environment, is a
   * number.
   */
  seconds(name) {
    const value = this.options[name] ?? undefined
    return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  }

  /**
   * What an origin says: entries and regexes for the policy. `any`: every origin; `predicate`: the
   * application's function. `isCors`: in a list of the package `cors`, `*` and `null` are texts
   * that no origin equals.
   */
  origin(value, { isCors = false } = {}) {
    const read = {
      any: false,
      allowOrigins: [],
      allowOriginRegexes: [],
      allowNullOrigin: false,
      predicate: null,
      // Where each entry was written.
      places: { allow_origins: [], allow_origin_regexes: [] }
    }
    if (typeof value === 'function') read.predicate = value
    else this.#static('origin', value, read, { isCors, depth: 0 })
    return read
  }

  #static(name, value, read, context) {
    const { isCors, depth } = context
    if (value === true || (value === '*' && !(isCors && depth > 0))) read.any = true
    else if (value === false) return
    else if (value === '*')
      this.#problem(
        'any_mixed',
        name,
        value,
        "in a list `*` would match no origin; origin: '*' allows every one"
      )
    else if (value === 'null' && !isCors) read.allowNullOrigin = true
    else if (typeof value === 'string') {
      read.allowOrigins.push(value)
      read.places.allow_origins.push(name)
    } else if (isRegExp(value)) {
      read.allowOriginRegexes.push(value)
      read.places.allow_origin_regexes.push(name)
    } else if (Array.isArray(value) && depth < 16)
      value.forEach((item, i) =>
        this.#static(`${name}[${i}]`, item, read, { ...context, depth: depth + 1 })
      )
    else this.wrong(name, value, ORIGIN)
  }

  /** The option `verdictTimeout`: milliseconds. */
  verdictTimeout() {
    const limit = this.options.verdictTimeout ?? VERDICT_TIMEOUT
    if (typeof limit === 'number' && limit > 0 && limit <= LONGEST_TIMEOUT) return limit
    this.wrong('verdictTimeout', limit, `milliseconds above 0, at most ${LONGEST_TIMEOUT}`)
    return VERDICT_TIMEOUT
  }

  /**
   * Refuses an option that is written and unset, where leaving it out would let somebody in: the
   * engine knows which those are. Returns whether it did.
   * @param {string} prefix what the user writes before the name
   */
  refuseUnset(name, prefix = '') {
    const value = this.options[name]
    const isUnset =
      value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
    if (!isUnset || !Object.hasOwn(this.options, name)) return false
    const problem = unsetOption(prefix + name, value ?? '')
    if (problem === null) return false
    this.#problems.push({ ...problem, message: `${this.#where}: ${problem.message}` })
    return true
  }

  /** The option `origin`, `'*'` if it is left out. */
  originOrAny() {
    if (this.refuseUnset('origin')) return []
    return this.options.origin ?? '*'
  }

  /** The option `counters`, which stands beside all others. */
  counters() {
    const { counters } = this.options
    if (counters === undefined || counters === null) return null
    if (counters instanceof Counters) return counters
    this.wrong('counters', counters, 'a Counters')
    return null
  }

  /**
   * The option `policy`: a ready policy, beside which no other CORS option says anything. Null
   * without one.
   */
  policy(beside) {
    const { policy, origin } = this.options
    if (this.refuseUnset('policy') || policy === undefined) return null
    if (!isPolicy(policy)) this.wrong('policy', policy, 'a Policy or a SharedPolicy')
    for (const name of Object.keys(this.options)) {
      if (this.options[name] !== undefined && !beside.includes(name) && name !== 'counters')
        this.#problem(
          'option_type',
          name,
          this.options[name],
          'a policy says it all; leave this option out, or the policy'
        )
    }
    if (beside.includes('origin') && origin !== undefined && typeof origin !== 'function')
      this.wrong('origin', origin, 'only a function beside policy')
    this.check()
    return policy
  }

  /**
   * The policy for what {@link Reader#origin} gave and further options of the engine. `names`: what
   * the user calls those of the engine's options that have different names in each drop-in;
   * `comma`: lists are joined without a space; `staticOrigin`: an only origin is sent to everybody,
   * as the packages do that never look at the request's.
   * @throws {PolicyError} with everything that was wrong, the engine's problems under the names of
   *   the user's options
   */
  compile(read, options, { names, comma, staticOrigin = false }) {
    const { any, allowOrigins, allowOriginRegexes, allowNullOrigin, predicate } = read
    const policy = { ...options, dangerouslyAllow: this.list('dangerouslyAllow') ?? [] }
    if (any) policy.allowOrigins = '*'
    else {
      Object.assign(policy, { allowOrigins, allowOriginRegexes, allowNullOrigin })
      const only =
        allowOrigins.length === 1 &&
        allowOriginRegexes.length === 0 &&
        !allowNullOrigin &&
        predicate === null
      if (staticOrigin && only && !/[*{]/.test(allowOrigins[0])) policy.singleOrigin = 'static'
      // An empty list allows no origin: without a verdict every one is denied.
      policy.originPredicate =
        predicate !== null ||
        (allowOrigins.length === 0 && allowOriginRegexes.length === 0 && !allowNullOrigin)
    }
    return this.#build(policy, names, comma, read.places)
  }

  #build(options, names, comma, places) {
    let policy
    try {
      policy = policyOf(options, comma)
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      const found = [
        ...this.#problems,
        ...error.problems.map(problem => ({
          ...problem,
          path: placeOf(problem.path, places, key => names[key] ?? NAMES[key] ?? key)
        }))
      ]
      // What the origin has wrong says it better than what follows from it.
      throw policyErrorOf(
        found.filter(
          ({ path, severity }) =>
            path !== 'single_origin' ||
            found.every(other => other.severity !== severity || other.path === path)
        ),
        error.omitted
      )
    }
    this.check()
    return policy
  }
}

/** A path of the engine's options as the place where the user wrote the value. */
function placeOf(path, places, called) {
  const [, key, index] = /^([a-z_]*)(?:\[(\d+)\])?/.exec(path)
  return places[key]?.[index] ?? called(key) + path.slice(key.length)
}

module.exports = { EVERY_HEADER, Reader, VERDICT_TIMEOUT, anyOr }
