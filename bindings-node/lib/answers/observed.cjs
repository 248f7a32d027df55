'use strict'
// Answers that somebody hears of: a shared policy with a shadow.

/** A question whose answer is reported, with the verdict. */
class ObservedQuestion {
  #question
  #report

  constructor(question, report) {
    this.isOpen = true
    this.origin = question.origin
    this.#question = question
    this.#report = report
  }

  resume(isAllowed) {
    const answer = this.#question.resume(isAllowed)
    this.#report(isAllowed ? 'allow' : 'deny')
    return answer
  }
}

/** Begins as the memo does, and reports every request that was answered. */
class Observed {
  #memo
  #observe

  constructor(memo, observe) {
    this.#memo = memo
    this.#observe = observe
  }

  begin(method, headers) {
    const outcome = this.#memo.begin(method, headers)
    if (outcome.isOpen)
      return new ObservedQuestion(outcome, verdict => this.#observe(method, headers, verdict))
    this.#observe(method, headers, undefined)
    return outcome
  }
}

module.exports = { Observed }
