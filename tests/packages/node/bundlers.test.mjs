// Programs that a bundler has packed with crossgate, as docs/node.md#bundlers says. Where the
// binary is packed along, the bundle runs without node_modules.
import test from 'node:test'
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { linked, tools } from './linked.mjs'
import { attempt, content, folder, platform, programs, released, run } from './packed.mjs'

const tool = path => join(tools, path)
const directory = await linked(programs)
let outputs = 0
const newOutput = () => `out-${outputs++}`

/** What a bundle prints, in its folder; alone, moved away from every node_modules. */
async function prints(output, alone = false) {
  const [name] = readdirSync(join(directory, output)).filter(name => /^\w+\.[cm]?js$/.test(name))
  if (!alone) return (await run(directory, process.execPath, [join(output, name)])).trim()
  const elsewhere = folder()
  await run(directory, 'cp', ['-r', `${output}/.`, elsewhere])
  return (await run(elsewhere, process.execPath, [name])).trim()
}

const esbuild = (kind, output, ...options) => {
  const format = kind === 'mjs' ? 'esm' : 'cjs'
  const fixed = ['--bundle', '--platform=node', `--format=${format}`, '--log-level=warning']
  return attempt(directory, tool('esbuild/bin/esbuild'), [
    `use.${kind}`,
    ...fixed,
    `--outdir=${output}`,
    `--out-extension:.js=.${kind}`,
    ...options
  ])
}

for (const kind of ['cjs', 'mjs'])
  test(`esbuild, ${kind}: external`, async () => {
    const output = newOutput()
    const { status, output: said } = await esbuild(kind, output, '--external:crossgate')
    assert.equal(status, 0, said)
    assert.equal(await prints(output), 'allowed')
  })

test('esbuild, cjs: the loader copy', async () => {
  const output = newOutput()
  const { status, output: said } = await esbuild('cjs', output, '--loader:.node=copy')
  assert.equal(status, 0, said)
  assert.equal(await prints(output, true), 'allowed')
})

test('esbuild, mjs: the loader copy, and require made for it', async () => {
  const output = newOutput()
  const banner =
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)"
  const { status, output: said } = await esbuild(
    'mjs',
    output,
    ...['--loader:.node=copy', `--banner:js=${banner}`]
  )
  assert.equal(status, 0, said)
  assert.equal(await prints(output, true), 'allowed')
  const without = newOutput()
  await esbuild('mjs', without, '--loader:.node=copy')
  const failed = await attempt(directory, process.execPath, [join(without, 'use.mjs')])
  assert.equal(failed.status, 1)
  assert.match(failed.output, /crossgate was bundled without it\. Leave the package out/)
})

test('esbuild without either fails at the build, and shows the line that helps', async () => {
  const { status, output: said } = await esbuild('cjs', newOutput())
  assert.equal(status, 1)
  assert.match(said, /No loader is configured for "\.node" files/)
  assert.match(said, /require\('crossgate-[\w-]+'\) \/\/ keep external$/m)
})

for (const kind of ['cjs', 'mjs'])
  test(`ncc, ${kind}`, async () => {
    const output = newOutput()
    await run(directory, process.execPath, [
      ...[tool('@vercel/ncc/dist/ncc/cli.js'), 'build', `use.${kind}`, '--quiet', '-o', output]
    ])
    assert.ok(readdirSync(join(directory, output)).some(name => name.endsWith('.node')))
    assert.equal(await prints(output, true), 'allowed')
  })

async function rollup(external) {
  const output = newOutput()
  writeFileSync(
    join(directory, 'rollup.config.mjs'),
    `import commonjs from '@rollup/plugin-commonjs'
    import resolve from '@rollup/plugin-node-resolve'
    export default {
      input: 'use.mjs',
      output: { dir: ${JSON.stringify(output)}, entryFileNames: '[name].mjs' },
      plugins: [resolve({ preferBuiltins: true }), commonjs()],
      external: ${JSON.stringify(external)}
    }`
  )
  const program = [tool('rollup/dist/bin/rollup'), '--silent', '--config']
  return { ...(await attempt(directory, process.execPath, program)), folder: output }
}

test('Rollup: external', async () => {
  const { status, folder, output: said } = await rollup(['crossgate'])
  assert.equal(status, 0, said)
  assert.equal(await prints(folder), 'allowed')
  const without = await rollup([])
  assert.equal(without.status, 1)
  assert.match(without.output, /crossgate-[\w-]+\.node|crossgate\.[\w-]+\.node/)
})

async function webpack(externals) {
  const folder = newOutput()
  writeFileSync(
    join(directory, 'webpack.cjs'),
    `require('webpack')(
      {
        mode: 'production',
        target: 'node',
        entry: './use.cjs',
        output: { path: require('path').resolve(${JSON.stringify(folder)}), filename: 'use.cjs' },
        externals: ${JSON.stringify(externals)}
      },
      (error, stats) => {
        console.log(error ?? stats.toString({ all: false, errors: true }))
        if (error || stats.hasErrors()) process.exitCode = 1
      }
    )`
  )
  return { folder, ...(await attempt(directory, process.execPath, ['webpack.cjs'])) }
}

test('webpack: external', async () => {
  const { status, folder, output: said } = await webpack({ crossgate: 'commonjs crossgate' })
  assert.equal(status, 0, said)
  assert.equal(await prints(folder), 'allowed')
  const without = await webpack({})
  assert.equal(without.status, 1)
  assert.match(without.output, /crossgate\.[\w-]+\.node/)
})

async function vite(config) {
  const output = newOutput()
  writeFileSync(
    join(directory, 'vite.config.mjs'),
    `export default ${JSON.stringify({ logLevel: 'error', ...config })}`
  )
  await run(directory, process.execPath, [
    ...[tool('vite/bin/vite.js'), 'build', '--ssr', 'use.mjs', '--outDir', output]
  ])
  return prints(output)
}

test('Vite for the server: as it is; where nothing is external, by name', async () => {
  assert.equal(await vite({}), 'allowed')
  assert.equal(await vite({ ssr: { noExternal: true, external: ['crossgate'] } }), 'allowed')
})

test('tracers of files (Vercel, Next standalone) see the binary and nothing else', async () => {
  writeFileSync(
    join(directory, 'trace.mjs'),
    `import { nodeFileTrace } from '@vercel/nft'
    const { fileList } = await nodeFileTrace([process.cwd() + '/use.cjs'])
    console.log([...fileList].sort().join('\\n'))`
  )
  const files = (await run(directory, process.execPath, ['trace.mjs'])).trim().split('\n')
  assert.ok(files.includes(`node_modules/crossgate-${platform}/crossgate.${platform}.node`))
  const packed = content(released.main).map(name => `node_modules/crossgate/${name}`)
  const own = files.filter(name => name.startsWith('node_modules/crossgate/'))
  assert.deepEqual(
    own.filter(name => !packed.includes(name)),
    []
  )
})

const assertions = `
  const { reason } = new Policy({ allowOrigins: ['https://a.example'] }).evaluate('GET', {
    origin: 'https://a.example'
  })
  expect(reason).toBe('allowed')`

test('Jest, in several workers and after resetModules', async () => {
  for (const name of ['a', 'b'])
    writeFileSync(
      join(directory, `${name}.jest.cjs`),
      `for (const time of [1, 2])
        test('loads ' + time, () => {
          jest.resetModules()
          const { Policy } = require('crossgate')
          ${assertions}
        })`
    )
  writeFileSync(
    join(directory, 'jest.config.cjs'),
    `module.exports = { testMatch: ['**/*.jest.cjs'], moduleFileExtensions: ['cjs', 'js', 'node'] }`
  )
  const said = await run(directory, process.execPath, [
    ...[tool('jest/bin/jest.js'), '--config=jest.config.cjs', '--workers=2', '--watchman=false']
  ])
  assert.match(said, /Tests: +4 passed, 4 total/)
})

test('Vitest, in processes, threads and contexts', async () => {
  writeFileSync(
    join(directory, 'use.vitest.mjs'),
    `import { expect, test } from 'vitest'
    import { Policy } from 'crossgate'
    test('loads', () => {${assertions}})`
  )
  const config = { test: { include: ['*.vitest.mjs'] } }
  writeFileSync(join(directory, 'vitest.config.mjs'), `export default ${JSON.stringify(config)}`)
  for (const pool of ['forks', 'threads', 'vmThreads']) {
    const said = await run(directory, process.execPath, [
      ...[tool('vitest/vitest.mjs'), 'run', '--config=vitest.config.mjs', `--pool=${pool}`]
    ])
    assert.match(said, /Tests +1 passed/)
  }
})
