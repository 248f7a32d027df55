'use strict'

/** Numbers below a limit that look random and are the same in every run. */
function random(seed) {
  let state = seed
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

module.exports = { random }
