'use strict'
// Loads the native module: the one that was packed or built beside this package, then the package
// of the platform. Each name is written out, so that bundlers and tracers see the files; each
// stands in a `try`, so that they let those pass that are not installed. A bundler that cannot pack
// a binary shows the line, so it says what helps.

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
        return require('crossgate-darwin-arm64') // keep external
      case 'darwin-x64':
        return require('crossgate-darwin-x64') // keep external
      case 'linux-arm-gnueabihf':
        return require('crossgate-linux-arm-gnueabihf') // keep external
      case 'linux-arm64-gnu':
        return require('crossgate-linux-arm64-gnu') // keep external
      case 'linux-arm64-musl':
        return require('crossgate-linux-arm64-musl') // keep external
      case 'linux-x64-gnu':
        return require('crossgate-linux-x64-gnu') // keep external
      case 'linux-x64-musl':
        return require('crossgate-linux-x64-musl') // keep external
      case 'win32-arm64-msvc':
        return require('crossgate-win32-arm64-msvc') // keep external
      case 'win32-x64-msvc':
        return require('crossgate-win32-x64-msvc') // keep external
    }
  } catch (error) {
    errors.push(error)
  }
  throw require('./load-failure.cjs').loadFailure(platform, errors)
}

module.exports = load()
