'use strict'
// Loads the native module: the one that was packed or built beside this package, then the package
// of the platform. Each name is written out, so that bundlers and tracers see the files; each
// stands in a `try`, so that they let those pass that are not installed.

function load() {
  const errors = []
  // Where it loads, the name of the platform is not needed, and finding that out takes longer than
  // all the rest.
  try {
    return require('../../crossgate.node')
  } catch (error) {
    errors.push(error)
  }
  const platform = require('./platform.cjs').platform()
  try {
    switch (platform) {
      case 'darwin-arm64':
        return require('crossgate-darwin-arm64')
      case 'darwin-x64':
        return require('crossgate-darwin-x64')
      case 'linux-arm-gnueabihf':
        return require('crossgate-linux-arm-gnueabihf')
      case 'linux-arm64-gnu':
        return require('crossgate-linux-arm64-gnu')
      case 'linux-arm64-musl':
        return require('crossgate-linux-arm64-musl')
      case 'linux-x64-gnu':
        return require('crossgate-linux-x64-gnu')
      case 'linux-x64-musl':
        return require('crossgate-linux-x64-musl')
      case 'win32-arm64-msvc':
        return require('crossgate-win32-arm64-msvc')
      case 'win32-x64-msvc':
        return require('crossgate-win32-x64-msvc')
    }
  } catch (error) {
    errors.push(error)
  }
  throw require('./load-failure.cjs').loadFailure(platform, errors)
}

module.exports = load()
