// The platforms that have a package of their own, each with the target of rustc. The names are
// those of @napi-rs/cli; lib/engine/native.cjs spells them out again.
export const targets = [
  { platform: 'darwin-arm64', triple: 'aarch64-apple-darwin' },
  { platform: 'darwin-x64', triple: 'x86_64-apple-darwin' },
  { platform: 'linux-arm-gnueabihf', triple: 'armv7-unknown-linux-gnueabihf' },
  { platform: 'linux-arm64-gnu', triple: 'aarch64-unknown-linux-gnu' },
  { platform: 'linux-arm64-musl', triple: 'aarch64-unknown-linux-musl' },
  { platform: 'linux-x64-gnu', triple: 'x86_64-unknown-linux-gnu' },
  { platform: 'linux-x64-musl', triple: 'x86_64-unknown-linux-musl' },
  { platform: 'win32-arm64-msvc', triple: 'aarch64-pc-windows-msvc' },
  { platform: 'win32-x64-msvc', triple: 'x86_64-pc-windows-msvc' }
]

/** The fields of a manifest that say where a package may be installed. */
export function restrictions({ platform }) {
  const [os, cpu, abi = ''] = platform.split('-')
  const libc = os !== 'linux' ? {} : { libc: [abi.startsWith('gnu') ? 'glibc' : 'musl'] }
  return { os: [os], cpu: [cpu], ...libc }
}
