'use strict'
// A policy and the application's function for origins, asked together. Nothing that the function
// does reaches the server: what it throws, what takes too long and what is no answer denies, and is
// reported and counted.

const { ADD_PREDICATE_FAILED } = require('../engine/counters.cjs')
const { SOURCE } = require('../engine/policy.cjs')
const { begin } = require('./begin.cjs')
const { judge } = require('./judge.cjs')
const { tell } = require('./told.cjs')

/**
 * Asks what an origin is, and calls `settle` once, now or later: with a failure, or null and the
 * application's answer.
 * @typedef {(
 *   origin: string,
 *   context: any,
 *   settle: (failure: unknown, answer?: unknown) => void
 * ) => void} Predicate
 */

/**
 * @typedef {object} Decider
 * @property {import('../..').Policy} policy a Policy or a SharedPolicy
 * @property {Predicate | null} predicate asked about an origin that the policy leaves to it
 * @property {((error: unknown, context: any) => void)} report hears of what went wrong
 * @property {import('../..').Counters | null} counters they count the answers
 */

/** @returns {string} the fault, in one line for those who listen to decisions */
function report(decider, error, context) {
  decider.counters?.[ADD_PREDICATE_FAILED]()
  try {
    decider.report(error, context)
    return String(error?.message ?? error)
  } catch {
    // A logger that fails must not fail the request.
    return 'the look-up failed'
  }
}

function told(decider, method, headers, answer, fault) {
  decider.counters?.record(answer)
  tell(decider.policy, method, headers, answer, fault)
  return answer
}

/** Whether an answer allows the origin, and what is wrong with it, or null. */
function judged(source, origin, failure, answer) {
  if (failure !== null) return { allowed: false, fault: failure }
  try {
    const { allowed, fault } = judge(source, origin, answer)
    return { allowed, fault: fault === null ? null : new Error(fault) }
  } catch (error) {
    return { allowed: false, fault: error ?? new Error('its answer cannot be read') }
  }
}

/**
 * The answer to a request; a promise of it only if the application's function does not answer at
 * once. Neither throws nor rejects.
 */
function decide(decider, method, headers, context) {
  const outcome = begin(decider.policy, method, headers)
  if (!outcome.isOpen) return told(decider, method, headers, outcome, null)
  if (decider.predicate === null) return told(decider, method, headers, outcome.resume(false), null)
  // That of now: a shared policy may be replaced while the application thinks.
  const source = decider.policy[SOURCE]
  const { origin } = outcome
  let decided = null
  let later = null
  decider.predicate(origin, context, (failure, answer) => {
    const { allowed, fault } = judged(source, origin, failure, answer)
    const shown = fault === null ? null : report(decider, fault, context)
    decided = told(decider, method, headers, outcome.resume(allowed), shown)
    later?.(decided)
  })
  return decided ?? new Promise(resolve => (later = resolve))
}

module.exports = { decide }
