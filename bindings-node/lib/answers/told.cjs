'use strict'
// Tells whoever listens of each decision. Where nobody does, it costs one look.

const { channel } = require('node:diagnostics_channel')
const { SHOW } = require('../engine/policy.cjs')

const DECISIONS = channel('crossgate:decision')

/**
 * Publishes a decision, with what of the request a log may show.
 * @param policy a Policy or SharedPolicy
 * @param headers as for `begin`
 * @param {import('./answer.cjs').Answer} answer
 * @param {string | null} fault why the application's function had no word in it, though it was
 *   asked
 */
function tell(policy, method, headers, answer, fault = null) {
  if (!DECISIONS.hasSubscribers) return
  const { kind, reason, action, allowed, status } = answer
  const [deniedName, origin] = policy[SHOW](method, headers, reason)
  const { digest } = policy
  DECISIONS.publish({
    kind,
    reason,
    action,
    allowed,
    status,
    deniedName,
    origin,
    policy: digest,
    fault
  })
}

/** Whether anybody listens. */
const isHeard = () => DECISIONS.hasSubscribers

module.exports = { isHeard, tell }
