'use strict'
// Asks a function of the application, and waits for its answer, but not for ever. What the answer
// means is no matter of this file.

const isThenable = value =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  typeof value.then === 'function'

/** A question that is open until its first answer, its failure, or the end of its time. */
class Inquiry {
  #limit
  #settle
  #isOpen = true
  #timer = null

  /**
   * @param {number} limit milliseconds
   * @param {(failure: unknown, value?: unknown) => void} settle is called once; `failure` is null
   *   with an answer
   */
  constructor(limit, settle) {
    this.#limit = limit
    this.#settle = settle
  }

  /** A value, or what becomes one. */
  answer(value) {
    let waits
    try {
      waits = isThenable(value)
      if (waits) this.follow(value, late => this.#close(null, late))
    } catch (error) {
      return this.fail(error)
    }
    if (!waits) this.#close(null, value)
  }

  fail(error) {
    this.#close(error ?? new Error('it failed, and did not say why'))
  }

  /** Waits for a thenable. Not every one is a promise: it may throw, or answer twice. */
  follow(thenable, then) {
    Promise.resolve(thenable)
      .then(then)
      .catch(error => this.fail(error))
    this.wait()
  }

  /** Starts the clock. */
  wait() {
    if (!this.#isOpen || this.#timer !== null) return
    this.#timer = setTimeout(
      () => this.fail(new Error(`it did not answer within ${this.#limit} ms`)),
      this.#limit
    )
  }

  #close(failure, value) {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#settle(failure, value)
  }
}

/** Asks a function that answers with its value, or a promise of it: undefined is an answer. */
function askForValue(call, limit, settle) {
  const inquiry = new Inquiry(limit, settle)
  let value
  try {
    value = call()
  } catch (error) {
    return inquiry.fail(error)
  }
  inquiry.answer(value)
}

/** The same as a promise. */
const valueOf = (call, limit) =>
  new Promise((resolve, reject) =>
    askForValue(call, limit, (failure, value) =>
      failure === null ? resolve(value) : reject(failure)
    )
  )

/**
 * Asks a function that may answer through a callback, with a promise or with its value; the first
 * answer counts. What is returned or resolved counts if `isAnswer` says so, else the callback is
 * waited for: functions return a timer, or nothing, beside the callback. A function that names its
 * callback returns no answer but a promise of one, as where it comes from: `true` is what
 * `emitter.emit` returns.
 * @param {(callback: (error: unknown, value?: unknown) => void) => unknown} call
 * @param {boolean} namesCallback
 * @param {(value: unknown) => boolean} isAnswer
 */
function askForCallback(call, namesCallback, isAnswer, limit, settle) {
  const inquiry = new Inquiry(limit, settle)
  const callback = (error, value) => (error ? inquiry.fail(error) : inquiry.answer(value))
  const given = value => (isAnswer(value) ? inquiry.answer(value) : inquiry.wait())
  try {
    const returned = call(callback)
    if (isThenable(returned)) inquiry.follow(returned, given)
    else if (namesCallback) inquiry.wait()
    else given(returned)
  } catch (error) {
    inquiry.fail(error)
  }
}

module.exports = { askForCallback, askForValue, isThenable, valueOf }
