'use strict'
// Policies for plain servers of node:http and node:http2. The method stands here because it writes
// responses, which the engine knows nothing of.

const { answerFor } = require('../answers/begin.cjs')
const { tell } = require('../answers/told.cjs')
const { Counters } = require('../engine/counters.cjs')
const { Policy } = require('../engine/policy.cjs')
const { SharedPolicy } = require('../engine/shared-policy.cjs')
const { applyToResponse, endEmpty } = require('./response.cjs')

/** Answers a request, or prepares the response of its handler. Returns whether it answered. */
function handle(req, res, verdict, counters) {
  if (counters !== undefined && !(counters instanceof Counters))
    throw new TypeError('counters are a Counters')
  const answer = answerFor(this, req.method, req.headers, verdict)
  counters?.record(answer)
  tell(this, req.method, req.headers, answer)
  if (answer.action === 'forward') applyToResponse(res, answer, counters)
  else endEmpty(res, answer, counters)
  return answer.action !== 'forward'
}

for (const { prototype } of [Policy, SharedPolicy])
  Object.defineProperty(prototype, 'handle', {
    value: handle,
    writable: true,
    configurable: true
  })
