'use strict'
// A policy and the application's word on origins, asked together. Nothing that the application's
// function does reaches the server: what it throws is reported and denies, and so does whatever is
// not `true`.

const { answerFor } = require('./answer.cjs')

const isThenable = value =>
  value !== null && typeof value === 'object' && typeof value.then === 'function'

/**
 * @typedef {object} Decider
 * @property {import('../index').Policy} policy a Policy or a SharedPolicy
 * @property {null | ((origin: string, context: any) => unknown)} host its word on an origin that the policy leaves to
 *   it; `true`, or a promise of it, allows
 * @property {((error: unknown, context: any) => void)} report where errors of `host` go
 */

/**
 * The origin that the application is to judge, or null. Most requests have none, and need not be
 * looked into.
 */
const originToJudge = (policy, method, headers) =>
  headers.origin === undefined ? null : policy.asksHost(method, headers)

function withVerdict(decider, method, headers, allowed) {
  try {
    return answerFor(decider.policy, method, headers, allowed === true ? 'allow' : 'deny')
  } catch {
    // A shared policy may have been replaced, meanwhile, by one that does not ask the host.
    return answerFor(decider.policy, method, headers)
  }
}

function report(decider, error, context) {
  try {
    decider.report(error, context)
  } catch {
    // A logger that fails must not fail the request.
  }
}

/**
 * The answer to a request; a promise of it only if the application's function gave one. Neither
 * throws nor rejects.
 */
function decide(decider, method, headers, context) {
  const { policy, host } = decider
  if (host === null) return answerFor(policy, method, headers)
  const origin = originToJudge(policy, method, headers)
  if (origin === null) return answerFor(policy, method, headers)
  let word
  try {
    word = host(origin, context)
  } catch (error) {
    report(decider, error, context)
  }
  if (!isThenable(word)) return withVerdict(decider, method, headers, word)
  // Not every thenable is a promise, and one may throw or answer twice.
  return Promise.resolve(word).then(
    allowed => withVerdict(decider, method, headers, allowed),
    error => {
      report(decider, error, context)
      return withVerdict(decider, method, headers, false)
    }
  )
}

module.exports = { decide, isThenable, originToJudge }
