'use strict'
// The options of the npm package `cors`, made into policies.

const { isRegExp } = require('node:util').types
const { ANSWERS } = require('./answer.cjs')
const { matchesNoOrigin, toEngine, toFunction } = require('./js-regex.cjs')
const { policyOf } = require('./policy.cjs')
const { PolicyError, optionProblem, policyErrorOf, typeName } = require('./policy-error.cjs')

const OPTIONS = ['origin', 'methods', 'allowedHeaders', 'headers', 'exposedHeaders', 'credentials', 'maxAge', 'preflightContinue', 'optionsSuccessStatus', 'policy']
// The engine's name for what an option says.
const ENGINE_NAMES = {
  allow_origins: 'origin', allow_origin_regexes: 'origin', allow_methods: 'methods', allow_headers: 'allowedHeaders', expose_headers: 'exposedHeaders',
  allow_credentials: 'credentials', max_age: 'maxAge', preflight_status: 'optionsSuccessStatus', denied_preflight_status: 'optionsSuccessStatus'
}
const DEFAULT_METHODS = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE']
// Beside `*`, so that the header that `*` does not cover passes as well.
const ANY_HEADER = ['*', 'Authorization']

/** What a middleware works with. */
class Setup {
  constructor(policy, { judge = null, origin = null, preflightContinue = false, withOrigin = null }) {
    /** The policy, or null: CORS is off. */
    this.policy = policy
    /** Judges an origin that the policy does not know; for regular expressions that the engine does not take. */
    this.judge = judge
    /** The application's function, which is asked about it. */
    this.origin = origin
    /** The setup of the same options with an `origin` that this function answered. */
    this.withOrigin = withOrigin
    this.preflightContinue = preflightContinue
  }
}

/**
 * @param options as `cors` takes them
 * @param {boolean} dynamic whether they are those of one request: then what is sent depends on it, even for one origin
 * @returns {Setup}
 * @throws {PolicyError} with every problem
 */
function setupOf(options, dynamic = false) {
  const given = Object.create(null)
  const problems = []
  if (options !== undefined && options !== null) {
    if (typeName(options) !== 'object') throw policyErrorOf([optionProblem('document_invalid', '', options, "the options are one object, like { origin: 'https://a.example' }, or a function")])
    for (const name of Object.keys(options)) {
      // An origin that is there and undefined (a variable that is not set) turns CORS off, as in `cors`: it opens nothing.
      if (options[name] === undefined && name !== 'origin') continue
      if (OPTIONS.includes(name)) given[name] = options[name]
      else problems.push(optionProblem('unknown_option', name, options[name], `cors has no option "${name}"; it has ${OPTIONS.join(', ')}`))
    }
  }
  const flag = name => {
    if (given[name] !== undefined && typeof given[name] !== 'boolean') problems.push(optionProblem('option_type', name, given[name], `expected true or false, found ${typeName(given[name])}`))
    return given[name] === true
  }
  const preflightContinue = flag('preflightContinue')
  if (given.policy !== undefined) return ofPolicy(given, problems, preflightContinue)
  const origin = originOf('origin' in given ? given.origin ?? false : '*', problems, dynamic)
  const document = {
    ...origin.document,
    allow_methods: given.methods === undefined ? DEFAULT_METHODS : list(given, 'methods', problems),
    allow_headers: given.allowedHeaders === undefined && given.headers === undefined ? ANY_HEADER : list(given, given.allowedHeaders === undefined ? 'headers' : 'allowedHeaders', problems),
    expose_headers: given.exposedHeaders === undefined ? [] : list(given, 'exposedHeaders', problems),
    allow_credentials: flag('credentials'),
    max_age: typeof given.maxAge === 'string' && /^\d{1,6}$/.test(given.maxAge) ? Number(given.maxAge) : given.maxAge,
    preflight_status: given.optionsSuccessStatus,
    denied_preflight_status: given.optionsSuccessStatus === 200 ? 200 : 204
  }
  const policy = build(document, problems)
  if (origin.off) return new Setup(null, {})
  const { judge, ask } = origin
  const withOrigin = ask === undefined ? null : remembered(value => setupOf({ ...options, origin: value }, true))
  return new Setup(policy, { judge, origin: ask, preflightContinue, withOrigin })
}

function ofPolicy(given, problems, preflightContinue) {
  const others = Object.keys(given).filter(name => name !== 'policy' && name !== 'preflightContinue')
  for (const name of others) problems.push(optionProblem('option_type', name, given[name], 'a policy says it all: leave the option out, or leave the policy out'))
  if (typeof given.policy !== 'object' || given.policy === null || !(ANSWERS in given.policy)) {
    problems.push(optionProblem('option_type', 'policy', given.policy, `expected a Policy or a SharedPolicy, found ${typeName(given.policy)}`))
  }
  if (problems.length > 0) throw policyErrorOf(problems)
  return new Setup(given.policy, { preflightContinue })
}

/** The policy, or one error of the engine's problems and those found before. */
function build(document, problems) {
  let policy
  try {
    policy = policyOf(document, true)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    const renamed = error.problems.map(problem => ({ ...problem, path: problem.path.replace(/^[a-z_]+/, name => ENGINE_NAMES[name] ?? name) }))
    const found = [...problems, ...renamed]
    // What the origin has wrong says it better than what follows from it.
    throw policyErrorOf(found.filter(({ path, severity }) => path !== 'single_origin' || found.every(other => other.severity !== severity || other.path === path)))
  }
  if (problems.length > 0) throw policyErrorOf(problems)
  return policy
}

/** A list of names: an array, or text with commas as `cors` takes it. */
function list(given, name, problems) {
  const value = given[name]
  if (Array.isArray(value)) return value
  if (typeof value === 'string' && value.trim() !== '') return value.split(',').map(item => item.trim()).filter(item => item !== '')
  problems.push(optionProblem('option_type', name, value, `expected an array of names or text like 'A,B', found ${value === '' ? 'empty text' : typeName(value)}`, '[]'))
  return []
}

/** The part of the document that `origin` says, and what else is asked about an origin. */
function originOf(value, problems, dynamic) {
  if (value === '*' || value === true) return { document: { allow_origins: '*' } }
  // Checked like the rest, though it is never asked.
  if (value === false) return { off: true, document: { host_origins: true } }
  if (typeof value === 'function') return { ask: value, document: { host_origins: true } }
  if (typeof value === 'string') return { document: { allow_origins: [value], single_origin: dynamic || /[*{]/.test(value) ? 'match' : 'static' } }
  if (!Array.isArray(value) && !isRegExp(value)) {
    const message = `expected text, true, false, a RegExp, an array of these or a function, found ${typeName(value)}`
    problems.push(optionProblem('option_type', 'origin', value, message, 'false turns CORS off'))
    return { document: { host_origins: true } }
  }
  return listOf([value].flat(16), problems)
}

function listOf(items, problems) {
  const origins = []
  const regexes = []
  const functions = []
  items.forEach((item, index) => {
    const path = `origin[${index}]`
    if (item === '*') problems.push(optionProblem('any_mixed', path, item, "in a list `*` would match no origin; origin: '*' allows every one"))
    else if (typeof item === 'string') origins.push(item)
    else if (isRegExp(item)) regex(item, path)
    else if (typeof item !== 'boolean') problems.push(optionProblem('option_type', path, item, `expected text or a RegExp, found ${typeName(item)}`))
  })
  function regex(item, path) {
    if (matchesNoOrigin(item)) problems.push(optionProblem('regex_invalid', path, String(item), 'a RegExp matches the whole origin, scheme and all, and this one matches none: write all of it, or a pattern like https://*.example.com'))
    const text = toEngine(item)
    if (text === null) functions.push(toFunction(item))
    else regexes.push(text)
  }
  if (items.includes(true)) return { document: { allow_origins: '*' } }
  const judge = functions.length === 0 ? undefined : origin => functions.some(matches => matches(origin))
  // A list of none allows nobody, as does a host that is never asked.
  return { judge, document: { allow_origins: origins, allow_origin_regexes: regexes, host_origins: judge !== undefined || origins.length + regexes.length === 0 } }
}

// Setups kept for the options of requests, by what the options say.
const REMEMBERED = 256

/** `make` with its last results kept. Keys are the application's values, not a request's own text. */
function remembered(make) {
  const kept = new Map()
  return value => {
    const key = contentKey(value)
    let setup = kept.get(key)
    if (setup === undefined) {
      setup = make(value)
      if (kept.size >= REMEMBERED) kept.delete(kept.keys().next().value)
      kept.set(key, setup)
    }
    return setup
  }
}

const identities = new WeakMap()
let identity = 0

/** A text that is the same for options that say the same; functions and policies are themselves. */
function contentKey(value, depth = 0) {
  if (typeof value === 'string') return JSON.stringify(value)
  if (isRegExp(value)) return `r${value.flags}${JSON.stringify(value.source)}`
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return `${typeof value}${String(value)}`
  if (depth < 16 && Array.isArray(value)) return `[${value.map(item => contentKey(item, depth + 1)).join()}]`
  if (depth < 16 && typeName(value) === 'object' && !(ANSWERS in value)) return `{${Object.keys(value).map(name => `${JSON.stringify(name)}:${contentKey(value[name], depth + 1)}`).join()}}`
  if (!identities.has(value)) identities.set(value, (identity += 1))
  return `#${identities.get(value)}`
}

module.exports = { setupOf, remembered }
