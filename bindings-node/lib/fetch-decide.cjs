'use strict'

const { decide } = require('./decide.cjs')
const { fieldsOf } = require('./fetch-response.cjs')
const { report } = require('./options/hono.cjs')

/** The answer to a Request, or a promise of it; `context` goes to the application's functions. Never throws. */
function decideFetch(read, method, headers, context) {
  const fields = fieldsOf(headers)
  // The methods only matter to a preflight.
  if (read.methods === null || method !== 'OPTIONS' || fields.origin === undefined) return decide(read.decider, method, fields, context)
  return withMethods(read, method, fields, context)
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
