'use strict'
// What a server does with a decision: the operations on the response, as flat lists ready to be written.

const VARY = 'vary'
const EXPOSE = 'access-control-expose-headers'

// Whether responses that the application gave CORS headers of its own are left whole; policies do not change.
const keeps = new WeakMap()

function keepsUpstream(policy) {
  let keep = keeps.get(policy)
  if (keep === undefined) {
    keep = policy.document().upstream === 'keep'
    keeps.set(policy, keep)
  }
  return keep
}

/** The policy's answer to a request with these headers (`req.headers` of Node). Frozen. */
function answerFor(policy, method, headers, verdict) {
  const decision = policy.evaluate(method, headers, verdict)
  const set = []
  let vary = null
  let expose = null
  for (const [name, value] of decision.headers) {
    if (name === VARY) vary = value
    else if (name === EXPOSE) expose = value
    else set.push(name, value)
  }
  const { kind, reason, allowed, action, status, remove } = decision
  return Object.freeze({ kind, reason, allowed, action, status, set: Object.freeze(set), vary, expose, remove, keepsUpstream: keepsUpstream(policy) })
}

module.exports = { answerFor }
