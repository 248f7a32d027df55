'use strict'
// Finds the native module: the one packed beside this package first, then the package of the platform.

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { platform } = require('./platform.cjs')

function load() {
  const beside = join(__dirname, '..', 'crossgate.node')
  const name = `crossgate-${platform()}`
  // The package may have been packed on another platform than this one.
  const errors = []
  for (const path of existsSync(beside) ? [beside, name] : [name]) {
    try {
      return require(path)
    } catch (error) {
      errors.push(error)
    }
  }
  const why = errors.map(error => error.message.split('\n', 1)[0]).join('; ')
  throw new Error(`crossgate has no native module for this platform: neither ${beside} nor the package ${name} can be loaded (${why}). Install ${name}, or build it from source: npm rebuild crossgate (needs cargo)`, { cause: errors[0] })
}

module.exports = load()
