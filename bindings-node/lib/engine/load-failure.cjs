'use strict'
// Why no native module could be loaded, and what helps: one sentence each.

const guide = 'https://github.com/crossgate/crossgate/blob/main/docs/node.md'

/**
 * @param {string} platform as `platform()` names it
 * @param {Error[]} errors that of the file beside the package first, then that of the platform's
 *   package if there is one for this platform
 */
function loadFailure(platform, errors) {
  const [cause, advice] = diagnose(platform, errors)
  const said = errors.map(error => String(error?.message ?? error).split('\n', 1)[0])
  const message =
    `crossgate cannot load its native module for ${platform}: ${advice}\n` +
    `Tried crossgate.node beside the package, then crossgate-${platform}: ${said.join('; ')}`
  return new Error(message, { cause })
}

/** The error that matters, and what to do about it. */
function diagnose(platform, errors) {
  const [beside, ofPackage] = errors
  const refused = errors.find(isRefusedByDeno)
  if (refused)
    return [refused, 'Deno loads native modules only with permission: deno run --allow-ffi …']
  const name = `crossgate-${platform}`
  const { root, version } = ownPackage()
  if (root === null)
    return [
      ofPackage ?? beside,
      'the code of crossgate was bundled without it. Leave the package out of the bundle ' +
        '(esbuild --external:crossgate, webpack and Rollup externals, Next ' +
        `serverExternalPackages: ['crossgate']) and keep it in node_modules: ${guide}#bundlers`
    ]
  if (!isMissing(beside))
    return [
      beside,
      `${root}/crossgate.node is there, but does not load on this system. It was packed ` +
        'or built on another one: install or build crossgate here.'
    ]
  const fromSource =
    'build it from source, which needs cargo: ' +
    `npx --package=crossgate-source@${version} crossgate-build`
  if (ofPackage === undefined) return [beside, `there is no package for it; ${fromSource}`]
  if (!isMissing(ofPackage))
    return [
      ofPackage,
      `the package ${name} is there, but does not load on this system. If the system is older ` +
        `than the package's C library, ${fromSource}`
    ]
  const others = installedFor(root).filter(other => other !== name)
  if (others.length > 0)
    return [
      ofPackage,
      `node_modules has ${others.join(', ')}, which is for another system or another C library. ` +
        'It was installed or copied from there: install again on the system that runs the program.'
    ]
  return [
    ofPackage,
    `the package ${name} is not installed. It is an optional dependency of crossgate: install ` +
      'without --omit=optional or --no-optional, and not from a lock file that lacks it; ' +
      `or add it: npm install ${name}@${version}. Or ${fromSource}`
  ]
}

/** Where this package is installed; null in a bundle, which has none of its other files. */
function ownPackage() {
  const none = { root: null, version: null }
  try {
    // In a bundle of ES modules there is no __dirname, and perhaps no require.
    const { readFileSync } = require('node:fs')
    const root = require('node:path').join(__dirname, '..', '..')
    const { name, version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
    return name === 'crossgate' ? { root, version } : none
  } catch {
    return none
  }
}

/** The packages of platforms beside this package. */
function installedFor(root) {
  const { readdirSync } = require('node:fs')
  return readdirSync(`${root}/..`).filter(name => /^crossgate-(?:darwin|linux|win32)-/.test(name))
}

function isMissing(error) {
  return error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND'
}

function isRefusedByDeno(error) {
  return error?.name === 'NotCapable' || error?.name === 'PermissionDenied'
}

module.exports = { loadFailure }
