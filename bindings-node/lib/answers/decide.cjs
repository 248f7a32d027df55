'use strict'
// A policy and the application's function for origins, asked together. Nothing that the function
// does reaches the server: what it throws is reported and denies, and so does whatever is not
// `true`.

const { begin } = require('./begin.cjs')
const { tell } = require('./told.cjs')

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

function told(decider, method, headers, answer) {
  decider.counters?.record(answer)
  tell(decider.policy, method, headers, answer)
  return answer
}

/**
 * The answer to a request; a promise of it only if the application's function gave one. Neither
 * throws nor rejects.
 */
function decide(decider, method, headers, context) {
  const outcome = begin(decider.policy, method, headers)
  if (!outcome.isOpen) return told(decider, method, headers, outcome)
  const { predicate } = decider
  let word
  try {
    word = predicate === null ? false : predicate(outcome.origin, context)
  } catch (error) {
    report(decider, error, context)
  }
  const resume = isAllowed => told(decider, method, headers, outcome.resume(isAllowed))
  if (!isThenable(word)) return resume(word === true)
  // Not every thenable is a promise, and one may throw or answer twice.
  return Promise.resolve(word).then(
    allowed => resume(allowed === true),
    error => {
      report(decider, error, context)
      return resume(false)
    }
  )
}

module.exports = { decide, isThenable }
