'use strict'
// What an application's function answered about an origin, in the form in which the engine takes
// it. The engine says what it means.

const { isProxy, isRegExp } = require('node:util').types
const { typeName } = require('../engine/errors.cjs')

// Whatever a class of the application made of them.
const { get: sourceOf } = Object.getOwnPropertyDescriptor(RegExp.prototype, 'source')
const { get: flagsOf } = Object.getOwnPropertyDescriptor(RegExp.prototype, 'flags')

const ALLOWED = Object.freeze({ allowed: true, fault: null })
const DENIED = Object.freeze({ allowed: false, fault: null })

/** Whether a value is of a type that answers have. Others are returned beside a callback. */
const isOriginAnswer = value =>
  value === null ||
  typeof value === 'boolean' ||
  typeof value === 'string' ||
  isRegExp(value) ||
  Array.isArray(value)

/** One letter says what a value is, and `texts` gets what it says. */
function describe(value, texts) {
  if (typeof value === 'boolean') return value ? 't' : 'f'
  if (value === undefined || value === null) return 'f'
  if (typeof value === 'string') {
    texts.push(value)
    return 's'
  }
  // Looking into a proxy runs code of the application.
  if (isRegExp(value)) {
    texts.push(sourceOf.call(value), flagsOf.call(value))
    return 'r'
  }
  texts.push(isProxy(value) ? 'Proxy' : typeName(value))
  return 'o'
}

/**
 * The verdict on an origin, and what is wrong with the answer, or null.
 * @param {import('../engine/policy.cjs').Source} source the policy that asked
 */
function judge(source, origin, answer) {
  // What most functions answer needs no engine. A test compares this with what the engine says.
  if (answer === true || answer === origin) return ALLOWED
  if (answer === false || answer === undefined || answer === null) return DENIED
  const texts = []
  const isList = !isProxy(answer) && Array.isArray(answer)
  const kinds = isList
    ? Array.from(answer, item => describe(item, texts)).join('')
    : describe(answer, texts)
  return source.judge(origin, isList, kinds, texts)
}

module.exports = { isOriginAnswer, judge }
