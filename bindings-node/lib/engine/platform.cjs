'use strict'

/**
 * `linux-x64-gnu`, `linux-x64-musl`, `darwin-arm64`, `win32-x64-msvc`, …: the names that
 * @napi-rs/cli gives.
 */
function platform() {
  const { platform, arch } = process
  if (platform === 'win32') return `win32-${arch}-msvc`
  if (platform !== 'linux') return `${platform}-${arch}`
  return `linux-${arch}-${isGlibc() ? 'gnu' : 'musl'}${arch === 'arm' ? 'eabihf' : ''}`
}

/**
 * Only a report made by glibc names its version. A report takes milliseconds, and may look up the
 * names of every peer. Deno refuses it without `--allow-sys`; Deno's own builds are for glibc.
 */
function isGlibc() {
  const { report } = process
  if (typeof report?.getReport !== 'function') return false
  const before = report.excludeNetwork
  if (before === false) report.excludeNetwork = true
  try {
    return Boolean(report.getReport().header?.glibcVersionRuntime)
  } catch {
    return true
  } finally {
    if (before === false) report.excludeNetwork = false
  }
}

module.exports = { platform }
