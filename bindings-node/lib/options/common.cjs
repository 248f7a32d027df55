'use strict'
// What the options of every drop-in have in common: they become one policy and, where code decides, one function.

const { isThenable } = require('../decide.cjs')
const { Policy, PolicyError } = require('../policy.cjs')
const { originRegex, wholeMatch } = require('./regex.cjs')

const typeName = value => (value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`)

/** A TypeError that names the option, what it is, and what it takes. */
function wrong(where, name, value, takes) {
  const shown = typeof value === 'string' ? JSON.stringify(value) : typeName(value)
  return new TypeError(`${where}: the option ${name} is ${shown}, but takes ${takes}`)
}

/** Refuses options of other packages: an option that is spelled wrong would silently not hold. */
function checkNames(where, options, known) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw new TypeError(`${where}: the options are ${typeName(options)}, but are one object, like { origin: ['https://a.example'] }`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`${where}: there is no option ${JSON.stringify(name)}; the options are ${known.join(', ')}`)
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
    const source = originRegex(value)
    if (source === null) read.tests.push(wholeMatch(value))
    else read.allowOriginRegexes.push(source)
  } else if (Array.isArray(value) && depth < 8) value.forEach((item, i) => readStatic(where, `${name}[${i}]`, item, read, depth + 1))
  else throw wrong(where, name, value, ORIGIN)
}

/** Whether what an application's function says (`true`, an origin, a RegExp, a list of them) allows an origin. */
function allows(answer, origin, credentials) {
  if (answer === true || answer === origin) return true
  if (answer === '*') return !credentials
  if (answer instanceof RegExp) return wholeMatch(answer)(origin)
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

/** Names the options as the user wrote them. */
function renamed(error, names) {
  const path = text => text.replace(/^[a-z_]+/, key => names[key] ?? key)
  const problems = error.problems.map(problem => ({ ...problem, path: path(problem.path) }))
  const message = error.message.replace(/^( {2}(?:error|warning) \w+ at )([^ ]+)/gm, (_, before, place) => before + path(place))
  return new PolicyError(message, problems)
}

/** A policy from the engine's options; its problems speak of the user's `names`. */
function build(options, names) {
  try {
    return new Policy(options)
  } catch (error) {
    throw error instanceof PolicyError ? renamed(error, names) : error
  }
}

/**
 * The policy for what `readOrigin` gave and further options of the engine, and the function that gives the host's word.
 * `staticOrigin`: an only origin is sent to everybody, as the packages do that never look at the request's.
 */
function compile(read, options, names, staticOrigin = false) {
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
  return { policy: build(policy, names), host: host ?? test }
}

/** The option `policy`: a ready policy, beside which no other CORS option says anything. */
function givenPolicy(where, options, beside) {
  const { policy } = options
  if (policy === undefined) return null
  if (policy === null || typeof policy.evaluate !== 'function' || typeof policy.asksHost !== 'function') {
    throw wrong(where, 'policy', policy, 'a Policy or a SharedPolicy')
  }
  for (const name of Object.keys(options)) {
    if (options[name] !== undefined && !beside.includes(name)) throw new TypeError(`${where}: the option ${name} stands beside policy, which says it already; leave one of the two out`)
  }
  if (options.origin !== undefined && typeof options.origin !== 'function') throw wrong(where, 'origin', options.origin, 'only a function beside policy')
  return policy
}

module.exports = { EVERY_HEADER, anyOr, boolean, callOrigin, checkNames, compile, givenPolicy, judge, list, readOrigin, seconds, wrong }
