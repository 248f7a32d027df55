'use strict'
// The answer of a policy to a request, for adapters.

const { tables } = require('../engine/native.cjs')
const { SOURCE } = require('../engine/policy.cjs')
const { verdictNumber } = require('../engine/verdict.cjs')
const { Memo } = require('./memo.cjs')
const { Observed } = require('./observed.cjs')
const { isHeard } = require('./told.cjs')

const { encode: ENCODE } = tables().questions

function answersOf(source) {
  const memo = new Memo(source)
  return source.observe === null ? memo : new Observed(memo, source.observe)
}

/**
 * The answer of a Policy or SharedPolicy to a request, or the question that the application has to
 * answer first.
 * @param headers Node's `req.headers` (HTTP/1 or HTTP/2), or an object with the same properties
 * @returns {Answer | Question}
 */
function begin(policy, method, headers) {
  const source = policy[SOURCE]
  source.answers ??= answersOf(source)
  return source.answers.begin(method, headers)
}

/**
 * The answer of a Policy or SharedPolicy to a request.
 * @param verdict 'allow', 'deny' or nothing: the application's, for policies with `originPredicate`
 * @returns {Answer}
 */
function answerFor(policy, method, headers, verdict) {
  if (verdict !== undefined && verdict !== null) {
    const { ask, takesVerdicts } = policy[SOURCE]
    const number = verdictNumber(verdict)
    // The engine says what is wrong with that.
    if (!takesVerdicts) ask(ENCODE, number, method)
  }
  const outcome = begin(policy, method, headers)
  return outcome.isOpen ? outcome.resume(verdict === 'allow') : outcome
}

/**
 * Whether the list of requested names may count: for what is sent, or for the reason, if decisions
 * are counted, compared or told.
 */
function readsNames({ policy, counters }) {
  const { echoesRequestHeaders, observe } = policy[SOURCE]
  return echoesRequestHeaders || observe !== null || counters !== null || isHeard()
}

/** Whether a value is a policy or what stands for one. */
const isPolicy = value => typeof value === 'object' && value !== null && SOURCE in value

module.exports = { answerFor, begin, isPolicy, readsNames }
