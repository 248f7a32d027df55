'use strict'
// An evaluation that waits for the application's verdict on the origin.

const { decodeOpen } = require('../engine/decode.cjs')
const { answerOf } = require('./answer.cjs')

/** Both possible answers came with the question, so the verdict costs no second evaluation. */
class Question {
  #encoded
  #applying
  #answers = { allowed: null, denied: null }

  /**
   * @param {string} encoded the open evaluation
   * @param {(isAllowed: boolean) => import('./answer.cjs').Apply} applying how each is carried out
   */
  constructor(encoded, applying) {
    /** Not an answer. */
    this.isOpen = true
    this.#encoded = decodeOpen(encoded)
    /** The origin that the application has to judge. */
    this.origin = this.#encoded.origin
    this.#applying = applying
  }

  /** @returns {import('./answer.cjs').Answer} */
  resume(isAllowed) {
    const which = isAllowed ? 'allowed' : 'denied'
    this.#answers[which] ??= answerOf(this.#encoded[which], this.#applying(isAllowed))
    return this.#answers[which]
  }
}

module.exports = { Question }
