'use strict'
// Finds the native module: the one packed beside this package first, then the package of the platform.

const { existsSync } = require('node:fs')
const { join } = require('node:path')

/** `linux-x64-gnu`, `linux-x64-musl`, `darwin-arm64`, `win32-x64-msvc`, …: the names that @napi-rs/cli gives. */
function platform() {
  const { platform, arch } = process
  if (platform === 'win32') return `win32-${arch}-msvc`
  if (platform !== 'linux') return `${platform}-${arch}`
  // Only a report made by glibc names its version.
  const glibc = process.report?.getReport?.().header?.glibcVersionRuntime
  return `linux-${arch}-${glibc ? 'gnu' : 'musl'}${arch === 'arm' ? 'eabihf' : ''}`
}

function load() {
  const beside = join(__dirname, '..', 'crossgate.node')
  if (existsSync(beside)) return require(beside)
  const name = `crossgate-${platform()}`
  try {
    return require(name)
  } catch (cause) {
    throw new Error(`crossgate has no native module for this platform: neither ${beside} nor the package ${name} can be loaded`, { cause })
  }
}

module.exports = load()
