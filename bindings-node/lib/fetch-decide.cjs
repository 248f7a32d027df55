'use strict'

const { decide, isThenable } = require('./decide.cjs')
const { fieldsOf, readRest } = require('./fetch-response.cjs')
const { report } = require('./options/hono.cjs')

/**
 * The answer to a Request, or a promise of it; `context` goes to the application's functions. Never
 * throws.
 */
function decideFetch(read, method, headers, context) {
  const fields = fieldsOf(read.decider.policy, method, headers)
  // The methods only matter to a preflight.
  const isDynamic = read.methods !== null && fields['access-control-request-method'] !== undefined
  const answer = isDynamic
    ? withMethods(read, method, fields, context)
    : decide(read.decider, method, fields, context)
  // A shared policy may have been replaced, by then, by one that looks at more.
  if (isThenable(answer)) readRest(fields, headers)
  return answer
}

async function withMethods(read, method, fields, context) {
  let decider = read.decider
  try {
    decider = read.ofMethods(await read.methods(fields.origin, context))
  } catch (error) {
    // Only the methods that always pass, then.
    report(error)
  }
  return decide(decider, method, fields, context)
}

module.exports = { decideFetch }
