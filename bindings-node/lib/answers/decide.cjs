'use strict'
// A policy and the application's function for origins, asked together. Nothing that the function
// does reaches the server: what it throws is reported and denies, and so does whatever is not
// `true`.

const { begin } = require('./begin.cjs')

const isThenable = value =>
  value !== null && typeof value === 'object' && typeof value.then === 'function'

/**
 * @typedef {object} Decider
 * @property {import('../..').Policy} policy a Policy or a SharedPolicy
 * @property {null | ((origin: string, context: any) => unknown)} predicate what it says of an
 *   origin that the policy leaves to it; `true`, or a promise of it, allows
 * @property {((error: unknown, context: any) => void)} report where errors of `predicate` go
 * @property {import('../..').Counters | null} counters they count the answers
 */

function report(decider, error, context) {
  try {
    decider.report(error, context)
  } catch {
    // A logger that fails must not fail the request.
  }
}

function counted(decider, answer) {
  decider.counters?.record(answer)
  return answer
}

/**
 * The answer to a request; a promise of it only if the application's function gave one. Neither
 * throws nor rejects.
 */
function decide(decider, method, headers, context) {
  const outcome = begin(decider.policy, method, headers)
  if (!outcome.isOpen) return counted(decider, outcome)
  const { predicate } = decider
  let word
  try {
    word = predicate === null ? false : predicate(outcome.origin, context)
  } catch (error) {
    report(decider, error, context)
  }
  if (!isThenable(word)) return counted(decider, outcome.resume(word === true))
  // Not every thenable is a promise, and one may throw or answer twice.
  return Promise.resolve(word).then(
    allowed => counted(decider, outcome.resume(allowed === true)),
    error => {
      report(decider, error, context)
      return counted(decider, outcome.resume(false))
    }
  )
}

module.exports = { decide, isThenable }
