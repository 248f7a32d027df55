'use strict'

const VERDICTS = { allow: 1, deny: 2 }

/** The engine's number for the application's verdict on an origin. */
function verdictNumber(verdict) {
  if (verdict === undefined || verdict === null) return 0
  if (typeof verdict !== 'string' || !Object.hasOwn(VERDICTS, verdict))
    throw new TypeError("a verdict is 'allow', 'deny' or undefined")
  return VERDICTS[verdict]
}

module.exports = { verdictNumber }
