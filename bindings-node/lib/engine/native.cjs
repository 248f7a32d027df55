'use strict'
// Finds the native module: the one packed beside this package first, then one that was built here
// for this platform, then the package of the platform.

const { existsSync } = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '..', '..')
const beside = join(root, 'crossgate.node')

function load() {
  const errors = []
  const attempt = path => {
    try {
      return require(path)
    } catch (error) {
      errors.push(error)
      return null
    }
  }
  // Where it loads, the name of the platform is not needed, and finding that out takes longer than
  // all the rest.
  const packed = existsSync(beside) ? attempt(beside) : null
  if (packed !== null) return packed
  const platform = require('./platform.cjs').platform()
  const built = join(root, `crossgate.${platform}.node`)
  const name = `crossgate-${platform}`
  const found = (existsSync(built) ? attempt(built) : null) ?? attempt(name)
  if (found !== null) return found
  const why = errors.map(error => error.message.split('\n', 1)[0]).join('; ')
  throw new Error(
    `crossgate has no native module for this platform: neither ${beside} nor the package ${name} ` +
      `can be loaded (${why}). Install ${name}, or build it from source: ` +
      'npm rebuild crossgate (needs cargo)',
    { cause: errors[0] }
  )
}

module.exports = load()
