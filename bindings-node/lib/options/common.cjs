'use strict'
// What the options of every drop-in have in common: they become one policy and, where code decides, one function.

const { ANSWERS } = require('../answer.cjs')
const { isThenable } = require('../decide.cjs')
const { matchesNoOrigin, toEngine, toFunction } = require('../js-regex.cjs')
const { policyOf } = require('../policy.cjs')
const { PolicyError, optionProblem, policyErrorOf, typeName } = require('../policy-error.cjs')

const oneProblem = (code, name, value, message, hint) => policyErrorOf([optionProblem(code, name, value, message, hint)])

/** An error that names the option, what it is, and what it takes. */
function wrong(where, name, value, takes) {
  return oneProblem('option_type', name, value, `${where}: expected ${takes}, found ${typeName(value)}`)
}

/** Refuses options of other packages: an option that is spelled wrong would silently not hold. */
function checkNames(where, options, known) {
  if (typeName(options) !== 'object') {
    throw oneProblem('document_invalid', '', options, `${where}: the options are one object, like { origin: ['https://a.example'] }`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw oneProblem('unknown_option', name, options[name], `${where}: there is no such option; the options are ${known.join(', ')}`)
  }
}

/** `true`, `false`, or the default where the option is absent. */
function boolean(where, options, name, otherwise) {
  const value = options[name] ?? otherwise
  if (typeof value !== 'boolean') throw wrong(where, name, value, 'true or false')
  return value
}

/** A list of names: an array of strings, or one string with commas. */
function list(where, name, value) {
  if (typeof value === 'string') return value.split(',').map(item => item.trim()).filter(item => item !== '')
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value
  throw wrong(where, name, value, 'a list of strings, or one string with commas')
}

/** `*` alone is the engine's `"*"`. */
const anyOr = names => (names.length === 1 && names[0] === '*' ? '*' : names)

// What a drop-in answers for request headers if none are configured: all of them. Without credentials a literal `*`
// does not stand for Authorization.
const EVERY_HEADER = ['*', 'Authorization']

/** Seconds as the engine takes them; text of digits, as some have it from their environment, is a number. */
const seconds = value => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value)

/**
 * What the option `origin` says: entries and regexes for the policy, and tests that only JavaScript can make.
 * `any`: every origin; `host`: the application's function.
 */
function readOrigin(where, origin) {
  const read = { any: false, allowOrigins: [], allowOriginRegexes: [], allowNullOrigin: false, tests: [], host: null }
  if (typeof origin === 'function') read.host = origin
  else if (origin === undefined || origin === null || origin === '') throw wrong(where, 'origin', origin, ORIGIN)
  else readStatic(where, 'origin', origin, read, 0)
  return read
}

const ORIGIN = "'*', an origin like 'https://a.example', a RegExp, a list of them, true, false, or a function"

function readStatic(where, name, value, read, depth) {
  if (value === true || value === '*') read.any = true
  else if (value === false) return
  else if (value === 'null') read.allowNullOrigin = true
  else if (typeof value === 'string') read.allowOrigins.push(value)
  else if (value instanceof RegExp) {
    if (matchesNoOrigin(value)) {
      throw oneProblem('regex_invalid', name, String(value), `${where}: a RegExp matches the whole origin, scheme and all, and this one can match none`, 'https://*.example.com')
    }
    const source = toEngine(value)
    if (source === null) read.tests.push(toFunction(value))
    else read.allowOriginRegexes.push(source)
  } else if (Array.isArray(value) && depth < 8) value.forEach((item, i) => readStatic(where, `${name}[${i}]`, item, read, depth + 1))
  else throw wrong(where, name, value, ORIGIN)
}

/** Whether what an application's function says (`true`, an origin, a RegExp, a list of them) allows an origin. */
function allows(answer, origin, credentials) {
  if (answer === true || answer === origin) return true
  if (answer === '*') return !credentials
  if (answer instanceof RegExp) return toFunction(answer)(origin)
  return Array.isArray(answer) && answer.some(item => allows(item, origin, credentials))
}

/**
 * Calls a function that answers with a callback, a promise, or, taking no callback, its return value: the value, or a
 * promise of it.
 */
function callOrigin(fn, self, origin) {
  let settled = false
  let error
  let value
  let late = null
  const returned = fn.call(self, origin, (failure, answer) => {
    if (settled) return
    settled = true
    if (late === null) [error, value] = [failure, answer]
    else if (failure) late.reject(failure)
    else late.resolve(answer)
  })
  if (isThenable(returned) || (fn.length < 2 && !settled)) return returned
  if (!settled) return new Promise((resolve, reject) => (late = { resolve, reject }))
  if (error) throw error
  return value
}

/** The host's word from what a function says about an origin: see {@link allows}. */
function judge(answer, origin, credentials) {
  return isThenable(answer) ? Promise.resolve(answer).then(late => allows(late, origin, credentials)) : allows(answer, origin, credentials)
}

/** A policy from the engine's options; its problems name the user's options. */
function build(options, names, comma) {
  try {
    return policyOf(options, comma)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    throw policyErrorOf(error.problems.map(problem => ({ ...problem, path: problem.path.replace(/^[a-z_]+/, key => names[key] ?? key) })))
  }
}

/**
 * The policy for what `readOrigin` gave and further options of the engine, and the function that gives the host's word.
 * `names`: what the user calls the engine's options; `comma`: lists are joined without a space; `staticOrigin`: an only
 * origin is sent to everybody, as the packages do that never look at the request's.
 */
function compile(read, options, { names, comma, staticOrigin = false }) {
  const { any, allowOrigins, allowOriginRegexes, allowNullOrigin, tests, host } = read
  const policy = { ...options }
  if (any) policy.allowOrigins = '*'
  else {
    Object.assign(policy, { allowOrigins, allowOriginRegexes, allowNullOrigin })
    const only = allowOrigins.length === 1 && allowOriginRegexes.length === 0 && !allowNullOrigin && tests.length === 0 && host === null
    if (staticOrigin && only && !/[*{]/.test(allowOrigins[0])) policy.singleOrigin = 'static'
    // An empty list is nobody: without a word from the host everybody is denied.
    policy.hostOrigins = host !== null || tests.length > 0 || (allowOrigins.length === 0 && allowOriginRegexes.length === 0 && !allowNullOrigin)
  }
  const test = tests.length > 0 ? origin => tests.some(matches => matches(origin)) : null
  return { policy: build(policy, names, comma), host: host ?? test }
}

/** The option `policy`: a ready policy, beside which no other CORS option says anything. */
function givenPolicy(where, options, beside) {
  const { policy } = options
  if (policy === undefined) return null
  if (typeof policy !== 'object' || policy === null || !(ANSWERS in policy)) {
    throw wrong(where, 'policy', policy, 'a Policy or a SharedPolicy')
  }
  for (const name of Object.keys(options)) {
    if (options[name] !== undefined && !beside.includes(name)) throw oneProblem('option_type', name, options[name], `${where}: a policy says it all; leave this option out, or the policy`)
  }
  if (options.origin !== undefined && typeof options.origin !== 'function') throw wrong(where, 'origin', options.origin, 'only a function beside policy')
  return policy
}

module.exports = { EVERY_HEADER, anyOr, boolean, callOrigin, checkNames, compile, givenPolicy, judge, list, readOrigin, seconds, wrong }
