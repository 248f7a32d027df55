'use strict'

const { valueOf } = require('../answers/ask.cjs')
const { begin, readsNames } = require('../answers/begin.cjs')
const { decide } = require('../answers/decide.cjs')
const { Fields } = require('./request.cjs')

/**
 * The answer to a Request, or a promise of it; `context` goes to the application's functions. Never
 * throws.
 */
function decideFetch(read, method, headers, context) {
  const fields = new Fields(headers, readsNames(read.decider))
  return read.methods === null
    ? decide(read.decider, method, fields, context)
    : withMethods(read, method, fields, context)
}

/** Where the application says for each preflight which methods it allows. */
function withMethods(read, method, fields, context) {
  const outcome = begin(read.decider.policy, method, fields)
  const { kind } = outcome.isOpen ? outcome.resume(false) : outcome
  return kind === 'preflight'
    ? withMethodsOf(read, method, fields, context)
    : decide(read.decider, method, fields, context)
}

async function withMethodsOf(read, method, fields, context) {
  let decider = read.decider
  try {
    decider = read.ofMethods(await valueOf(() => read.methods(fields.origin, context), read.limit))
  } catch (error) {
    // Only the methods that always pass, then.
    read.decider.report(error, context)
  }
  return decide(decider, method, fields, context)
}

module.exports = { decideFetch }
